"""GeoJSON geometries as values (RFC 7946; clauses 4.6.3 and 4.7): WGS84, longitude first, degrees, GeometryCollection not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json

_DEPTH: Final = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
"""How many arrays lie around a position."""

GEOMETRIES: Final = frozenset(_DEPTH)


def looks_like(value: Json) -> bool:
    """Whether a concise value is to be read as a geometry: a type of geometry, and coordinates."""
    return (
        type(value) is dict
        and "coordinates" in value
        and type(value.get("type")) is str
        and value["type"] in GEOMETRIES
    )


def geometry(value: Json, where: str) -> dict[str, Json]:
    """The geometry itself, checked; also from its text form (clause 4.7.2). Raises BadRequest naming the position."""
    if type(value) is str:
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise BadRequest(f"{where}: expected a GeoJSON geometry, got the text {value!r:.80}") from None
    if type(value) is not dict:
        raise BadRequest(f"{where}: expected a GeoJSON geometry, got {value!r:.80}")
    kind = value.get("type")
    if type(kind) is not str or kind not in GEOMETRIES:
        raise BadRequest(f"{where}: expected a geometry of type {', '.join(_DEPTH)}, got {kind!r:.80}")
    if "coordinates" not in value:
        raise BadRequest(f"{where}: a {kind} needs coordinates")
    coordinates(kind, value["coordinates"], where)
    return value


def coordinates(kind: str, given: Json, where: str) -> None:
    """Check the coordinates of a geometry of `kind` (one of GEOMETRIES)."""
    depth = _DEPTH[kind]
    if depth == 0:
        _position(given, where)
        return
    parts = _array(given, where)
    if depth == 1:
        _line(parts, 2 if kind == "LineString" else 1, where)
    elif kind == "MultiLineString":
        for part in parts:
            _line(_array(part, where), 2, where)
    elif kind == "Polygon":
        _polygon(parts, where)
    else:
        for part in parts:
            _polygon(_array(part, where), where)


def _array(given: Json, where: str) -> list[Json]:
    if type(given) is not list or not given:
        raise BadRequest(f"{where}: expected an array of coordinates, got {given!r:.80}")
    return given


def _polygon(rings: list[Json], where: str) -> None:
    for ring in rings:
        _line(_array(ring, where), 4, where)
        if ring[0] != ring[-1]:
            raise BadRequest(
                f"{where}: a polygon's ring must end where it starts: {ring[0]} is not {ring[-1]}"
            )


def _line(positions: list[Json], least: int, where: str) -> None:
    for position in positions:
        _position(position, where)
    if len(positions) < least:
        raise BadRequest(f"{where}: expected at least {least} positions, got {len(positions)}")


def _position(given: Json, where: str) -> None:
    if type(given) is not list or not 2 <= len(given) <= 3:
        raise BadRequest(f"{where}: expected a position [longitude, latitude], got {given!r:.80}")
    for number in given:
        if type(number) is not float and type(number) is not int:
            raise BadRequest(f"{where}: expected numbers in a position, got {given!r:.80}")
    longitude, latitude = given[0], given[1]
    if -180 <= longitude <= 180 and -90 <= latitude <= 90:
        return
    if -90 <= longitude <= 90 and -180 <= latitude <= 180:
        raise BadRequest(
            f"{where}: latitude {latitude} is beyond 90 degrees: are latitude and longitude swapped? "
            f"GeoJSON says longitude first: [{latitude}, {longitude}]"
        )
    raise BadRequest(
        f"{where}: position {given!r:.80} is out of range: longitude -180 to 180, then latitude -90 to 90 (WGS84)"
    )
