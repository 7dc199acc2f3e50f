"""Speaking to a context provider in NGSIv2: `POST op/query` and `POST op/update` below its url, as Orion does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.context.registration.peers import ERROR, INVALID, Unanswered
from kitamae.kernel.context.v2 import attribute, correlator
from kitamae.kernel.context.v2.names import Words, field, inner_id, outer_id
from kitamae.kernel.context.v2.operations import New
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.entity import Attribute, Entity, Json
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.registration.dialect import Errand
    from kitamae.kernel.context.registration.model import EntityInfo, Registration
    from kitamae.kernel.context.registration.peers import Reply

_PAGE: Final = 1_000
_PAGES: Final = 10


def _headers(errand: Errand, registration: Registration) -> dict[str, str]:
    """Nothing of the caller's own goes along: the provider sees the city. Raises Unanswered for a circle."""
    if correlator.count(errand.correlator, "cbfwd") >= correlator.MOST:
        raise Unanswered("the request went from broker to broker too often")
    found = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Fiware-Correlator": correlator.counted(errand.correlator, "cbfwd"),
        "Fiware-ServicePath": registration.doc["v2"]["path"],
        "Via": errand.via,
    }
    if errand.tenant:
        found["Fiware-Service"] = errand.tenant
    return found


async def query(
    errand: Errand,
    registration: Registration,
    wanted: Sequence[EntityQuery],
    attrs: frozenset[str],
) -> list[Entity]:
    """What it knows of that, whatever the conditions; only what it registered is believed. Raises Unanswered."""
    told, words = registration.information[0].attrs, Words(errand.context)
    body: dict[str, Json] = {
        "entities": _selectors(registration, wanted, words),
        "attrs": sorted(map(words.compact, (told & attrs) or told or attrs)),
    }
    content, found, headers = orjson.dumps(body), [], _headers(errand, registration)
    for page in range(_PAGES):
        slice_ = [("limit", str(_PAGE)), ("offset", str(page * _PAGE))]
        reply = await errand.peers.ask(registration, "POST", "op/query", slice_, headers, content)
        if reply.status == 404:
            break
        entities = _entities(reply, registration, words)
        found += entities
        if len(entities) != _PAGE:
            break
    return found


def _selectors(registration: Registration, wanted: Sequence[EntityQuery], words: Words) -> list[Json]:
    infos = registration.information[0].entities
    found: dict[bytes, Json] = {}
    for one in wanted:
        types = [conjunction[0] for conjunction in one.types.any_of]
        for info in infos:
            ids: list[str | None] = [info.id] if info.id is not None else [*one.ids] or [None]
            for id in ids:
                if one.ids and id not in one.ids:
                    continue
                kinds: list[str | None] = [*info.types] or [*types] or [None]
                for type in kinds:
                    if types and type not in types:
                        continue
                    selector = {"idPattern": ".*"} if id is None else {"id": outer_id(id)}
                    if type is not None:
                        selector["type"] = words.compact(type)
                    found[orjson.dumps(selector)] = selector
    return list(found.values())


def _entities(reply: Reply, registration: Registration, words: Words) -> list[Entity]:
    if not reply.done:
        raise Unanswered(f"it answers {reply.status}", ERROR)
    content = reply.json()
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise Unanswered("its answer is no list of entities", INVALID)
    try:
        made = [_entity(one, registration, words) for one in content]
    except BadRequest as problem:
        raise Unanswered(f"its answer cannot be read: {problem.detail}", INVALID) from None
    return [one for one in made if one is not None]


def _entity(given: dict[str, Any], registration: Registration, words: Words) -> Entity | None:
    type = words.expand(field(given.get("type", "Thing"), "type"))
    attrs = {field(name, "attribute name"): one for name, one in given.items() if name not in ("id", "type")}
    id = inner_id(field(given.get("id"), "id"))
    made = New(id, type, registration.doc["v2"]["path"], attrs, words).entity()
    information = registration.information[0]
    if not any(_registered(made, info) for info in information.entities):
        return None
    if information.attrs:
        made["attrs"] = {name: some for name, some in made["attrs"].items() if name in information.attrs}
    return made


def _registered(entity: Entity, info: EntityInfo) -> bool:
    return info.id in (None, entity["id"]) and set(info.types) <= set(entity["type"])


async def update(
    errand: Errand,
    registration: Registration,
    id: str,
    type: str | None,
    attrs: Mapping[str, Json],
) -> None:
    """Durable there when this returns. `id`, `type`, names and values as NGSIv2 writes them. Raises Unanswered."""
    entity = {"id": id, **({} if type is None else {"type": type}), **attrs}
    content = orjson.dumps({"actionType": "update", "entities": [entity]})
    headers = _headers(errand, registration)
    reply = await errand.peers.ask(registration, "POST", "op/update", (), headers, content)
    if not reply.done:
        raise Unanswered(f"it answers {reply.status}", ERROR)


class NgsiV2:
    """How NGSI-LD asks and tells sources that speak NGSIv2 (`registration.dialect.Dialect`)."""

    async def query(
        self,
        errand: Errand,
        registration: Registration,
        wanted: Sequence[EntityQuery],
        attrs: frozenset[str],
    ) -> list[Entity]:
        """See `query` above."""
        return await query(errand, registration, wanted, attrs)

    async def update(
        self,
        errand: Errand,
        registration: Registration,
        id: str,
        types: Sequence[str],
        attrs: Mapping[str, Attribute],
    ) -> None:
        """The first of the types is the one that NGSIv2 sees."""
        words = Words(errand.context)
        shown = {words.compact(name): attribute.shown(one, words) for name, one in attrs.items()}
        type = words.compact(types[0]) if types else None
        await update(errand, registration, outer_id(id), type, shown)
