"""An entity written in one dialect is read in the other without loss of what that dialect can say."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from test_v2_attribute import METADATA, NAMES, TYPED, WORDS

from kitamae.kernel.context import read, represent
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.v2 import operators
from kitamae.kernel.context.v2.operations import BUILTIN, New, Write
from kitamae.kernel.context.v2.represent import Form, present

NOW = 1_800_000_000_000_000
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12).filter(
    lambda text: "urn:" not in text
)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    TEXTS | NUMBERS | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(lambda t: t[:1] != "@"), inner, max_size=3)
    ),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXTS.filter(lambda text: text[:1] != "@"), st.none() | PLAIN, max_size=3)
JSON = OBJECTS | st.lists(OBJECTS, min_size=1, max_size=2)
TIMES = st.sampled_from(
    ["2026-11-21T00:00:00Z", "2026-11-21T07:14:46.500000Z", "2026-11-21T07:14:46.123456Z"]
)
URIS = st.sampled_from(["urn:ngsi-ld:Room:1", "urn:a:b", "https://a.example/x"])
POINTS = st.builds(
    lambda lon, lat: {"type": "Point", "coordinates": [lon, lat]}, st.integers(-180, 180), st.floats(-90, 90)
)


def kind(name: str, member: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return values.map(lambda value: {"type": name, member: value})


KINDS = st.one_of(
    kind("Property", "value", PLAIN),
    kind("Property", "value", TIMES.map(lambda time: {"@type": "DateTime", "@value": time})),
    kind("GeoProperty", "value", POINTS),
    kind("Relationship", "object", URIS | st.lists(URIS, min_size=2, max_size=3)),
    kind(
        "LanguageProperty", "languageMap", st.dictionaries(st.sampled_from(["ja", "en"]), TEXTS, min_size=1)
    ),
    kind("VocabProperty", "vocab", st.sampled_from(["Meeting", "Office"])),
    kind("JsonProperty", "json", JSON),
    kind("ListProperty", "valueList", st.lists(TEXTS | NUMBERS, max_size=3)),
    kind(
        "ListRelationship",
        "objectList",
        st.lists(URIS.map(lambda uri: {"object": uri}), min_size=1, max_size=3),
    ),
)


@st.composite
def attributes(draw: Any, *, depth: int = 1) -> Any:
    made = draw(KINDS)
    if draw(st.booleans()):
        made["observedAt"] = draw(TIMES)
    if made["type"] in ("Property", "ListProperty") and draw(st.booleans()):
        made["unitCode"] = "CEL"
    if depth:
        made |= draw(st.dictionaries(st.sampled_from(["accuracy", "出典"]), attributes(depth=0), max_size=2))
    return made


@given(st.dictionaries(st.sampled_from(["温度", "place", "https://a.example/x"]), attributes(), min_size=1))
def test_what_ngsi_ld_wrote_and_v2_read_may_be_written_back_by_v2(attrs: dict[str, Any]) -> None:
    written = read.entity({"id": "urn:ngsi-ld:Room:1", "type": "Room", **attrs}, CORE)
    shown = present(written, WORDS, Form())
    assert isinstance(shown, dict)
    assert shown.keys() == {"id", "type", *attrs}
    back = {name: one for name, one in shown.items() if name not in ("id", "type")}
    after = Write(back, "update", WORDS).apply(written, NOW).after
    assert after is not None
    assert represent.present(after, CORE) == represent.present(written, CORE)


@given(
    st.dictionaries(
        NAMES.filter(lambda name: name not in BUILTIN | {"id", "type"}),
        st.tuples(TYPED.filter(lambda pair: not operators.asked(pair[1])), METADATA),
        min_size=1,
        max_size=3,
    )
)
def test_what_v2_wrote_and_ngsi_ld_read_may_be_written_back_by_ngsi_ld(attrs: dict[str, Any]) -> None:
    given = {
        name: {"type": type, "value": value, "metadata": metadata}
        for name, ((type, value), metadata) in attrs.items()
    }
    written = New("urn:ngsi-ld:Room:1", WORDS.expand("Room"), "/Kaga", given, WORDS).entity()
    if all(map(_writable, written["attrs"].values())):
        copied = read.entity(represent.present(written, CORE), CORE)
        assert _without_types(copied) == _without_types(written)
    shown = present(written, WORDS, Form())
    assert isinstance(shown, dict)
    assert shown == {"id": "urn:ngsi-ld:Room:1", "type": "Room", **given}


def _writable(instances: Any) -> bool:
    """Of nulls NGSI-LD writes those within an object alone: a JsonProperty is an object, or an array of objects."""
    return all(
        (
            one["kind"] != "JsonProperty"
            or isinstance(one["v"], dict)
            or (isinstance(one["v"], list) and one["v"] and all(isinstance(item, dict) for item in one["v"]))
        )
        and all(map(_writable, one.get("attrs", {}).values()))
        for one in instances
    )


def _without_types(found: Any) -> Any:
    """NGSI-LD has no word for the types of NGSIv2, nor for how a place was written in it."""
    if isinstance(found, dict):
        return {name: _without_types(one) for name, one in found.items() if name not in ("v2type", "v2value")}
    return [_without_types(one) for one in found] if isinstance(found, list) else found
