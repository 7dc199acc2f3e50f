"""/v2/types: which types there are, with their attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.context.api.answer import Answer, of_json
from kitamae.kernel.context.query.tree import EntityQuery, TypeQ
from kitamae.kernel.context.v2 import query
from kitamae.kernel.context.v2.attribute import type_of
from kitamae.kernel.context.v2.operations import current
from kitamae.kernel.problems import NotFound

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.v2.exchange import Exchange

LOOKED_AT: Final = 1_000
"""Entities of one type whose attributes' types are looked at."""


async def listing(x: Exchange) -> Answer:
    """GET types; options `values`, `count`, `noAttrDetail`."""
    options = x.options("values", "count", "noAttrDetail")
    limits = x.broker.limits
    offset, limit = (
        x.whole("offset", 0, limits.offset_most),
        x.whole("limit", limits.page, limits.page_most, least=1),
    )
    x.request.demand("read", "entity:*")
    there = {x.words.compact(iri): iri for iri in await x.broker.store.types(x.request.tenant)}
    headers = [(b"fiware-total-count", b"%d" % len(there))] if "count" in options else []
    page = sorted(there)[offset : offset + limit]
    if "values" in options:
        return of_json(200, page, headers)
    detail = "noAttrDetail" not in options
    shown = [{"type": name, **await _described(x, there[name], detail)} for name in page]
    return of_json(200, shown, headers)


async def retrieve(x: Exchange, name: str) -> Answer:
    """GET types/{type}."""
    options = x.options("noAttrDetail")
    iri = x.words.expand(name)
    x.request.demand("read", f"entity:{iri}")
    described = await _described(x, iri, "noAttrDetail" not in options)
    if not described["count"]:
        raise NotFound("Entity type not found")
    return of_json(200, described)


async def _described(x: Exchange, iri: str, detail: bool) -> dict[str, Any]:
    store, tenant = x.broker.store, x.request.tenant
    scope, _ = query.scope(x.paths)
    wanted = EntityQuery(tenant, types=TypeQ(((iri,),)), scope=scope, limit=LOOKED_AT, count=True)
    found = await store.find(wanted)
    names = {x.words.compact(one): set[str]() for one in await store.attributes(tenant, iri)}
    if detail:
        for row in found.rows:
            entity: Entity = orjson.loads(row.doc)
            for name, instances in entity["attrs"].items():
                one = current(instances)
                if one is not None:
                    names.setdefault(x.words.compact(name), set()).add(type_of(one, x.words))
    return {"attrs": {name: {"types": sorted(types)} for name, types in names.items()}, "count": found.count}
