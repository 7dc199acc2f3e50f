"""A store that answers for one caller: what is hidden from him is not there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from kitamae.kernel.context.query.tree import EntityQuery, TypeQ
from kitamae.kernel.context.store import Found, InstanceQuery, Row
from kitamae.kernel.context.veil import asked
from kitamae.kernel.context.veil.hidden import hidden, less

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from kitamae.kernel.context.broker import Broker
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.operations.command import Effect
    from kitamae.kernel.context.store import Change, Figures, Instance, Readings, Store, Transaction
    from kitamae.kernel.context.temporal.query import Aggregation
    from kitamae.kernel.context.veil.hidden import Hidden
    from kitamae.kernel.people.person import Principal

_AT_ONCE: Final = 100
"""Entities whose history is looked at together."""


def seen_by(broker: Broker, who: Principal, tenant: str) -> Broker:
    """The broker as that caller may read it; the very same one where nothing is hidden from him."""
    if not broker.policy.facts.classes:
        return broker
    policy = broker.policy
    what = policy.made((hidden, who, tenant), lambda: hidden(policy, who, tenant))
    return replace(broker, store=veiled(broker.store, what)) if what else broker


def veiled(store: Store, what: Hidden) -> Store:
    """All that a store does; what it reads is without what is hidden."""
    return cast("Store", Veiled(store, what))


def hidden_in(store: Store) -> Hidden | None:
    """What that store does not show, and what other sources tell of it neither; None: it shows all."""
    return store.hidden if isinstance(store, Veiled) else None


def behind(store: Store) -> Store:
    """The store that shows all: what a write is decided on, whatever the writer may see."""
    return store.behind if isinstance(store, Veiled) else store


class Veiled:
    """Implements `Store`: what is not written here it does as the store behind it."""

    def __init__(self, store: Store, what: Hidden) -> None:
        self.behind = store
        self.hidden = what

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)

    # --- the present
    async def row(self, tenant: str, id: str, variant: str = "") -> Row | None:
        """See `Store.row`."""
        found = await self.behind.row(tenant, id, variant)
        if found is None:
            return None
        entity: Entity = orjson.loads(found.doc)
        return None if self.hidden.all_of(entity["type"]) else self._open(found, entity)

    async def find(self, query: EntityQuery) -> Found:
        """See `Store.find`. Raises Forbidden for a question that asks by what is hidden."""
        narrow = asked.narrowed(query, self.hidden)
        if narrow is None:
            return Found([], 0 if query.count else None)
        found = await self.behind.find(narrow)
        return replace(found, rows=[self._open(one, orjson.loads(one.doc)) for one in found.rows])

    async def stream(self, query: EntityQuery) -> AsyncIterator[Row]:
        """See `Store.stream`. Raises Forbidden."""
        narrow = asked.narrowed(query, self.hidden)
        if narrow is None:
            return
        async for one in self.behind.stream(narrow):
            yield self._open(one, orjson.loads(one.doc))

    async def types(self, tenant: str) -> dict[str, int]:
        """See `Store.types`."""
        found = await self.behind.types(tenant)
        gone = [name for name in self.hidden.types if found.pop(name, 0)]
        for name in [*found] if gone else ():  # an entity may be of both
            asking = EntityQuery(tenant, types=TypeQ(tuple((one, name) for one in gone)), limit=0, count=True)
            found[name] -= (await self.behind.find(asking)).count or 0
        return {name: count for name, count in found.items() if count}

    async def attributes(self, tenant: str, type: str | None = None) -> dict[str, dict[str, Any]]:
        """See `Store.attributes`: an attribute is counted in the types in which it is seen."""
        what = self.hidden
        if type is not None:
            if type in what.types:
                return {}
            found = await self.behind.attributes(tenant, type)
            return {name: told for name, told in found.items() if name not in what.of((type,))}
        seen: dict[str, dict[str, Any]] = {}
        for one in await self.types(tenant):
            for name, told in (await self.attributes(tenant, one)).items():
                known = seen.setdefault(name, {"count": 0, "kinds": [], "types": []})
                known["count"] += told["count"]
                known["kinds"] = sorted({*known["kinds"], *told["kinds"]})
                known["types"] = sorted({*known["types"], one})
        return seen

    # --- history
    async def instances(self, query: InstanceQuery) -> list[Instance]:
        """See `Store.instances`."""
        found = await self.behind.instances(query)
        shows = await self._shows(query)
        return [one for one in found if shows(one.entity, one.name)]

    async def readings(self, query: InstanceQuery) -> list[Readings]:
        """See `Store.readings`."""
        found = await self.behind.readings(query)
        shows = await self._shows(query)
        return [one for one in found if shows(one.entity, one.name)]

    async def aggregate(self, query: InstanceQuery, aggregation: Aggregation, now: int) -> list[Figures]:
        """See `Store.aggregate`."""
        found = await self.behind.aggregate(query, aggregation, now)
        shows = await self._shows(query)
        return [one for one in found if shows(one.entity, one.name)]

    async def remembered(self, query: EntityQuery, history: InstanceQuery, after: str | None = None) -> Found:
        """See `Store.remembered`. Raises Forbidden."""
        what, types = self.hidden, asked.types(query)
        attrs = asked.attributes(history.attrs, types, what)
        narrow = asked.narrowed(query, what, attrs)
        if narrow is None or (history.attrs and not attrs):
            return Found([], 0 if query.count else None)
        history = replace(history, attrs=attrs)
        if attrs or not what.attributes or (types and not what.of(types)):
            found = await self.behind.remembered(narrow, history, after)
            return replace(found, rows=[self._open(one, orjson.loads(one.doc)) for one in found.rows])
        rows: list[Row] = []
        matched, asking = 0, replace(narrow, offset=0, limit=_AT_ONCE, count=False)
        while True:  # page by page, because neither a page nor the count is to tell of what is hidden
            page = (await self.behind.remembered(asking, history, after)).rows
            for row in await self._remembered(page, history):
                matched += 1
                if narrow.offset < matched <= narrow.offset + narrow.limit:
                    rows.append(row)
            if len(page) < _AT_ONCE or (not query.count and matched >= narrow.offset + narrow.limit):
                return Found(rows, matched if query.count else None)
            after = orjson.loads(page[-1].doc)["id"]

    async def _remembered(self, rows: list[Row], history: InstanceQuery) -> list[Row]:
        """Those that he sees something of within the interval."""
        there: list[tuple[Row, Entity]] = [(row, orjson.loads(row.doc)) for row in rows]
        names = {entity["id"]: some for _, entity in there if (some := self.hidden.of(entity["type"]))}
        one_of_each = replace(history, entities=tuple(names), last=None, limit=1)
        told = await self.behind.instances(one_of_each) if names else ()
        seen = {one.entity for one in told if one.name not in names[one.entity]}
        return [self._open(row, one) for row, one in there if one["id"] not in names or one["id"] in seen]

    # --- changes
    async def changes(self, after: int, most: int) -> list[Change]:
        """See `Store.changes`; empty only at their end."""
        what = self.hidden
        while True:
            found = await self.behind.changes(after, most)
            seen = [one for change in found if (one := what.change(change)) is not None]
            if seen or not found:
                return seen
            after = found[-1].seq

    def on_change(self, watch: Callable[[Transaction, Change, Effect], Awaitable[None]]) -> None:
        """See `Store.on_change`."""

        async def see(tx: Transaction, change: Change, effect: Effect) -> None:
            if (seen := self.hidden.effect(effect)) is not None:
                await watch(cast("Transaction", _Reading(tx, self.hidden)), change, seen)

        self.behind.on_change(see)

    def _open(self, row: Row, entity: Entity) -> Row:
        """The row of this entity, of which he sees something, without what he does not."""
        lacks = self.hidden.of(entity["type"]).intersection(entity["attrs"])
        return Row(row.key, row.version, orjson.dumps(less(entity, lacks)), lacks) if lacks else row

    async def _shows(self, query: InstanceQuery) -> Callable[[str, str], bool]:
        """(entity, attribute) -> does he see that. An entity of which nothing is known any more shows nothing that is hidden of any."""
        what = self.hidden
        every = frozenset(name for some in what.attributes.values() for name in some)
        gone: dict[str, frozenset[str] | None] = {}
        for id in query.entities:
            row = await self.behind.row(query.tenant, id)
            if row is None:
                asking = EntityQuery(query.tenant, ids=(id,), limit=1)
                row = next(
                    iter((await self.behind.remembered(asking, InstanceQuery(query.tenant, ()))).rows), None
                )
            types = orjson.loads(row.doc)["type"] if row is not None else None
            if types is None:
                gone[id] = None if what.types else every
            else:
                gone[id] = None if what.all_of(types) else what.of(types)

        def shows(id: str, name: str) -> bool:
            names = gone.get(id)
            return names is not None and name not in names

        return shows


class _Reading:
    """A transaction as a watcher sees it."""

    def __init__(self, tx: Transaction, what: Hidden) -> None:
        self._tx = tx
        self._what = what

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    async def entity(self, tenant: str, id: str, variant: str = "") -> Entity | None:
        """See `Transaction.entity`."""
        found = await self._tx.entity(tenant, id, variant)
        return found and self._what.entity(found)
