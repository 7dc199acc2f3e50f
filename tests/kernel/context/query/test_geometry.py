"""Places: reading, exact predicates against shapely's own, distances, and boxes that lose nobody."""

from __future__ import annotations

import math
from typing import Any

import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from pyproj import Geod
from shapely.geometry import mapping, shape

from kitamae.kernel.context.query import geometry, parse
from kitamae.kernel.context.query.tree import Geo, Geometry
from kitamae.kernel.problems import BadRequest, TooComplex

ELLIPSOID = Geod(ellps="WGS84")
LOCATION = "https://uri.etsi.org/ngsi-ld/location"

grid = st.integers(0, 6).map(float)
positions = st.tuples(grid, grid)
points = positions.map(shapely.Point)
lines = st.lists(positions, min_size=2, max_size=4, unique=True).map(shapely.LineString)
boxes = st.tuples(grid, grid, st.integers(1, 4), st.integers(1, 4)).map(
    lambda b: shapely.box(b[0], b[1], b[0] + b[2], b[1] + b[3])
)
shapes = st.one_of(
    points,
    lines,
    boxes,
    st.lists(positions, min_size=1, max_size=3, unique=True).map(shapely.MultiPoint),
    boxes.map(lambda one: shapely.MultiPolygon([one, shapely.box(20, 20, 21, 21)])),
    lines.map(lambda one: shapely.MultiLineString([one, [(20, 20), (21, 21)]])),
)


def asked(relation: str, reference: Any, **distances: float) -> Geo:
    told = mapping(reference)
    found = parse.geo(
        {
            "georel": ";".join([relation, *(f"{name}=={metres}" for name, metres in distances.items())]),
            "geometry": told["type"],
            "coordinates": told["coordinates"],
        },
        lambda name: "https://uri.etsi.org/ngsi-ld/" + name,
    )
    assert found is not None
    return found


@given(shapes, shapes)
def test_each_relation_is_that_of_the_target_to_the_reference(target: Any, reference: Any) -> None:
    for relation in ("within", "contains", "overlaps", "intersects", "equals", "disjoint"):
        expected = getattr(shape(mapping(target)), relation)(shape(mapping(reference)))
        assert geometry.related(asked(relation, reference), mapping(target)) == expected


degrees = st.tuples(st.floats(-179, 179), st.floats(-85, 85))
metres = st.floats(1, 200_000)


@given(degrees, st.floats(0, 360), metres, metres)
def test_near_is_right_to_the_metre_between_points(
    here: tuple[float, float], azimuth: float, away: float, limit: float
) -> None:
    assume(abs(away - limit) > 0.001)
    east, north, _ = ELLIPSOID.fwd(*here, azimuth, away)
    there = {"type": "Point", "coordinates": [east, north]}
    assert geometry.related(asked("near", shapely.Point(here), maxDistance=limit), there) == (away < limit)
    assert geometry.related(asked("near", shapely.Point(here), minDistance=limit), there) == (away > limit)


@given(degrees, st.floats(0, 360), metres)
def test_nothing_within_a_distance_is_outside_the_widened_box(
    here: tuple[float, float], azimuth: float, limit: float
) -> None:
    box = geometry.reach(asked("near", shapely.Point(here), maxDistance=limit))
    assert box is not None
    east, north, _ = ELLIPSOID.fwd(*here, azimuth, limit * 0.999)
    west_side, south_side, east_side, north_side = box
    assert south_side <= north <= north_side
    assert west_side <= east <= east_side


@given(shapes, shapes, st.sampled_from(["within", "contains", "overlaps", "intersects", "equals", "near"]))
def test_whatever_matches_touches_the_reach(target: Any, reference: Any, relation: str) -> None:
    geo = asked(relation, reference, **({"maxDistance": 100_000} if relation == "near" else {}))
    if geometry.related(geo, mapping(target)):
        reach, box = geometry.reach(geo), geometry.box(mapping(target))
        assert reach is not None
        assert box is not None
        assert box[0] <= reach[2]
        assert box[2] >= reach[0]
        assert box[1] <= reach[3]
        assert box[3] >= reach[1]


