"""Reading what clients send: the eight kinds, the three forms, and everything that is refused, by the clause."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kitamae.kernel.context import read
from kitamae.kernel.context.entity import NULL
from kitamae.kernel.context.jsonld import CORE, compile_context
from kitamae.kernel.problems import BadRequest

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"
LD = "https://uri.etsi.org/ngsi-ld/"
SHELTER = {"id": "urn:ngsi-ld:EvacuationShelter:山代小学校", "type": "EvacuationShelter"}
POINT = {"type": "Point", "coordinates": [136.36, 36.29]}


def one(attribute: Any, name: str = "水位", ctx: Any = CORE, **how: Any) -> Any:
    """That attribute of an entity, as it was read."""
    return read.entity({**SHELTER, name: attribute}, ctx, **how)["attrs"][ctx.expand(name)]


# --- the kinds, normalized and concise


@pytest.mark.parametrize(
    ("normalized", "concise", "kind", "value"),
    [
        ({"type": "Property", "value": 1.5}, 1.5, "Property", 1.5),
        ({"type": "Property", "value": "満潮"}, {"value": "満潮"}, "Property", "満潮"),
        (
            {"type": "Property", "value": {"市": "加賀"}},
            {"value": {"市": "加賀"}},
            "Property",
            {"市": "加賀"},
        ),
        ({"type": "Property", "value": [1, "二"]}, [1, "二"], "Property", [1, "二"]),
        ({"type": "Property", "value": []}, [], "Property", []),
        ({"type": "Property", "value": False}, False, "Property", False),
        ({"type": "GeoProperty", "value": POINT}, POINT, "GeoProperty", POINT),
        ({"type": "GeoProperty", "value": POINT}, {"value": POINT}, "GeoProperty", POINT),
        ({"type": "Relationship", "object": "urn:町:1"}, {"object": "urn:町:1"}, "Relationship", "urn:町:1"),
        (
            {"type": "Relationship", "object": ["urn:a:1", "urn:a:2"]},
            {"object": ["urn:a:1", "urn:a:2"]},
            "Relationship",
            ["urn:a:1", "urn:a:2"],
        ),
        (
            {
                "type": "LanguageProperty",
                "languageMap": {"ja": "温泉", "en": ["spa", "hot spring"], "@none": "♨"},
            },
            {"languageMap": {"ja": "温泉", "en": ["spa", "hot spring"], "@none": "♨"}},
            "LanguageProperty",
            {"ja": "温泉", "en": ["spa", "hot spring"], "@none": "♨"},
        ),
        (
            {"type": "JsonProperty", "json": {"id": None, "名": [None]}},
            {"json": {"id": None, "名": [None]}},
            "JsonProperty",
            {"id": None, "名": [None]},
        ),
        (
            {"type": "VocabProperty", "vocab": "避難所"},
            {"vocab": "避難所"},
            "VocabProperty",
            DEFAULT + "避難所",
        ),
        (
            {"type": "VocabProperty", "vocab": ["a b", "Point"]},
            {"vocab": ["a b", "Point"]},
            "VocabProperty",
            [DEFAULT + "a b", "https://purl.org/geojson/vocab#Point"],
        ),
        ({"type": "ListProperty", "valueList": [1, [2]]}, {"valueList": [1, [2]]}, "ListProperty", [1, [2]]),
        (
            {"type": "ListRelationship", "objectList": ["urn:a:1", {"object": "urn:a:2"}]},
            {"objectList": ["urn:a:1", {"object": "urn:a:2"}]},
            "ListRelationship",
            ["urn:a:1", "urn:a:2"],
        ),
    ],
)
def test_each_kind_is_read_alike_in_both_forms(normalized, concise, kind, value):
    assert one(normalized) == one(concise) == [{"kind": kind, "v": value}]


def test_names_types_and_scopes_are_expanded_and_kept():
    ctx = compile_context({"避難所": "https://city.example/shelter", "名": "https://city.example/name"}, {})
    found = read.entity(
        {
            "@id": "urn:a:1",
            "@type": ["避難所", "Building", "避難所"],
            "scope": ["/加賀/山代", "加賀/大聖寺", "/加賀/山代"],
            "expiresAt": "2026-11-22T00:00:00Z",
            "名": "x",
            "@context": "https://city.example/context.jsonld",
            "createdAt": "2020-01-01T00:00:00Z",
            "modifiedAt": "not read",
        },
        ctx,
    )
    assert found == {
        "id": "urn:a:1",
        "type": ["https://city.example/shelter", DEFAULT + "Building"],
        "scope": ["/加賀/山代", "/加賀/大聖寺"],
        "expiresAt": "2026-11-22T00:00:00Z",
        "attrs": {"https://city.example/name": [{"kind": "Property", "v": "x"}]},
    }


def test_members_and_sub_attributes_of_an_attribute_are_read():
    [found] = one(
        {
            "type": "Property",
            "value": 3,
            "unitCode": "MTR",
            "observedAt": "2026-11-21T07:00:00.5Z",
            "expiresAt": "2026-11-22T07:00:00Z",
            "datasetId": "urn:ngsi-ld:Dataset:一",
            "valueType": "xsd:double",
            "createdAt": "ours",
            "instanceId": "ours",
            "精度": {"type": "Property", "value": 0.1, "測定者": {"object": "urn:a:9"}},
        }
    )
    assert found == {
        "kind": "Property",
        "v": 3,
        "unitCode": "MTR",
        "observedAt": "2026-11-21T07:00:00.5Z",
        "expiresAt": "2026-11-22T07:00:00Z",
        "datasetId": "urn:ngsi-ld:Dataset:一",
        "valueType": "xsd:double",
        "attrs": {
            DEFAULT + "精度": [
                {
                    "kind": "Property",
                    "v": 0.1,
                    "attrs": {DEFAULT + "測定者": [{"kind": "Relationship", "v": "urn:a:9"}]},
                }
            ]
        },
    }


def test_instances_come_default_first_and_none_is_the_default():
    found = one([{"value": 2, "datasetId": "urn:d:2"}, {"value": 1, "datasetId": "@none"}])
    assert found == [{"kind": "Property", "v": 1}, {"kind": "Property", "v": 2, "datasetId": "urn:d:2"}]


def test_a_history_may_hold_many_instances_of_one_dataset():
    history = [{"type": "Property", "value": n, "observedAt": f"2026-11-21T07:0{n}:00Z"} for n in range(3)]
    found = read.entity({**SHELTER, "水位": history, "空": []}, CORE, temporal=True)
    assert [instance["v"] for instance in found["attrs"][DEFAULT + "水位"]] == [0, 1, 2]
    assert found["attrs"][DEFAULT + "空"] == []
    added = read.fragment({"水位": history}, CORE, temporal=True)
    assert added["attrs"][DEFAULT + "水位"] == found["attrs"][DEFAULT + "水位"]


def test_a_history_may_say_that_an_attribute_was_deleted_and_nothing_else_with_null():
    gone = {"type": "Property", "value": NULL, "observedAt": "2026-11-21T07:00:00Z"}
    [instance] = read.entity({**SHELTER, "水位": [gone]}, CORE, temporal=True)["attrs"][DEFAULT + "水位"]
    assert instance == {"kind": "Property", "v": NULL, "observedAt": "2026-11-21T07:00:00Z"}
    assert one({"value": NULL}, temporal=True) == [{"kind": "Property", "v": NULL}]
    for wrong in (
        {"水位": NULL},
        {"水位": [{"value": 1, "observedAt": NULL}]},
        {"expiresAt": NULL},
        {"scope": NULL},
    ):
        with pytest.raises(BadRequest):
            read.entity({**SHELTER, **wrong}, CORE, temporal=True)
        with pytest.raises(BadRequest):
            read.fragment(wrong, CORE, temporal=True)


def test_a_history_may_hold_what_the_scope_was():
    was = [
        {"type": "Property", "value": "/加賀", "observedAt": "2026-11-21T07:00:00Z"},
        {"type": "Property", "value": ["/加賀/山代", "/加賀/片山津"], "observedAt": "2026-11-21T08:00:00Z"},
    ]
    found = read.entity({**SHELTER, "scope": was}, CORE, temporal=True)
    assert found["scope"] == ["/加賀/山代", "/加賀/片山津"]
    assert [instance["v"] for instance in found["attrs"][LD + "scope"]] == [
        "/加賀",
        ["/加賀/山代", "/加賀/片山津"],
    ]
    assert read.entity({**SHELTER, "scope": "/加賀"}, CORE, temporal=True)["attrs"] == {}
    for wrong in (
        [{"type": "Property", "value": "9"}],
        [{"object": "urn:a:1"}],
        {"type": "Property", "value": 5},
    ):
        with pytest.raises(BadRequest, match="scope"):
            read.fragment({"scope": wrong}, CORE, temporal=True)
    with pytest.raises(BadRequest, match="scope"):
        read.entity({**SHELTER, "scope": was}, CORE)


def test_an_array_of_plain_objects_is_a_value_and_an_array_of_instances_is_not():
    assert one([{"a": 1}, {"b": 2}]) == [{"kind": "Property", "v": [{"a": 1}, {"b": 2}]}]
    assert len(one([{"value": 1}, {"value": 2, "datasetId": "urn:d:2"}])) == 2


def test_a_geometry_written_as_text_becomes_a_geometry():
    assert one({"type": "GeoProperty", "value": json.dumps(POINT)}) == [{"kind": "GeoProperty", "v": POINT}]


def test_a_kind_may_be_written_as_its_iri():
    assert one({"type": LD + "Property", "value": 1}) == [{"kind": "Property", "v": 1}]
    assert one({"@type": "ngsi-ld:Property", "value": 1}) == [{"kind": "Property", "v": 1}]


def test_a_proof_carries_its_sealed_members():
    [found] = one(
        {
            "type": "Property",
            "entityIdSealed": "urn:a:1",
            "entityTypeSealed": "Shelter",
            "value": {"type": "DataIntegrityProof", "proofValue": "z"},
        },
        "ngsildproof",
    )
    assert found["entityIdSealed"] == "urn:a:1"
    assert found["entityTypeSealed"] == DEFAULT + "Shelter"


# --- what is refused


@pytest.mark.parametrize(
    ("attribute", "says"),
    [
        ({"type": "Property"}, "needs a member 'value'"),
        ({"type": "Relationship"}, "needs a member 'object'"),
        ({"type": "LanguageProperty"}, "needs a member 'languageMap'"),
        ({"type": "Quality", "value": 1}, "expected one of Property"),
        ({"type": ["Property"], "value": 1}, "expected one of Property"),
        ({"市": "加賀"}, "no value"),
        (None, "JSON null"),
        ({"type": "Property", "value": None}, "JSON null"),
        ({"type": "Property", "value": {"a": [None]}}, "JSON null"),
        (NULL, "nothing to take away"),
        ({"type": "Property", "value": NULL}, "nothing to take away"),
        ({"type": "Relationship", "object": NULL}, "nothing to take away"),
        ({"type": "LanguageProperty", "languageMap": {"@none": NULL}}, "nothing to take away"),
        ({"type": "Property", "value": {"a": {"b": NULL}}}, "only in a merge"),
        ({"type": "Property", "value": 1, "精度": {"value": NULL}}, r"水位\.精度.*nothing to take away"),
        ({"type": "Property", "value": 1, "object": "urn:a:1"}, "no member 'object'"),
        ({"type": "Property", "value": 1, "previousValue": 0}, "no member 'previousValue'"),
        ({"type": "Property", "value": 1, "@context": {}}, "no member '@context'"),
        ({"type": "Property", "value": 1, "entityIdSealed": "urn:a:1"}, "ngsildproof alone"),
        ({"type": "ListProperty", "valueList": [1], "value": 1}, "no member 'value'"),
        ({"type": "ListProperty", "valueList": 1}, "expected an array"),
        ({"type": "ListRelationship", "objectList": ["not a uri"]}, "expected a URI"),
        ({"type": "ListRelationship", "objectList": [{"object": "urn:a:1", "x": 1}]}, "expected a URI"),
        ({"type": "Relationship", "object": "urn:a:1", "unitCode": "MTR"}, "has no unit"),
        ({"type": "JsonProperty", "json": {}, "unitCode": "MTR"}, "has no unit"),
        ({"type": "JsonProperty", "json": 5}, "expected an object"),
        ({"type": "Relationship", "object": []}, "expected a URI"),
        ({"type": "Property", "value": 1, "objectType": "Building"}, "has no object"),
        ({"type": "LanguageProperty", "languageMap": {"en": 5}}, "expected text"),
        ({"type": "LanguageProperty", "languageMap": {"en": ["a", 5]}}, "expected text"),
        ({"type": "LanguageProperty", "languageMap": {"": "x"}}, "language tag"),
        ({"type": "LanguageProperty", "languageMap": {"日本": "x"}}, "language tag"),
        ({"type": "LanguageProperty", "languageMap": {"en": "x"}, "valueType": "xsd:string"}, "langString"),
        ({"type": "VocabProperty", "vocab": 5}, "expected text"),
        (
            {"type": "Property", "value": 1, "observedAt": "yesterday"},
            r"水位\.observedAt: expected a time in UTC",
        ),
        (
            {"type": "Property", "value": 1, "observedAt": "2026-11-21T07:00:00+09:00"},
            "expected a time in UTC",
        ),
        ({"type": "Property", "value": 1, "observedAt": "2026-02-30T07:00:00Z"}, "observedAt"),
        (
            {"type": "Property", "value": 1, "observedAt": {"value": "2026-11-21T07:00:00Z"}},
            "expected a time",
        ),
        ({"type": "Property", "value": 1, "datasetId": "昨日"}, "expected a URI"),
        ({"type": "Property", "value": 1, "unitCode": 5}, "expected text"),
        ([{"value": 1}, {"value": 2}], "the default one"),
        ([{"value": 1}, {"value": 2, "datasetId": "@none"}], "the default one"),
        ([{"value": 1, "datasetId": "urn:d:1"}, {"value": 2, "datasetId": "urn:d:1"}], "urn:d:1"),
        ([{"type": "Property", "value": 1}, 5], "the default one"),
    ],
)
def test_an_attribute_that_is_not_one_is_refused_with_its_place(attribute, says):
    with pytest.raises(BadRequest, match=says) as refused:
        one(attribute)
    assert "水位" in refused.value.detail


@pytest.mark.parametrize(
    "geometry",
    [{"type": "Point", "coordinates": [36.29, 136.36]}, {**POINT, "note": {"a": None}}, "山代温泉", 5],
)
def test_a_geo_property_takes_only_geometries(geometry):
    with pytest.raises(BadRequest, match="location"):
        one({"type": "GeoProperty", "value": geometry}, "location")


@pytest.mark.parametrize(
    "payload",
    [
        5,
        [],
        {"type": "Building"},
        {"id": "urn:a:1"},
        {"id": "山代", "type": "Building"},
        {"id": "no uri", "type": "Building"},
        {"id": NULL, "type": "Building"},
        {"id": "urn:a:1", "type": []},
        {"id": "urn:a:1", "type": "9Building"},
        {"id": "urn:a:1", "type": 5},
        {**SHELTER, "scope": "9bad"},
        {**SHELTER, "scope": "/a//b"},
        {**SHELTER, "scope": "a-b"},
        {**SHELTER, "scope": NULL},
        {**SHELTER, "scope": ["/ok", "9bad"]},
        {**SHELTER, "expiresAt": "tomorrow"},
        {**SHELTER, "my attr": 1},
        {**SHELTER, "datasetId": {"type": "Property", "value": 1}},
        {**SHELTER, "observedAt": {"type": "Property", "value": 1}},
        {**SHELTER, "location": {"type": "Property", "value": 7}},
        {**SHELTER, "ngsildproof": {"type": "Property", "value": "z"}},
        {**SHELTER, "水位": 1, DEFAULT + "水位": 2},
    ],
)
def test_a_payload_that_is_no_entity_is_refused(payload):
    with pytest.raises(BadRequest):
        read.entity(payload, CORE)


@pytest.mark.parametrize(
    "code", [0x202E, 0x200B, 0xFEFF, 0x2028, 0xA0, 0x3C, 0xFE0F, 0xE0100, 0xFDD0, 0x115F, 0x3164]
)
def test_an_id_with_a_character_that_cannot_be_seen_is_refused(code):
    with pytest.raises(BadRequest, match="id: expected a URI"):
        read.entity({"id": f"urn:ngsi-ld:Vehicle:A{chr(code)}B", "type": "Vehicle"}, CORE)


def test_an_attribute_may_be_called_as_a_member_is_but_a_bare_value_is_a_slip():
    assert one({"type": "VocabProperty", "vocab": "x"}, "vocab") == [
        {"kind": "VocabProperty", "v": DEFAULT + "x"}
    ]
    with pytest.raises(BadRequest, match="got the value of one"):
        read.fragment({"type": "Property", "value": 5}, CORE)


def test_depth_is_bounded_in_values_in_json_and_in_sub_attributes():
    value: Any = 1
    for _ in range(200):
        value = [value]
    with pytest.raises(BadRequest, match="within each other"):
        one({"type": "Property", "value": value})
    with pytest.raises(BadRequest, match="within each other"):
        one({"type": "JsonProperty", "json": value})
    attribute: Any = {"value": 1}
    for _ in range(30):
        attribute = {"value": 1, "x": attribute}
    with pytest.raises(BadRequest, match="levels"):
        one(attribute)


# --- fragments


def test_a_merge_may_name_only_what_it_changes():
    found = read.fragment(
        {
            "水位": {"observedAt": NULL, "精度": NULL},
            "住所": {"value": {"番地": NULL, "町": "山代"}},
            "名": NULL,
            "場所": {"type": "GeoProperty", "value": NULL},
            "案内": {"languageMap": {"fr": NULL, "ja": "x"}},
            "所有": {"value": NULL},
        },
        CORE,
        merge=True,
    )
    assert found["attrs"] == {
        DEFAULT + "水位": [{"observedAt": NULL, "attrs": {DEFAULT + "精度": [{"v": NULL}]}}],
        DEFAULT + "住所": [{"kind": "Property", "v": {"番地": NULL, "町": "山代"}}],
        DEFAULT + "名": [{"v": NULL}],
        DEFAULT + "場所": [{"kind": "GeoProperty", "v": NULL}],
        DEFAULT + "案内": [{"kind": "LanguageProperty", "v": {"fr": NULL, "ja": "x"}}],
        DEFAULT + "所有": [{"v": NULL}],
    }


def test_a_fragment_that_is_not_merged_is_complete_and_takes_nulls_only_at_the_top():
    with pytest.raises(BadRequest, match="no value"):
        read.fragment({"水位": {"observedAt": "2026-11-21T07:00:00Z"}}, CORE)
    with pytest.raises(BadRequest, match="only in a merge"):
        read.fragment({"水位": {"value": {"a": NULL}}}, CORE)
    assert read.fragment({"水位": {"type": "Property", "value": NULL}}, CORE)["attrs"] == {
        DEFAULT + "水位": [{"kind": "Property", "v": NULL}]
    }


def test_a_fragment_may_carry_type_scope_and_expiry_and_must_be_for_its_entity():
    found = read.fragment(
        {"id": "urn:a:1", "type": "House", "scope": NULL, "expiresAt": NULL}, CORE, id="urn:a:1"
    )
    assert found == {
        "id": "urn:a:1",
        "type": [DEFAULT + "House"],
        "scope": [],
        "expiresAt": NULL,
        "attrs": {},
    }
    with pytest.raises(BadRequest, match="urn:a:2"):
        read.fragment({"id": "urn:a:2"}, CORE, id="urn:a:1")


def test_the_simplified_form_takes_objects_as_values():
    ctx = compile_context({"所有者": {"@id": "https://a.example/owner", "@type": "@id"}}, {})
    found = read.fragment(
        {
            "水位": 3,
            "住所": {"type": "PostalAddress", "市": "加賀"},
            "箱": {"value": 3},
            "location": POINT,
            "案内": {"languageMap": {"ja": "x"}},
            "速さ": {"dataset": {"@none": 1, "urn:d:2": 2}},
            "所有者": "urn:a:9",
        },
        ctx,
        merge=True,
        simplified=True,
    )
    assert found["attrs"] == {
        DEFAULT + "水位": [{"kind": "Property", "v": 3}],
        DEFAULT + "住所": [{"kind": "Property", "v": {"type": "PostalAddress", "市": "加賀"}}],
        DEFAULT + "箱": [{"kind": "Property", "v": {"value": 3}}],
        LD + "location": [{"kind": "GeoProperty", "v": POINT}],
        DEFAULT + "案内": [{"kind": "LanguageProperty", "v": {"ja": "x"}}],
        DEFAULT + "速さ": [
            {"kind": "Property", "v": 1},
            {"kind": "Property", "v": 2, "datasetId": "urn:d:2"},
        ],
        "https://a.example/owner": [{"kind": "Relationship", "v": "urn:a:9"}],
    }


def test_one_attribute_is_read_in_part_or_as_a_whole():
    assert read.attribute({"unitCode": "MTR", "@context": "x"}, CORE, "水位") == {"unitCode": "MTR"}
    assert read.attribute({"value": 5}, CORE, "水位", partial=False) == {"kind": "Property", "v": 5}
    with pytest.raises(BadRequest, match="no value"):
        read.attribute({"unitCode": "MTR"}, CORE, "水位", partial=False)
    with pytest.raises(BadRequest, match="only in a merge"):
        read.attribute({"value": {"a": NULL}}, CORE, "水位")
    with pytest.raises(BadRequest, match="GeoProperty"):
        read.attribute({"type": "Property", "value": 5}, CORE, "location")


def test_a_patch_completes_to_an_attribute_only_with_a_value():
    assert read.complete({"v": 5}) == {"kind": "Property", "v": 5}
    with pytest.raises(BadRequest, match="needs a value"):
        read.complete({"observedAt": "2026-11-21T07:00:00Z"})
    with pytest.raises(BadRequest, match="needs a value"):
        read.complete({"v": NULL})
