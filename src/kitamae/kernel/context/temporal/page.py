"""Temporal pagination (clause 6.3.10): a page of history is complete between two moments, and says which.

An answer never holds more than so many instances of one attribute. Where more match, the range is cut for every
attribute at the moment up to which all of them are complete, so that what is missing is missing in time and never by
attribute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kitamae.kernel.context import clock
from kitamae.kernel.context.temporal.represent import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.store import Instance
    from kitamae.kernel.context.temporal.query import TemporalQuery


@dataclass(frozen=True, slots=True)
class Range:
    """From the first to the last moment that the page covers, in the order of the answer; `size` with lastN."""

    start: int
    end: int
    size: int | None = None

    @property
    def header(self) -> str:
        """Content-Range: `date-time <start>-<end>/<size or *>`."""
        size = "*" if self.size is None else str(self.size)
        return f"date-time {clock.text(self.start)}-{clock.text(self.end)}/{size}"


def cut(
    instances: Sequence[Instance], query: TemporalQuery, most: int
) -> tuple[list[Instance], list[str], Range | None]:
    """What fits, the names of attributes of which nothing fits, and the range where something was cut off (206).

    `instances` holds up to most + 1 per entity, attribute and dataset, the oldest, or with lastN the newest.
    """
    groups: dict[tuple[str, str, str], list[int]] = {}
    for one in instances:
        key = (one.entity, one.name, one.attribute.get("datasetId", ""))
        groups.setdefault(key, []).append(moment(one, query))
    if all(len(times) <= most for times in groups.values()):
        return list(instances), [], None
    newest_first = query.last is not None
    bounds = [sorted(times, reverse=newest_first)[most - 1] for times in groups.values() if len(times) > most]
    if newest_first:
        bound = max(bounds)
        left = [one for one in instances if moment(one, query) >= bound]
        start = _upper(query) or max(moment(one, query) for one in left)
        answer = Range(start, bound, query.last)
    else:
        bound = min(bounds)
        left = [one for one in instances if moment(one, query) <= bound]
        start = _lower(query) or min(moment(one, query) for one in left)
        answer = Range(start, bound)
    names = {one.name for one in left}
    return left, sorted({one.name for one in instances} - names), answer


def _upper(query: TemporalQuery) -> int | None:
    return query.end if query.timerel == "between" else query.at if query.timerel == "before" else None


def _lower(query: TemporalQuery) -> int | None:
    return query.at if query.timerel in ("after", "between") else None
