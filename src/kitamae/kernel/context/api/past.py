"""Which entities a question about history selects (5.7.4.4): by what they were within the interval, not by what they are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.context.names import SCOPE
from kitamae.kernel.context.query import match
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.context.store import InstanceQuery
from kitamae.kernel.context.temporal import scopes
from kitamae.kernel.turns import Turns

if TYPE_CHECKING:
    from kitamae.kernel.context.api.evolution import Evolution
    from kitamae.kernel.context.broker import Broker
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.store import Instance, Store
    from kitamae.kernel.context.temporal.scopes import Span

_AT_ONCE: Final = 100
"""Entities whose history is looked at together."""


@dataclass(slots=True)
class Selected:
    """A page of entities without their attributes; `more`: there is a next page.

    `within`: entity -> the moments that are meant, where not all are, because its scope was another at others.
    """

    entities: list[Entity] = field(default_factory=list)
    more: bool = False
    count: int | None = None
    within: dict[str, tuple[Span, ...]] = field(default_factory=dict)


async def select(broker: Broker, wanted: EntityQuery, what: Evolution) -> Selected:
    """`attrs`, `q`, `geo` and `scope` are answered from the instances within the interval, the rest from the entity itself.

    Raises TooComplex where that takes too long.
    """
    store, turns = broker.store, Turns(broker.limits.seconds)
    plain = replace(wanted, attrs=(), q=None, geo=None, scope=None, datasets=())
    history = what.history(wanted.tenant)
    if wanted.q is None and wanted.geo is None and wanted.scope is None:
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
        for entity, spans in await _matching(store, wanted, what, candidates):
            matched += 1
            if wanted.offset < matched <= wanted.offset + wanted.limit:
                selected.entities.append(entity)
                if spans != scopes.ALWAYS:
                    selected.within[entity["id"]] = spans
        selected.more = matched > wanted.offset + wanted.limit
        if len(candidates) < _AT_ONCE or (selected.more and not wanted.count):
            break
        after = candidates[-1]["id"]
    selected.count = matched if wanted.count else None
    return selected


async def _matching(
    store: Store, wanted: EntityQuery, what: Evolution, candidates: list[Entity]
) -> list[tuple[Entity, tuple[Span, ...]]]:
    """Those that have instances within the interval which meet the conditions, and such as were asked for; and when."""
    if not candidates:
        return []
    ids = tuple(one["id"] for one in candidates)
    was: dict[str, dict[str, list[Any]]] = {}
    if wanted.q is not None or wanted.geo is not None or what.attrs:
        every = replace(what.history(wanted.tenant), entities=ids, attrs=(), last=None)
        for one in await store.instances(every):
            if one.deleted_at is None:
                was.setdefault(one.entity, {}).setdefault(one.name, []).append(one.attribute)
    conditions = EntityQuery(q=wanted.q, geo=wanted.geo, attrs=what.attrs or ())
    left = [
        entity
        for entity in candidates
        if match.entity(conditions, {**entity, "attrs": was.get(entity["id"], {})})
    ]
    if wanted.scope is None:
        return [(entity, scopes.ALWAYS) for entity in left]
    held: dict[str, list[Instance]] = {}
    for one in await store.instances(InstanceQuery(wanted.tenant, ids, (SCOPE,))):
        held.setdefault(one.entity, []).append(one)
    return [
        (entity, spans)
        for entity in left
        if (
            spans := scopes.spans(
                wanted.scope, entity.get("scope", []), held.get(entity["id"], ()), what.when
            )
        )
    ]
