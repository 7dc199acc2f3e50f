"""The days on which a town hall is closed: Saturdays, Sundays, 国民の祝日 and the turn of the year (地方自治法第4条の2第2項).

Holidays are jpholiday's. The two equinoxes are announced each February for the next year (暦要項); before that they are worked out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import jpholiday

ONE_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


@lru_cache(256)
def holidays(year: int) -> frozenset[date]:
    """国民の祝日 of a year, with 振替休日 and 国民の休日 (国民の祝日に関する法律第3条第2項, 第3項), until 2099.

    >>> sorted(day.isoformat()[5:] for day in holidays(2026) if day.month in (5, 9))
    ['05-03', '05-04', '05-05', '05-06', '09-21', '09-22', '09-23']
    """
    return frozenset(day for day, _ in jpholiday.year_holidays(year))


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
