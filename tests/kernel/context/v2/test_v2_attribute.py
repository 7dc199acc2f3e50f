from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.v2 import attribute, times
from kitamae.kernel.context.v2.names import Words, inner_id, outer_id
from kitamae.kernel.problems import BadRequest

WORDS = Words(CORE)
NAMES = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters="&?/#<>\"'=;()"), min_size=1, max_size=30
)
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="<>\"'=;()"), max_size=20
).filter(lambda text: text != "urn:ngsi-ld:null")
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
DEGREES = st.integers(-80, 80) | st.floats(-80, 80)
POINTS = st.builds(
    lambda lat, between, lon: f"{lat},{between}{lon}", DEGREES, st.sampled_from(["", " "]), DEGREES
)
TIMES = (
    st.datetimes()
    .map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
    .map(lambda moment: f"{moment.isoformat(timespec='milliseconds')}Z")
)
KINDS = [
    "Relationship",
    "LanguageProperty",
    "VocabProperty",
    "JsonProperty",
    "ListProperty",
    "ListRelationship",
]
TYPED: st.SearchStrategy[tuple[str, Any]] = st.one_of(
    st.tuples(st.sampled_from(["Text", "Number", "Property", "GeoProperty", "date", *KINDS]), VALUES),
    st.tuples(NAMES.filter(lambda name: not name.startswith("geo:") and name not in times.TYPES), VALUES),
    st.tuples(st.sampled_from(sorted(times.TYPES)), TIMES | st.none()),
    st.tuples(st.just("geo:point"), POINTS | st.none()),
    st.tuples(st.just("geo:line"), st.lists(POINTS, min_size=2, max_size=4)),
    st.tuples(st.just("geo:box"), st.lists(POINTS, min_size=2, max_size=2)),
    st.tuples(
        st.just("geo:polygon"), st.lists(POINTS, min_size=3, max_size=4).map(lambda ring: [*ring, ring[0]])
    ),
    st.tuples(
        st.just("geo:json"),
        st.tuples(DEGREES, DEGREES).map(lambda pair: {"type": "Point", "coordinates": list(pair)}),
    ),
    st.tuples(
        st.sampled_from(["Relationship", "ListRelationship"]), st.lists(st.just("urn:a:b"), min_size=1)
    ),
    st.tuples(st.just("LanguageProperty"), st.dictionaries(st.sampled_from(["ja", "en"]), TEXTS, min_size=1)),
)
METADATA = st.dictionaries(
    NAMES.filter(lambda name: name not in attribute.BUILTIN_METADATA | {"datasetId"})
    | st.sampled_from(["observedAt", "unitCode", "value"]),
    TYPED.map(lambda pair: {"type": pair[0], "value": pair[1]}),
    max_size=3,
)


@given(TYPED, METADATA)
def test_what_v2_writes_it_reads_back(typed: tuple[str, Any], metadata: dict[str, Any]) -> None:
    written = {"type": typed[0], "value": typed[1], "metadata": metadata}
    read = attribute.shown(attribute.read(written, "a", WORDS), WORDS)
    assert read == written
    assert repr(read["value"]) == repr(written["value"])  # 1 is not 1.0, nor True


@given(VALUES)
def test_a_value_without_a_type_is_read_back_with_its_usual_one(value: Any) -> None:
    shown = attribute.shown(attribute.read({"value": value}, "a", WORDS), WORDS)
    assert shown == {"type": attribute.default_type(value), "value": value, "metadata": {}}


@given(NAMES)
def test_a_name_and_an_id_come_back_from_what_they_are_inside(name: str) -> None:
    assert WORDS.compact(WORDS.expand(name)) == name
    assert outer_id(inner_id(name)) == name


