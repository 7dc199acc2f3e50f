"""Figures over periods of an attribute's history (clause 4.5.19).

What each method means depends on the JSON type of the values: numbers take all of them; a boolean counts as 0 or 1;
an array counts by its size; text (also a time) has a smallest and a largest; objects and URIs are only counted. A
method that makes no sense for a value passes it over, and a period without any value for it is left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import orjson

from kitamae.kernel.context import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.temporal.query import Aggregation, Method, TemporalQuery


def aggregate(
    samples: Sequence[tuple[int, Json]], aggregation: Aggregation, start: int, end: int
) -> dict[str, list[list[Any]]]:
    """Method -> [[figure, period start, period end], ...] in order of time.

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
    answer: dict[str, list[list[Any]]] = {method: [] for method in aggregation.methods}
    for k in sorted(bins):
        begin, finish = (
            (start, end) if period.whole else (period.boundary(start, k), period.boundary(start, k + 1))
        )
        stamps = clock.text(begin), clock.text(finish)
        for method in aggregation.methods:
            figure = compute(method, bins[k])
            if figure is not None:
                answer[method].append([figure, *stamps])
    return answer


def extent(query: TemporalQuery, times: Sequence[int]) -> tuple[int, int]:
    """Where the first period starts and the last one ends, for moments in order of time."""
    first, last = (times[0], times[-1]) if times else (0, 0)
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
        return len({orjson.dumps(one, option=orjson.OPT_SORT_KEYS) for one in values})
    numbers = [_number(one) for one in values if isinstance(one, (bool, int, float, list))]
    if method in ("min", "max"):
        pick = min if method == "min" else max
        if numbers:
            return pick(numbers)
        texts = [one for one in values if isinstance(one, str)]
        return pick(texts) if texts else None
    if not numbers:
        return None
    if method == "sum":
        return math.fsum(numbers)
    if method == "avg":
        return math.fsum(numbers) / len(numbers)
    if method == "sumsq":
        return math.fsum(one * one for one in numbers)
    mean = math.fsum(numbers) / len(numbers)
    return math.sqrt(math.fsum((one - mean) ** 2 for one in numbers) / len(numbers))


def _number(value: bool | float | list[Json]) -> float:
    return len(value) if isinstance(value, list) else value * 1
