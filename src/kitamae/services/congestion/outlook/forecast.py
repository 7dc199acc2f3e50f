"""How many people to expect in the coming days: a regression on what is known of each day in advance, and how far the last days were
off it. The range is made of how wrong the same method was before. Nothing is looked at that was not known when the forecast is made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from operator import mul
from typing import TYPE_CHECKING, Final

from kitamae.services.congestion.outlook.regression import ridge
from kitamae.services.congestion.outlook.usual import Slot, Usual

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.services.congestion.outlook.days import Days

AHEAD: Final = 7
"""Days that are forecast."""
LEAST: Final = 56
"""Days of which something must be known before anything is forecast."""
_LEARNT: Final = 28
"""And before an earlier forecast is made to learn from its errors."""
TESTS: Final = 26
"""Weekly earlier forecasts whose errors make the range."""
_RANGE: Final = (0.1, 0.9)
"""The range holds eight of ten."""
_PENALTY: Final = 0.3
_MEMORY: Final = 0.9
"""What counts, a day later, of how far the counts were off what the calendar says."""
_CARRIED: Final = 0.7
"""How much of it is believed to go on."""
_FADES: Final = 0.97
"""And what is left of that each further day."""
_OUTLIER: Final = 2.0
"""Standard deviations: a day that was off by more counts as off by that."""
_COVERED: Final = 0.5
"""Of a day's usual number, the part that its counted hours must stand for."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Of one slot: what is usual, and the forecast with the range in which eight of ten counts should lie. None: too little is known."""

    usual: float | None
    low: float | None
    middle: float | None
    high: float | None


class Outlook:
    """`known`: believed counts, by slot (see `usual.Slot`)."""

    def __init__(self, known: Mapping[Slot, float], days: Days) -> None:
        self._known = dict(known)
        self._days = days
        self._hours = sorted({hour for _, hour in known})
        self._middles: dict[date, dict[Slot, tuple[float | None, float]]] = {}

    def at(self, origin: date) -> dict[Slot, Expected]:
        """For every slot of the seven days from `origin` on, out of what was counted before it."""
        enough = len({day for day, _ in self._known if day < origin}) >= LEAST
        errors = self.errors(origin) if enough else []
        if errors:
            low, high = (_quantile(errors, share) for share in _RANGE)
            return {
                slot: Expected(usual, _moved(value, low), value, _moved(value, high))
                for slot, (usual, value) in self._forecast(origin).items()
            }
        usual = Usual(self._known, origin, self._days)
        slots = [(origin + timedelta(days=n), hour) for n in range(AHEAD) for hour in self._hours]
        return {one: Expected(said, None, None, None) for one in slots if (said := usual.at(one)) is not None}

    def errors(self, origin: date) -> list[float]:
        """How wrong the last forecasts were, of what was known by then: counted less forecast, of the square roots, sorted."""
        found = []
        for week in range(1, TESTS + 1):
            earlier = origin - timedelta(weeks=week)
            if len({day for day, _ in self._known if day < earlier}) < _LEARNT:
                break
            for slot, (_, value) in self._forecast(earlier).items():
                counted = self._known.get(slot)
                if counted is not None and slot[0] < origin:
                    found.append(math.sqrt(counted) - math.sqrt(value))
        return sorted(found)

    def _forecast(self, origin: date) -> dict[Slot, tuple[float | None, float]]:
        """(usual, forecast) by slot."""
        if origin not in self._middles:
            self._middles[origin] = self._made(origin)
        return self._middles[origin]

    def _made(self, origin: date) -> dict[Slot, tuple[float | None, float]]:
        usual = Usual(self._known, origin, self._days)
        totals = self._totals(origin, usual)
        coming = [origin + timedelta(days=n) for n in range(AHEAD)]
        expected = daily(totals, coming, self._days) if len(totals) >= _LEARNT else {}
        made: dict[Slot, tuple[float | None, float]] = {}
        for day, total in expected.items():
            whole = usual.over(day, self._hours)
            for hour in self._hours:
                typical = usual.at((day, hour))
                if self._hours == [0]:
                    made[day, hour] = (typical, total)
                elif typical is not None and whole:
                    made[day, hour] = (typical, total * typical / whole)
        return made

    def _totals(self, origin: date, usual: Usual) -> dict[date, float]:
        """What was counted on each day, or would have been, had all its hours been counted."""
        by_day: dict[date, dict[int, float]] = {}
        for (day, hour), value in self._known.items():
            if day < origin:
                by_day.setdefault(day, {})[hour] = value
        if self._hours == [0]:
            return {day: hours[0] for day, hours in by_day.items()}
        found = {}
        for day, hours in by_day.items():
            whole, seen = usual.over(day, self._hours), usual.over(day, hours)
            if whole and seen >= _COVERED * whole:
                found[day] = sum(hours.values()) / seen * whole
        return found


def daily(known: Mapping[date, float], coming: Sequence[date], days: Days) -> dict[date, float]:
    """How many to expect on each coming day, out of the numbers of the days before the first of them. Raises ValueError for none.

    Square roots are learnt: the scatter of counts grows with their number, that of their roots does not.
    """
    origin = coming[0]
    past = sorted(day for day in known if day < origin)
    rows = [days.features(day) for day in past]
    roots = [math.sqrt(known[day]) for day in past]
    learnt = ridge(rows, roots, _PENALTY)
    off = [root - sum(map(mul, row, learnt)) for row, root in zip(rows, roots, strict=True)]
    most = _OUTLIER * math.sqrt(sum(one * one for one in off) / len(off))
    weights = [_MEMORY ** (origin - day).days for day in past]
    level = _CARRIED * sum(
        weight * min(max(one, -most), most) for weight, one in zip(weights, off, strict=True)
    )
    level /= sum(weights)
    return {
        day: max(0.0, sum(map(mul, days.features(day), learnt)) + level * _FADES ** (day - origin).days) ** 2
        for day in coming
    }


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _moved(value: float, error: float) -> float:
    return max(0.0, math.sqrt(value) + error) ** 2
