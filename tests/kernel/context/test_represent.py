"""What clients read: every form of every kind, and that reading it again gives the same entity."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kitamae.kernel.context import read
from kitamae.kernel.context.entity import NULL, Entity
from kitamae.kernel.context.jsonld import CORE, compile_context
from kitamae.kernel.context.represent import Form, feature, feature_collection, present

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"
LD = "https://uri.etsi.org/ngsi-ld/"
POINT = {"type": "Point", "coordinates": [136.36, 36.29]}
CITY = compile_context(
    {"市": "https://city.example/#", "水位": "市:水位", "避難所": "市:Shelter", "a": "市:a", "aa": "市:a"}, {}
)


def of(*instances: dict[str, Any], name: str = "水位", **members: Any) -> Entity:
    """An entity with one attribute."""
    return {
        "id": "urn:a:1",
        "type": [DEFAULT + "House"],
        **members,
        "attrs": {DEFAULT + name: list(instances)},
    }


def shown(entity: Entity, name: str = "水位", **form: Any) -> Any:
    return present(entity, CORE, Form(**form))[name]


# --- there and back

_names = st.sampled_from(["水位", "名称", "住所", "避難所_洪水", "speed", "a", "öl", "location2", "が"])
_texts = st.text(max_size=8).filter(lambda text: text != NULL)
_scalars = st.one_of(
    st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), _texts
)
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)
_awkward = st.sampled_from(
    [
        POINT,
        [POINT],
        {"type": "Point", "coordinates": 5},
        {"value": 3},
        [{"value": 3}],
        [],
        {},
        "",
        {"type": "Property"},
    ]
)
_uris = st.sampled_from(["urn:ngsi-ld:Building:山代", "https://a.example/x?y=z", "urn:a:1"])
_words = st.text(min_size=1, max_size=6).filter(lambda text: text != NULL)
_positions = st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(list)
_points = _positions.map(lambda position: {"type": "Point", "coordinates": position})
_times = st.sampled_from(["2026-11-21T07:00:00Z", "2026-11-21T07:00:00.000Z", "1999-12-31T23:59:59.123456Z"])


def _expanded(contextless: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return contextless.map(CITY.iri)


_kinds = st.one_of(
    st.tuples(st.just("Property"), st.one_of(_values, _awkward)),
    st.tuples(st.just("GeoProperty"), _points),
    st.tuples(st.just("Relationship"), st.one_of(_uris, st.lists(_uris, min_size=1, max_size=2))),
    st.tuples(
        st.just("LanguageProperty"),
        st.dictionaries(
            st.sampled_from(["ja", "en-GB", "@none"]),
            st.one_of(_texts, st.lists(_texts, max_size=2)),
            min_size=1,
        ).filter(lambda words: words != {"@none": NULL}),
    ),
    st.tuples(
        st.just("JsonProperty"),
        st.one_of(st.dictionaries(_texts, st.one_of(st.none(), _values), max_size=2), st.just([{"a": None}])),
    ),
    st.tuples(
        st.just("VocabProperty"), st.one_of(_expanded(_words), st.lists(_expanded(_words), min_size=1))
    ),
    st.tuples(st.just("ListProperty"), st.lists(_values, max_size=3)),
    st.tuples(st.just("ListRelationship"), st.lists(_uris, max_size=3)),
)


@st.composite
def _instances(draw: st.DrawFn, level: int = 0) -> list[dict[str, Any]]:
    datasets = draw(
        st.lists(st.sampled_from(["", "urn:d:1", "urn:d:二"]), min_size=1, max_size=3, unique=True)
    )
    found = []
    for dataset in sorted(datasets):
        kind, value = draw(_kinds)
        one = {"kind": kind, "v": value}
        if dataset:
            one["datasetId"] = dataset
        for member in ("observedAt", "expiresAt"):
            if draw(st.booleans()):
                one[member] = draw(_times)
        if kind in ("Property", "ListProperty") and draw(st.booleans()):
            one["unitCode"] = "MTR"
        if kind in ("Relationship", "ListRelationship") and draw(st.booleans()):
            one["objectType"] = [CITY.expand("避難所")]
        if level < 1 and draw(st.booleans()):
            one["attrs"] = draw(_attributes(level + 1))
        found.append(one)
    return found


def _attributes(level: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(_names.map(CITY.expand), _instances(level), min_size=1 if level else 0, max_size=2)


@st.composite
def _entities(draw: st.DrawFn) -> Entity:
    entity: Any = {
        "id": draw(_uris),
        "type": draw(
            st.lists(
                st.sampled_from(["避難所", "家", "House"]).map(CITY.expand),
                min_size=1,
                max_size=2,
                unique=True,
            )
        ),
        "attrs": draw(_attributes()),
    }
    scopes = draw(st.lists(st.sampled_from(["/加賀", "/加賀/山代", "/a_1"]), max_size=2, unique=True))
    if scopes:
        entity["scope"] = scopes
    if draw(st.booleans()):
        entity["expiresAt"] = draw(_times)
    return entity


@pytest.mark.parametrize("form", ["normalized", "concise"])
@given(entity=_entities())
def test_what_was_presented_reads_as_the_same_entity(form, entity):
    answer = orjson.loads(orjson.dumps(present(entity, CITY, Form(format=form, sys_attrs=True))))
    assert read.entity(answer, CITY) == entity


@settings(max_examples=40)
@given(entity=_entities())
def test_presenting_never_changes_the_entity(entity):
    before = orjson.dumps(entity)
    for form in ("normalized", "concise", "simplified"):
        present(entity, CITY, Form(format=form, sys_attrs=True, lang="ja"))
    feature(entity, CITY)
    assert orjson.dumps(entity) == before


@settings(max_examples=40)
@given(entity=_entities())
def test_every_form_can_be_asked_of_every_entity(entity):
    for form in ("normalized", "concise", "simplified"):
        answer = present(entity, CITY, Form(format=form, lang="en;q=0.2,ja"))
        assert set(answer) - {"id", "type", "scope", "expiresAt"} == {
            CITY.compact(name) for name in entity["attrs"]
        }


# --- the forms


@pytest.mark.parametrize(
    ("instance", "normalized", "concise", "simplified"),
    [
        ({"kind": "Property", "v": 3}, {"type": "Property", "value": 3}, 3, 3),
        (
            {"kind": "Property", "v": {"市": 1}},
            {"type": "Property", "value": {"市": 1}},
            {"value": {"市": 1}},
            {"市": 1},
        ),
        ({"kind": "GeoProperty", "v": POINT}, {"type": "GeoProperty", "value": POINT}, POINT, POINT),
        (
            {"kind": "Property", "v": POINT},
            {"type": "Property", "value": POINT},
            {"type": "Property", "value": POINT},
            POINT,
        ),
        (
            {"kind": "Relationship", "v": "urn:a:2", "objectType": [DEFAULT + "家"]},
            {"type": "Relationship", "object": "urn:a:2", "objectType": "家"},
            {"object": "urn:a:2", "objectType": "家"},
            "urn:a:2",
        ),
        (
            {"kind": "LanguageProperty", "v": {"ja": "湯"}},
            {"type": "LanguageProperty", "languageMap": {"ja": "湯"}},
            {"languageMap": {"ja": "湯"}},
            {"languageMap": {"ja": "湯"}},
        ),
        (
            {"kind": "JsonProperty", "v": {"id": None}},
            {"type": "JsonProperty", "json": {"id": None}},
            {"json": {"id": None}},
            {"json": {"id": None}},
        ),
        (
            {"kind": "VocabProperty", "v": [DEFAULT + "晴", "https://a.example/雨"]},
            {"type": "VocabProperty", "vocab": ["晴", "https://a.example/雨"]},
            {"vocab": ["晴", "https://a.example/雨"]},
            {"vocab": ["晴", "https://a.example/雨"]},
        ),
        (
            {"kind": "ListProperty", "v": [1, 2]},
            {"type": "ListProperty", "valueList": [1, 2]},
            {"valueList": [1, 2]},
            [1, 2],
        ),
        (
            {"kind": "ListRelationship", "v": ["urn:a:1"]},
            {"type": "ListRelationship", "objectList": [{"object": "urn:a:1"}]},
            {"objectList": [{"object": "urn:a:1"}]},
            ["urn:a:1"],
        ),
    ],
)
def test_each_kind_in_each_form(instance, normalized, concise, simplified):
    entity = of(instance)
    assert shown(entity) == normalized
    assert shown(entity, format="concise") == concise
    assert shown(entity, format="simplified") == simplified


def test_system_attributes_are_shown_only_when_asked_for():
    times = {
        "createdAt": "2026-11-21T07:00:00Z",
        "modifiedAt": "2026-11-21T08:00:00Z",
        "expiresAt": "2026-11-22T00:00:00Z",
    }
    entity = of({"kind": "Property", "v": 1, "instanceId": "urn:i:1", **times}, **times)
    plain = present(entity, CORE)
    assert plain == {"id": "urn:a:1", "type": "House", "水位": {"type": "Property", "value": 1}}
    asked = present(entity, CORE, Form(sys_attrs=True))
    assert asked == {**plain, **times, "水位": {"type": "Property", "value": 1, **times}}
    assert shown(entity, format="concise", sys_attrs=True) == {"value": 1, **times}


def test_a_deleted_entity_shows_when_and_its_attributes_only_on_request():
    gone = {"deletedAt": "2026-11-21T09:00:00Z"}
    entity = of({"kind": "LanguageProperty", "v": NULL, "previous": {"ja": "湯"}, **gone}, **gone)
    assert present(entity, CORE) == {
        "id": "urn:a:1",
        "type": "House",
        **gone,
        "水位": {
            "type": "LanguageProperty",
            "languageMap": {"@none": NULL},
            "previousLanguageMap": {"ja": "湯"},
        },
    }
    assert shown(entity, sys_attrs=True)["deletedAt"] == gone["deletedAt"]
    assert shown(entity, format="simplified") == NULL


def test_several_types_and_scopes_are_arrays_and_one_stands_alone():
    entity = of({"kind": "Property", "v": 1}, scope=["/加賀"])
    assert present(entity, CORE)["type"] == "House"
    assert present(entity, CORE)["scope"] == "/加賀"
    entity["type"].append("https://a.example/x")
    entity["scope"].append("/加賀/山代")
    assert present(entity, CORE)["type"] == ["House", "https://a.example/x"]
    assert present(entity, CORE)["scope"] == ["/加賀", "/加賀/山代"]


def test_names_are_compacted_with_the_context_of_the_answer():
    entity = read.entity({"id": "urn:a:1", "type": "避難所", "水位": {"value": 1, "精度": 2}}, CITY)
    assert present(entity, CITY)["水位"]["精度"]["value"] == 2
    assert present(entity, CORE)["https://city.example/#水位"]["精度"]["value"] == 2
    assert present(entity, CORE)["type"] == "https://city.example/#Shelter"


# --- several instances

TWO = ({"kind": "Property", "v": 1}, {"kind": "Property", "v": 2, "datasetId": "urn:d:2"})


def test_several_instances_are_an_array_and_in_the_simplified_form_a_dataset():
    assert shown(of(*TWO)) == [
        {"type": "Property", "value": 1},
        {"type": "Property", "value": 2, "datasetId": "urn:d:2"},
    ]
    assert shown(of(*TWO), format="concise") == [{"value": 1}, {"value": 2, "datasetId": "urn:d:2"}]
    assert shown(of(*TWO), format="simplified") == {"dataset": {"@none": 1, "urn:d:2": 2}}


def test_only_the_datasets_asked_for_are_shown():
    assert shown(of(*TWO), datasets=frozenset({"@none"})) == {"type": "Property", "value": 1}
    assert shown(of(*TWO), datasets=frozenset({"urn:d:2"}))["value"] == 2
    assert "水位" not in present(of(*TWO), CORE, Form(datasets=frozenset({"urn:d:3"})))


# --- some members only


def _three() -> Entity:
    entity = of({"kind": "Property", "v": 1}, scope=["/加賀"])
    entity["attrs"][DEFAULT + "名称"] = [{"kind": "Property", "v": "湯"}]
    entity["attrs"][LD + "location"] = [{"kind": "GeoProperty", "v": POINT}]
    return entity


@pytest.mark.parametrize(
    ("form", "members"),
    [
        ({}, {"id", "type", "scope", "水位", "名称", "location"}),
        ({"attrs": {DEFAULT + "水位"}}, {"id", "type", "scope", "水位"}),
        ({"pick": {"id", DEFAULT + "名称"}}, {"id", "名称"}),
        ({"pick": {"type", "scope"}}, {"type", "scope"}),
        ({"omit": {"type", DEFAULT + "名称"}}, {"id", "scope", "水位", "location"}),
        ({"omit": {"id"}}, {"type", "scope", "水位", "名称", "location"}),
        ({"pick": {"id", DEFAULT + "名称"}, "omit": {"id"}}, {"名称"}),
    ],
)
def test_only_the_members_asked_for_are_shown(form, members):
    for written in ("normalized", "concise", "simplified"):
        chosen = Form(format=written, **{key: frozenset(value) for key, value in form.items()})
        assert set(present(_three(), CORE, chosen)) == members


# --- languages

STREET = {"kind": "LanguageProperty", "v": {"fr": "Grand Place", "nl": "Grote Markt", "en-US": "Square"}}


def test_with_languages_asked_for_a_language_property_is_a_property_in_one_of_them():
    expected = {"type": "Property", "value": "Grote Markt", "lang": "nl"}
    assert shown(of(STREET), lang="pt,nl") == expected
    assert shown(of(STREET), lang="pt,nl", format="simplified") == "Grote Markt"
    assert shown(of(STREET), lang="pt,nl", format="concise") == {"value": "Grote Markt", "lang": "nl"}


# --- GeoJSON


def test_a_feature_has_the_geometry_and_everything_else_as_properties():
    assert feature(_three(), CORE, Form(format="simplified")) == {
        "id": "urn:a:1",
        "type": "Feature",
        "geometry": POINT,
        "properties": {"type": "House", "scope": "/加賀", "水位": 1, "名称": "湯", "location": POINT},
    }


def test_the_geometry_may_come_from_another_property_or_from_none():
    entity = _three()
    elsewhere = {"type": "Point", "coordinates": [136.4, 36.3]}
    entity["attrs"][DEFAULT + "入口"] = [{"kind": "GeoProperty", "v": elsewhere}]
    assert feature(entity, CORE, Form(geometry_property=DEFAULT + "入口"))["geometry"] == elsewhere
    assert feature(entity, CORE, Form(geometry_property=DEFAULT + "名称"))["geometry"] is None
    assert feature(entity, CORE, Form(geometry_property=DEFAULT + "無"))["geometry"] is None


def test_a_collection_holds_a_feature_each():
    found = feature_collection([_three(), of()], CORE)
    assert found["type"] == "FeatureCollection"
    assert [one["geometry"] for one in found["features"]] == [POINT, None]


def test_a_word_of_a_vocabulary_may_be_any_text_and_comes_back_as_it_was_written() -> None:
    given = {
        "id": "urn:x:1",
        "type": "Stay",
        "use": {"type": "VocabProperty", "vocab": ["non-commercial", "和室"]},
    }
    assert present(read.entity(given, CORE), CORE)["use"]["vocab"] == ["non-commercial", "和室"]
