"""Which entities a question about history selects (5.7.4.4): by what they were within the interval, not by what they are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.context.query import match
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.turns import Turns

if TYPE_CHECKING:
    from kitamae.kernel.context.api.evolution import Evolution
    from kitamae.kernel.context.broker import Broker
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.store import Store

_AT_ONCE: Final = 100
"""Entities whose history is looked at together."""


@dataclass(slots=True)
class Selected:
    """A page of entities without their attributes; `more`: there is a next page."""

    entities: list[Entity] = field(default_factory=list)
    more: bool = False
    count: int | None = None


async def select(broker: Broker, wanted: EntityQuery, what: Evolution) -> Selected:
    """`attrs`, `q` and `geo` are answered from the instances within the interval, the rest from the entity itself.

    Raises TooComplex where that takes too long.
    """
    store, turns = broker.store, Turns(broker.limits.seconds)
    plain = replace(wanted, attrs=(), q=None, geo=None, datasets=())
    history = what.history(wanted.tenant)
    if wanted.q is None and wanted.geo is None:
        found = await store.remembered(replace(plain, limit=wanted.limit + 1 if wanted.limit else 0), history)
        entities = [orjson.loads(row.doc) for row in found.rows[: wanted.limit]]
        return Selected(entities, len(found.rows) > wanted.limit, found.count)
    selected, matched = Selected(), 0
    after = None
    while True:
        await turns.next()
        page = await store.remembered(
            replace(plain, limit=_AT_ONCE, offset=0, count=False), replace(history, attrs=()), after
        )
        candidates: list[Entity] = [orjson.loads(row.doc) for row in page.rows]
        for entity in await _matching(store, wanted, what, candidates):
            matched += 1
            if wanted.offset < matched <= wanted.offset + wanted.limit:
                selected.entities.append(entity)
        selected.more = matched > wanted.offset + wanted.limit
        if len(candidates) < _AT_ONCE or (selected.more and not wanted.count):
            break
        after = candidates[-1]["id"]
    selected.count = matched if wanted.count else None
    return selected


async def _matching(
    store: Store, wanted: EntityQuery, what: Evolution, candidates: list[Entity]
) -> list[Entity]:
    """Those that have instances within the interval which meet the conditions, and such as were asked for."""
    if not candidates:
        return []
    every = replace(
        what.history(wanted.tenant), entities=tuple(one["id"] for one in candidates), attrs=(), last=None
    )
    was: dict[str, dict[str, list[Any]]] = {}
    for one in await store.instances(every):
        if one.deleted_at is None:
            was.setdefault(one.entity, {}).setdefault(one.name, []).append(one.attribute)
    conditions = EntityQuery(q=wanted.q, geo=wanted.geo, attrs=what.attrs or ())
    return [
        entity
        for entity in candidates
        if match.entity(conditions, {**entity, "attrs": was.get(entity["id"], {})})
    ]
