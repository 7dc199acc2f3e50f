"""Places: GeoJSON read strictly, exact predicates, distances in metres on the ellipsoid, boxes. WGS84, longitude first.

Topology (within, contains, ...) is that of the plane of degrees, as GeoJSON's straight lines are (RFC 7946, 3.1.1).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import shapely
from pyproj import Geod
from shapely.geometry import shape

from kitamae.kernel.context.query.tree import Coordinates, Geo, Geometry, GeometryType
from kitamae.kernel.problems import BadRequest, TooComplex

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json

MOST_POSITIONS: Final = 5_000
"""Of a reference geometry. Whether one crosses itself is found out by GEOS in one go, in which Python does nothing else: 76 ms for a star
of so many corners on a busy machine, 290 ms for one of 19,000 (decisions/0101)."""
Box: TypeAlias = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

_ELLIPSOID: Final = Geod(ellps="WGS84")
_DEPTH: Final[dict[str, int]] = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
_SHORTEST_DEGREE: Final = 110_574.0
"""Metres of one degree of latitude at the equator, where it is shortest."""


# --- reading
def positions(kind: GeometryType, value: Json, where: str) -> Coordinates:
    """The coordinates of that type as tuples. Raises BadRequest naming `where`, TooComplex."""
    count = [0]
    found = _nested(value, _DEPTH[kind], where, count)
    for ring in _rings(kind, found):
        if len(ring) < 4 or ring[0] != ring[-1]:
            raise BadRequest(
                f"{where}: a ring of a {kind} has four positions or more and ends where it begins"
            )
    for line in _lines(kind, found):
        if len(line) < 2:
            raise BadRequest(f"{where}: a line of a {kind} has two positions or more")
    return found


def _nested(value: Json, depth: int, where: str, count: list[int]) -> Coordinates:
    if not isinstance(value, list | tuple) or not value:
        raise BadRequest(f"{where}: expected an array, got {value!r:.80}")
    if depth:
        return tuple(_nested(item, depth - 1, where, count) for item in value)
    count[0] += 1
    if count[0] > MOST_POSITIONS:
        raise TooComplex(f"{where}: more than {MOST_POSITIONS:,} positions")
    return _position(value, where)


def _position(value: list[Json] | tuple[Json, ...], where: str) -> Coordinates:
    if len(value) not in (2, 3) or not all(
        isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
        for number in value
    ):
        raise BadRequest(f"{where}: expected a position [longitude, latitude] in degrees, got {value!r:.80}")
    east, north = value[0], value[1]
    if -180 <= east <= 180 and -90 <= north <= 90:
        return tuple(value)
    if -180 <= north <= 180 and -90 <= east <= 90:
        raise BadRequest(
            f"{where}: latitude {north} is beyond 90 degrees; GeoJSON puts the longitude first: swapped?"
        )
    raise BadRequest(f"{where}: [{east}, {north}] is beyond 180 degrees of longitude or 90 of latitude")


def _rings(kind: GeometryType, found: Any) -> list[Any]:
    if kind == "Polygon":
        return list(found)
    return [ring for polygon in found for ring in polygon] if kind == "MultiPolygon" else []


def _lines(kind: GeometryType, found: Any) -> list[Any]:
    if kind == "LineString":
        return [found]
    return list(found) if kind == "MultiLineString" else []


@lru_cache(maxsize=256)
def made_of(reference: Geometry) -> shapely.Geometry:
    """For shapely, prepared for many comparisons. What crosses itself is mended as a stored geometry is."""
    made = _mended(shape({"type": reference.type, "coordinates": reference.coordinates}))
    shapely.prepare(made)
    return made


def target(value: Json) -> shapely.Geometry | None:
    """A stored GeoJSON geometry, mended; None for what is none."""
    if not isinstance(value, dict):
        return None
    if (point := _point(value)) is not None:
        return shapely.Point(point[0], point[1])
    try:
        return _mended(shape(value))
    except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError):
        return None


def _mended(made: shapely.Geometry) -> shapely.Geometry:
    """Predicates need valid geometries, and outlines drawn by hand often cross themselves a little."""
    return made if made.is_valid else shapely.make_valid(made)


def _point(value: Json) -> list[float] | None:
    """The position of a stored Point: most places are points, and need no geometry library."""
    if isinstance(value, dict) and value.get("type") == "Point":
        found = value.get("coordinates")
        if isinstance(found, list) and len(found) > 1 and isinstance(found[0], int | float):
            return found if isinstance(found[1], int | float) else None
    return None


# --- predicates
def related(geo: Geo, value: Json) -> bool:
    """Whether a stored GeoJSON geometry stands in that relation to the reference geometry."""
    if geo.georel == "near":
        metres = distance(geo.geometry, value)
        return (
            metres is not None
            and (geo.max_distance is None or metres <= geo.max_distance)
            and (geo.min_distance is None or metres > geo.min_distance)
        )
    made = target(value)
    if made is None:
        return False
    reference = made_of(geo.geometry)
    match geo.georel:  # the reference is the prepared one, so it asks
        case "within":
            return bool(reference.contains(made))
        case "contains":
            return bool(reference.within(made))
        case "overlaps":
            return bool(reference.overlaps(made))
        case "intersects":
            return bool(reference.intersects(made))
        case "equals":
            return bool(reference.equals(made))
        case "disjoint":
            return bool(reference.disjoint(made))


def distance(reference: Geometry, value: Json) -> float | None:
    """Metres on the ellipsoid between the two where they are nearest; 0 where they touch; None for no geometry.

    Nearest is sought on a plane whose east-west scale is right at the reference's latitude: off by less than one part
    in a thousand within a prefecture, and exact between points.
    """
    if reference.type == "Point" and (there := _point(value)) is not None:
        here = cast("tuple[float, ...]", reference.coordinates)
        return float(_ELLIPSOID.inv(here[0], here[1], there[0], there[1])[2])
    made = target(value)
    if made is None or made.is_empty:
        return None
    near, scale = _near(reference)
    way = shapely.get_coordinates(shapely.shortest_line(near, _scaled(made, scale)))
    (west, south), (east, north) = way
    return float(_ELLIPSOID.inv(west / scale, south, east / scale, north)[2])


@lru_cache(maxsize=256)
def _near(reference: Geometry) -> tuple[shapely.Geometry, float]:
    """The reference on the plane on which distances are compared, prepared, and that plane's scale."""
    made = made_of(reference)
    scale = max(math.cos(math.radians(made.centroid.y)), 1e-6)
    scaled = _scaled(made, scale)
    shapely.prepare(scaled)
    return scaled, scale


