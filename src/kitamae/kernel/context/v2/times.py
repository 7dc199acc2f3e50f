"""Times as NGSIv2 reads and writes them: ISO 8601 with many gaps coming in, UTC with milliseconds going out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context import clock
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json

TYPES: Final = frozenset(("DateTime", "ISO8601"))
"""Attribute types whose values are times."""

_LAX: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d(?::?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?)?)(Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def stamp(micros: int) -> str:
    """As NGSIv2 writes times: UTC with milliseconds, microseconds where there are some."""
    whole, rest = divmod(micros, 1_000_000)
    digits = f"{rest // 1000:03}" if rest % 1000 == 0 else f"{rest:06}"
    return f"{clock.text(whole * 1_000_000)[:-1]}.{digits}Z"


def milliseconds(micros: int) -> str:
    """Of the broker's own times: never finer."""
    return stamp(micros // 1000 * 1000)


def shown_time(text: str) -> str:
    """An RFC 3339 time of the internal form, as NGSIv2 writes it."""
    return stamp(clock.micros(text))


def instant(given: Json, where: str) -> int:
    """ISO 8601 as Orion reads it: also a date alone, a time in its short forms, one without zone, which is UTC.

    Microseconds UTC. Raises BadRequest.
    """
    found = _LAX.fullmatch(given) if isinstance(given, str) else None
    if found is not None:
        digits, _, fraction = (found[2] or "00").replace(":", "").replace(",", ".").partition(".")
        digits = digits.ljust(6, "0")
        time = f"{digits[:2]}:{digits[2:4]}:{digits[4:]}" + (f".{fraction}" if fraction else "")
        zone = found[3] or "Z"
        if zone != "Z":
            digits = zone[1:].replace(":", "")
            zone = f"{zone[0]}{digits[:2]}:{digits[2:] or '00'}"
        try:
            moment = datetime.fromisoformat(f"{found[1]}T{time}{zone}")
            micros = (moment - _EPOCH) // timedelta(microseconds=1)
            clock.text(micros)
        except (ValueError, OverflowError):
            pass
        else:
            return micros
    raise BadRequest(f"{where}: expected a DateTime such as 2026-11-21T07:14:46Z, got {given!r:.80}")


def is_time(v: Json) -> bool:
    """A DateTime as NGSI-LD types it."""
    if not isinstance(v, dict) or v.keys() != {"@type", "@value"}:
        return False
    return bool(v["@type"] == "DateTime") and _reads(v["@value"])


def _reads(text: Json) -> bool:
    try:
        clock.micros(text)
    except BadRequest:
        return False
    return True
