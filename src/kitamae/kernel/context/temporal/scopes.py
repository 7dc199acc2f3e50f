"""Which moments of an entity's history a Scope query means: those at which such a scope was valid (4.18, 4.19, C.5.16).

A scope is valid from the time at which it was set until it is replaced or deleted. An entity whose scope has no history
has always had the one that it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from kitamae.kernel.context.lexical import scopes
from kitamae.kernel.context.query import match
from kitamae.kernel.context.temporal.represent import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.query.tree import ScopeQ
    from kitamae.kernel.context.store import Instance
    from kitamae.kernel.context.temporal.query import TemporalQuery

Span: TypeAlias = tuple[float, float]
"""From the first moment to before the second, microseconds UTC; without end: infinity."""

ALWAYS: tuple[Span, ...] = ((float("-inf"), float("inf")),)


def spans(
    wanted: ScopeQ, now: list[str], history: Sequence[Instance], query: TemporalQuery
) -> tuple[Span, ...]:
    """When such a scope was valid within the interval of the query; empty: never. `history`: all instances of the scope."""
    lo, hi = _interval(query)
    if not history:
        return ALWAYS if match.scope(wanted, now) else ()
    found: list[Span] = []
    by_time = sorted(history, key=lambda one: moment(one, query))
    ends = [*(float(moment(one, query)) for one in by_time[1:]), float("inf")]
    for one, end in zip(by_time, ends, strict=True):
        begin = float(moment(one, query))
        there = [] if one.deleted_at is not None else scopes(one.attribute["v"])
        if begin < hi and end > lo and match.scope(wanted, there):
            found.append((begin, end))
    return tuple(found)


def within(one: Instance, asked: tuple[Span, ...], query: TemporalQuery) -> bool:
    """Whether that instance is of one of those moments."""
    at = moment(one, query)
    return any(begin <= at < end for begin, end in asked)


def _interval(query: TemporalQuery) -> Span:
    match query.timerel:
        case "before":
            return float("-inf"), float(query.at or 0)
        case "after":
            return float(query.at or 0), float("inf")
        case "between":
            return float(query.at or 0), float(query.end or 0)
    return float("-inf"), float("inf")
