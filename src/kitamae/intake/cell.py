"""One cell to one value. A `Misfit` says what was expected; whether that refuses the row is the layout's affair."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

Kind = Literal[
    "text", "integer", "number", "time", "date", "url", "choice", "latitude", "longitude", "reference"
]

NORTH: Final = (20.0, 46.0)
"""Japan's latitudes, with its seas: 沖ノ鳥島 to 択捉島."""
EAST: Final = (122.0, 154.0)
"""Japan's longitudes: 与那国島 to 南鳥島."""

_NUMBER: Final = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?\Z", re.ASCII)
_TIME: Final = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(:[0-5]\d)?\Z", re.ASCII)
_URL: Final = re.compile(r"https?://[^\s<>\"]+\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Misfit:
    """The cell is not what its column says."""

    expected: str


def plain(text: str) -> str:
    """Full-width digits and signs as ASCII, grouping commas gone: how numbers and times are read."""
    return unicodedata.normalize("NFKC", text).replace(",", "").strip()


def looks_like_a_formula(text: str) -> bool:
    """Whether a spreadsheet would run it. Kept as text here; an export must quote it."""
    return text[:1] in ("=", "@", "\t", "\r") or (
        text[:1] in ("+", "-") and not text[1:2].isdigit() and len(text) > 1
    )


def value(kind: Kind, text: str) -> Any | Misfit:
    """`text` is not empty. Units and choices are the layout's; a reference is left as it is."""
    match kind:
        case "integer":
            number = _number(text)
            if number is None or number != int(number):
                return Misfit("a whole number")
            return int(number)
        case "number":
            number = _number(text)
            if number is None:
                return Misfit("a number")
            return int(number) if number.is_integer() and "." not in plain(text) else number
        case "latitude":
            return _degrees(text, NORTH, EAST, "latitude", "longitude")
        case "longitude":
            return _degrees(text, EAST, NORTH, "longitude", "latitude")
        case "time":
            return _time(text)
        case "date":
            try:
                return date.fromisoformat(plain(text).replace("/", "-")).isoformat()
            except ValueError:
                return Misfit("a date such as 2026-11-21")
        case "url":
            return text if _URL.match(text) else Misfit("an address that begins with https:// or http://")
    return text


def _number(text: str) -> float | None:
    text = plain(text)
    if not _NUMBER.match(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _time(text: str) -> str | Misfit:
    found = _TIME.match(plain(text))
    if not found or (found[1] == "24" and found[2] != "00"):
        return Misfit("a time of day such as 09:00")
    return f"{int(found[1]):02d}:{found[2]}"


def _degrees(
    text: str, own: tuple[float, float], other: tuple[float, float], name: str, other_name: str
) -> float | Misfit:
    number = _number(text)
    expected = f"a {name} in Japan, {own[0]:.0f} to {own[1]:.0f} degrees (WGS84)"
    if number is None:
        return Misfit(expected)
    if own[0] <= number <= own[1]:
        return number
    if other[0] <= number <= other[1]:
        return Misfit(f"{expected}; this is a {other_name}: are the two columns swapped?")
    return Misfit(expected)
