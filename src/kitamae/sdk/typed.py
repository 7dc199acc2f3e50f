"""What somebody typed at a desk: a number, a line of text, a position; checked."""

from __future__ import annotations

import math
import unicodedata
from typing import Final

from kitamae.sdk.problems import BadRequest

LONGEST: Final = 100
"""Characters of a line."""


def number(text: str, name: str, most: int) -> int:
    """Raises BadRequest."""
    plain = text.strip().replace(",", "").replace("，", "")
    if not plain.isdecimal() or len(plain) > 9 or int(plain) > most:
        raise BadRequest(f"{name}: expected a whole number from 0 to {most}, got {text!r:.40}")
    return int(plain)


def position(text: str) -> tuple[float, float]:
    """`136.31,36.30`: longitude and latitude in degrees (WGS84). Raises BadRequest."""
    try:
        longitude, latitude = (float(part) for part in unicodedata.normalize("NFKC", text).split(","))
    except ValueError:
        raise BadRequest(f"position: expected longitude,latitude, got {text!r:.60}") from None
    if not (
        math.isfinite(longitude) and abs(longitude) <= 180 and math.isfinite(latitude) and abs(latitude) <= 90
    ):
        raise BadRequest(f"position: expected longitude,latitude in degrees, got {text!r:.60}")
    return longitude, latitude


def line(text: str, name: str) -> str | None:
    """None for nothing. Raises BadRequest."""
    plain = text.strip()
    if len(plain) > LONGEST:
        raise BadRequest(f"{name}: expected at most {LONGEST} letters")
    return plain or None
