"""Places: NGSIv2's simple location formats, latitude first, and GeoJSON, longitude first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import geojson
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json

SIMPLE: Final = frozenset(("geo:point", "geo:line", "geo:box", "geo:polygon"))
"""Types whose values are texts of coordinates."""

_PAIR: Final = re.compile(
    r"\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*,\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*"
)


def geometry(given: Json, where: str) -> dict[str, Json]:
    """A GeoJSON geometry; of a Feature, or a FeatureCollection of one, its geometry. Raises BadRequest."""
    if not isinstance(given, dict):
        raise BadRequest(f"{where}: geo:json needs a GeoJSON object")
    if given.get("type") == "FeatureCollection":
        features = given.get("features")
        if not isinstance(features, list) or len(features) != 1 or not isinstance(features[0], dict):
            raise BadRequest(f"{where}: a FeatureCollection needs exactly one Feature")
        given = features[0]
    if given.get("type") == "Feature":
        given = given.get("geometry")
    return geojson.geometry(given, where)


def simple(type: str, given: Json, where: str) -> dict[str, Json]:
    """A simple location format as a geometry. Raises BadRequest."""
    texts = [given] if type == "geo:point" else given
    if not isinstance(texts, list):
        raise BadRequest(f'{where}: {type} needs an array of texts such as "36.3, 136.3"')
    points = [_point(one, where) for one in texts]
    match type:
        case "geo:point":
            return {"type": "Point", "coordinates": points[0]}
        case "geo:line":
            made: dict[str, Json] = {"type": "LineString", "coordinates": points}
        case "geo:box":
            if len(points) != 2:
                raise BadRequest(f"{where}: geo:box needs two opposite corners, got {len(points)}")
            (west, south), (east, north) = points
            ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
            made = {"type": "Polygon", "coordinates": [ring]}
        case _:
            made = {"type": "Polygon", "coordinates": [points]}
    geojson.coordinates(made["type"], made["coordinates"], where)
    return made


def _point(text: Json, where: str) -> list[float]:
    found = _PAIR.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise BadRequest(f'{where}: expected "latitude, longitude" such as "36.3, 136.3", got {text!r:.80}')
    latitude, longitude = (
        int(one) if re.fullmatch(r"-?\d{1,3}", one) else float(one) for one in found.groups()
    )
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise BadRequest(f"{where}: latitude -90 to 90, then longitude -180 to 180, got {text!r:.80}")
    return [longitude, latitude]


def shown(type: str, geometry: Json) -> Json:
    """In a simple location format of NGSIv2; None where the geometry is not one of these."""
    kind, given = geometry.get("type"), geometry.get("coordinates")
    match type, kind:
        case "geo:point", "Point":
            return _pair(given) if len(given) == 2 else None
        case "geo:line", "LineString":
            points = given
        case "geo:box", "Polygon" if len(given) == 1 and len(given[0]) == 5:
            one, two, three, four, _ = given[0]
            if [two, four] != [[three[0], one[1]], [one[0], three[1]]]:
                return None
            points = [one, three]
        case "geo:polygon", "Polygon" if len(given) == 1:
            points = given[0]
        case _:
            return None
    return [_pair(one) for one in points] if all(len(one) == 2 for one in points) else None


def _pair(position: list[Any]) -> str:
    return f"{position[1]}, {position[0]}"


def means(type: str, written: Json, v: Json) -> bool:
    """Is this text, or these texts, that geometry?"""
    try:
        return bool(simple(type, written, "") == v)
    except BadRequest:
        return False
