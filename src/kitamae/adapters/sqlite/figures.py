"""Figures over periods, worked out by SQLite where a series is plain numbers: the index alone is read, once.

While SQLite counts, Python's lock is free. What is not plain numbers goes the way of `temporal.aggregate`, which says what
each figure is. Nothing is kept between two questions.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.adapters.sqlite import series
from kitamae.adapters.sqlite.named import queries
from kitamae.kernel.context.names import SCOPE
from kitamae.kernel.context.query.match import NO_DATASET
from kitamae.kernel.context.store import Figures
from kitamae.kernel.context.temporal import aggregate
from kitamae.kernel.context.temporal.represent import moment

if TYPE_CHECKING:
    import apsw

    from kitamae.adapters.sqlite.series import Series
    from kitamae.kernel.context.store import Instance, InstanceQuery
    from kitamae.kernel.context.temporal.query import Aggregation, Method

_SQL = queries("history")
_SAID: Final[dict[Method, str]] = {
    "totalCount": "count(num)",
    "distinctCount": "count(DISTINCT num)",
    "sum": "total(num)",
    "avg": "avg(num)",
    "min": "min(num)",
    "max": "max(num)",
    "stddev": "total((num - mean) * (num - mean)) / count(num)",  # its square
    "sumsq": "total(num * num)",
}
PERIODS: Final = 10_000
"""Beyond so many, most of them with hardly an instance, looking for each costs more than reading them all."""


def figures(db: apsw.Connection, query: InstanceQuery, aggregation: Aggregation, now: int) -> list[Figures]:
    """See `Store.aggregate`."""
    if query.timeproperty != "observedAt" or query.instance or query.last or query.limit:
        return aggregate.figures(series.instances(db, query), query, aggregation, now)
    found: list[Figures] = []
    for id, some in groupby(series.concerned(db, query), lambda one: one.id):
        told = [one for one in some if one.name != SCOPE]
        if len({one[2:] for one in told}) < len(told):  # two variants of one id: their histories are one
            alone = series.instances(db, replace(query, entities=(id,)))
            found += aggregate.figures(alone, query, aggregation, now)
        else:
            found += _Entity(db, query, aggregation, now, told).figures()
    return found


class _Entity:
    """One entity's series, which share their periods."""

    def __init__(
        self,
        db: apsw.Connection,
        query: InstanceQuery,
        aggregation: Aggregation,
        now: int,
        found: list[Series],
    ) -> None:
        self._db = db
        self._query = query
        self._asked = aggregation
        self._now = now
        self._series = found
        self._read: dict[Series, list[Instance]] = {}
        low, high = series.interval(query)
        self._bound: dict[str, Any] = {"low": low, "high": high, "observed": query.timerel is not None}

    def figures(self) -> list[Figures]:
        """Of each series. One that turns out not to be plain numbers is read, and may move where the periods start."""
        ends = {one: self._ends(one) for one in self._series}
        told: dict[Series, Figures | None] = {}
        extent: tuple[int, int] | None = None
        while extent != (extent := self._extent(ends)):
            for one in self._series:
                figures = None if one in self._read else self._counted(one, ends[one], *extent)
                if figures is None:
                    if one not in self._read:
                        self._read[one] = self._instances(one)
                        ends[one] = [moment(each, self._query) for each in self._read[one]]
                    figures = self._defined(one, *extent)
                told[one] = figures
        return [figures for one in self._series if (figures := told[one]) is not None]

    def _of(self, one: Series) -> dict[str, Any]:
        return self._bound | {"entity": one.entity, "attribute": one.attribute}

    def _ends(self, one: Series) -> list[int]:
        """When it has its first and its last number."""
        place = series.table(self._db, self._query, one)
        found = (
            self._db.execute(_SQL["numbers_end"].format(direction=direction, table=place), self._of(one)).get
            for direction in ("ASC", "DESC")
        )
        return [t for t in found if t is not None]

    def _extent(self, ends: dict[Series, list[int]]) -> tuple[int, int]:
        return aggregate.extent(self._query, [t for some in ends.values() for t in some])

    def _instances(self, one: Series) -> list[Instance]:
        query = replace(
            self._query,
            entities=(one.id,),
            attrs=(one.name,),
            datasets=(one.dataset or NO_DATASET,),
        )
        return aggregate.present(series.instances(self._db, query), self._now)

    def _defined(self, one: Series, start: int, end: int) -> Figures | None:
        """As the definition goes; None where nothing counts."""
        some = self._read[one]
        if not some:
            return None
        told = aggregate.aggregate(aggregate.samples(some, self._query), self._asked, start, end)
        return Figures(one.id, one.name, one.dataset, some[0].attribute["kind"], told)

    def _counted(self, one: Series, ends: list[int], start: int, end: int) -> Figures | None:
        """As SQLite counts; None where there is something else than numbers."""
        period, low, high = self._asked.period, self._bound["low"], self._bound["high"]
        if not ends:
            return None
        first, last = (0, 0) if period.whole else (period.index(start, ends[0]), period.index(start, ends[1]))
        if last - first >= PERIODS:
            return None
        between = [period.boundary(start, k) for k in range(first + 1, last + 1)]
        bound, place = self._of(one), series.table(self._db, self._query, one)
        self._db.execute(_SQL["periods_clear"])
        self._db.execute(_SQL["periods_put"], (orjson.dumps([low, *between, high]).decode(),))
        if "stddev" in self._asked.methods:
            self._db.execute(_SQL["means"].format(table=place), bound)
        said = "".join(f", {_SAID[method]}" for method in self._asked.methods)
        counted = _SQL["figures"].format(figures=said, table=place)
        rows: list[Any] = self._db.execute(counted, bound).fetchall()
        others = sum(row[1] - row[2] for row in rows)
        if others and others != self._db.execute(_SQL["deleted_between"].format(table=place), bound).get:
            return None
        told: dict[Method, list[tuple[Any, int, int]]] = {method: [] for method in self._asked.methods}
        for k, _, numbers, *figures in rows:
            if numbers:
                begin, finish = aggregate.bounds(self._asked, start, end, first + k)
                for method, figure in zip(self._asked.methods, figures, strict=True):
                    if figure is not None and math.isfinite(figure):
                        shown = math.sqrt(figure) if method == "stddev" else figure
                        told[method].append((shown, begin, finish))
        return Figures(one.id, one.name, one.dataset, "Property", told)
