"""The map's ground, drawn from what the city knows itself: its outline and the names of its towns (PMTiles v3, MVT).

Nothing is fetched from anywhere, so the map opens in a town hall that is cut off from the world. Where the city has
no outline of the sea or of its neighbours, the map shows none: it invents nothing.
"""

from __future__ import annotations

import gzip
import json
import math
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer
from shapely import STRtree, box, transform
from shapely.geometry import Point, shape

from kitamae.sdk.context import point
from kitamae.web import speak

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from shapely.geometry.base import BaseGeometry

    from kitamae.sdk.context import Entity

MIN_ZOOM: Final = 6
MAX_ZOOM: Final = 13
_HALF: Final = math.pi * 6378137.0  # Web Mercator's world reaches this far from its middle, in metres
_MARGIN: Final = 0.06  # of a tile: lines and labels do not end at its edge


@dataclass(frozen=True, slots=True)
class Named:
    """A label: the thing, and from which zoom on there is room for its name."""

    entity: Entity
    rank: int
    from_zoom: int


def build(areas: Sequence[Entity], labels: Sequence[Named]) -> bytes:
    """A whole archive. `areas` are entities with a (Multi)Polygon in `location`, `labels` with a Point.

    Raises ValueError where there is nothing to draw.
    """
    drawn: list[tuple[str, BaseGeometry, dict[str, Any], int]] = [
        ("area", _mercator(shape(area["location"])), _names(area), MIN_ZOOM)
        for area in areas
        if isinstance(area.get("location"), dict) and area["location"]["type"].endswith("Polygon")
    ]
    drawn += [
        ("label", _mercator(Point(at)), {**_names(one.entity), "rank": one.rank}, one.from_zoom)
        for one in labels
        if (at := point(one.entity))
    ]
    if not drawn:
        raise ValueError("there is neither an outline nor a name to draw a map from")
    tree = STRtree([geometry for _, geometry, _, _ in drawn])
    west, south, east, north = (float(edge) for edge in tree.geometries[0].bounds)
    for geometry in tree.geometries[1:]:
        bounds = geometry.bounds
        west, south = min(west, bounds[0]), min(south, bounds[1])
        east, north = max(east, bounds[2]), max(north, bounds[3])
    out = BytesIO()
    untyped: Any = Writer  # pmtiles has no types
    writer = untyped(out)
    tiles = sorted(
        (zxy_to_tileid(z, x, y), (z, x, y))
        for z in range(MIN_ZOOM, MAX_ZOOM + 1)
        for x, y in _covering(z, west, south, east, north)
    )
    for number, (z, x, y) in tiles:
        if tile := _tile(drawn, tree, z, x, y):
            writer.write_tile(number, gzip.compress(tile, mtime=0))
    writer.finalize(_header(west, south, east, north), _METADATA)
    return out.getvalue()


_METADATA: Final = {
    "name": "kitamae",
    "format": "pbf",
    "vector_layers": [
        {"id": "area", "fields": {"ja": "String", "en": "String", "kana": "String"}},
        {"id": "label", "fields": {"ja": "String", "en": "String", "kana": "String", "rank": "Number"}},
    ],
}


def _names(entity: Entity) -> dict[str, Any]:
    names = {
        "ja": speak.name(entity, "ja"),
        "en": speak.name(entity, "en"),
        "kana": speak.reading(entity, "ja_Hira"),
    }
    return {language: name for language, name in names.items() if name}


def _mercator(geometry: BaseGeometry) -> BaseGeometry:
    return transform(geometry, _project)


def _project(degrees: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    metres = degrees.copy()
    metres[:, 0] = degrees[:, 0] * _HALF / 180
    for row, latitude in zip(metres, degrees[:, 1], strict=True):
        row[1] = math.log(math.tan((90 + latitude) * math.pi / 360)) * _HALF / math.pi
    return metres


def _covering(z: int, west: float, south: float, east: float, north: float) -> Iterator[tuple[int, int]]:
    side = 2 * _HALF / 2**z
    for x in range(int((west + _HALF) // side), int((east + _HALF) // side) + 1):
        for y in range(int((_HALF - north) // side), int((_HALF - south) // side) + 1):
            yield x, y


def _tile(
    drawn: Sequence[tuple[str, BaseGeometry, dict[str, Any], int]], tree: STRtree, z: int, x: int, y: int
) -> bytes:
    side = 2 * _HALF / 2**z
    west, north = x * side - _HALF, _HALF - y * side
    bounds = (west, north - side, west + side, north)
    margin = side * _MARGIN
    window = box(bounds[0] - margin, bounds[1] - margin, bounds[2] + margin, bounds[3] + margin)
    layers: dict[str, list[dict[str, Any]]] = {"area": [], "label": []}
    for index in sorted(tree.query(window)):
        layer, geometry, properties, from_zoom = drawn[index]
        if z < from_zoom:
            continue
        # Thinner than half a unit of the tile's own grid of 4096 nobody sees.
        cut = geometry.intersection(window).simplify(side / 8192) if layer == "area" else geometry
        if not cut.is_empty:
            layers[layer].append({"geometry": cut, "properties": properties})
    import mapbox_vector_tile  # only when the map is drawn anew: it brings all of protobuf

    content = [{"name": name, "features": features} for name, features in layers.items() if features]
    return (
        bytes(mapbox_vector_tile.encode(content, default_options={"quantize_bounds": bounds}))
        if content
        else b""
    )


def _header(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    def degrees(x: float, y: float) -> tuple[int, int]:
        latitude = math.degrees(2 * math.atan(math.exp(y * math.pi / _HALF)) - math.pi / 2)
        return round(x / _HALF * 180 * 1e7), round(latitude * 1e7)

    min_lon, min_lat = degrees(west, south)
    max_lon, max_lat = degrees(east, north)
    return {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_zoom": MIN_ZOOM,
        "max_zoom": MAX_ZOOM,
        "min_lon_e7": min_lon,
        "min_lat_e7": min_lat,
        "max_lon_e7": max_lon,
        "max_lat_e7": max_lat,
        "center_zoom": 11,
        "center_lon_e7": (min_lon + max_lon) // 2,
        "center_lat_e7": (min_lat + max_lat) // 2,
    }


def fingerprint(areas: Sequence[Entity], labels: Sequence[Named]) -> str:
    """The same for the same map; what the archive's file is named by."""
    things = [[entity.get("location"), _names(entity)] for entity in areas]
    things += [[one.entity.get("location"), _names(one.entity), one.rank, one.from_zoom] for one in labels]
    told = json.dumps([MIN_ZOOM, MAX_ZOOM, things], ensure_ascii=False, sort_keys=True)
    return sha256(told.encode()).hexdigest()[:16]
