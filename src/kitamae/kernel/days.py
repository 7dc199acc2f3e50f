"""Days that somebody typed: one that cannot be meant is refused, with what was expected. Days are days in Japan."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Final

from kitamae.kernel.problems import BadRequest

JST: Final = timezone(timedelta(hours=9), "JST")
OLDEST: Final = date(1900, 1, 1)
"""Nobody who comes to a town hall was born before, and nothing that is entered happened before: a year that was mistyped."""


def of(at: int) -> date:
    """The day in Japan of a moment in microseconds UTC."""
    return datetime.fromtimestamp(at / 1_000_000, JST).date()


def demand_past(name: str, day: date, today: date) -> None:
    """For what has happened. Raises BadRequest."""
    if not OLDEST <= day <= today:
        raise BadRequest(
            f"{name}: expected a day from {OLDEST} to today ({today}), got {day}", missing=[name]
        )


def demand_within(name: str, day: date, today: date, years: int) -> None:
    """For what may be to come: from 1900 to so many years ahead. Raises BadRequest."""
    last = today + timedelta(days=366 * years)
    if not OLDEST <= day <= last:
        raise BadRequest(f"{name}: expected a day from {OLDEST} to {last}, got {day}", missing=[name])
