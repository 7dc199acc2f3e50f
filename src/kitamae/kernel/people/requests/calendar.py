"""The days on which a town hall is closed: Saturdays, Sundays, 国民の祝日 and the turn of the year (地方自治法第4条の2第2項).

Holidays follow 国民の祝日に関する法律 as it stands since 2022. The two equinoxes are announced each February for the next year
(暦要項); here they are worked out, which has agreed with the announcement every year since 1980.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

ONE_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
_SUNDAY: Final = 6
_FIXED: Final = ((1, 1), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23))
_MONDAYS: Final = ((1, 2), (7, 3), (9, 3), (10, 2))
"""Month, and which of its Mondays."""


@lru_cache(256)
def holidays(year: int) -> frozenset[date]:
    """国民の祝日 of a year, with 振替休日 and 国民の休日 (第3条第2項, 第3項).

    >>> sorted(day.isoformat()[5:] for day in holidays(2026) if day.month in (5, 9))
    ['05-03', '05-04', '05-05', '05-06', '09-21', '09-22', '09-23']
    """
    days = {date(year, month, day) for month, day in _FIXED}
    for month, which in _MONDAYS:
        first = date(year, month, 1)
        days.add(first + timedelta(days=(7 - first.weekday()) % 7 + 7 * (which - 1)))
    days |= {_equinox(year, 3, 20.8431), _equinox(year, 9, 23.2488)}
    named = frozenset(days)
    for day in sorted(named):
        if day.weekday() == _SUNDAY:
            instead = day + ONE_DAY
            while instead in named:
                instead += ONE_DAY
            days.add(instead)
        between = day + ONE_DAY
        if between not in named and between + ONE_DAY in named:
            days.add(between)
    return frozenset(days)


def _equinox(year: int, month: int, base: float) -> date:
    """Right from 1980 to 2099."""
    passed = year - 1980
    return date(year, month, int(base + 0.242194 * passed - passed // 4))


@dataclass(frozen=True, slots=True)
class Calendar:
    """Of one municipality. `closed`: (month, day) from and to, both closed: what its 休日条例 says of the turn of the year."""

    closed: tuple[tuple[int, int], tuple[int, int]] = ((12, 29), (1, 3))

    def off(self, day: date) -> bool:
        """Is the town hall closed on that day?"""
        if day.weekday() >= _SATURDAY or day in holidays(day.year):
            return True
        begin, end, at = *self.closed, (day.month, day.day)
        return begin <= at <= end if begin <= end else at >= begin or at <= end

    def next_open(self, day: date) -> date:
        """That day, or the first one after it on which the town hall is open."""
        while self.off(day):
            day += ONE_DAY
        return day

    def last_open(self, day: date) -> date:
        """That day, or the last one before it on which the town hall is open."""
        while self.off(day):
            day -= ONE_DAY
        return day
