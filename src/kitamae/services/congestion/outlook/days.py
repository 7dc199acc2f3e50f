"""What is known of a day long before it comes: its weekday, holidays around it, the season, the city's events. Never the weather."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from kitamae.sdk.calendar import holidays

if TYPE_CHECKING:
    from collections.abc import Sequence

ONE: Final = timedelta(days=1)
SATURDAY, SUNDAY, HOLIDAY = 5, 6, 7
_YEAR: Final = 365.2425
_Span = tuple[tuple[int, int], tuple[int, int]]
NEW_YEAR: Final[_Span] = ((12, 29), (1, 3))
OBON: Final[_Span] = ((8, 11), (8, 16))
GOLDEN_WEEK: Final[_Span] = ((4, 29), (5, 5))
SUMMER: Final[_Span] = ((7, 21), (8, 31))
SPRING: Final[_Span] = ((3, 20), (4, 5))
"""(month, day) from and to, both within: when Japan is on the road (年末年始, お盆, 大型連休), and when its schools are closed."""
_MIDSUMMER: Final = (8, 13)
_ROUND: Final = 10.0
"""Days: how wide the hill of travel around お盆 is."""
_LONG: Final = 3


@dataclass(frozen=True, slots=True)
class Days:
    """`events`: (first day, last day) of what the city announced; they count as one kind of day."""

    events: tuple[tuple[date, date], ...] = ()
    _rows: dict[date, tuple[float, ...]] = field(default_factory=dict, compare=False)

    def kind(self, day: date) -> int:
        """The weekday, Monday 0; a holiday is as a Sunday."""
        return SUNDAY if day in holidays(day.year) else day.weekday()

    def off(self, day: date) -> bool:
        """Saturday, Sunday, or a holiday."""
        return self.kind(day) >= SATURDAY

    def features(self, day: date) -> Sequence[float]:
        """A row of the regression, the constant first."""
        if day not in self._rows:
            self._rows[day] = self._row(day)
        return self._rows[day]

    def _row(self, day: date) -> tuple[float, ...]:
        turn = 2 * math.pi * day.timetuple().tm_yday / _YEAR
        waves = [wave(turn * times) for times in (1, 2) for wave in (math.sin, math.cos)]
        feast = within(day, NEW_YEAR) or within(day, OBON)  # no weekday counts then
        plain, off, golden = float(not feast), self.off(day), within(day, GOLDEN_WEEK)
        kind = HOLIDAY if off and day.weekday() < SATURDAY else day.weekday()
        before, after = self._free(day, -ONE), self._free(day, ONE)
        long = plain * float(off and before + 1 + after >= _LONG)
        return (
            1.0,
            *(plain * float(kind == one) for one in range(1, HOLIDAY + 1)),
            float(within(day, NEW_YEAR)),
            float(within(day, OBON)),
            long * float(before == 0),  # the first of three days off or more
            long * float(before > 0 and after > 0),
            long * float(after == 0),
            float(golden and not off),
            float(golden and off),
            float(not off and not feast and before > 0 and after > 0),  # a working day between days off
            *waves,
            *(plain * float(off) * wave for wave in waves[:2]),  # weekends differ more in some seasons
            float(within(day, SUMMER) and plain and not off),
            float(within(day, SPRING)),
            _hill(day),
            float(any(begin <= day <= end for begin, end in self.events)),
        )

    def _free(self, day: date, step: timedelta) -> int:
        """How many days off follow at once in that direction; at most nine are looked at."""
        for n in range(9):
            one = day + step * (n + 1)
            if not (self.off(one) or within(one, NEW_YEAR) or within(one, OBON)):
                return n
        return 9


def within(day: date, span: _Span) -> bool:
    """Whether it lies in that part of the year, which may reach over its turn."""
    begin, end, at = *span, (day.month, day.day)
    return begin <= at <= end if begin <= end else at >= begin or at <= end


def _hill(day: date) -> float:
    away = abs((day - date(day.year, *_MIDSUMMER)).days)
    return math.exp(-0.5 * (away / _ROUND) ** 2)
