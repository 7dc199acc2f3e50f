"""Figures over periods, worked out by PostgreSQL where a series is plain numbers: the index alone is read, once.

What is not plain numbers goes the way of `temporal.aggregate`, which says what each figure is. Nothing is kept between
two questions.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from asyncpg import NumericValueOutOfRangeError

from kitamae.adapters.postgres import series
from kitamae.adapters.postgres.named import queries
from kitamae.kernel.context.names import SCOPE
from kitamae.kernel.context.query.match import NO_DATASET
from kitamae.kernel.context.store import Figures
from kitamae.kernel.context.temporal import aggregate
from kitamae.kernel.context.temporal.represent import moment

if TYPE_CHECKING:
    from asyncpg import Connection

    from kitamae.adapters.postgres.series import Series
    from kitamae.kernel.context.store import Instance, InstanceQuery
    from kitamae.kernel.context.temporal.query import Aggregation, Method

_SQL = queries("history")
_SAID: Final[dict[Method, str]] = {
    "totalCount": "count(num)",
    "distinctCount": "count(DISTINCT num)",
    "sum": "sum(num)",
    "avg": "avg(num)",
    "min": "min(num)",
    "max": "max(num)",
    "stddev": "stddev_pop(num)",
    "sumsq": "sum(num * num)",
}
_PICKED: Final = ("min", "max")
"""One of the numbers themselves: an integer where all are."""
PERIODS: Final = 10_000
"""Beyond so many, most of them with hardly an instance, looking for each costs more than reading them all."""


async def figures(db: Connection, query: InstanceQuery, aggregation: Aggregation, now: int) -> list[Figures]:
    """See `Store.aggregate`. In a transaction that sees one state."""
    if query.timeproperty != "observedAt" or query.instance or query.last or query.limit:
        return await defined(db, query, aggregation, now)
    found: list[Figures] = []
    for id, some in groupby(await series.concerned(db, query), lambda one: one.id):
        told = [one for one in some if one.name != SCOPE]
        if len({one[2:] for one in told}) < len(told):  # two variants of one id: their histories are one
            found += await defined(db, replace(query, entities=(id,)), aggregation, now)
        elif told:
            found += await _Entity(db, query, aggregation, now, told).figures()
    return found


async def defined(db: Connection, query: InstanceQuery, aggregation: Aggregation, now: int) -> list[Figures]:
    """By the definition, in a thread."""
    read = await series.instances(db, query)
    return await asyncio.to_thread(aggregate.figures, read, query, aggregation, now)


class _Entity:
    """One entity's series, which share their periods."""

    def __init__(
        self, db: Connection, query: InstanceQuery, aggregation: Aggregation, now: int, found: list[Series]
    ) -> None:
        self._db, self._query, self._asked, self._now, self._series = db, query, aggregation, now, found
        self._read: dict[Series, list[Instance]] = {}
        self._low, self._high = series.interval(query)
        self._observed = query.timerel is not None

    async def figures(self) -> list[Figures]:
        """Of each series. One that turns out not to be plain numbers is read, and may move where the periods start."""
        ends = await self._ends()
        told: dict[Series, Figures | None] = {}
        extent: tuple[int, int] | None = None
        while extent != (extent := self._extent(ends)):
            told = await self._counted(ends, *extent)
            for one in self._series:
                if one not in told:
                    if one not in self._read:
                        self._read[one] = await self._instances(one)
                        ends[one] = [moment(each, self._query) for each in self._read[one]]
                    told[one] = self._defined(one, *extent)
        return [figures for one in self._series if (figures := told[one]) is not None]

    def _which(self, some: list[Series]) -> tuple[list[int], list[int]]:
        return [one.entity for one in some], [one.attribute for one in some]

    async def _ends(self) -> dict[Series, list[int]]:
        """When each has its first and its last number."""
        rows = await self._db.fetch(
            _SQL["numbers_ends"], *self._which(self._series), self._low, self._high, self._observed
        )
        return {
            one: [] if row["first"] is None else [row["first"], row["last"]]
            for one, row in zip(self._series, rows, strict=True)
        }

    def _extent(self, ends: dict[Series, list[int]]) -> tuple[int, int]:
        return aggregate.extent(self._query, [t for some in ends.values() for t in some])

    async def _instances(self, one: Series) -> list[Instance]:
        query = replace(
            self._query, entities=(one.id,), attrs=(one.name,), datasets=(one.dataset or NO_DATASET,)
        )
        return aggregate.present(await series.instances(self._db, query), self._now)

    def _defined(self, one: Series, start: int, end: int) -> Figures | None:
        """As the definition goes; None where nothing counts."""
        some = self._read[one]
        if not some:
            return None
        told = aggregate.aggregate(aggregate.samples(some, self._query), self._asked, start, end)
        return Figures(one.id, one.name, one.dataset, some[0].attribute["kind"], told)

    async def _counted(
        self, ends: dict[Series, list[int]], start: int, end: int
    ) -> dict[Series, Figures | None]:
        """As PostgreSQL counts, without those in which there is something else than numbers."""
        period, some = (
            self._asked.period,
            [one for one in self._series if one not in self._read and ends[one]],
        )
        if not some:
            return {}
        times = [t for one in some for t in ends[one]]
        first, last = (
            (0, 0) if period.whole else (period.index(start, min(times)), period.index(start, max(times)))
        )
        if (last - first) * len(some) >= PERIODS:
            return {}
        edges = [self._low, *(period.boundary(start, k) for k in range(first + 1, last + 1)), self._high]
        said = ", ".join(
            [_SAID[method] for method in self._asked.methods]
            + ["bool_and(whole)" for method in _PICKED if method in self._asked.methods][:1]
        )
        given = *self._which(some), edges[:-1], edges[1:], self._observed
        try:
            async with self._db.transaction():
                rows = await self._db.fetch(_SQL["figures"].format(figures=said), *given)
        except NumericValueOutOfRangeError:
            return {}  # a sum is larger than a number can be, or a square smaller
        told: dict[Series, Figures | None] = {}
        for n, of in groupby(rows, lambda row: int(row[0])):
            one, found = some[n - 1], list(of)
            others = sum(row[2] - row[3] for row in found)
            if not others or others == await self._deleted(one):
                told[one] = self._told(one, found, start, end, first)
        return told

    async def _deleted(self, one: Series) -> int:
        """How many of its instances say that something was deleted."""
        given = one.entity, one.attribute, self._low, self._high, self._observed
        return int(await self._db.fetchval(_SQL["deleted_between"], *given))

    def _told(self, one: Series, rows: list[Any], start: int, end: int, first: int) -> Figures:
        """`rows`: (series, period from 1, instances, numbers, a figure for each method, whether all are whole)."""
        methods = self._asked.methods
        told: dict[Method, list[tuple[Any, int, int]]] = {method: [] for method in methods}
        for _, k, _, numbers, *found in rows:
            if numbers:
                begin, finish = aggregate.bounds(self._asked, start, end, first + k - 1)
                for method, figure in zip(methods, found, strict=False):
                    if math.isfinite(figure):
                        shown = int(figure) if method in _PICKED and found[-1] else figure
                        told[method].append((shown, begin, finish))
        return Figures(one.id, one.name, one.dataset, "Property", told)
