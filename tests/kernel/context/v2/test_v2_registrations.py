"""Context providers: registered, asked and told over real HTTP, as Orion's manual has it ("Context providers")."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from v2_cities import City, city

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from v2_client import Client

BODY: dict[str, Any] = {
    "description": "rooms of Nomi",
    "dataProvided": {"entities": [{"id": "Room1", "type": "Room"}], "attrs": ["temperature"]},
    "provider": {"http": {"url": "http://nomi.example/v2"}},
}


@pytest.fixture
async def cities(tmp_path: Path) -> AsyncIterator[tuple[City, City]]:
    async with AsyncExitStack() as stack:
        kaga = await stack.enter_async_context(city(tmp_path, "kaga"))
        yield kaga, await stack.enter_async_context(city(tmp_path, "nomi"))


async def test_what_another_city_has_is_read_here(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has("Room1", temperature=20, floor=3)
    await kaga.knows(nomi.url)
    room = {"id": "Room1", "type": "Room", "temperature": 20, "floor": 3}
    assert await kaga.read("entities/Room1?options=keyValues") == room
    assert await kaga.read("entities/Room1/attrs/temperature/value") == 20
    assert await kaga.read("entities/Room1/attrs?options=keyValues") == {"temperature": 20, "floor": 3}
    assert await kaga.read("entities?type=Room&options=keyValues&attrs=floor") == [
        {"id": "Room1", "type": "Room", "floor": 3}
    ]
    path, headers, body = nomi.asked[-1]
    assert path.startswith("/v2/op/query?")
    assert body == {"entities": [{"idPattern": ".*", "type": "Room"}], "attrs": ["floor"]}
    assert headers["fiware-correlator"].endswith("; cbfwd=1")
    assert (headers["via"], headers["fiware-servicepath"]) == ("1.1 kaga", "/")
    for wrong in ("entities/Room1?type=Car", "entities/Room2", "entities/Room1?options=skipForwarding"):
        assert (await kaga.client.get(wrong)).error == (404, "NotFound")


async def test_what_is_here_stands_and_others_fill_in_what_is_missing(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.has("Room1", temperature=1)
    await nomi.has("Room1", temperature=2, floor=3, secret=4)
    await kaga.knows(nomi.url, attrs=["temperature", "floor"])
    read = await kaga.read("entities/Room1?options=keyValues")
    assert read == {"id": "Room1", "type": "Room", "temperature": 1, "floor": 3}
    before = len(nomi.asked)
    assert await kaga.read("entities/Room1/attrs/temperature/value") == 1
    assert len(nomi.asked) == before  # nobody is asked for what is here


async def test_a_list_has_what_is_here_first_and_pages_over_both(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    for number in (1, 2):
        await kaga.has(f"Room{number}", n=number)
    for number in (2, 3, 4):
        await nomi.has(f"Room{number}", n=number, more=True)
    await kaga.knows(nomi.url)

    async def ids(query: str) -> list[str]:
        return [one["id"] for one in await kaga.read(f"entities?type=Room&{query}")]

    assert await ids("limit=3") == ["Room1", "Room2", "Room3"]
    assert await ids("limit=3&offset=1") == ["Room2", "Room3", "Room4"]
    assert await ids("limit=3&offset=3") == ["Room4"]
    assert await ids("q=n>2") == ["Room3", "Room4"]  # judged here, too
    counted = await kaga.client.get("entities?type=Room&limit=1&options=count")
    assert counted.headers["fiware-total-count"] == "4"
    wanted = {"entities": [{"id": "Room1"}, {"idPattern": "Room[34]", "type": "Room"}], "attrs": ["n"]}
    found = (await kaga.client.post("op/query?options=keyValues,count", wanted)).json()
    assert [one["id"] for one in found] == ["Room1", "Room3", "Room4"]


async def test_updates_of_what_is_not_here_go_to_its_owner(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has("Room1", temperature=20, floor=3)
    await kaga.knows(nomi.url, attrs=["temperature"])
    given = {"temperature": {"value": 21, "type": "Number"}}
    assert (await kaga.client.patch("entities/Room1/attrs?type=Room", given)).status == 204
    path, headers, body = nomi.asked[-1]
    assert (path, headers["fiware-servicepath"]) == ("/v2/op/update", "/")
    assert body == {"actionType": "update", "entities": [{"id": "Room1", "type": "Room", **given}]}
    assert (await kaga.client.put("entities/Room1/attrs/temperature", {"value": 22})).status == 204
    plain = await kaga.client(
        "PUT", "entities/Room1/attrs/temperature/value", body=b"23", content_type="text/plain"
    )
    assert plain.status == 204
    batch = {
        "actionType": "update",
        "entities": [{"id": "Room1", "type": "Room", "temperature": {"value": 24}}],
    }
    assert (await kaga.client.post("op/update", batch)).status == 204
    assert (await nomi.read("entities/Room1?options=keyValues"))["temperature"] == 24
    assert (await kaga.client.get("entities/Room1?options=skipForwarding")).status == 404
    assert (await kaga.client.patch("entities/Room1/attrs", {"floor": {"value": 1}})).error == (
        404,
        "NotFound",
    )
    both = await kaga.client.patch("entities/Room1/attrs", {**given, "floor": {"value": 1}})
    assert both.error == (422, "PartialUpdate")
    assert both.json()["description"] == "do not exist: Room1 - [ floor ]"
    assert (await kaga.client.post("entities/Room1/attrs", given)).error == (
        404,
        "NotFound",
    )  # appending is ours


async def test_an_entity_may_be_here_and_one_of_its_attributes_elsewhere(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.has("Room1", floor=1)
    await nomi.has("Room1", temperature=20)
    await kaga.knows(nomi.url, {"id": "Room1", "type": "Room"}, attrs=["temperature"])
    update = {"temperature": {"value": 5}, "floor": {"value": 2}}
    assert (await kaga.client.patch("entities/Room1/attrs", update)).status == 204
    assert await kaga.read("entities/Room1?options=keyValues,skipForwarding") == {
        "id": "Room1",
        "type": "Room",
        "floor": 2,
    }
    assert (await nomi.read("entities/Room1?options=keyValues"))["temperature"] == 5
    batch = {
        "actionType": "update",
        "entities": [{"id": "Room1", **update}, {"id": "Room2", "floor": {"value": 1}}],
    }
    answer = await kaga.client.post("op/update", batch)
    assert (answer.error, answer.json()["description"]) == (
        (422, "PartialUpdate"),
        "do not exist: Room2 - [entity itself]",
    )


@pytest.mark.parametrize(
    ("mode", "reads", "writes"),
    [("all", True, True), ("query", True, False), ("update", False, True), ("none", False, False)],
)
async def test_a_provider_is_asked_only_for_what_it_supports(
    cities: tuple[City, City], mode: str, reads: bool, writes: bool
) -> None:
    kaga, nomi = cities
    await nomi.has("Room1", t=1)
    id = await kaga.knows(nomi.url, mode=mode)
    assert (await kaga.client.get("entities/Room1")).status == (200 if reads else 404)
    assert (await kaga.client.patch("entities/Room1/attrs", {"t": {"value": 2}})).status == (
        204 if writes else 404
    )
    assert (await kaga.client.patch(f"registrations/{id}", {"status": "inactive"})).status == 204
    assert (await kaga.client.get("entities/Room1")).status == 404
    assert (await kaga.client.patch("entities/Room1/attrs", {"t": {"value": 2}})).status == 404


async def test_a_provider_answers_for_its_service_path_and_tenant(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.client.post("entities", {"id": "Room1", "type": "Room"}, fiware_servicepath="/a/b")
    await kaga.knows(nomi.url, fiware_servicepath="/a/b")
    for path, status in (
        ("/a/b", 200),
        ("/a/#", 200),
        ("/#", 200),
        ("/a", 404),
        ("/", 404),
        ("/c, /a/b", 200),
    ):
        assert (await kaga.client.get("entities/Room1", fiware_servicepath=path)).status == status, path
    assert (await kaga.client.get("entities/Room1", fiware_service="other")).status == 404
    assert nomi.asked[-1][1]["fiware-servicepath"] == "/a/b"


async def test_cities_that_know_each_other_do_not_ask_in_circles(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url)
    await nomi.knows(kaga.url)
    assert await kaga.read("entities?type=Room") == []
    assert (await kaga.client.patch("entities/Room1/attrs?type=Room", {"t": {"value": 1}})).status == 404
    assert (len(kaga.asked), len(nomi.asked)) == (2, 2)
    nomi.asked.clear()
    far = {"fiware_correlator": "abc; cbfwd=8"}  # brokers that do not say who they are
    assert (await kaga.client.get("entities/Room1", **far)).status == 404
    assert nomi.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"text": "no json"},
        {"text": '{"id": "Room1"}'},
        {"text": '[{"id": "Room1", "type": "Room", "t": 5}]'},
        {"text": '[{"type": "Room"}]'},
        {"text": '[{"id": "Car1", "type": "Car"}]'},
        {"text": '[{"id": "Room1", "type": "Room", "t": {"value": "<script>"}}]'},
    ],
    ids=str,
)
async def test_a_provider_that_lies_or_fails_is_missed(cities: tuple[City, City], answer: Any) -> None:
    kaga, nomi = cities
    await kaga.has("Room2")
    nomi.answer = lambda: web.Response(**answer)
    id = await kaga.knows(nomi.url, {"id": "Room1", "type": "Room"}, {"id": "Room2", "type": "Room"})
    assert [one["id"] for one in await kaga.read("entities")] == ["Room2"]
    assert (await kaga.client.get("entities/Room1")).error == (404, "NotFound")
    told = (await kaga.read(f"registrations/{id}"))["forwardingInformation"]
    assert told["timesSent"] == 2


async def test_a_source_registered_over_ngsi_ld_is_read_in_ngsiv2(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    room = {"id": "urn:ngsi-ld:Room:1", "type": "Room", "t": {"type": "Property", "value": 5}}
    await nomi.ld.post("entities", room)
    source = {
        "id": "urn:ngsi-ld:ContextSourceRegistration:1",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Room"}]}],
        "endpoint": nomi.url,
    }
    assert (await kaga.ld.post("csourceRegistrations", source)).status == 201
    assert (await kaga.read("entities/urn:ngsi-ld:Room:1?type=Room&options=keyValues"))["t"] == 5
    assert [one["t"]["value"] for one in await kaga.read("entities?type=Room&q=t>4")] == [5]
    (shown,) = await kaga.read("registrations")
    assert shown == {
        "id": "urn:ngsi-ld:ContextSourceRegistration:1",
        "dataProvided": {"entities": [{"idPattern": ".*", "type": "Room"}]},
        "provider": {
            "http": {"url": nomi.url},
            "supportedForwardingMode": "query",
            "legacyForwarding": False,
        },
        "status": "active",
        "forwardingInformation": shown["forwardingInformation"],
    }


async def test_a_registration_is_shown_in_both_dialects_changed_and_forgotten(
    client: Client, ld: Client
) -> None:
    made = await client.post(
        "registrations", {**BODY, "expires": "2120-01-01T00:00:00Z"}, fiware_servicepath="/a"
    )
    id = made.headers["location"].removeprefix("/v2/registrations/")
    shown = (await client.get(f"registrations/{id}")).json()
    assert shown == {
        "id": id,
        **BODY,
        "provider": {**BODY["provider"], "supportedForwardingMode": "all", "legacyForwarding": False},
        "status": "active",
        "expires": "2120-01-01T00:00:00.000Z",
    }
    listed = await client.get("registrations?options=count")
    assert (listed.json(), listed.headers["fiware-total-count"]) == ([shown], "1")
    assert (await client.get("registrations", fiware_servicepath="/b")).json() == []
    assert (await client.get(f"registrations/{id}", fiware_servicepath="/b")).error == (404, "NotFound")
    assert (await client.get(f"registrations/{id}", fiware_servicepath="/a")).status == 200
    (there,) = (await ld.get("csourceRegistrations?type=Room")).json()
    assert there["information"] == [
        {"entities": [{"id": "urn:ngsi-v2:Room1", "type": "Room"}], "propertyNames": ["temperature"]}
    ]
    assert (there["mode"], there["endpoint"], "v2" in there) == ("auxiliary", "http://nomi.example/v2", False)
    assert (await client.patch(f"registrations/{id}", {"description": "others"})).status == 204
    assert (await client.get(f"registrations/{id}")).json() == {**shown, "description": "others"}
    assert (await client.patch(f"registrations/{id}", {"provider": {}})).error == (400, "BadRequest")
    assert (await client.delete(f"registrations/{id}")).status == 204
    for method in ("GET", "DELETE"):
        assert (await client(method, f"registrations/{id}")).error == (404, "NotFound")
    assert (await client.patch(f"registrations/{id}", {"description": "x"})).error == (404, "NotFound")


@pytest.mark.parametrize(
    "wrong",
    [
        {"dataProvided": None},
        {"dataProvided": {"entities": []}},
        {"dataProvided": {"entities": [{"type": "Room"}]}},
        {"dataProvided": {"entities": [{"id": "a", "idPattern": ".*"}]}},
        {"dataProvided": {"entities": [{"idPattern": "Room.*"}]}},
        {"dataProvided": {"entities": [{"id": "a b"}]}},
        {"dataProvided": {"entities": [{"id": "a", "typePattern": ".*"}]}},
        {"dataProvided": {"entities": [{"id": "a"}], "attrs": "x"}},
        {"dataProvided": {"entities": [{"id": "a"}], "attrs": [""]}},
        {"provider": None},
        {"provider": {"http": {}}},
        {"provider": {"http": {"url": "ftp://a"}}},
        {"provider": {"http": {"url": "http://10.0.0.1/v2"}}},
        {"provider": {"http": {"url": "http://a/v2"}, "supportedForwardingMode": "some"}},
        {"provider": {"http": {"url": "http://a/v2"}, "legacyForwarding": True}},
        {"description": "<x>"},
        {"status": "failed"},
        {"expires": "2000-01-01T00:00:00Z"},
        {"expires": "tomorrow"},
        {"unknown": 1},
    ],
    ids=str,
)
async def test_what_is_no_registration_is_refused(client: Client, wrong: dict[str, Any]) -> None:
    assert (await client.post("registrations", {**BODY, **wrong})).error == (400, "BadRequest")
    assert (await client.get("registrations")).json() == []
    hashed = await client.post("registrations", BODY, fiware_servicepath="/a/#")
    assert hashed.error == (400, "BadRequest")


async def test_a_subscription_that_changes_what_it_is_told_of_ends(cities: tuple[City, City]) -> None:
    """Each notification writes one `x` more, and would lead to the next one for ever."""
    kaga, nomi = cities
    payload = "%7B%22A%22:%7B%22value%22:%22${A}x%22%7D%7D"
    for one, other in ((kaga, nomi), (nomi, kaga)):  # over two brokers, too
        await one.has("E", A="a")
        custom = {
            "url": f"{other.url}/v2/entities/E/attrs",
            "headers": {"Content-Type": "application/json"},
            "payload": payload,
        }
        document = {"subject": {"entities": [{"id": "E"}]}, "notification": {"httpCustom": custom}}
        assert (await one.client.post("subscriptions", document)).status == 201
    await kaga.client.put("entities/E/attrs/A", {"value": "b"})
    async with asyncio.timeout(20):
        while len(kaga.asked) + len(nomi.asked) < 8:
            await asyncio.sleep(0.01)
    assert (await kaga.client.put("entities/E/attrs/B", {"value": 1})).status == 404
    assert [one[1]["fiware-correlator"].rpartition("=")[2] for one in nomi.asked] == ["1", "3", "5", "7"]
    assert [one[1]["fiware-correlator"].rpartition("=")[2] for one in kaga.asked] == ["2", "4", "6", "8"]
    assert (await kaga.read("entities/E/attrs/A"))["value"] == "bxxxxxxxx"
