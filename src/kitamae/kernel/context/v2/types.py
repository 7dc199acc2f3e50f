"""/v2/types: which types there are, with their attributes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.context.api.answer import Answer, of_json
from kitamae.kernel.context.query.tree import TypeQ
from kitamae.kernel.context.v2.attribute import type_of
from kitamae.kernel.context.v2.operations import current
from kitamae.kernel.context.v2.selection import within
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
        x.whole("limit", limits.page, limits.page_most),
    )
    x.request.demand("read", "entity:*")
    there = {x.words.compact(iri): iri for iri in await _in_paths(x)}
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


async def _in_paths(x: Exchange) -> list[str]:
    """Types of which there are entities in the service paths of the request."""
    types = list(await x.broker.store.types(x.request.tenant))
    base = replace(within(x, x.paths), limit=1)
    if base.scope is None and base.v2_path is None:
        return types
    return [iri for iri in types if (await x.broker.store.find(replace(base, types=TypeQ(((iri,),))))).rows]


async def _described(x: Exchange, iri: str, detail: bool) -> dict[str, Any]:
    store, tenant = x.broker.store, x.request.tenant
    wanted = replace(within(x, x.paths), types=TypeQ(((iri,),)), limit=LOOKED_AT, count=True)
    found = await store.find(wanted)
    names: dict[str, set[str]] = {}
    if found.count and found.count > LOOKED_AT:
        names = {x.words.compact(one): set() for one in await store.attributes(tenant, iri)}
    for row in found.rows:
        entity: Entity = orjson.loads(row.doc)
        for name, instances in entity["attrs"].items():
            types = names.setdefault(x.words.compact(name), set())
            one = current(instances)
            if one is not None and detail:
                types.add(type_of(one, x.words))
    return {"attrs": {name: {"types": sorted(types)} for name, types in names.items()}, "count": found.count}
