"""The meaning of queries, sentence by sentence of clauses 4.9, 4.10, 4.17 and 4.19."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.entity import Entity
from kitamae.kernel.context.query import match, parse
from kitamae.kernel.context.query.tree import EntityQuery, Geo, Geometry, TypeQ


def expand(name: str) -> str:
    return "https://example.org/" + name


def entity(id: str = "urn:e:1", **attrs: Any) -> Entity:
    """Attributes as (kind, value), or a list of instances in the internal form."""
    return {
        "id": id,
        "type": [expand("T")],
        "attrs": {
            expand(name): found if isinstance(found, list) else [{"kind": found[0], "v": found[1]}]
            for name, found in attrs.items()
        },
    }


def holds(text: str, found: Entity, *others: Entity, **told: Any) -> bool:
    linked = {other["id"]: other for other in others}
    return match.node(parse.q(text, expand, **told), found, linked.get)


PROPERTY = entity(
    speed=("Property", 30),
    name=("Property", "北前船"),
    flag=("Property", True),
    color=("Property", ["blue", "red", "green"]),
    address=("Property", {"city": "Berlin", "lines": ["a", "b"], "geo": {"x": 1}}),
    opened=("Property", "2026-11-21T09:00:00+09:00"),
    typed=("Property", {"@type": "Date", "@value": "2026-11-21"}),
    nothing=("Property", None),
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("speed", True),
        ("height", False),
        ("!height", True),
        ("!speed", False),
        ("nothing", True),
        ("speed==30", True),
        ("speed==30.0", True),
        ('speed=="30"', False),
        ('speed!="30"', True),
        ("height!=1", False),
        ("speed==1,30", True),
        ("speed!=1,30", False),
        ("speed==10..30", True),
        ("speed!=10..30", False),
        ("speed==31..40", False),
        ("speed>29.5", True),
        ("speed>30", False),
        ("speed>=30;speed<=30", True),
        ('speed>"3"', False),
        ("flag==true", True),
        ("flag==1", False),
        ("flag!=1", True),
        ("flag>0", False),
        ('name=="北前船"', True),
        ('name>"北"', True),
        ('name~="前"', True),
        ('name~="^前"', False),
        ('name!~="^前"', True),
        ('speed~="3"', False),
        ('speed!~="9"', False),
        ('color=="red"', True),
        ('color=="black"', False),
        ('color!="red"', False),
        ('color!="black"', True),
        ('color=="black","red"', True),
        ('color!="black","red"', False),
        ('color~="red"', False),
        ('address[city]=="Berlin"', True),
        ("address[geo.x]==1", True),
        ("address[geo.y]", False),
        ("!address[geo.y]", True),
        ("address[geo.y]!=1", False),
        ('address[lines]=="b"', True),
        ("address[city.x]", False),
        ('address=="Berlin"', False),
        ('address!="Berlin"', True),
        ("speed[x]", False),
        ("opened==2026-11-21T00:00:00Z", True),
        ("opened>2026-11-20T23:59:59Z", True),
        ("opened==2026-11-21T00:00:00Z..2026-11-21T01:00:00Z", True),
        ("opened==2026-11-21", False),
        ('opened=="2026-11-21T00:00:00Z"', False),
        ("typed==2026-11-21", True),
        ("typed<2026-11-22", True),
        ("nothing==0", False),
        ("nothing!=0", True),
        ("speed>50|(name;flag==true)", True),
        ("speed>50;name|flag==true", True),
        ("speed>50;(name|flag==true)", False),
    ],
)
def test_a_property_is_compared_by_type_and_value(text: str, answer: bool) -> None:
    assert holds(text, PROPERTY) is answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("speed==5", True),
        ("speed==30", True),
        ("speed!=5", True),
        ("speed==6", False),
        ("speed.observedAt>=2026-01-01T00:00:00Z", True),
        ("speed.observedAt>=2027-01-01T00:00:00Z", False),
        ('speed.observedAt>"2026-01-01T00:00:00+09:00"', True),
        ('speed.unitCode=="KMH"', True),
        ("speed.accuracy==0.1", True),
        ("speed.accuracy.method", False),
        ("speed.unitCode.x", False),
        ("createdAt<2026-01-02", False),
        ("createdAt<2026-01-02T00:00:00Z", True),
        ("modifiedAt", False),
    ],
)
def test_any_instance_may_match_and_members_and_sub_attributes_can_be_asked_for(
    text: str, answer: bool
) -> None:
    found = entity(
        speed=[
            {
                "kind": "Property",
                "v": 30,
                "observedAt": "2026-01-01T00:00:00Z",
                "attrs": {expand("accuracy"): [{"kind": "Property", "v": 0.1}]},
            },
            {"kind": "Property", "v": 5, "datasetId": "urn:d:1", "unitCode": "KMH"},
        ]
    )
    found["createdAt"] = "2026-01-01T00:00:00Z"
    assert holds(text, found) is answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('color[en]=="red"', True),
        ('color[fr]=="red"', False),
        ('color[*]=="rouge"', True),
        ('color=="rouge"', True),
        ('color=="noir"', False),
        ('color[en]=="cat"', True),
        ('color[*]!="red"', False),
        ('color[en]!="rouge"', True),
        ('color!="noir"', True),
        ('color[de]!="rot"', False),
        ('color~="^ro"', True),
        ('color!~="^ro"', False),
        ("color[ja]", False),
    ],
)
def test_a_language_property_is_asked_in_one_language_or_in_all(text: str, answer: bool) -> None:
    assert holds(text, entity(color=("LanguageProperty", {"fr": "rouge", "en": ["red", "cat"]}))) is answer


@pytest.mark.parametrize("kind", ["Relationship", "ListRelationship", "VocabProperty"])
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("to==urn:a:1", True),
        ('to=="urn:a:2","urn:a:1"', True),
        ("to==urn:a:3", False),
        ("to!=urn:a:1", False),
        ("to!=urn:a:3", True),
    ],
)
def test_a_uri_is_equal_to_an_object_or_one_of_several(kind: str, text: str, answer: bool) -> None:
    assert holds(text, entity(to=(kind, ["urn:a:1", "urn:a:9"]))) is answer
    if kind != "ListRelationship":
        assert holds(text, entity(to=(kind, "urn:a:1"))) is answer


@pytest.mark.parametrize("text", ['to>"urn:a"', 'to<="urn:z"', 'to~="urn"', 'to!~="x"'])
def test_a_relationship_has_no_order_and_no_pattern(text: str) -> None:
    assert not holds(text, entity(to=("Relationship", "urn:a:1")))
    assert holds(text, entity(to=("Property", "urn:a:1")))


def test_a_vocab_property_is_found_by_its_term_when_values_are_expanded() -> None:
    found = entity(gender=("VocabProperty", expand("Male")))
    assert holds("gender==Male", found, expand_values=["gender"])
    assert not holds("gender==Male", found)


def test_a_list_property_is_found_by_any_item_and_a_json_property_by_its_raw_members() -> None:
    assert holds("a==3", entity(a=("ListProperty", [1, 3])))
    assert holds(
        'tickets[value]=="late"', entity(tickets=("JsonProperty", {"value": "late"})), json_keys=["tickets"]
    )


def test_a_relationship_is_followed_to_entities_of_the_hinted_type() -> None:
    device = entity("urn:d:1", humidity=("Property", 40), owner=("Relationship", "urn:o:1"))
    owner = entity("urn:o:1", name=("Property", "加賀市"))
    station = entity(sensor=("Relationship", ["urn:d:0", "urn:d:1"]))
    assert holds("sensor{humidity}==40", station, device)
    assert holds("sensor{T:humidity}==40", station, device)
    assert not holds("sensor{Device:humidity}==40", station, device)
    assert holds('sensor{owner{name}}=="加賀市"', station, device, owner)
    assert not holds("sensor{humidity}==40", station)
    assert holds("!sensor{temperature}", station, device)


# --- the rest of the selection
def test_a_selection_is_all_of_its_conditions() -> None:
    found = entity(speed=("Property", 30))
    assert match.entity(EntityQuery(), found)
    assert match.entity(EntityQuery(ids=("urn:e:1", "urn:e:2"), id_pattern="1$"), found)
    assert not match.entity(EntityQuery(ids=("urn:e:2",)), found)
    assert not match.entity(EntityQuery(id_pattern="^e"), found)
    assert match.entity(EntityQuery(attrs=(expand("x"), expand("speed"))), found)
    assert not match.entity(EntityQuery(attrs=(expand("x"),)), found)
    assert not match.entity(EntityQuery(types=TypeQ(((expand("U"),),))), found)


def test_only_instances_of_the_named_datasets_count() -> None:
    found = entity(
        a=[{"kind": "Property", "v": 1}, {"kind": "Property", "v": 2, "datasetId": "urn:d:2"}],
        b=("Property", 3),
    )
    q = parse.q("a==1", expand)
    assert match.entity(EntityQuery(q=q, datasets=("@none",)), found)
    assert not match.entity(EntityQuery(q=q, datasets=("urn:d:2",)), found)
    assert match.entity(EntityQuery(q=parse.q("!b", expand), datasets=("urn:d:2",)), found)


def test_types_are_all_or_any() -> None:
    assert match.types(parse.type_q("(A;B),C", str), ["B", "A", "X"])
    assert match.types(parse.type_q("(A;B),C", str), ["C"])
    assert not match.types(parse.type_q("(A;B),C", str), ["A"])


@pytest.mark.parametrize(
    ("asked", "scope", "answer"),
    [
        ("/Madrid", "/Madrid", True),
        ("/Madrid", "/Madrid/Gardens", False),
        ("/Madrid/Gardens/#", "/Madrid/Gardens", True),
        ("/Madrid/Gardens/#", "/Madrid/Gardens/ParqueNorte/Parterre1", True),
        ("/Madrid/Gardens/#", "/Madrid/GardensB", False),
        ("/Madrid/+/ParqueNorte", "/Madrid/Sights/ParqueNorte", True),
        ("/Madrid/+/ParqueNorte", "/Madrid/ParqueNorte", False),
        ("/#", "/Anything", True),
        ("(/A;/B)|/C", "/C", True),
        ("(/A;/B)|/C", "/A", False),
        ("/A", "A", True),
        ("/加賀/+", "/加賀/橋立", True),
    ],
)
def test_a_scope_is_asked_for_with_wildcards(asked: str, scope: str, answer: bool) -> None:
    assert match.scope(parse.scope_q(asked), [scope]) is answer
    assert match.scope(parse.scope_q("/#"), []) is False


SQUARE = Geometry("Polygon", (((0, 0), (2, 0), (2, 2), (0, 2), (0, 0)),))


def test_disjoint_needs_a_place_and_any_of_several_places_may_match() -> None:
    inside = {"kind": "GeoProperty", "v": {"type": "Point", "coordinates": [1, 1]}}
    outside = {"kind": "GeoProperty", "v": {"type": "Point", "coordinates": [9, 9]}, "datasetId": "urn:d:1"}
    within, disjoint = Geo("within", SQUARE, expand("location")), Geo("disjoint", SQUARE, expand("location"))
    assert match.geo(within, entity(location=[inside, outside]))
    assert match.geo(disjoint, entity(location=[inside, outside]))
    assert not match.geo(disjoint, entity(location=[inside]))
    assert not match.geo(disjoint, entity())
    assert not match.geo(within, entity(location=("Property", {"type": "Point", "coordinates": [1, 1]})))


# --- laws
contents = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
kinds = st.sampled_from(
    [
        "Property",
        "Relationship",
        "LanguageProperty",
        "VocabProperty",
        "ListProperty",
        "JsonProperty",
        "GeoProperty",
    ]
)


@given(kinds, contents, st.sampled_from(["1", '"a"', "true", "0..2", "2026-01-01", '1,"a"']))
def test_a_single_instance_is_either_equal_or_unequal(kind: str, content: Any, value: str) -> None:
    found = entity(a=(kind, content))
    assert holds(f"a=={value}", found) is not holds(f"a!={value}", found)


@given(kinds, contents, st.sampled_from(["1", '"a"', "2026-01-01"]))
def test_greater_or_equal_is_never_also_less(kind: str, content: Any, value: str) -> None:
    found = entity(a=(kind, content))
    if kind != "LanguageProperty":  # of which any language may match
        assert not (holds(f"a>={value}", found) and holds(f"a<{value}", found))