@given(st.lists(NAMES, unique=True, max_size=5))
def test_different_names_are_different_inside(names: list[str]) -> None:
    assert (
        len({WORDS.expand(name) for name in names}) == len({inner_id(name) for name in names}) == len(names)
    )


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2026-11-21", "2026-11-21T00:00:00.000Z"),
        ("2026-11-21T09:00+09", "2026-11-21T00:00:00.000Z"),
        ("2026-11-21T09:00:00.5+0900", "2026-11-21T00:00:00.500Z"),
        ("2026-11-21T00:00:00.123456Z", "2026-11-21T00:00:00.123456Z"),
        ("2026-11-21 07", "2026-11-21T07:00:00.000Z"),
        ("2026-11-21T071446.5Z", "2026-11-21T07:14:46.500Z"),
        ("2026-11-21T0714", "2026-11-21T07:14:00.000Z"),
    ],
)
def test_times_are_shown_in_utc_with_milliseconds(given: str, shown: str) -> None:
    made = attribute.read({"value": given, "type": "DateTime"}, "a", WORDS)
    assert attribute.shown_value(made, WORDS) == shown


@pytest.mark.parametrize("given", ["2026-13-01", "tomorrow", "", 5, "0001-01-01T00:00:00+14:00", [1]])
def test_what_is_no_time_is_refused(given: Any) -> None:
    with pytest.raises(BadRequest):
        attribute.read({"value": given, "type": "DateTime"}, "a", WORDS)


def test_a_type_that_no_longer_fits_the_value_is_not_believed() -> None:
    one = attribute.read({"value": "36.3, 136.3", "type": "geo:point"}, "a", WORDS)
    one["v"] = {"type": "LineString", "coordinates": [[136, 36], [137, 37]]}
    assert attribute.type_of(one, WORDS) == "geo:json"
    assert attribute.shown_value(one, WORDS) == one["v"]


def test_a_type_that_an_update_does_not_say_follows_from_the_value_unless_only_the_value_is_written() -> None:
    before = attribute.read({"value": 5, "type": "Celsius"}, "a", WORDS)
    assert attribute.type_of(attribute.read({"value": 6}, "a", WORDS, before), WORDS) == "Number"
    alone = attribute.read({"value": "x"}, "a", WORDS, before, value_only=True)
    assert (attribute.type_of(alone, WORDS), alone["v"]) == ("Celsius", "x")


@pytest.mark.parametrize(
    "given",
    [
        {"type": "TextUnrestricted", "value": ["I'm <free>"]},
        {"type": "Note", "value": "(a=b)", "metadata": {"TextUnrestricted": {"value": True}}},
    ],
    ids=str,
)
def test_forbidden_characters_are_free_where_the_client_says_so(given: dict[str, Any]) -> None:
    assert attribute.read(given, "a", WORDS)["v"] == given["value"]
    with pytest.raises(BadRequest):
        attribute.read({"value": given["value"]}, "a", WORDS)


POINT = {"type": "Point", "coordinates": [136.3, 36.3]}
FEATURE = {"type": "Feature", "properties": {"name": "x"}, "geometry": POINT}


@pytest.mark.parametrize("given", [POINT, FEATURE, {"type": "FeatureCollection", "features": [FEATURE]}])
def test_of_a_feature_its_geometry_is_kept(given: Any) -> None:
    assert attribute.read({"type": "geo:json", "value": given}, "a", WORDS)["v"] == POINT


@pytest.mark.parametrize(
    "given",
    [
        {"type": "FeatureCollection", "features": [FEATURE, FEATURE]},
        {"type": "FeatureCollection"},
        {"type": "Feature"},
        {"type": "GeometryCollection", "geometries": [POINT]},
        "Point",
    ],
    ids=str,
)
def test_what_is_no_geometry_is_refused(given: Any) -> None:
    with pytest.raises(BadRequest):
        attribute.read({"type": "geo:json", "value": given}, "a", WORDS)


@pytest.mark.parametrize(
    ("before", "after"), [(0, False), (1, True), (1, 1.0), ([0], [False]), ({"a": 1}, {"a": True})]
)
def test_a_value_that_python_takes_for_the_same_is_written_all_the_same(before: Any, after: Any) -> None:
    there = attribute.read({"value": before}, "a", WORDS)
    for written in ({"value": after}, {"value": after, "type": attribute.default_type(before)}):
        assert repr(attribute.read(written, "a", WORDS, there)["v"]) == repr(after)
