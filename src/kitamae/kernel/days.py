"""Days that somebody typed, or a Japanese spreadsheet wrote: read, and the moments at which they begin and end in the city; one that
cannot be meant is refused, with what was expected. Where no zone is told, days are days in Japan.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kitamae.kernel.context import clock
from kitamae.kernel.problems import BadRequest

JST: Final = ZoneInfo("Asia/Tokyo")
OLDEST: Final = date(1900, 1, 1)
"""Nobody who comes to a town hall was born before, and nothing that is entered happened before: a year that was mistyped."""
_DAY: Final = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})", re.ASCII)


def read(name: str, text: str) -> date:
    """`2027-03-31`, `2027/3/31`, full-width digits too. Raises BadRequest, which says the field's `name`."""
    found = _DAY.fullmatch(unicodedata.normalize("NFKC", text).strip())
    try:
        if found is None:
            raise ValueError
        return date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        raise _no_day(name, text) from None


def begins(name: str, text: str, zone: ZoneInfo) -> int:
    """Of the day that was typed: microseconds UTC. Raises BadRequest."""
    return _moment(name, text, read(name, text), zone)


def ends(name: str, text: str, zone: ZoneInfo) -> int:
    """At which the next day begins: microseconds UTC. Raises BadRequest."""
    day = read(name, text)
    if day == date.max:
        raise _no_day(name, text)
    return _moment(name, text, day + timedelta(days=1), zone)


def _moment(name: str, text: str, day: date, zone: ZoneInfo) -> int:
    try:
        return clock.micros(datetime.combine(day, time(), zone).isoformat())
    except (BadRequest, OverflowError):  # of a year that is none in UTC
        raise _no_day(name, text) from None


def moment(name: str, text: str, zone: ZoneInfo) -> int | None:
    """As `<input type="datetime-local">` sends it, in the city: microseconds UTC; None for nothing. Raises BadRequest."""
    if not text.strip():
        return None
    try:
        at = datetime.fromisoformat(text.strip())
        return int((at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()) * 1_000_000
    except (ValueError, OverflowError):
        raise BadRequest(
            f"{name}: expected a date and time such as 2026-11-21T09:00, got {text!r:.40}"
        ) from None


def _no_day(name: str, text: str) -> BadRequest:
    return BadRequest(f"{name}: expected a day such as 2027-03-31, got {text!r:.40}")


def of(at: int) -> date:
    """The day in Japan of a moment in microseconds UTC."""
    return datetime.fromtimestamp(at / 1_000_000, JST).date()


def over(day: date) -> int:
    """When that day ends in Japan, microseconds UTC."""
    return int(datetime.combine(day + timedelta(days=1), time(), JST).timestamp()) * 1_000_000


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
