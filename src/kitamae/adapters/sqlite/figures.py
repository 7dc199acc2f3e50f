"""Figures over periods, worked out where the numbers lie if a series is plain numbers: by SQLite over the index alone, once, and
by DuckDB in the files of closed months.

While they count, Python's lock is free. What is not plain numbers goes the way of `temporal.aggregate`, which says what
each figure is. Nothing is kept between two questions.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from kitamae.adapters.sqlite import series
from kitamae.adapters.sqlite.numbers import Numbers
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
        self._low, self._high = series.interval(query)
        observed = query.timerel is not None
        self._series = {one: Numbers(db, one, self._low, self._high, observed) for one in found}
        self._read: dict[Series, list[Instance]] = {}

    def figures(self) -> list[Figures]:
        """Of each series. One that turns out not to be plain numbers is read, and may move where the periods start."""
        told: dict[Series, Figures | None] = {}
        ends = {one: numbers.ends for one, numbers in self._series.items()}
        extent: tuple[int, int] | None = None
        while extent != (
            extent := aggregate.extent(self._query, [t for some in ends.values() for t in some])
        ):
            for one, numbers in self._series.items():
                figures = None if one in self._read else self._counted(one, numbers, *extent)
                if figures is None:
                    if one not in self._read:
                        self._read[one] = self._instances(one)
                        ends[one] = [moment(each, self._query) for each in self._read[one]]
                    figures = self._defined(one, *extent)
                told[one] = figures
        return [figures for one in self._series if (figures := told[one]) is not None]

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

    def _counted(self, one: Series, numbers: Numbers, start: int, end: int) -> Figures | None:
        """As the stores count; None where there is something else than numbers, or a figure that only the definition knows."""
        period, methods = self._asked.period, self._asked.methods
        if not numbers.ends:
            return None
        first, last = (0, 0) if period.whole else (period.index(start, at) for at in numbers.ends)
        if last - first >= PERIODS:
            return None
        between = [period.boundary(start, k) for k in range(first + 1, last + 1)]
        parts = numbers.parts([self._low, *between], methods)
        if parts is None or not all(part.finite for part in parts.values()):
            return None
        told: dict[Method, list[tuple[Any, int, int]]] = {method: [] for method in methods}
        for k, part in parts.items():
            begin, finish = aggregate.bounds(self._asked, start, end, first + k)
            for method in methods:
                told[method].append((part.figure(method), begin, finish))
        return Figures(one.id, one.name, one.dataset, "Property", told)
