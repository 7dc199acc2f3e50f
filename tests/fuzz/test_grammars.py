"""The grammars and the documents that a stranger writes: each is understood or refused, and neither breaks nor hangs."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from fuzzing import MANY, examples
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from served_city import Served

BROKEN = frozenset(range(500, 600)) - {501, 503, 504}
"""What is not offered, or cannot be had from elsewhere (a @context), is no fault of ours."""

some = settings(
    max_examples=examples(15),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not MANY,
    database=None,
)

NAMES = [
    "a",
    "水位",
    "location",
    "createdAt",
    "observedAt",
    "type",
    "id",
    "b.c",
    "d[e.f]",
    "rel{a}",
    "rel{T:b.c}",
    "ex:x",
]
VALUES = [
    "1",
    "-0",
    "1e400",
    '"x"',
    '"\\""',
    "true",
    "null",
    "2026-11-21T00:00:00Z",
    "10:00:00Z",
    "urn:a:b",
    "1..2",
    "",
    "é",
]
Q = [
    *NAMES,
    *VALUES,
    "==",
    "!=",
    ">",
    "<=",
    "~=",
    "!~=",
    ";",
    "|",
    "(",
    ")",
    ",",
    "!",
    "..",
    "[",
    "]",
    "{",
    "}",
    " ",
    "\\",
    '"',
]
SCOPES = ["/", "/Kaga", "Kaga", "/+", "/#", "#", "+", ";", ",", "|", "(", ")", "/a/b", " "]
TYPES = ["Room", "部屋", "*", "(", ")", "|", ",", ";", " ", "ex:Room", "https://a.example/T"]
ORDERS = [
    "a",
    "id",
    "type",
    "createdAt",
    ";desc",
    ";asc",
    ";dist-asc",
    ";dist-desc",
    ",",
    "location",
    "!",
    "geo:distance",
]
PICKS = ["a", "id", "{", "}", ",", "|", "rel", "location", " ", "*"]
PATTERNS = [
    "(",
    ")",
    "[",
    "]",
    "a",
    "*",
    "+",
    "{1000}",
    "\\",
    "^",
    "$",
    "|",
    ".",
    "(?=a)",
    "\\1",
    "[[:alpha:]]",
]
GEORELS = [
    "near",
    "within",
    "contains",
    "disjoint",
    ";",
    "maxDistance==1",
    "minDistance==1e999",
    "maxDistance=",
    "==",
    ":",
]
NUMBERS = st.one_of(st.integers(-200, 200), st.floats(), st.just(1e308), st.none(), st.text(max_size=3))
COORDINATES = st.recursive(NUMBERS, lambda inner: st.lists(inner, max_size=5), max_leaves=20)
GEOMETRIES = st.sampled_from(
    ["Point", "LineString", "Polygon", "MultiPolygon", "MultiPoint", "GeometryCollection", "box", ""]
)
TIMES = [
    "2026-11-21T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "2026-02-30T00:00:00Z",
    "now",
    "",
    "P1D",
]
PERIODS = ["PT0S", "PT1S", "P1M", "P100000Y", "PT0.000001S", "P", "-P1D", "P1Y1M1W1DT1H1M1S", "", "PT1e9S"]


def of(words: list[str]) -> st.SearchStrategy[str]:
    """Words of a grammar in any order, with now and then something else between them."""
    word = st.one_of(st.sampled_from(words), st.sampled_from(words), st.text(max_size=3))
    return st.lists(word, max_size=12).map("".join)


def ask(city: Served, path: str, **parameters: str) -> int:
    text = urlencode(
        {name: value.encode("utf-8", "replace") for name, value in parameters.items()}, quote_via=quote
    )
    status, _, body = city.ask("GET", f"{path}?{text}")
    assert status not in BROKEN, (parameters, body)
    return status


def send(city: Served, path: str, content: Any, media: str = "application/ld+json") -> int:
    status, _, body = city.ask("POST", path, content, Content_Type=media)
    assert status not in BROKEN, (content, body)
    return status


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("q", Q),
        ("scopeQ", SCOPES),
        ("type", TYPES),
        ("orderBy", ORDERS),
        ("pick", PICKS),
        ("omit", PICKS),
        ("attrs", PICKS),
        ("idPattern", PATTERNS),
        ("csf", Q),
        ("datasetId", ["urn:a:b", "@none", ",", "x"]),
        ("lang", ["ja", "en;q=0.5", "*", ",", ";q="]),
    ],
)
def test_no_parameter_breaks_a_query(name: str, words: list[str], city: Served) -> None:
    @some
    @given(of(words))
    @example("(" * 300)
    @example("\x00")
    def tried(text: str) -> None:
        ask(city, "/ngsi-ld/v1/entities", **{"local": "true", name: text})
        ask(
            city,
            "/ngsi-ld/v1/temporal/entities",
            local="true",
            timerel="after",
            timeAt=TIMES[0],
            **{name: text},
        )

    tried()


@some
@given(
    georel=of(GEORELS),
    geometry=GEOMETRIES,
    coordinates=COORDINATES,
    name=st.sampled_from(["location", "a", "", "@"]),
)
@example(
    georel="near;maxDistance==1",
    geometry="Polygon",
    coordinates=[[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]],
    name="location",
)
def test_no_place_breaks_a_query(
    georel: str, geometry: str, coordinates: Any, name: str, city: Served
) -> None:
    text = json.dumps(coordinates)
    ask(city, "/ngsi-ld/v1/entities", georel=georel, geometry=geometry, coordinates=text, geoproperty=name)
    asked = {"type": "Query", "geoQ": {"georel": georel, "geometry": geometry, "coordinates": coordinates}}
    send(city, "/ngsi-ld/v1/entityOperations/query", asked, "application/json")
    place = {"type": "GeoProperty", "value": {"type": geometry, "coordinates": coordinates}}
    send(
        city,
        "/ngsi-ld/v1/entities",
        {"id": "urn:x:place", "type": "T", "location": place},
        "application/json",
    )
    ask(city, "/v2/entities", georel=georel, geometry=geometry.lower(), coords=text)


@some
@given(
    st.sampled_from(["before", "after", "between", "x", ""]),
    st.sampled_from(TIMES),
    st.sampled_from(TIMES),
    st.sampled_from(PERIODS),
    of(["avg", "max", "sum", "totalCount", ",", "median"]),
    st.sampled_from(["0", "1", "-1", "99999999999", "x"]),
)
def test_no_time_breaks_a_question_about_history(
    city: Served, timerel: str, at: str, end: str, period: str, methods: str, last: str
) -> None:
    asked = {"timerel": timerel, "timeAt": at, "endTimeAt": end, "lastN": last, "type": "RiverGauge"}
    figures = {"format": "aggregatedValues", "aggrMethods": methods, "aggrPeriodDuration": period}
    for more in ({}, {"format": "temporalValues"}, figures):
        ask(city, "/ngsi-ld/v1/temporal/entities", **asked, **more)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("q", [*Q, "temperature:1", ".value", "'x'", "!~", ":"]),
        ("mq", [*Q, "a.b", ".c"]),
        ("type", ["Room", ",", "<", "(", "部屋"]),
        ("typePattern", PATTERNS),
        ("idPattern", PATTERNS),
        ("orderBy", ORDERS),
        ("attrs", ["a", ",", "*", "dateCreated", "dateModified"]),
        ("metadata", ["a", ",", "*", "previousValue", "actionType"]),
        ("options", ["count", "keyValues", "values", "unique", ",", "x"]),
        ("coords", ["1,2", ";", "200,400", "x", "-0.0,1e308"]),
    ],
)
def test_no_parameter_breaks_the_other_dialect(name: str, words: list[str], city: Served) -> None:
    place = {"georel": "near;maxDistance:1", "geometry": "point"} if name == "coords" else {}

    @some
    @given(of(words))
    def tried(text: str) -> None:
        ask(city, "/v2/entities", **{name: text, **place})

    tried()


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["urn:ngsi-ld:null", "@none", "@json", "2026-11-21T00:00:00Z", "urn:x:1", "Property", "Relationship"]
    ),
)
MEMBERS = st.sampled_from(
    ["id", "type", "value", "object", "@context", "@id", "@type", "@value", "@list", "@set", "@graph", "@vocab", "@base",
     "languageMap", "json", "vocab", "valueList", "objectList", "datasetId", "observedAt", "unitCode", "scope", "location",
     "coordinates", "createdAt", "expiresAt", "a", "ex:a", "https://a.example/x", "entities", "q", "notification", "endpoint",
     "uri", "watchedAttributes", "information", "mode", "operations", "throttling", "timeInterval"]
)  # fmt: skip
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(MEMBERS, inner, max_size=6)),
    max_leaves=25,
)
OBJECTS = st.dictionaries(MEMBERS, DOCUMENTS, max_size=7)


@some
@given(OBJECTS, st.sampled_from(["T", ["T", "U"], "Subscription", "ContextSourceRegistration", "Query"]))
def test_no_document_breaks_what_takes_documents(city: Served, given: dict[str, Any], type_: Any) -> None:
    whole = {"id": "urn:x:fuzzed", "type": type_, **given}
    for path in (
        "entities",
        "temporal/entities",
        "subscriptions",
        "csourceRegistrations",
        "csourceSubscriptions",
    ):
        send(city, f"/ngsi-ld/v1/{path}", whole)
        send(city, f"/ngsi-ld/v1/{path}", whole, "application/json")
    send(city, "/ngsi-ld/v1/entityOperations/upsert", [whole])
    send(city, "/ngsi-ld/v1/entityOperations/query", {"type": "Query", **given}, "application/json")
    send(city, "/ngsi-ld/v1/jsonldContexts", whole, "application/json")
    for method in ("PATCH", "PUT"):
        for path in ("entities/urn:x:fuzzed", "entities/urn:x:fuzzed/attrs/a"):
            status, _, body = city.ask(method, f"/ngsi-ld/v1/{path}", given)
            assert status not in BROKEN, (method, path, given, body)


@some
@given(OBJECTS)
def test_no_document_breaks_the_other_dialect(city: Served, given: dict[str, Any]) -> None:
    for path in ("entities", "subscriptions", "registrations", "op/query", "op/notify"):
        send(city, f"/v2/{path}", {"id": "x", "type": "T", **given}, "application/json")
    for action in ("append", "update", "delete", "replace"):
        send(
            city,
            "/v2/op/update",
            {"actionType": action, "entities": [{"id": "x", **given}]},
            "application/json",
        )
    status, _, body = city.ask("PUT", "/v2/entities/x/attrs/a/value", given)
    assert status not in BROKEN, body


@some
@given(DOCUMENTS)
def test_no_context_breaks_what_reads_in_its_words(city: Served, context: Any) -> None:
    entity = {"id": "urn:x:context", "type": "T", "a": {"type": "Property", "value": 1}, "@context": context}
    send(city, "/ngsi-ld/v1/entityOperations/upsert", [entity])
    send(city, "/ngsi-ld/v1/entityOperations/query", {"type": "Query", "q": "a==1", "@context": context})
    send(city, "/ngsi-ld/v1/jsonldContexts", {"@context": context}, "application/json")
