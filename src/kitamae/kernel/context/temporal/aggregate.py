"""Figures over periods of an attribute's history (clause 4.5.19).

What each method means depends on the JSON type of the values: numbers take all of them; a boolean counts as 0 or 1;
an array counts by its size; text (also a time) has a smallest and a largest; objects and URIs are only counted. A
method that makes no sense for a value passes it over, as does one whose figure no number can hold, and a period without
any value for it is left out.

These are the definitions. A store may do the arithmetic itself (`Store.aggregate`), with the same outcome.
"""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING, Any

import orjson

from kitamae.kernel.context.names import SCOPE
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.store import Figures
from kitamae.kernel.context.temporal.represent import moment, series

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.store import Instance, InstanceQuery
    from kitamae.kernel.context.temporal.query import Aggregation, Method


def figures(
    instances: Iterable[Instance], query: InstanceQuery, aggregation: Aggregation, now: int
) -> list[Figures]:
    """For each series, in the order in which they come (by entity). `now`: what has expired by then counts no more.

    All attributes of an entity share the periods, so that they can be laid beside each other.
    """
    answer: list[Figures] = []
    for entity, of in groupby(present(instances, now), lambda one: one.entity):
        found = list(of)
        start, end = extent(query, [moment(one, query) for one in found])
        for (name, dataset), some in series(found).items():
            told = aggregate(samples(some, query), aggregation, start, end)
            answer.append(Figures(entity, name, dataset, some[0].attribute["kind"], told))
    return answer


def present(instances: Iterable[Instance], now: int) -> list[Instance]:
    """Those that count: neither deleted nor expired by `now` (microseconds UTC), and not an entity's scopes."""
    return [
        one
        for one in instances
        if one.deleted_at is None
        and one.name != SCOPE
        and ("expiresAt" not in one.attribute or not expiry.expired(one.attribute, now))
    ]


def samples(instances: Iterable[Instance], query: InstanceQuery) -> list[tuple[int, Json]]:
    """(microseconds UTC, value), by the time that the query goes by."""
    found = [(moment(one, query), one.attribute["v"]) for one in instances]
    return sorted(found, key=lambda pair: pair[0])


def aggregate(
    samples: Sequence[tuple[int, Json]], aggregation: Aggregation, start: int, end: int
) -> dict[Method, list[tuple[Json, int, int]]]:
    """Method -> [(figure, period start, period end), ...] in order of time.

    `samples`: (microseconds UTC, value), by time. Periods are counted from `start`; a period of no length reaches to
    `end`.
    """
    bins: dict[int, list[Json]] = {}
    period = aggregation.period
    if period.whole:
        if samples:
            bins[0] = [value for _, value in samples]
    else:
        low = high = k = 0
        for moment, value in samples:
            if not low <= moment < high:
                k = period.index(start, moment)
                low, high = period.boundary(start, k), period.boundary(start, k + 1)
            bins.setdefault(k, []).append(value)
    answer: dict[Method, list[tuple[Json, int, int]]] = {method: [] for method in aggregation.methods}
    for k in sorted(bins):
        begin, finish = bounds(aggregation, start, end, k)
        for method in aggregation.methods:
            figure = compute(method, bins[k])
            if figure is not None:
                answer[method].append((figure, begin, finish))
    return answer


def bounds(aggregation: Aggregation, start: int, end: int, k: int) -> tuple[int, int]:
    """When the k-th period begins and ends."""
    period = aggregation.period
    return (start, end) if period.whole else (period.boundary(start, k), period.boundary(start, k + 1))


def extent(query: InstanceQuery, times: Sequence[int]) -> tuple[int, int]:
    """Where the first period starts and the last one ends, for these moments."""
    first, last = (min(times), max(times)) if times else (0, 0)
    if query.timerel in ("after", "between") and query.at is not None:
        first = query.at
    if query.timerel == "between" and query.end is not None:
        last = query.end
    elif query.timerel == "before" and query.at is not None:
        last = query.at
    return first, max(first, last)


def compute(method: Method, values: Sequence[Json]) -> Json:
    """One figure; None where the method says nothing about these values."""
    if method == "totalCount":
        return len(values)
    if method == "distinctCount":
        return len({_same(one) for one in values})
    numbers = [_number(one) for one in values if isinstance(one, (bool, int, float, list))]
    if method in ("min", "max"):
        pick = min if method == "min" else max
        if numbers:
            return pick(numbers)
        texts = [one for one in values if isinstance(one, str)]
        return pick(texts) if texts else None
    if not numbers:
        return None
    try:
        figure = _arithmetic(method, numbers)
    except OverflowError:
        return None
    return figure if math.isfinite(figure) else None


def _arithmetic(method: Method, numbers: list[float]) -> float:
    """Raises OverflowError where it becomes larger than a number can be."""
    if method == "sumsq":
        return math.fsum(one * one for one in numbers)
    total = math.fsum(numbers)
    if method == "sum":
        return total
    mean = total / len(numbers)
    if method == "avg":
        return mean
    return math.sqrt(math.fsum((one - mean) * (one - mean) for one in numbers) / len(numbers))


def _number(value: bool | float | list[Json]) -> float:
    return len(value) if isinstance(value, list) else value * 1


def _same(value: Any) -> Any:
    """Equal for values that are the same: 1 and 1.0 are one number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
