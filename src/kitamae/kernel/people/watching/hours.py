"""Days in Japan (UTC+9, all the year), and when a town hall works.

A day is a number: days since 1970-01-01 in Japan.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from kitamae.kernel.calendar import Calendar

HOUR: Final = 3_600_000_000  # microseconds
DAY: Final = 24 * HOUR
_AHEAD: Final = 9 * HOUR
_FIRST: Final = date(1970, 1, 1)
USUAL: Final = Calendar()
"""Of a city that says nothing of its turn of the year."""
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
def works(number: int, calendar: Calendar = USUAL) -> bool:
    """Whether the town hall is open that day."""
    return not calendar.off(_FIRST + timedelta(days=number))


def off(at: int, calendar: Calendar = USUAL) -> bool:
    """Whether nobody is expected at work then."""
    return not works(day(at), calendar) or not OPENS <= minute(at) < CLOSES
