"""Queries over many entities: SQL says as much as it can, `query.match` decides what SQL could not say exactly."""

from __future__ import annotations

import heapq
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.adapters.postgres import census, series, translate
from kitamae.adapters.postgres.named import queries
from kitamae.adapters.sql.plan import type_alone
from kitamae.kernel.context.query import match, order
from kitamae.kernel.context.store import Found, Row
from kitamae.kernel.problems import TooComplex

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from asyncpg import Connection, Record

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.store import InstanceQuery

_SQL = queries("entity", "history")
_ROW: Final = "e.key, e.version, e.doc"
_LAST: Final = "\U0010ffff"  # behind every id
_LEAST: Final = 16  # candidates that are looked into at once, at first
_MOST: Final = 1_000


class Finder:
    """One query on one connection, inside a transaction that sees one state. `seconds`: what its matching may take."""

    def __init__(self, db: Connection, query: EntityQuery, hot: dict[str, int], seconds: float) -> None:
        self._db, self._query, self._seconds = db, query, seconds
        self.plan = translate.where(query, hot)
        self._linked: dict[str, Entity | None] = {}
        self._missing: set[str] = set()
        self._spent = 0.0

    async def soon(self) -> Found | None:
        """The answer, where one statement gives it; needs no transaction. None: there is more to look at."""
        query, plan = self._query, self.plan
        if plan.exact or plan.order is None:
            return None
        end = query.offset + query.limit
        size = min(max(end + end // 2, _LEAST), _MOST)
        sql = f"{plan.select(f'{_ROW}, {plan.unsure} AS unsure')} LIMIT ${len(plan.params) + 1}::bigint"
        found = await self._db.fetch(sql, *plan.params, size)
        rows = await self.judge(found, None if query.count else end)
        if len(found) == size and (query.count or len(rows) < end):
            return None
        page = [Row(row["key"], row["version"], row["doc"]) for row in rows[query.offset : end]]
        return Found(page, len(rows) if query.count else None)

    async def found(self) -> Found:
        """See `Store.find`."""
        query, plan = self._query, self.plan
        if plan.exact and plan.order is not None:
            return await self._exactly()
        if plan.order is None:
            return await self._sorted()
        end = query.offset + query.limit
        rows: list[Row] = []
        seen = 0
        async for row in self.matching(end):
            seen += 1
            if query.offset < seen <= end:
                rows.append(row)
            if seen >= end and not query.count:
                break
        return Found(rows, seen if query.count else None)

    async def _exactly(self) -> Found:
        query, plan = self._query, self.plan
        size = len(plan.params)
        sql = f"{plan.select(_ROW)} LIMIT ${size + 1}::bigint OFFSET ${size + 2}::bigint"
        rows = [Row(*row) for row in await self._db.fetch(sql, *plan.params, query.limit, query.offset)]
        if not query.count:
            return Found(rows)
        if rows and len(rows) < query.limit:
            return Found(rows, query.offset + len(rows))
        if (one := type_alone(query)) is not None:
            return Found(rows, await census.count(self._db, query.tenant, one))
        return Found(
            rows,
            await self._db.fetchval(f"SELECT count(*) FROM {plan.source} WHERE {plan.where}", *plan.params),
        )

    async def _sorted(self) -> Found:
        """In an order that only the kernel knows. What is kept of each match is where it stands, not its document."""
        query = self._query
        placed = [
            (row.key, order.places(query.order, orjson.loads(row.doc))) async for row in self.matching(_MOST)
        ]
        page = order.sort(query.order, placed, lambda pair: pair[1])[
            query.offset : query.offset + query.limit
        ]
        found = await self._db.fetch(_SQL["entity_by_keys"], query.tenant, [key for key, _ in page])
        rows = [Row(key, version, doc) for _, key, version, doc in found]
        return Found(rows, len(placed) if query.count else None)

    async def matching(self, first: int) -> AsyncIterator[Row]:
        """Those that match, in order. `first`: how many are wanted at least; more candidates are read as they are needed."""
        plan = self.plan
        cursor = await self._db.cursor(plan.select(f"{_ROW}, {plan.unsure} AS unsure"), *plan.params)
        size = min(max(first, _LEAST), _MOST)
        while found := await cursor.fetch(size):
            for row in await self.judge(found):
                yield Row(row["key"], row["version"], row["doc"])
            if len(found) < size:
                return
            size = min(size * 2, _MOST)

    async def judge(self, found: Sequence[Record], enough: int | None = None) -> list[Record]:
        """Those that match, or the first of them if so many are `enough`. Raises TooComplex when it takes too long."""
        answer: dict[int, Record] = {}
        again = list(enumerate(found))
        while again:
            began = time.thread_time()
            unknown: list[tuple[int, Record, frozenset[str]]] = []
            for n, row in again:
                if len(answer) == enough and not unknown and len(again) == len(found):
                    break  # everything before is known
                if not row["unsure"]:
                    answer[n] = row
                    continue
                matches = match.entity(self._query, orjson.loads(row["doc"]), self._link)
                if self._missing:
                    unknown.append((n, row, frozenset(self._missing)))
                    self._missing.clear()
                elif matches:
                    answer[n] = row
            self._spent += time.thread_time() - began
            if self._spent > self._seconds:
                raise TooComplex(
                    f"the query took longer than {self._seconds:g} s; narrow it by type, id, place or a declared attribute"
                )
            await self._follow({id for _, _, ids in unknown for id in ids})
            again = [(n, row) for n, row, _ in unknown]
        return [answer[n] for n in sorted(answer)]

    def _link(self, id: str) -> Entity | None:
        """The entity that a relationship leads to; one that is not read yet is noted, and the row judged again."""
        if id not in self._linked:
            self._missing.add(id)
            return None
        return self._linked[id]

    async def _follow(self, ids: set[str]) -> None:
        if not ids:
            return
        wanted = sorted(ids)
        self._linked.update(dict.fromkeys(wanted))
        readable = [id for id in wanted if "\0" not in id]
        tenants, variants = [self._query.tenant] * len(readable), [""] * len(readable)
        for n, _, _, doc in await self._db.fetch(_SQL["rows_read"], tenants, readable, variants):
            self._linked[readable[n - 1]] = orjson.loads(doc)


async def chunk(finder: Finder, after: int, size: int) -> tuple[list[Row], int | None]:
    """Matches among the next `size` candidates after a key, and the last key looked at; None: there are no more."""
    plan, n = finder.plan, len(finder.plan.params)
    more = f" AND {plan.key} > ${n + 1}::bigint"
    sql = f"{plan.select(f'{_ROW}, {plan.unsure} AS unsure', more)} LIMIT ${n + 2}::bigint"
    found = await finder._db.fetch(sql, *plan.params, after, size)
    rows = [Row(row["key"], row["version"], row["doc"]) for row in await finder.judge(found)]
    return rows, found[-1]["key"] if len(found) == size else None


async def remembered(
    db: Connection,
    query: EntityQuery,
    history: InstanceQuery,
    hot: dict[str, int],
    seconds: float,
    after: str | None = None,
) -> Found:
    """See `Store.remembered`. A living entity is judged by its present state, a deleted one by its last."""
    falling = bool(query.order) and query.order[0].descending  # by id is the only order that history has
    way = "DESC" if falling else "ASC"
    finder = Finder(db, replace(query, order=()), hot, seconds)
    plan = finder.plan
    low, high = ("", after or _LAST) if falling else (after or "", _LAST)
    bounds = len(plan.params)
    living: list[Any] = await db.fetch(
        f"SELECT e.id, {_ROW}, {plan.unsure} AS unsure FROM {plan.source} WHERE {plan.where}"
        f" AND e.id > ${bounds + 1} AND e.id < ${bounds + 2} ORDER BY e.id {way}, e.variant {way}",
        *plan.params,
        low,
        high,
    )
    ids = list(query.ids) if query.ids else None
    past: list[Any] = await db.fetch(_SQL["past"], query.tenant, ids, low, high)
    if falling:
        past.reverse()
    candidates = list(heapq.merge(living, past, key=lambda row: str(row["id"]), reverse=falling))
    kept = await _with_history(db, await finder.judge(candidates), history)
    page = kept[query.offset : query.offset + query.limit]
    return Found(
        [Row(row["key"], row["version"], row["doc"]) for row in page], len(kept) if query.count else None
    )


async def _with_history(db: Connection, found: Sequence[Record], history: InstanceQuery) -> list[Record]:
    """Those that have an instance that is asked for."""
    asked = replace(history, last=None, limit=1, entities=tuple(row["id"] for row in found))
    wanted = await series.named(db, asked)
    if wanted is None:
        of = await series.attributes(db, [row["key"] for row in found], asked)
        some = [series.Series(row["id"], row["key"], *one) for row in found for one in of.get(row["key"], ())]
    else:
        some = [series.Series(row["id"], row["key"], *one) for row in found for one in wanted]
    there = {some[row["n"] - 1].entity for row in await series.rows(db, asked, some)} if some else set()
    return [row for row in found if row["key"] in there]
