"""Brokers that ask each other, over real HTTP on this machine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_client import Reply, link
from test_registrations import registration

from cities import ROOM, City, room

LINK = {"link": link()}


def seen(value: Any, at: str) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": at}


async def test_what_another_city_has_is_read_here(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has(1, temperature=20)
    assert (await kaga.client.get(f"entities/{ROOM}")).status == 404
    await kaga.knows(nomi.url)
    reply = await kaga.client.get(f"entities/{ROOM}?options=keyValues")
    assert reply.json() == {"id": ROOM, "type": "Room", "temperature": 20}
    assert nomi.asked[0].headers["via"] == "1.1 kaga"
    for query in ("?local=true", "?type=Car"):
        assert (await kaga.client.get(f"entities/{ROOM}{query}")).status == 404
    assert (await kaga.client.get("entities/urn:ngsi-ld:Room:2")).status == 404


async def test_what_is_closed_here_no_source_tells_either(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.closes("Room floor")
    told = {**room(1, depth=4), "floor": seen(77_19, "2026-11-21T00:00:00Z")}
    assert (await nomi.client.post("entities", told)).status == 201
    operations = ["federationOps", "retrieveTemporal", "queryTemporal"]
    await kaga.knows(nomi.url, operations=operations)
    after = "timerel=after&timeAt=2020-01-01T00:00:00Z"
    for path in (
        *(f"entities/{ROOM}", "entities?type=Room", "entities?type=Room&splitEntities=true"),
        *(f"temporal/entities/{ROOM}", f"temporal/entities/{ROOM}?timeproperty=modifiedAt&{after}"),
        *(
            f"temporal/entities?type=Room&{after}",
            f"temporal/entities?type=Room&timeproperty=modifiedAt&{after}",
        ),
    ):
        reply = await kaga.client.get(path)
        assert b"7719" not in reply.body, path
    assert (await kaga.client.get(f"entities/{ROOM}?options=keyValues")).json()["depth"] == 4
    await kaga.closes("Room")
    assert ROOM.encode() not in (await kaga.client.get("entities?type=Room")).body


async def test_no_other_source_is_asked_by_what_is_closed_here(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.closes("Room floor")
    await nomi.has(1, floor=7719)
    await nomi.has(2, depth=4)
    await kaga.knows(
        nomi.url, operations=["federationOps", "retrieveTemporal", "queryTemporal", "purgeEntity"]
    )
    after = "timerel=after&timeAt=2020-01-01T00:00:00Z&timeproperty=modifiedAt"
    for value in (7719, 1):
        for q in (f"floor=={value}", f"floor!={value}", "!floor", f"depth==4|floor=={value}"):
            for path in (
                *(
                    f"entities?type=Room&q={q}",
                    f"entities?type=Room&q={q}&splitEntities=true",
                    f"entities?q={q}",
                ),
                *(f"entities?type=Room&q={q}&entityMap=true", f"entityMaps?type=Room&q={q}"),
                f"temporal/entities?type=Room&q={q}&{after}",
            ):
                assert (await kaga.client.get(path)).status == 403, path
            assert (await kaga.client("DELETE", f"entities?type=Room&q={q}")).status == 403
    near = "georel=near;maxDistance==1&geometry=Point&coordinates=[136,36]&geoproperty=floor"
    assert (await kaga.client.get(f"entities?type=Room&{near}")).status == 403
    assert nomi.asked == []
    for path in ("entities?type=Room&attrs=floor", f"temporal/entities?type=Room&attrs=floor&{after}"):
        assert (await kaga.client.get(path)).json() == [], path
    assert nomi.asked == []
    assert await kaga.ids("type=Room&attrs=floor,depth") == [2]
    assert await kaga.ids("type=Room") == [1, 2], "that it is there is open"
    for id in (ROOM, "urn:ngsi-ld:Room:2"):
        assert (await kaga.client.get(f"entities/{id}?attrs=floor")).status == 404
        assert (await kaga.client.get(f"temporal/entities/{id}?attrs=floor")).status == 404


async def test_what_is_closed_here_is_in_no_list_of_another_source(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.closes("Room floor", "Cellar")
    await nomi.has(1, floor=7719, depth=4)
    cellar = {**room(9, damp=3), "id": "urn:ngsi-ld:Cellar:9", "type": ["Cellar", "Room"]}
    assert (await nomi.client.post("entities", cellar)).status == 201
    await kaga.knows(nomi.url, {"entities": [{"idPattern": ".*", "type": "Room"}]})
    await kaga.knows(nomi.url, {"entities": [{"idPattern": ".*", "type": "Cellar"}]}, number=2)
    for path in ("types", "types?details=true", "attributes", "attributes?details=true", "types/Room"):
        reply = await kaga.client.get(path)
        assert reply.status == 200, path
        assert b"floor" not in reply.body, path
        assert b"Cellar" not in reply.body, path
    for path in ("types/Cellar", "attributes/floor", "entities/urn:ngsi-ld:Cellar:9"):
        assert (await kaga.client.get(path)).status in (401, 404), path
    assert await kaga.ids("type=Room") == [1]
    made = (await kaga.client.get("entityMaps?type=Room")).json()
    assert [*made["entityMap"]] == [ROOM]


async def test_an_entity_that_another_source_takes_for_something_else_shows_no_more_of_it(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.closes("Room floor")
    await kaga.has(1, depth=4)
    hall = {**room(1, floor=7719), "type": "Hall"}
    assert (await nomi.client.post("entities", hall)).status == 201
    await kaga.knows(
        nomi.url, {"entities": [{"type": "Hall"}]}, operations=["federationOps", "retrieveTemporal"]
    )
    for path in (f"entities/{ROOM}", f"temporal/entities/{ROOM}"):
        assert b"7719" not in (await kaga.client.get(path)).body, path


async def test_of_two_that_observed_the_newest_stands(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    old, new = "2026-11-21T00:00:00Z", "2026-11-21T01:00:00Z"
    await kaga.client.post("entities?local=true", {**room(1, floor=2), "a": seen(1, old), "b": seen(1, new)})
    await nomi.client.post("entities", {**room(1, floor=3, depth=4), "a": seen(2, new), "b": seen(2, old)})
    await kaga.knows(nomi.url)
    shown = (await kaga.client.get(f"entities/{ROOM}?options=keyValues")).json()
    assert shown == {"id": ROOM, "type": "Room", "floor": 3, "a": 2, "b": 1, "depth": 4}, (
        "not observed: changed last"
    )


async def test_the_times_of_the_source_are_shown(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.client.post("entities", {**room(1), "floor": {"type": "Property", "value": 1, "accuracy": 2}})
    await kaga.knows(nomi.url)
    theirs = (await nomi.client.get(f"entities/{ROOM}?options=sysAttrs")).json()
    assert theirs["createdAt"] == theirs["floor"]["accuracy"]["createdAt"]
    assert (await kaga.client.get(f"entities/{ROOM}?options=sysAttrs")).json() == theirs
    assert (await kaga.client.get("entities?type=Room&options=sysAttrs")).json() == [theirs]


async def test_what_has_expired_at_a_source_is_not_there_any_more(
    cities: tuple[City, City], monkeypatch: pytest.MonkeyPatch
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url)
    past, later = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
    half = {**room(2, floor=1, depth=2), "expiresAt": later}
    half["depth"]["expiresAt"] = past
    told = [{**room(1, floor=1), "expiresAt": past}, half]

    async def late(*_: Any, **__: Any) -> Reply:
        return Reply(200, [], json.dumps(told).encode(), 0)

    monkeypatch.setattr(nomi, "client", late)
    assert (await kaga.client.get(f"entities/{ROOM}")).status == 404
    found = (await kaga.client.get("entities?type=Room&options=keyValues")).json()
    assert found == [{"id": half["id"], "type": "Room", "floor": 1}]


SQUARE = {"type": "Polygon", "coordinates": [[[136, 36], [137, 36], [137, 37], [136, 37], [136, 36]]]}
THERE = "&georel=near;maxDistance==500&geometry=Point&coordinates="


@pytest.mark.parametrize(
    ("members", "query", "asked"),
    [
        ({"datasetId": ["urn:a", "urn:b"]}, "&datasetId=urn:b", True),
        ({"datasetId": ["urn:a", "urn:b"]}, "&datasetId=urn:c", False),
        ({"datasetId": ["urn:a"]}, "", True),
        ({}, "&datasetId=urn:c", True),
        ({"location": SQUARE}, f"{THERE}[136.5,36.5]", True),
        ({"location": SQUARE}, f"{THERE}[140,36.5]", False),
        ({"location": SQUARE}, f"{THERE}[140,36.5]&geoproperty=observationSpace", True),
        ({"location": SQUARE}, f"{THERE}[140,36.5]&splitEntities=true", True),
        ({"location": SQUARE}, "&georel=disjoint&geometry=Point&coordinates=[140,36.5]", True),
        ({"location": SQUARE}, "", True),
    ],
)
async def test_who_said_that_it_has_none_there_or_none_such_is_not_asked(
    cities: tuple[City, City], members: dict[str, Any], query: str, asked: bool
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, **members)
    assert await kaga.ids(f"type=Room{query}") == []
    assert bool(nomi.asked) is asked


@pytest.mark.parametrize("members", [{"localOnly": True}, {"management": {"localOnly": True}}])
async def test_a_source_may_be_asked_for_what_it_has_itself(
    cities: tuple[City, City], members: dict[str, Any]
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, **members)
    assert await kaga.ids("type=Room") == []
    assert nomi.asked[0].query["local"] == "true"


async def test_a_source_is_asked_for_ids_that_it_may_know(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, {"entities": [{"type": "Room", "idPattern": "^urn:ngsi-ld:Room:[12]$"}]})
    await kaga.ids("type=Room&id=urn:ngsi-ld:Room:1,urn:ngsi-ld:Room:3")
    assert nomi.asked[0].query["id"] == "urn:ngsi-ld:Room:1"


@pytest.mark.parametrize(
    ("mode", "floor"), [("inclusive", 2), ("auxiliary", 2), ("exclusive", 3), ("redirect", 3)]
)
async def test_the_mode_says_whose_word_stands(cities: tuple[City, City], mode: str, floor: int) -> None:
    kaga, nomi = cities
    information = {"entities": [{"type": "Room", "id": ROOM}], "propertyNames": ["floor", "depth"]}
    await kaga.knows(nomi.url, information, mode=mode)
    await nomi.has(1, floor=3, depth=4, name="there", secret=5)
    await kaga.has(1, floor=2, name="here")
    shown = (await kaga.client.get(f"entities/{ROOM}?options=keyValues")).json()
    assert shown == {"id": ROOM, "type": "Room", "floor": floor, "name": "here", "depth": 4}
    assert nomi.asked[-1].query["attrs"] == "depth,floor"  # nothing else is asked for
    await kaga.client.get(f"entities/{ROOM}?attrs=depth,name")
    assert nomi.asked[-1].query["attrs"] == "depth"


async def test_a_query_finds_what_is_here_and_elsewhere_once_and_page_by_page(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    for number in (1, 2, 3):
        await kaga.has(number, floor=number)
    for number in (3, 4, 5):
        await nomi.has(number, floor=number, depth=1)
    await kaga.knows(nomi.url)
    assert await kaga.ids("type=Room") == [1, 2, 3, 4, 5]
    assert await kaga.ids("type=Room&local=true") == [1, 2, 3]
    assert await kaga.ids("type=Room&limit=2&offset=2") == [3, 4]
    assert await kaga.ids("type=Room&limit=2&offset=4") == [5]
    assert await kaga.ids("type=Room&limit=2&offset=6") == []
    assert await kaga.ids("type=Room&q=floor>2;floor<5") == [3, 4]
    refused = await kaga.client.get("entities?type=Room&orderBy=floor")  # nobody has the order of all of them
    assert (refused.status, refused.error) == (400, "BadRequestData")
    assert await kaga.ids("type=Room&orderBy=floor;desc&local=true") == [3, 2, 1]
    page = await kaga.client.get("entities?type=Room&limit=2&offset=2&count=true&options=keyValues")
    assert page.header("ngsild-results-count") == "5"
    assert any('rel="next"' in one for one in page.all("link"))
    assert [one.get("depth") for one in page.json()] == [1, 1]
    assert (await kaga.client.get("entities?type=Car")).json() == []


async def test_many_elsewhere_come_in_several_pages(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.client.post("entityOperations/create", [room(number, floor=1) for number in range(250)])
    await kaga.knows(nomi.url)
    assert len(await kaga.ids("type=Room&limit=1000")) == 250
    assert len(nomi.asked) == 3


async def test_names_are_understood_in_the_words_of_the_request(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    toilet = {"id": "urn:ngsi-ld:Toilet:1", "type": "Toilet", "floor": {"type": "Property", "value": 2}}
    await nomi.client.post("entities", toilet, **LINK)
    await kaga.knows(nomi.url, {"entities": [{"type": "https://kaga.example/terms#Toilet"}]})
    found = await kaga.client.get("entities?type=Toilet&q=floor==2&attrs=floor&options=keyValues", **LINK)
    assert found.json() == [{"id": "urn:ngsi-ld:Toilet:1", "type": "Toilet", "floor": 2}]
    assert (await kaga.client.get("entities?type=Toilet")).json() == []


async def test_cities_that_know_each_other_do_not_ask_in_circles(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url)
    await nomi.knows(kaga.url)
    await kaga.has(1, floor=1)
    await nomi.has(2, floor=2)
    assert await kaga.ids("type=Room") == [1, 2]
    assert await nomi.ids("type=Room") == [2, 1]
    assert (len(kaga.asked), len(nomi.asked)) == (2, 2)  # nomi asks kaga once more, which then asks nobody
    kaga.asked.clear()
    await kaga.client("DELETE", "csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:1")
    await kaga.knows(nomi.url, contextSourceAlias="nomi")
    await nomi.ids("type=Room")
    assert [one.headers["via"] for one in kaga.asked] == ["1.1 nomi"]


async def test_a_source_that_does_not_answer_is_a_warning(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.has(1, floor=1)
    await kaga.knows("http://127.0.0.1:9")
    await kaga.knows("http://10.0.0.1", number=2)  # the operator does not allow it
    await kaga.knows(nomi.url, number=3, tenant="nowhere")  # 404: it has none of it
    for path in ("entities?type=Room", f"entities/{ROOM}"):
        reply = await kaga.client.get(path)
        assert reply.status == 200
        warnings = reply.all("ngsild-warning")
        assert [one.split(" ")[:2] for one in warnings] == [["199", "kaga"], ["199", "kaga"]]
        assert "does not allow" in warnings[1]


async def test_a_source_is_asked_as_it_wants_to_be(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    info = [
        {"key": "X-Token", "value": "abc"},
        {"key": "X-From", "value": "urn:ngsi-ld:request"},
        {"key": "Host", "value": "elsewhere.example"},
        {"key": "NGSILD-Tenant", "value": "south"},
    ]
    await kaga.knows(nomi.url, tenant="north", contextSourceInfo=info, management={"localOnly": True})
    await nomi.client.post("entities", room(1, floor=7), ngsild_tenant="north")
    reply = await kaga.client.get(f"entities/{ROOM}?options=keyValues", x_from="a desk")
    assert reply.json()["floor"] == 7
    headers = nomi.asked[0].headers
    assert (headers["x-token"], headers["x-from"], headers["ngsild-tenant"]) == ("abc", "a desk", "north")
    assert headers["host"] != "elsewhere.example"
    assert nomi.asked[0].query["local"] == "true"


@pytest.mark.parametrize("members", [{"management": {"localOnly": True}}, {"localOnly": True}])
async def test_a_source_that_is_to_answer_alone_asks_nobody(
    cities: tuple[City, City], members: dict[str, Any]
) -> None:
    kaga, nomi = cities
    await nomi.has(1, floor=1)
    await nomi.knows(kaga.url)
    await kaga.knows(nomi.url, **members)
    assert await kaga.ids("type=Room") == [1]
    assert (nomi.asked[0].query["local"], kaga.asked) == ("true", [])


async def test_only_sources_that_offer_the_operation_are_asked(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has(1, floor=1)
    await kaga.knows(nomi.url, operations=["updateOps"])
    assert (await kaga.client.get(f"entities/{ROOM}")).status == 404
    assert await kaga.ids("type=Room") == []
    assert nomi.asked == []


@pytest.mark.parametrize("operation", ["retrieveEntity", "queryEntity", "queryBatch"])
async def test_a_source_is_asked_by_an_operation_that_it_offers(
    cities: tuple[City, City], operation: str
) -> None:
    kaga, nomi = cities
    await nomi.has(1, floor=1)
    await nomi.has(2, floor=2)
    await kaga.knows(nomi.url, operations=[operation])
    shown = await kaga.client.get(f"entities/{ROOM}?options=keyValues")
    assert shown.json() == {"id": ROOM, "type": "Room", "floor": 1}
    if operation == "retrieveEntity":
        return
    assert await kaga.ids("type=Room&q=floor==2") == [2]
    query = {"type": "Query", "entities": [{"type": "Room", "id": ROOM}], "q": "floor>0"}
    assert [one["id"] for one in (await kaga.client.post("entityOperations/query", query)).json()] == [ROOM]
    assert nomi.asked[-1].method == ("POST" if operation == "queryBatch" else "GET")
    near = "georel=near;maxDistance==100&geometry=Point&coordinates=[136.4,36.3]"
    assert await kaga.ids(f"type=Room&{near}") == []


@pytest.mark.parametrize("operation", ["queryEntity", "queryBatch"])
async def test_a_source_answers_for_each_selector_alone(cities: tuple[City, City], operation: str) -> None:
    kaga, nomi = cities
    for number in range(4):
        await nomi.has(number, floor=number)
    await kaga.has(5, floor=5)
    await kaga.knows(nomi.url, operations=[operation])
    query = {
        "type": "Query",
        "entities": [{"type": "Car", "id": ROOM}, {"type": "Room", "idPattern": "[0235]$"}],
        "q": "floor>0",
    }
    found = await kaga.client.post("entityOperations/query", query)
    assert sorted(one["id"][-1] for one in found.json()) == ["2", "3", "5"]


async def test_a_context_source_filter_says_who_is_asked(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has(1, floor=1)
    await kaga.knows(nomi.url, depth=3)
    assert await kaga.ids("type=Room&csf=depth==3") == [1]
    assert await kaga.ids("type=Room&csf=depth==4") == []
    assert len(nomi.asked) == 1
    assert (await kaga.client.get("entities?type=Room&csf=;;")).status == 400


async def test_a_question_is_narrowed_to_what_was_registered(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has(1, floor=1)
    await nomi.has(2, floor=2)
    await kaga.knows(nomi.url, {"entities": [{"type": "Room", "id": ROOM}]})
    assert await kaga.ids("attrs=floor") == [1]
    assert dict(nomi.asked[-1].query) == {
        "id": ROOM,
        "type": "Room",
        "attrs": "floor",
        "limit": "100",
        "offset": "0",
        "options": "sysAttrs",
    }


async def test_entities_split_between_cities_are_judged_when_put_together(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.has(1, floor=1)
    await kaga.has(2, floor=1)
    await nomi.has(1, depth=5)
    await nomi.has(3, depth=5)
    await kaga.knows(nomi.url)
    assert await kaga.ids("type=Room&q=floor==1;depth==5") == []
    assert await kaga.ids("type=Room&q=floor==1;depth==5&splitEntities=true") == [1]
    assert {"q", "scopeQ"}.isdisjoint(nomi.asked[-1].query)
    page = await kaga.client.get("entities?type=Room&q=floor|depth&splitEntities=true&count=true&limit=2")
    assert (len(page.json()), page.header("ngsild-results-count")) == (2, "3")


async def test_a_source_is_believed_only_in_what_it_registered_and_was_asked(
    cities: tuple[City, City], monkeypatch: pytest.MonkeyPatch
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, {"entities": [{"type": "Room", "idPattern": ".*:1"}]})
    told = [room(1, floor=1), room(2, floor=2), {**room(1), "id": "urn:ngsi-ld:Hall:1", "type": "Hall"}]

    async def lie(*_: Any, **__: Any) -> Reply:
        return Reply(200, [], json.dumps(told).encode(), 0)

    monkeypatch.setattr(nomi, "client", lie)
    assert await kaga.ids("type=Room") == [1]
    assert await kaga.ids("type=Room&id=urn:ngsi-ld:Room:1,urn:ngsi-ld:Room:2") == [1]
    assert (await kaga.client.get("entities/urn:ngsi-ld:Room:11")).status == 404
    huge = [{**room(number), "id": f"urn:ngsi-ld:Room:{number}:1"} for number in range(30_000)]
    told[:] = huge
    assert len(await kaga.ids("type=Room&limit=1000")) == 1000


async def test_a_circle_is_told_as_a_warning_and_everything_is_found(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url)
    await nomi.knows(kaga.url)
    await nomi.has(1, floor=1)
    reply = await kaga.client.get("entities?type=Room")
    assert [one["id"] for one in reply.json()] == [ROOM]
    assert (reply.header("ngsild-warning") or "").startswith("199 kaga ")


async def test_a_source_with_words_of_its_own_is_asked_in_them_and_judged_here(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    info = [{"key": "jsonldContext", "value": "https://kaga.example/context.jsonld"}]
    toilet = {"id": "urn:ngsi-ld:Toilet:1", "type": "Toilet", "floor": {"type": "Property", "value": 2}}
    await nomi.client.post("entities", toilet, **LINK)
    await nomi.client.post("entities", {**toilet, "id": "urn:ngsi-ld:Toilet:2", "floor": 3}, **LINK)
    kinds = {"entities": [{"type": "https://kaga.example/terms#Toilet"}]}
    await kaga.knows(nomi.url, kinds, contextSourceInfo=info)
    other = "https://kaga.example/other.jsonld"
    terms = {name: f"https://kaga.example/terms#{name}" for name in ("Toilet", "floor")}
    kaga.broker.contexts.register(other, {"@context": {"T": terms["Toilet"], "f": terms["floor"]}})
    found = await kaga.client.get("entities?type=T&q=f==2", link=link(other))
    assert [one["id"] for one in found.json()] == ["urn:ngsi-ld:Toilet:1"]
    assert nomi.asked[-1].query["type"] == "Toilet"
    assert "q" not in nomi.asked[-1].query


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (403, b"", "299"),
        (302, b"", "299"),
        (200, b"no JSON", "111"),
        (200, b"[1]", "111"),
        (200, b"{}", "111"),
    ],
)
async def test_a_warning_says_what_kind_of_answer_came(
    cities: tuple[City, City], monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, code: str
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url)

    async def answer(method: str, path: str, **_: Any) -> Reply:
        return Reply(status, [], body, 0)

    monkeypatch.setattr(nomi, "client", answer)
    reply = await kaga.client.get(f"entities/{ROOM}")
    assert reply.status == 404
    assert (reply.header("ngsild-warning") or "").startswith(f"{code} kaga ")


async def test_an_answer_without_a_context_is_in_the_words_of_the_request(
    cities: tuple[City, City], monkeypatch: pytest.MonkeyPatch
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, {"entities": [{"type": "https://kaga.example/terms#Toilet"}]})
    body = b'[{"id":"urn:ngsi-ld:Toilet:1","type":"Toilet","floor":{"type":"Property","value":2}}]'

    async def answer(method: str, path: str, **_: Any) -> Reply:
        return Reply(200, [], body, 0)

    monkeypatch.setattr(nomi, "client", answer)
    (shown,) = (await kaga.client.get("entities?type=Toilet&options=keyValues", **LINK)).json()
    assert shown == {"id": "urn:ngsi-ld:Toilet:1", "type": "Toilet", "floor": 2}


async def test_types_and_attributes_of_other_cities_are_known_here(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.has(1, floor=1)
    await nomi.has(1, floor="two", depth=2)
    await nomi.client.post("entities", {"id": "urn:ngsi-ld:Car:1", "type": "Car", "speed": 3})
    await kaga.client.post("entities", {"id": "urn:ngsi-ld:Hall:1", "type": "Hall"})
    await kaga.knows(nomi.url)  # as rooms: nobody asked about cars

    async def get(path: str) -> Any:
        reply = await kaga.client.get(path)
        assert reply.status == 200, reply.body
        return reply.json()

    assert (await get("types"))["typeList"] == ["Hall", "Room"]
    details = {one["typeName"]: one["attributeNames"] for one in await get("types?details=true")}
    assert details == {"Hall": [], "Room": ["depth", "floor"]}
    room_type = await get("types/Room")
    assert room_type["entityCount"] == 2
    assert [one["attributeName"] for one in room_type["attributeDetails"]] == ["depth", "floor"]
    assert (await get("attributes"))["attributeList"] == ["depth", "floor", "speed"]
    of = {one["attributeName"]: one["typeNames"] for one in await get("attributes?details=true")}
    assert of == {"depth": ["Room"], "floor": ["Room"], "speed": []}
    depth = await get("attributes/depth")
    assert (depth["attributeCount"], depth["typeNames"]) == (1, ["Room"])
    assert (await get("types?local=true"))["typeList"] == ["Hall", "Room"]
    assert (await kaga.client.get("attributes/depth?local=true")).status == 404
    assert (await kaga.client.get("types/Boat")).status == 404


@pytest.mark.parametrize("closed", ["Room", "Room floor"])
async def test_a_redirection_of_what_is_kept_here_is_refused_also_where_it_is_closed(
    cities: tuple[City, City], closed: str
) -> None:
    kaga, nomi = cities
    await kaga.has(1, floor={"type": "Property", "value": 1})
    await kaga.closes(closed)
    information = {"entities": [{"type": "Room"}], "propertyNames": ["floor"]}
    sent = registration(7, information, mode="redirect", endpoint=nomi.url)
    refused = await kaga.client.post("csourceRegistrations", sent)
    assert (refused.status, ROOM in refused.json()["detail"]) == (409, closed != "Room")
