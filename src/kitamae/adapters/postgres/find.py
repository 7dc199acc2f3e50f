"""Queries over many entities: SQL says as much as it can, `query.match` decides what SQL could not say exactly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import orjson

from kitamae.adapters.postgres import census, translate
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

_SQL = queries("entity", "history")
ROW: Final = "e.key, e.version, e.doc"
_LEAST: Final = 16  # candidates that are looked into at once, at first
_MOST: Final = 1_000


class Finder:
    """One query on one connection, inside a transaction that sees one state. `seconds`: what its matching may take."""

    def __init__(self, db: Connection, query: EntityQuery, hot: dict[str, int], seconds: float) -> None:
        self._db, self.query, self._seconds = db, query, seconds
        self.plan = translate.where(query, hot)
        self._linked: dict[str, Entity | None] = {}
        self._missing: set[str] = set()
        self._spent = 0.0

    async def soon(self) -> Found | None:
        """The answer, where one statement gives it; needs no transaction. None: there is more to look at."""
        query, plan = self.query, self.plan
        if plan.exact or plan.order is None:
            return None
        end = query.offset + query.limit
        size = min(max(end * 7 // 4, _LEAST), _MOST)  # a circle fills 11 of 14 parts of its box
        sql = f"{plan.select(f'{ROW}, {plan.unsure} AS unsure')} LIMIT ${len(plan.params) + 1}::bigint"
        found = await self._db.fetch(sql, *plan.params, size)
        rows = await self.judge(found, None if query.count else end)
        if len(found) == size and (query.count or len(rows) < end):
            return None
        page = [Row(row["key"], row["version"], row["doc"]) for row in rows[query.offset : end]]
        return Found(page, len(rows) if query.count else None)

    async def found(self) -> Found:
        """See `Store.find`."""
        query, plan = self.query, self.plan
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
        query, plan = self.query, self.plan
        size = len(plan.params)
        sql = f"{plan.select(ROW)} LIMIT ${size + 1}::bigint OFFSET ${size + 2}::bigint"
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
        query = self.query
        placed: order.First[tuple[int, order.Places]] = order.First(
            order.page_end(query), query.order, lambda pair: pair[1]
        )
        seen = 0
        async for row in self.matching(_MOST):
            seen += 1
            placed.add((row.key, order.places(query.order, orjson.loads(row.doc))))
        page = placed.found()[query.offset :]
        found = await self._db.fetch(_SQL["entity_by_keys"], query.tenant, [key for key, _ in page])
        rows = [Row(key, version, doc) for _, key, version, doc in found]
        return Found(rows, seen if query.count else None)

    async def matching(self, first: int) -> AsyncIterator[Row]:
        """Those that match, in order. `first`: how many are wanted at least; more candidates are read as they are needed."""
        plan = self.plan
        cursor = await self._db.cursor(plan.select(f"{ROW}, {plan.unsure} AS unsure"), *plan.params)
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
                matches = match.entity(self.query, orjson.loads(row["doc"]), self._link)
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
        tenants, variants = [self.query.tenant] * len(readable), [""] * len(readable)
        for n, _, _, doc in await self._db.fetch(_SQL["rows_read"], tenants, readable, variants):
            entity: Entity = orjson.loads(doc)
            if self.query.without.isdisjoint(entity["type"]):  # else it is not there for who asks
                self._linked[readable[n - 1]] = entity


async def chunk(finder: Finder, after: int, size: int) -> tuple[list[Row], int | None]:
    """Matches among the next `size` candidates after a key, and the last key looked at; None: there are no more."""
    plan, n = finder.plan, len(finder.plan.params)
    more = f" AND {plan.key} > ${n + 1}::bigint"
    sql = f"{plan.select(f'{ROW}, {plan.unsure} AS unsure', more)} LIMIT ${n + 2}::bigint"
    found = await finder._db.fetch(sql, *plan.params, after, size)
    rows = [Row(row["key"], row["version"], row["doc"]) for row in await finder.judge(found)]
    return rows, found[-1]["key"] if len(found) == size else None
