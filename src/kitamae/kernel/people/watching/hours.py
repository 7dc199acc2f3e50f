"""Days in Japan (UTC+9, all the year), and when a town hall works.

A day is a number: days since 1970-01-01 in Japan. Holidays are those of 国民の祝日に関する法律 as it stands since 2020;
the equinoxes by the usual formula, which holds from 1980 to 2099. Town halls also close from 29 December to 3 January
(地方自治法 第4条の2).
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

HOUR: Final = 3_600_000_000  # microseconds
DAY: Final = 24 * HOUR
_AHEAD: Final = 9 * HOUR
_FIRST: Final = date(1970, 1, 1)
_FIXED: Final = ((1, 1), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23))
_MONDAYS: Final = ((1, 2), (7, 3), (9, 3), (10, 2))
"""(month, which Monday): 成人の日, 海の日, 敬老の日, スポーツの日."""
OPENS: Final = 7 * 60 + 30
CLOSES: Final = 19 * 60 + 30
"""Minutes of the day between which somebody at work surprises nobody: the hours of the counter, and those around them."""


def day(at: int) -> int:
    """The day of a moment in microseconds UTC."""
    return (at + _AHEAD) // DAY


def start(number: int) -> int:
    """When that day begins, microseconds UTC."""
    return number * DAY - _AHEAD


def written(number: int) -> str:
    """`2026-11-21`."""
    return (_FIRST + timedelta(days=number)).isoformat()


def minute(at: int) -> int:
    """Minutes since midnight in Japan."""
    return (at + _AHEAD) % DAY // 60_000_000


@lru_cache(4_096)
def works(number: int) -> bool:
    """Whether the town hall is open that day."""
    there = _FIRST + timedelta(days=number)
    closed = (there.month, there.day) >= (12, 29) or (there.month, there.day) <= (1, 3)
    return there.weekday() < 5 and not closed and there not in _holidays(there.year)


def off(at: int) -> bool:
    """Whether nobody is expected at work then."""
    return not works(day(at)) or not OPENS <= minute(at) < CLOSES


@lru_cache(64)
def _holidays(year: int) -> frozenset[date]:
    found = {date(year, month, day) for month, day in _FIXED}
    for month, which in _MONDAYS:
        first = date(year, month, 1)
        found.add(first + timedelta(days=(7 - first.weekday()) % 7 + 7 * (which - 1)))
    since = year - 1980
    for month, noon in ((3, 20.8431), (9, 23.2488)):  # 春分の日, 秋分の日
        found.add(date(year, month, int(noon + 0.242194 * since - since // 4)))
    named = sorted(found)
    for one in named:  # 振替休日: a holiday on a Sunday moves to the next day that is none
        if one.weekday() == 6:
            instead = one
            while instead in found:
                instead += timedelta(days=1)
            found.add(instead)
    for one in named:  # 国民の休日: a day between two holidays
        between = one + timedelta(days=1)
        if between not in found and between + timedelta(days=1) in named:
            found.add(between)
    return frozenset(found)
