"""Time: one clock that can be replaced, one text form, one number form (microseconds since 1970, UTC)."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from kitamae.kernel.problems import BadRequest

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = -62_135_596_800_000_000  # 0001-01-01T00:00:00Z
_LAST: Final = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z
_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:[.,](\d{1,9}))?(?:[Zz]|[+-]\d\d:\d\d)\Z", re.ASCII
)

_MINUTES: Final = [f"{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60)]
_SECONDS: Final = [f"{second:02}" for second in range(60)]


def now() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000


@lru_cache(4_096)
def _day(number: int) -> str:
    """`2026-11-21T`, by the number of days since 1970."""
    return (_EPOCH + timedelta(days=number)).isoformat()[:11]


@lru_cache(8_192)
def _second(number: int) -> str:
    """`2026-11-21T07:14:46`, by the number of seconds since 1970. Devices measure at the same seconds."""
    minute, second = divmod(number, 60)
    day, minute = divmod(minute, 1_440)
    return _day(day) + _MINUTES[minute] + _SECONDS[second]


def text(micros: int) -> str:
    """`2026-11-21T07:14:46.123456Z`; a fraction only where there is one. Written by hand: every write needs some."""
    second, fraction = divmod(micros, 1_000_000)
    return f"{_second(second)}.{fraction:06}Z" if fraction else _second(second) + "Z"


def micros(stamp: object, where: str = "time") -> int:
    """Read an RFC 3339 DateTime with its zone. Raises BadRequest naming `where`."""
    if isinstance(stamp, str) and _RFC3339.match(stamp):
        try:
            moment = datetime.fromisoformat(stamp.replace(",", ".").upper())
        except ValueError:
            pass
        else:
            delta = moment - _EPOCH
            at = (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
            if (
                _FIRST <= at <= _LAST
            ):  # in UTC it must have a year from 1 to 9999 too, or nobody could write it down
                return at
    raise BadRequest(f"{where}: expected a date and time such as 2026-11-21T07:14:46Z, got {stamp!r:.80}")
