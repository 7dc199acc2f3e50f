"""Orders: by what, in which direction, and where those go that have no value."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.entity import Entity
from kitamae.kernel.context.query import order, parse

LOCATION = "https://example.org/location"


def expand(name: str) -> str:
    return "https://example.org/" + name


def entities(**values: Any) -> list[Entity]:
    """One entity for each value of `a`; None is null."""
    return [
        {"id": name, "type": ["T"], "attrs": {expand("a"): [{"kind": "Property", "v": value}]}}
        for name, value in values.items()
    ]


def ordered(text: str, found: list[Entity], **told: Any) -> list[str]:
    keys = parse.order_by(text, expand, **told)
    return [one["id"] for one in order.sort(keys, found, lambda one: order.places(keys, one))]


def test_values_are_ordered_by_data_type_then_by_value_and_null_is_last() -> None:
    found = entities(
        null=None,
        date="2026-01-01",
        yes=True,
        text="b",
        more=20,
        array=[1],
        object={"b": 1},
        fewer=3,
        time="09:00:00Z",
    )
    assert ordered("a", found) == ["fewer", "more", "text", "object", "array", "yes", "time", "date", "null"]
    assert ordered("a;desc", found)[:2] == ["more", "fewer"]
    assert ordered("a;desc", found)[-1] == "null"


def test_an_entity_without_the_attribute_is_last_in_both_directions() -> None:
    found = [{"id": "none", "type": ["T"], "attrs": {}}, *entities(one=1, two=2)]
    assert ordered("a", found) == ["one", "two", "none"]  # type: ignore[arg-type]
    assert ordered("a;desc", found) == ["two", "one", "none"]  # type: ignore[arg-type]


def test_times_are_ordered_as_times_whatever_their_zone() -> None:
    found = entities(later="2026-01-01T00:30:00Z", earlier="2026-01-01T09:00:00+09:00")
    assert ordered("a", found) == ["earlier", "later"]


def test_texts_are_ordered_by_letters_then_marks_then_case() -> None:
    found = entities(
        **{word: word for word in ("Zebra", "apple", "Apple", "éclair", "ガ", "か", "カ", "きた", "あ")}
    )
    assert ordered("a", found) == ["apple", "Apple", "éclair", "Zebra", "あ", "か", "カ", "ガ", "きた"]


def test_a_collation_that_ignores_case_keeps_those_as_they_came() -> None:
    found = entities(**{word: word for word in ("B", "b", "a", "A")})
    assert ordered("a", found, collation="und-u-ks-level2") == ["a", "A", "B", "b"]


def test_the_first_key_counts_most() -> None:
    found = entities(x=1, y=2, z=1)
    assert ordered("a;desc,id;desc", found) == ["y", "z", "x"]


def test_a_distance_is_measured_on_the_ellipsoid_and_what_is_no_place_comes_after() -> None:
    found: list[Entity] = [
        {"id": name, "type": ["T"], "attrs": {LOCATION: [value]}}  # type: ignore[list-item]
        for name, value in {
            "text": {"kind": "Property", "v": "nowhere"},
            "far": {"kind": "GeoProperty", "v": {"type": "Point", "coordinates": [136.3, 36.35]}},
            "near": {"kind": "GeoProperty", "v": {"type": "Point", "coordinates": [136.34, 36.3]}},
        }.items()
    ]
    assert ordered("location;dist-asc", found, order_from=[136.3, 36.3]) == ["near", "far", "text"]
    assert ordered("location;dist-desc", found, order_from="[136.3,36.3]") == ["far", "near", "text"]


@given(
    st.lists(
        st.one_of(st.none(), st.integers(0, 9), st.sampled_from(["x", "Y", "ア"]), st.booleans()), max_size=60
    ),
    st.integers(0, 12),
    st.sampled_from(["a", "a;desc", "a;desc,id"]),
)
def test_the_first_of_an_order_are_the_first_of_all_of_it(values: list[Any], most: int, text: str) -> None:
    keys = parse.order_by(text, expand)
    found = entities(**{f"e{n}": value for n, value in enumerate(values)})
    places = [(n, order.places(keys, one)) for n, one in enumerate(found)]
    everything = order.sort(keys, places, lambda one: one[1])
    with patch.object(order, "_AT_ONCE", 7):
        chosen: order.First[tuple[int, order.Places]] = order.First(most, keys, lambda one: one[1])
        for place in places:
            chosen.add(place)
        assert chosen.found() == everything[:most]