def size(reference: Geometry) -> int:
    """How many positions it has."""
    return int(shapely.get_num_coordinates(made_of(reference)))


def _scaled(made: shapely.Geometry, scale: float) -> shapely.Geometry:
    return shapely.transform(made, lambda positions: positions * (scale, 1.0))


# --- boxes
def box(value: Json) -> Box | None:
    """The bounding box of a stored GeoJSON geometry; None for what is none."""
    if (point := _point(value)) is not None:
        return (point[0], point[1], point[0], point[1])
    if not isinstance(value, dict):
        return None
    try:
        made = shape(value)  # what is mended is not larger, and mending takes long
    except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError):
        return None
    if made.is_empty:
        return None
    west, south, east, north = made.bounds
    return (west, south, east, north)


def reach(geo: Geo) -> Box | None:
    """A box that the box of every match touches; None when a match may be anywhere."""
    if geo.georel == "disjoint" or (geo.georel == "near" and geo.max_distance is None):
        return None
    if geo.geometry.type == "Point":
        east, north = cast("tuple[float, ...]", geo.geometry.coordinates)[:2]
        bounds = (east, north, east, north)
    else:
        bounds = made_of(geo.geometry).bounds
    return widened(bounds, geo.max_distance) if geo.max_distance is not None else bounds


def widened(bounds: Box, metres: float) -> Box:
    """A box that holds everything within that distance of the box, whatever the latitude."""
    west, south, east, north = bounds
    up = metres / _SHORTEST_DEGREE * 1.001 + 1e-9
    south, north = south - up, north + up
    if south <= -89.9 or north >= 89.9:
        return (-180.0, max(south, -90.0), 180.0, min(north, 90.0))
    aside = up / math.cos(math.radians(max(abs(south), abs(north))))
    west, east = west - aside, east + aside
    if west < -180 or east > 180:  # over the antimeridian
        return (-180.0, south, 180.0, north)
    return (west, south, east, north)