def test_a_shape_is_as_near_as_its_nearest_point() -> None:
    square = {
        "type": "Polygon",
        "coordinates": [[[136.3, 36.3], [136.4, 36.3], [136.4, 36.4], [136.3, 36.4], [136.3, 36.3]]],
    }
    inside = geometry.distance(Geometry("Point", (136.35, 36.35)), square)
    assert inside == 0
    beside = geometry.distance(Geometry("Point", (136.2, 36.35)), square)
    exact = ELLIPSOID.inv(136.2, 36.35, 136.3, 36.35)[2]
    assert beside is not None
    assert math.isclose(beside, exact, rel_tol=1e-3)
    whole = geometry.distance(Geometry("LineString", ((136.2, 36.0), (136.2, 36.9))), square)
    assert whole is not None
    assert math.isclose(whole, exact, rel_tol=2e-3)


def test_altitude_takes_no_part() -> None:
    there = {"type": "Point", "coordinates": [136.3, 36.3, 3776]}
    assert geometry.distance(Geometry("Point", (136.3, 36.3, 0)), there) == 0


@pytest.mark.parametrize(
    "value", [None, "x", {}, {"type": "Point"}, {"type": "Nowhere", "coordinates": [1, 2]}]
)
def test_what_is_no_geometry_is_nowhere(value: Any) -> None:
    for geo in (asked("within", shapely.box(0, 0, 1, 1)), asked("near", shapely.Point(0, 0), maxDistance=1)):
        assert not geometry.related(geo, value)
    assert geometry.box(value) is None


def test_a_polygon_that_crosses_itself_is_mended_alike_where_it_is_stored_and_where_it_is_asked() -> None:
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}
    assert geometry.related(asked("intersects", shapely.Point(0.2, 1.0)), bow)
    for relation in ("equals", "within"):
        same = parse.geo({"georel": relation, "geometry": "Polygon", "coordinates": bow["coordinates"]}, str)
        assert same is not None
        assert geometry.related(same, bow)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": "[36.3,136.3]"}, "swapped"),
        (
            {"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": "[536.3,36.3]"},
            "180 degrees",
        ),
        ({"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": "[136.3]"}, "position"),
        (
            {"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": "[136.3,null]"},
            "position",
        ),
        ({"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": "[136.3,"}, "JSON array"),
        ({"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": "7"}, "array"),
        ({"georel": "near;maxDistance==0", "geometry": "Point", "coordinates": [1, 2]}, "more than 0"),
        ({"georel": "near;maxDistance=9", "geometry": "Point", "coordinates": [1, 2]}, "maxDistance=9"),
        ({"georel": "near;maxDistance==-9", "geometry": "Point", "coordinates": [1, 2]}, "maxDistance==-9"),
        ({"georel": "near", "geometry": "Point", "coordinates": [1, 2]}, "near needs"),
        ({"georel": "within;maxDistance==9", "geometry": "Point", "coordinates": [1, 2]}, "maxDistance"),
        ({"georel": "beside", "geometry": "Point", "coordinates": [1, 2]}, "beside"),
        ({"georel": "within", "geometry": "Sphere", "coordinates": [1, 2]}, "Sphere"),
        ({"georel": "within", "geometry": "GeometryCollection", "coordinates": [1, 2]}, "GeometryCollection"),
        ({"georel": "within", "geometry": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]}, "ring"),
        (
            {"georel": "within", "geometry": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]},
            "ring",
        ),
        ({"georel": "within", "geometry": "LineString", "coordinates": [[0, 0]]}, "line"),
        ({"georel": "within", "geometry": "MultiPoint", "coordinates": [0, 0]}, "array"),
        ({"georel": "within", "coordinates": [0, 0]}, "geometry and coordinates"),
        ({"geometry": "Point", "coordinates": [0, 0]}, "georel"),
    ],
)
def test_a_malformed_geoquery_is_refused_with_what_was_wrong(params: dict[str, Any], told: str) -> None:
    with pytest.raises(BadRequest) as wrong:
        parse.geo(params, str)
    assert told in wrong.value.detail


def test_no_geoquery_is_none_and_the_location_is_meant_unless_told() -> None:
    assert parse.geo({}, str) is None
    assert parse.geo({"geoproperty": None, "georel": None}, str) is None
    assert asked("within", shapely.box(0, 0, 1, 1)).geoproperty == LOCATION


def test_a_reference_of_too_many_positions_is_refused() -> None:
    with pytest.raises(TooComplex):
        parse.geo({"georel": "within", "geometry": "MultiPoint", "coordinates": [[0, 0]] * 30_000}, str)
    with pytest.raises(TooComplex):
        parse.geo({"georel": "within", "geometry": "MultiPoint", "coordinates": "[" * 2_000_000}, str)
