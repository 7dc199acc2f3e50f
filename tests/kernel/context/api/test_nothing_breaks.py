"""Whatever is sent, the answer is a refusal or a result: never that something broke."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from api_client import CITY_CONTEXT, Client, link, room
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kitamae.kernel.context.api import parameters
from kitamae.kernel.context.api.routes import ROUTES

FUZZ = settings(max_examples=60, suppress_health_check=list(HealthCheck))

WORDS = st.sampled_from(
    [
        "urn:ngsi-ld:Room:1",
        "Room",
        "temperature",
        "temperature>20",
        'a.b[c]==1..2,"x"|!d;e~=^.*',
        "a{b{c}}",
        "near;maxDistance==1",
        "within",
        "Point",
        "Polygon",
        "[136.3,36.3]",
        "[[[136,36],[137,36],[137,37],[136,36]]]",
        "2026-11-21T00:00:00Z",
        "2026-11-22T00:00:00+09:00",
        "between",
        "after",
        "PT1H",
        "avg,max",
        "aggregatedValues",
        "temporalValues",
        "keyValues",
        "sysAttrs",
        "concise",
        "true",
        "inline",
        "flat",
        "10",
        "0",
        "*",
        "/a/#",
        "name;desc,location;dist-asc",
        "ja,en;q=0.5",
        "@none",
        "urn:ngsi-ld:null",
    ]
)
TEXTS = WORDS | st.text(max_size=40)
QUERIES = st.dictionaries(st.sampled_from(sorted(parameters.READERS)), TEXTS, max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            TEXTS
            | st.sampled_from(
                [
                    "id",
                    "type",
                    "value",
                    "object",
                    "languageMap",
                    "vocab",
                    "json",
                    "valueList",
                    "objectList",
                    "datasetId",
                    "observedAt",
                    "coordinates",
                    "scope",
                    "expiresAt",
                    "@context",
                    "entities",
                    "q",
                    "geoQ",
                    "notification",
                    "temporalQ",
                    "endpoint",
                    "uri",
                    "temperature",
                    "unitCode",
                    "objectType",
                    "instanceId",
                    "pick",
                    "attrs",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "accept": st.sampled_from(
            ["application/ld+json", "application/geo+json", "*/*;q=0.1", "text/html", ";;,q="]
        ),
        "link": st.sampled_from([link(), link("urn:x"), "<>; rel=", '<a>; rel="next"']),
        "content-type": st.sampled_from(
            ["application/json", "application/ld+json", "application/merge-patch+json"]
        ),
        "ngsild-tenant": st.sampled_from(["", "nomi", "a b"]),
        "prefer": st.sampled_from(["body=json", "ngsi-ld=1.8", ",,,"]),
    },
)


def path(route: str, parts: list[str], query: dict[str, str]) -> str:
    segments = [
        quote(parts[i % len(parts)], safe="") if part.startswith("{") else part
        for i, part in enumerate(route.split("/"))
    ]
    return (
        "/".join(segments)
        + "?"
        + "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    )


async def whole(client: Client, method: str, where: str, content: Any, headers: dict[str, str]) -> None:
    answer = await client(method, where, content, headers=headers)
    assert answer.status < 500 or answer.status == 504, (method, where, content, headers, answer.body)
    if answer.status >= 400 and answer.status not in (411, 415):
        assert {"type", "title", "status"} <= answer.json().keys()


@FUZZ
@given(
    st.sampled_from([route for route in ROUTES if route.method in ("GET", "DELETE")]),
    st.lists(TEXTS, min_size=1, max_size=3),
    QUERIES,
    HEADERS,
)
async def test_no_question_breaks_anything(
    client: Client, route: Any, parts: list[str], query: dict[str, str], headers: dict[str, str]
) -> None:
    spot = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.3, 36.3]}}
    await client.post("entityOperations/upsert", [room(1, location=spot, name={"ja": "橋立"})])
    known = {name: value for name, value in query.items() if name in route.parameters}
    await whole(client, route.method, path(route.path, parts, known), None, headers)


@FUZZ
@given(
    st.sampled_from([route for route in ROUTES if route.method in ("POST", "PATCH", "PUT")]),
    st.lists(TEXTS, min_size=1, max_size=3),
    QUERIES,
    JSON,
    HEADERS,
)
async def test_no_document_breaks_anything(
    client: Client, route: Any, parts: list[str], query: dict[str, str], content: Any, headers: dict[str, str]
) -> None:
    known = {name: value for name, value in query.items() if name in route.parameters}
    if isinstance(content, dict) and headers.get("content-type") == "application/ld+json":
        content.setdefault("@context", CITY_CONTEXT)
    await whole(client, route.method, path(route.path, parts, known), content, headers)


@settings(FUZZ, max_examples=25)
@given(JSON, JSON, JSON)
async def test_no_entity_breaks_anything(client: Client, one: Any, two: Any, three: Any) -> None:
    entity = {"id": "urn:ngsi-ld:Thing:1", "type": "Thing", "a": one, "b": {"type": "Property", "value": two}}
    await client.post("entityOperations/upsert", [entity])
    where = "entities/urn:ngsi-ld:Thing:1"
    await whole(client, "PATCH", where, {"b": three, "a": two}, {})
    await whole(client, "PATCH", where + "/attrs", {"a": three}, {})
    await whole(client, "PATCH", where + "/attrs/b", three, {})
    for form in ("", "?options=keyValues,sysAttrs", "?format=concise"):
        await whole(client, "GET", where + form, None, {})
        await whole(client, "GET", "temporal/" + where, None, {})
    await whole(client, "GET", where, None, {"accept": "application/geo+json"})
