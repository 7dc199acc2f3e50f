"""What is usual: the median of the same hour on days of the same kind, over the last eight weeks."""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from kitamae.services.congestion.outlook.days import Days

WEEKS: Final = 8
ENOUGH: Final = 3
"""So many values of one kind of day; with fewer, all working days or all days off are asked together. Of fewer than that of these too,
nothing is usual: the number would be what somebody counted, once.
"""
Slot = tuple["date", int]
"""A day, and its hour in the city's time; hour 0 stands for the whole day where days are counted."""


class Usual:
    """`known`: what was counted, by slot. Only slots of the eight weeks before `origin` are looked at."""

    def __init__(self, known: Mapping[Slot, float], origin: date, days: Days) -> None:
        self._days = days
        self._exact: dict[tuple[int, int], list[float]] = {}
        self._broad: dict[tuple[bool, int], list[float]] = {}
        since = origin - timedelta(weeks=WEEKS)
        for (day, hour), value in known.items():
            if since <= day < origin:
                self._exact.setdefault((days.kind(day), hour), []).append(value)
                self._broad.setdefault((days.off(day), hour), []).append(value)

    def at(self, slot: Slot) -> float | None:
        """None: of such an hour nothing is known."""
        day, hour = slot
        found = self._exact.get((self._days.kind(day), hour), ())
        if len(found) < ENOUGH:
            found = self._broad.get((self._days.off(day), hour), ())
        return median(found) if len(found) >= ENOUGH else None

    def over(self, day: date, hours: Iterable[int]) -> float:
        """Of these hours of a day together."""
        return sum(self.at((day, hour)) or 0.0 for hour in hours)
