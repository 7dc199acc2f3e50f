"""A store that answers for one caller: what is hidden from him is not there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from kitamae.kernel.context.query import match
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.context.store import Found, InstanceQuery, Row
from kitamae.kernel.context.veil import asked
from kitamae.kernel.context.veil.hidden import Hidden, hidden

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from kitamae.kernel.context.broker import Broker
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.operations.command import Effect
    from kitamae.kernel.context.store import Change, Figures, Instance, Readings, Store, Transaction
    from kitamae.kernel.context.temporal.query import Aggregation
    from kitamae.kernel.people.person import Principal

_numbers: dict[tuple[frozenset[str], frozenset[tuple[str, frozenset[str]]]], int] = {}
_AT_ONCE: Final = 100
"""Entities whose history is looked at together."""
_APART: Final = 1 << 44
"""Keys of rows are below that: each way of seeing has keys of its own, because answers are remembered by them."""


def seen_by(broker: Broker, who: Principal, tenant: str) -> Broker:
    """The broker as that caller may read it; the very same one where nothing is hidden from him."""
    if not broker.policy.facts.classes:
        return broker
    what = hidden(broker.policy, who, tenant)
    return replace(broker, store=veiled(broker.store, what)) if what else broker


def veiled(store: Store, what: Hidden) -> Store:
    """All that a store does; what it reads is without what is hidden."""
    return cast("Store", Veiled(store, lambda: what))


def hidden_in(store: Store) -> Hidden | None:
    """What that store does not show, and what other sources tell of it neither; None: it shows all."""
    return store.hidden() if isinstance(store, Veiled) else None


class Veiled:
    """Implements `Store`: what is not written here it does as the store behind it. `what()`: hidden at the moment."""

    def __init__(self, store: Store, what: Callable[[], Hidden]) -> None:
        self.behind = store
        self._what = what

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)

    def hidden(self) -> Hidden:
        """What it does not show at the moment."""
        return self._what()

    # --- the present
    async def row(self, tenant: str, id: str, variant: str = "") -> Row | None:
        """See `Store.row`."""
        found = await self.behind.row(tenant, id, variant)
        return found and _shown(found, self._what())

    async def find(self, query: EntityQuery) -> Found:
        """See `Store.find`. Raises Forbidden for a question that asks by what is hidden."""
        what = self._what()
        narrow = await self._narrowed(query, what)
        if narrow is None:
            return Found([], 0 if query.count else None)
        apart = asked.apart(narrow, what) | what.types
        gone = ((await self.behind.find(asked.of_both(narrow, apart))).count or 0) if apart else 0
        # he is to notice them neither in the count nor in a page that is short
        asking = replace(narrow, offset=0, limit=narrow.offset + narrow.limit + gone) if gone else narrow
        found = await self.behind.find(asking)
        rows = [row for one in found.rows if (row := _seen(one, query, what, apart)) is not None]
        if not gone:
            return replace(found, rows=rows)
        count = None if found.count is None else found.count - gone
        return replace(found, rows=rows[narrow.offset : narrow.offset + narrow.limit], count=count)

    async def stream(self, query: EntityQuery) -> AsyncIterator[Row]:
        """See `Store.stream`. Raises Forbidden."""
        what = self._what()
        narrow = await self._narrowed(query, what)
        if narrow is None:
            return
        apart = asked.apart(narrow, what)
        async for one in self.behind.stream(narrow):
            row = _seen(one, query, what, apart)
            if row is not None:
                yield row

    async def types(self, tenant: str) -> dict[str, int]:
        """See `Store.types`."""
        gone = self._what().types
        return {name: count for name, count in (await self.behind.types(tenant)).items() if name not in gone}

    async def attributes(self, tenant: str, type: str | None = None) -> dict[str, dict[str, Any]]:
        """See `Store.attributes`: an attribute is counted in the types in which it is seen."""
        what = self._what()
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
        what = self._what()
        narrow = asked.narrowed(query, replace_types(what), ())
        types = frozenset(name for together in query.types.any_of for name in together)
        attrs = asked.attributes(history.attrs, types, what)
        if narrow is None or (history.attrs and not attrs):
            return Found([], 0 if query.count else None)
        history = replace(history, attrs=attrs)
        apart = asked.apart(replace(narrow, attrs=attrs), what)
        if types and not (what.types or apart or what.of(types)):
            return await self.behind.remembered(narrow, history, after)
        rows: list[Row] = []
        matched, asking = 0, replace(narrow, offset=0, limit=_AT_ONCE, count=False)
        while True:  # page by page, because neither a page nor the count is to tell of what is hidden
            page = (await self.behind.remembered(asking, history, after)).rows
            for row in await self._remembered(page, history, what, apart):
                matched += 1
                if narrow.offset < matched <= narrow.offset + narrow.limit:
                    rows.append(row)
            if len(page) < _AT_ONCE or (not query.count and matched >= narrow.offset + narrow.limit):
                return Found(rows, matched if query.count else None)
            after = orjson.loads(page[-1].doc)["id"]

    async def _remembered(
        self, rows: list[Row], history: InstanceQuery, what: Hidden, apart: frozenset[str]
    ) -> list[Row]:
        """Those that he sees something of within the interval."""
        shown = [
            (row, orjson.loads(row.doc)) for one in rows if (row := _shown(one, what, apart)) is not None
        ]
        names = {entity["id"]: some for _, entity in shown if (some := what.of(entity["type"]))}
        one_of_each = replace(history, entities=tuple(names), last=None, limit=1)
        told = await self.behind.instances(one_of_each) if names else ()
        seen = {one.entity for one in told if one.name not in names[one.entity]}
        return [row for row, entity in shown if entity["id"] not in names or entity["id"] in seen]

    # --- changes
    async def changes(self, after: int, most: int) -> list[Change]:
        """See `Store.changes`; empty only at their end."""
        what = self._what()
        while True:
            found = await self.behind.changes(after, most)
            seen = [one for change in found if (one := what.change(change)) is not None]
            if seen or not found:
                return seen
            after = found[-1].seq

    def on_change(self, watch: Callable[[Transaction, Change, Effect], Awaitable[None]]) -> None:
        """See `Store.on_change`."""

        async def see(tx: Transaction, change: Change, effect: Effect) -> None:
            what = self._what()
            seen = what.effect(effect) if what else effect
            if seen is not None:
                await watch(cast("Transaction", _Reading(tx, what)) if what else tx, change, seen)

        self.behind.on_change(see)

    async def _narrowed(self, query: EntityQuery, what: Hidden) -> EntityQuery | None:
        known = await self.behind.types(query.tenant) if what.types and not query.types.any_of else ()
        return asked.narrowed(query, what, known)

    async def _shows(self, query: InstanceQuery) -> Callable[[str, str], bool]:
        """(entity, attribute) -> does he see that. An entity of which nothing is known any more shows nothing that is hidden of any."""
        what = self._what()
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


def replace_types(what: Hidden) -> Hidden:
    """Only what is hidden of attributes: of history, hidden types are taken out of what is found."""
    return Hidden(frozenset(), what.attributes)


def _shown(row: Row, what: Hidden, apart: frozenset[str] = frozenset()) -> Row | None:
    """`apart`: see `asked.apart`."""
    entity: Entity = orjson.loads(row.doc)
    seen = what.entity(entity) if apart.isdisjoint(entity["type"]) else None
    if seen is None:
        return None
    return row if seen is entity else Row(row.key + _APART * _number(what), row.version, orjson.dumps(seen))


def _seen(row: Row, query: EntityQuery, what: Hidden, apart: frozenset[str]) -> Row | None:
    """The same of what was found; an entity that has the datasets of the question in what is hidden alone is none of it."""
    shown = _shown(row, what, apart)
    if shown is None or not query.datasets or match.entity(query, orjson.loads(shown.doc)):
        return shown
    return None


def _number(what: Hidden) -> int:
    """Of this way of seeing, from 1."""
    told = (what.types, frozenset(what.attributes.items()))
    return _numbers.setdefault(told, len(_numbers) + 1)
