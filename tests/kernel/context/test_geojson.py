"""Geometries: what is one, what is none, and the commonest mistake of all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context import geojson
from kitamae.kernel.problems import BadRequest

RING = [[136.3, 36.2], [136.4, 36.2], [136.4, 36.3], [136.3, 36.2]]
POINT = {"type": "Point", "coordinates": [136.36, 36.29]}

_positions = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
_shapes = st.one_of(
    _positions.map(shapely.Point),
    st.lists(_positions, min_size=1, max_size=4).map(shapely.MultiPoint),
    st.lists(_positions, min_size=2, max_size=4).map(shapely.LineString),
    st.lists(_positions, min_size=3, max_size=5).map(shapely.Polygon),
    st.lists(st.lists(_positions, min_size=3, max_size=5).map(shapely.Polygon), min_size=1, max_size=2).map(
        shapely.MultiPolygon
    ),
)


@given(_shapes)
def test_whatever_shapely_writes_is_a_geometry_and_so_is_its_text(shape):
    text = shapely.to_geojson(shape)
    value = json.loads(text)
    assert geojson.geometry(value, "location") == value
    assert geojson.geometry(text, "location") == value
    assert geojson.looks_like(value)


@pytest.mark.parametrize(
    "value",
    [
        {"type": "GeometryCollection", "geometries": [POINT]},
        {"type": "Point"},
        {"type": "Point", "coordinates": []},
        {"type": "Point", "coordinates": [136.3]},
        {"type": "Point", "coordinates": [136.3, 36.2, 5, 5]},
        {"type": "Point", "coordinates": ["136.3", "36.2"]},
        {"type": "Point", "coordinates": [True, False]},
        {"type": "Point", "coordinates": [181, 36]},
        {"type": "Point", "coordinates": [136.3, -91]},
        {"type": "Point", "coordinates": [1e308, 1e308]},
        {"type": "LineString", "coordinates": [RING[0]]},
        {"type": "LineString", "coordinates": RING[0]},
        {"type": "Polygon", "coordinates": [[RING[0], RING[1], RING[0]]]},
        {"type": "Polygon", "coordinates": [[[136, 36], [137, 36], [137, 37], [136, 37]]]},
        {"type": "Polygon", "coordinates": RING},
        {"type": "MultiPolygon", "coordinates": [RING]},
        {"type": "MultiPoint", "coordinates": []},
        {"type": "Circle", "coordinates": RING[0]},
        {"type": ["Point"], "coordinates": RING[0]},
        "山代温泉",
        "[1, 2]",
        5,
        None,
    ],
)
def test_what_is_no_geometry_is_refused_with_its_place(value):
    with pytest.raises(BadRequest, match="location"):
        geojson.geometry(value, "location")


@pytest.mark.parametrize("kind", sorted(geojson.GEOMETRIES))
def test_every_geometry_of_the_specification_is_one(kind):
    shapes: dict[str, Any] = {"Point": RING[0], "MultiPoint": RING, "LineString": RING}
    shapes |= {"MultiLineString": [RING], "Polygon": [RING], "MultiPolygon": [[RING]]}
    value = {"type": kind, "coordinates": shapes[kind]}
    assert geojson.geometry(value, "location") is value


def test_swapped_coordinates_are_recognised_and_the_right_order_is_shown():
    with pytest.raises(BadRequest, match=r"swapped\?.*\[136\.36, 36\.29\]"):
        geojson.geometry({"type": "Point", "coordinates": [36.29, 136.36]}, "location")


@pytest.mark.parametrize("name", ["shelters_evacuation", "shelters_emergency", "boundary"])
def test_every_geometry_that_the_city_has_is_read(shared: Path, name):
    features = json.loads((shared / "data" / "kaga" / f"{name}.geojson").read_text())["features"]
    assert features
    for feature in features:
        assert geojson.geometry(feature["geometry"], "location") == feature["geometry"]
