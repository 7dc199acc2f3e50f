# ruff: noqa: S608  # put together from the planner's text and parameter numbers; every value is bound
"""Entities that history knows, by id: the living and the gone, a piece at a time.

Where the query leaves few, those are put in order; where it leaves much of the city, the index of ids is walked along,
so that the first page does not wait for all of them. Nothing is read that the page does not need.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from kitamae.adapters.postgres import census, series, translate
from kitamae.adapters.postgres.find import ROW, Finder
from kitamae.adapters.postgres.named import queries
from kitamae.kernel.context.store import Found, Row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from asyncpg import Connection, Record

    from kitamae.adapters.sql.plan import Plan
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.store import InstanceQuery

_SQL = queries("history")
_LAST: Final = "\U0010ffff"  # behind every id
_PIECES: Final = (32, 128, 512)  # candidates that are read at once; the last one repeats
SORTED: Final = 5_000
"""Entities of a type that are quicker put in order than found along the ids of all."""


class Recall:
    """One question on one connection, inside a transaction that sees one state."""

    def __init__(
        self,
        db: Connection,
        query: EntityQuery,
        history: InstanceQuery,
        hot: dict[str, int],
        seconds: float,
        after: str | None,
    ) -> None:
        self._db, self._query, self._history, self._hot = db, query, history, hot
        self._finder = Finder(db, replace(query, order=()), hot, seconds)
        self._falling = bool(query.order) and query.order[0].descending  # by id is the only order there is
        self._low, self._high = ("", after or _LAST) if self._falling else (after or "", _LAST)

    async def found(self) -> Found:
        """See `Store.remembered`. A living entity is judged by its present state, a deleted one by its last."""
        query = self._query
        end = query.offset + query.limit
        rows: list[Row] = []
        seen = 0
        async for row in self._kept():
            if query.offset <= seen < end:
                rows.append(Row(row["key"], row["version"], row["doc"]))
            seen += 1
            if seen >= end and not query.count:
                break
        return Found(rows, seen if query.count else None)

    async def _kept(self) -> AsyncIterator[Record]:
        """Those that match and have an instance that is asked for, in order."""
        candidates: list[Record] = []
        pieces = iter(_PIECES)
        size = next(pieces)
        async for row in self._merged():
            candidates.append(row)
            if len(candidates) == size:
                for kept in await self._judged(candidates):
                    yield kept
                candidates, size = [], next(pieces, _PIECES[-1])
        for kept in await self._judged(candidates):
            yield kept

    async def _judged(self, candidates: Sequence[Record]) -> list[Record]:
        return await _with_history(self._db, await self._finder.judge(candidates), self._history)

    # --- candidates in order
    async def _merged(self) -> AsyncIterator[Record]:
        """The living and the gone."""
        streams = [aiter(self._living(await self._plan())), aiter(self._gone())]
        heads: list[Any] = [await anext(stream, None) for stream in streams]
        while there := [n for n, head in enumerate(heads) if head is not None]:
            n = (max if self._falling else min)(there, key=lambda n: str(heads[n]["id"]))
            yield heads[n]
            heads[n] = await anext(streams[n], None)

    async def _plan(self) -> Plan:
        query, plan = self._finder.query, self._finder.plan
        if translate.narrow(plan):
            return plan
        alone = [together[0] for together in query.types.any_of if len(together) == 1]
        if alone and await census.count(self._db, query.tenant, alone[0]) <= SORTED:
            return plan
        return translate.along(query, self._hot)

    async def _living(self, plan: Plan) -> AsyncIterator[Record]:
        what, where = f"{plan.unsure} AS unsure", f"FROM {plan.source} WHERE {plan.where}"
        if plan.key == translate.ALONG:
            async for row in self._walk(f"SELECT e.id, e.variant, {ROW}, {what} {where}", plan.params):
                yield row
            return
        n, way = len(plan.params), "DESC" if self._falling else "ASC"
        cursor = await self._db.cursor(
            f"SELECT d.id, {ROW}, d.unsure FROM (SELECT e.id, e.key, {what} {where} AND e.id > ${n + 1} AND e.id < ${n + 2}"
            f" ORDER BY e.id {way}, e.variant {way} OFFSET 0) AS d"
            " CROSS JOIN LATERAL (SELECT * FROM entity AS e WHERE e.tenant = $1 AND e.key = d.key OFFSET 0) AS e",
            *plan.params,
            self._low,
            self._high,
        )
        while found := await cursor.fetch(_PIECES[0]):
            for row in found:
                yield row

    async def _gone(self) -> AsyncIterator[Record]:
        ids = list(self._query.ids) if self._query.ids else None
        async for row in self._walk(_SQL["past"], [self._query.tenant, ids]):
            yield row

    async def _walk(self, select: str, params: Sequence[Any]) -> AsyncIterator[Record]:
        """Along the index of ids, each piece from where the last one ended. `select` ends with its conditions."""
        n = len(params)
        way, beyond = ("DESC", "<") if self._falling else ("ASC", ">")
        at, bound = (self._high, self._low) if self._falling else (self._low, self._high)
        variant = "" if self._falling else _LAST  # none of the entity that it begins behind
        pieces = iter(_PIECES)
        size = next(pieces)
        while True:
            found = await self._db.fetch(
                f"{select} AND (e.id, e.variant) {beyond} (${n + 1}::text, ${n + 2}::text)"
                f" AND e.id {'>' if self._falling else '<'} ${n + 3}::text"
                f" ORDER BY e.id {way}, e.variant {way} LIMIT {size}",
                *params,
                at,
                variant,
                bound,
            )
            for row in found:
                yield row
            if len(found) < size:
                return
            at, variant = found[-1]["id"], found[-1]["variant"]
            size = next(pieces, _PIECES[-1])


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
