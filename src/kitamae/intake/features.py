"""GeoJSON (RFC 7946) to features, one at a time: a file of any size in the memory of its largest feature."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final

from kitamae.intake.cell import EAST, NORTH
from kitamae.intake.row import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

LARGEST: Final = 32 << 20
"""Characters of one feature: a prefecture's outline in full detail fits."""

_START: Final = re.compile(r'"features"\s*:\s*\[')
_GAP: Final = re.compile(r"[\s,\ufeff]*")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)


class Broken:
    """The file cannot be read from here on. `at` is the text there."""

    def __init__(self, at: str, why: str) -> None:
        self.at, self.why = at, why


def features(file: TextIO, name: str) -> Iterator[Any | Broken]:
    """Each member of the FeatureCollection's `features`, or the one Feature that the file is.

    A `Broken` is the last one given. Raises UnreadableFileError where no feature can be found at all.
    """
    buffer, ended = "", False

    def more(least: int) -> None:
        nonlocal buffer, ended
        piece = file.read(max(1 << 16, least))
        ended = not piece
        buffer += piece

    while not (start := _START.search(buffer)) and not ended and len(buffer) < LARGEST:
        more(len(buffer))
    if not start:
        yield _single(buffer, ended, name)
        return
    buffer = buffer[start.end() :]
    while True:
        gap = _GAP.match(buffer)
        buffer = buffer[gap.end() :] if gap else buffer
        if buffer.startswith("]"):
            return
        try:
            if not buffer:
                raise ValueError("the list of features never ends")
            feature, end = _DECODER.raw_decode(buffer)
        except (ValueError, RecursionError) as error:
            if not ended and len(buffer) < LARGEST:
                more(len(buffer))
                continue
            yield Broken(buffer[:200], f"a feature ({error}); nothing after it can be read")
            return
        buffer = buffer[end:]
        yield feature


def _single(text: str, ended: bool, name: str) -> Any:
    try:
        whole = json.loads(text.removeprefix("\ufeff"), parse_constant=_no_constant) if ended else None
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(
            f"{name}: this is no JSON ({error}); expected a GeoJSON FeatureCollection"
        ) from error
    if not isinstance(whole, dict) or whole.get("type") != "Feature":
        raise UnreadableFileError(f"{name}: no features in it; expected a GeoJSON FeatureCollection")
    return whole


_DEPTH: Final = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}


def wrong_geometry(geometry: Any) -> str:
    """What was expected of it, or "" where it is a GeoJSON geometry that lies in Japan."""
    if not isinstance(geometry, dict) or geometry.get("type") not in _DEPTH:
        return "a geometry: " + ", ".join(_DEPTH)
    kind, coordinates = geometry["type"], geometry.get("coordinates")
    seen: list[list[float]] = []
    if not _positions(coordinates, _DEPTH[kind], seen.append) or not seen:
        return f"the coordinates of a {kind}: [longitude, latitude] in WGS84"
    if kind == "LineString" and len(seen) < 2:
        return "a LineString of two positions or more"
    if kind in ("Polygon", "MultiPolygon") and not _closed(
        coordinates if kind == "MultiPolygon" else [coordinates]
    ):
        return "rings of four positions or more that end where they begin"
    for longitude, latitude in seen:
        if not (EAST[0] <= longitude <= EAST[1] and NORTH[0] <= latitude <= NORTH[1]):
            swapped = EAST[0] <= latitude <= EAST[1] and NORTH[0] <= longitude <= NORTH[1]
            return "a place in Japan, [longitude, latitude] in WGS84" + (
                "; these are the wrong way round" if swapped else ""
            )
    return ""


def _positions(value: Any, depth: int, seen: Callable[[list[float]], None]) -> bool:
    if not isinstance(value, list) or not value:
        return False
    if depth:
        return all(_positions(part, depth - 1, seen) for part in value)
    if len(value) not in (2, 3) or not all(
        isinstance(part, int | float) and not isinstance(part, bool) and math.isfinite(part) for part in value
    ):
        return False
    seen(value[:2])
    return True


def _closed(polygons: Any) -> bool:
    return all(len(ring) >= 4 and ring[0] == ring[-1] for polygon in polygons for ring in polygon)
