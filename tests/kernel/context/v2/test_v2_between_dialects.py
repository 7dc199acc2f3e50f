"""A request in one dialect about what a source keeps that speaks the other, over real HTTP on this machine."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from v2_cities import City, city

from kitamae.kernel.context.registration.peers import Peers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ROOM = "urn:ngsi-v2:Room1"
OPERATIONS = ["redirectionOps", "retrieveEntity"]
FLOOR = {"entities": [{"type": "Room", "id": ROOM}], "propertyNames": ["floor"]}
ROOMS = {"entities": [{"type": "Room"}]}


@pytest.fixture
async def cities(tmp_path: Path) -> AsyncIterator[tuple[City, City]]:
    async with AsyncExitStack() as stack:
        kaga = await stack.enter_async_context(city(tmp_path, "kaga"))
        yield kaga, await stack.enter_async_context(city(tmp_path, "nomi"))


async def registers(one: City, other: City, mode: str, information: Any, **members: Any) -> None:
    """Over NGSI-LD."""
    content = {
        "type": "ContextSourceRegistration",
        "information": [information],
        "endpoint": other.url,
        "mode": mode,
        "operations": OPERATIONS,
        **members,
    }
    made = await one.ld.post("csourceRegistrations", content)
    assert made.status == 201, made.body


async def here(one: City, id: str = "Room1") -> dict[str, Any] | None:
    """What that city itself has, in short."""
    reply = await one.client.get(f"entities/{id}?options=keyValues,skipForwarding")
    return reply.json() if reply.status == 200 else None


def room(**attrs: Any) -> dict[str, Any]:
    return {"id": "Room1", "type": "Room", **{name: {"value": one} for name, one in attrs.items()}}


# --- NGSI-LD asks providers of NGSIv2
async def test_what_a_provider_of_ngsiv2_has_is_read_over_ngsi_ld(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has("Room1", temperature=20, floor=3)
    await kaga.knows(nomi.url)
    shown = {"id": ROOM, "type": "Room", "temperature": 20, "floor": 3}
    assert (await kaga.ld.get(f"entities/{ROOM}?options=keyValues")).json() == shown
    path, headers, body = nomi.asked[-1]
    assert path.startswith("/v2/op/query?")
    assert body == {"entities": [{"id": "Room1", "type": "Room"}], "attrs": []}
    assert headers["via"] == "1.1 kaga"
    assert headers["fiware-correlator"].endswith("; cbfwd=1")
    assert (await kaga.ld.get("entities?type=Room&options=keyValues")).json() == [shown]
    assert (await kaga.ld.get("entities?type=Room&options=keyValues&attrs=floor")).json() == [
        {"id": ROOM, "type": "Room", "floor": 3}
    ]
    assert nomi.asked[-1][2]["attrs"] == ["floor"]
    query = {"type": "Query", "entities": [{"type": "Room"}], "q": "floor>2"}
    assert len((await kaga.ld.post("entityOperations/query", query)).json()) == 1
    assert (await kaga.ld.get("entities?type=Room&q=floor>3")).json() == []  # judged here
    assert (await kaga.ld.get("entities?type=Room&local=true")).json() == []
    assert (await kaga.ld.get(f"entities/{ROOM}?local=true")).status == 404


async def test_what_is_here_stands_over_ngsi_ld_too_and_a_provider_fills_in(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.has("Room1", temperature=1)
    await nomi.has("Room1", temperature=2, floor=3, secret=4)
    await kaga.knows(nomi.url, attrs=["temperature", "floor"])
    shown = (await kaga.ld.get(f"entities/{ROOM}?options=keyValues")).json()
    assert shown == {"id": ROOM, "type": "Room", "temperature": 1, "floor": 3}


async def test_a_provider_that_does_not_answer_is_a_warning(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.has("Room1", temperature=1)
    await kaga.knows(nomi.url)
    nomi.answer = lambda: web.Response(status=500)
    reply = await kaga.ld.get(f"entities/{ROOM}")
    assert (reply.status, reply.headers["ngsild-warning"].split()[:2]) == (200, ["299", "kaga"])
    nomi.answer = lambda: web.Response(status=200, text="rooms")
    assert (await kaga.ld.get(f"entities/{ROOM}")).headers["ngsild-warning"].startswith("111 ")


@pytest.mark.parametrize(("mode", "asked"), [("query", 1), ("update", 0), ("none", 0)])
async def test_a_provider_is_read_only_where_it_says_so(
    cities: tuple[City, City], mode: str, asked: int
) -> None:
    kaga, nomi = cities
    await nomi.has("Room1", floor=3)
    await kaga.knows(nomi.url, mode=mode)
    assert len((await kaga.ld.get("entities?type=Room")).json()) == asked
    assert len(nomi.asked) == asked
    (shown,) = (await kaga.ld.get("csourceRegistrations?type=Room")).json()
    assert shown["operations"] == (["queryBatch", "queryEntity", "retrieveEntity"] if asked else [])


async def test_updates_over_ngsi_ld_of_what_is_not_here_go_to_the_provider(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.has("Room1", name="hall")
    await nomi.has("Room1", floor=3, depth=1)
    await kaga.knows(nomi.url, attrs=["floor", "depth"])
    fragment = {
        "floor": {"type": "Property", "value": 4, "unitCode": "MTR"},
        "name": {"type": "Property", "value": "town hall"},
    }
    assert (await kaga.ld.patch(f"entities/{ROOM}/attrs", fragment)).status == 204
    path, _, body = nomi.asked[-1]
    assert path == "/v2/op/update"
    floor = {"type": "Number", "value": 4, "metadata": {"unitCode": {"type": "Text", "value": "MTR"}}}
    assert body == {"actionType": "update", "entities": [{"id": "Room1", "type": "Room", "floor": floor}]}
    assert await here(kaga) == {"id": "Room1", "type": "Room", "name": "town hall"}
    assert (await kaga.ld.patch(f"entities/{ROOM}/attrs/floor", {"value": 5})).status == 204
    assert (await kaga.ld.put(f"entities/{ROOM}/attrs/depth", {"type": "Property", "value": 6})).status == 204
    assert await here(nomi) == {"id": "Room1", "type": "Room", "floor": 5, "depth": 6}


async def test_what_a_provider_did_not_do_is_in_the_207(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.has("Room1", name="hall")
    await nomi.has("Room1", floor=3)
    await kaga.knows(nomi.url, attrs=["floor", "depth"])
    fragment = {name: {"type": "Property", "value": 7} for name in ("name", "depth", "unheard")}
    reply = await kaga.ld.patch(f"entities/{ROOM}/attrs", fragment)
    assert reply.status == 207
    told = reply.json()
    assert sorted(one.rsplit("/", 1)[-1] for one in told["updated"]) == ["name", "unheard"]
    (left,) = told["notUpdated"]
    assert left["attributeName"].endswith("/depth")
    assert "registrationId" in left
    nomi.answer = lambda: web.Response(status=503)
    alone = await kaga.ld.patch(f"entities/{ROOM}/attrs/floor", {"value": 5})
    assert alone.status == 502


async def test_a_batch_of_updates_over_ngsi_ld_gives_providers_what_is_not_here(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.has("Room1", name="hall")
    await nomi.has("Room1", floor=3)
    await nomi.has("Room2", floor=1)
    await kaga.knows(nomi.url, attrs=["floor", "depth"])

    def change(number: int, **attrs: Any) -> dict[str, Any]:
        id = f"urn:ngsi-v2:Room{number}"
        return {
            "id": id,
            "type": "Room",
            **{k: {"type": "Property", "value": v} for k, v in attrs.items()},
        }

    both = [change(1, name="town hall", floor=4), change(2, floor=5)]
    assert (await kaga.ld.post("entityOperations/update", both)).status == 204
    assert await here(kaga) == {"id": "Room1", "type": "Room", "name": "town hall"}
    assert await here(kaga, "Room2") is None
    assert [(await here(nomi, f"Room{n}") or {})["floor"] for n in (1, 2)] == [4, 5]
    some = [change(1, name="hall"), change(1, depth=1), change(2, floor=6)]
    reply = await kaga.ld.post("entityOperations/update", some)
    assert reply.status == 207
    (left,) = reply.json()["errors"]
    assert (left["entityId"], "registrationId" in left) == (ROOM, True)
    assert (await here(nomi, "Room2") or {})["floor"] == 6
    kept = [change(1, floor=7)]  # what must not be overwritten is about what is here
    assert (await kaga.ld.post("entityOperations/update?options=noOverwrite", kept)).status == 204
    assert (await here(nomi) or {})["floor"] == 4


# --- which types and attributes there are
async def test_types_and_attributes_of_a_provider_of_ngsiv2_are_found(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.has("Room1", floor=1)
    await nomi.has("Room1", floor=3, temperature=20, secret=4)
    await nomi.has("Room2", temperature=20)
    await nomi.has("Car1", "Car", speed=1)
    place = {"type": "geo:point", "value": "36.3, 136.3"}
    await nomi.client.post("entities/Room2/attrs", {"location": place})
    await kaga.knows(nomi.url, attrs=["floor", "temperature", "location"])
    ld = kaga.ld
    assert (await ld.get("types")).json()["typeList"] == ["Room"], "a car was not registered"
    (room,) = (await ld.get("types?details=true")).json()
    assert room["attributeNames"] == ["floor", "location", "temperature"]
    info = (await ld.get("types/Room")).json()
    assert info["entityCount"] == 3, "one is here and there"
    assert {one["attributeName"]: one["attributeTypes"] for one in info["attributeDetails"]} == {
        "floor": ["Property"],
        "location": ["GeoProperty"],
        "temperature": ["Property"],
    }
    assert (await ld.get("types/Car")).status == 404
    assert (await ld.get("attributes")).json()["attributeList"] == ["floor", "location", "temperature"]
    details = (await ld.get("attributes?details=true")).json()
    assert [one["typeNames"] for one in details] == [["Room"]] * 3
    known = (await ld.get("attributes/temperature")).json()
    assert (known["attributeCount"], known["attributeTypes"], known["typeNames"]) == (
        2,
        ["Property"],
        ["Room"],
    )
    assert (await ld.get("attributes/secret")).status == 404
    assert (await ld.get("types?local=true")).json()["typeList"] == ["Room"]
    assert (await ld.get("attributes?local=true")).json()["attributeList"] == ["floor"]


async def test_a_provider_of_any_type_is_asked_for_its_types(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has("Car1", "Car", speed=1)
    await kaga.knows(nomi.url, {"idPattern": ".*"})
    assert (await kaga.ld.get("types")).json()["typeList"] == ["Car"]
    nomi.answer = lambda: web.Response(status=500)
    reply = await kaga.ld.get("types")
    assert (reply.json()["typeList"], "ngsild-warning" in reply.headers) == ([], True)


@pytest.mark.parametrize("mode", ["update", "none"])
async def test_a_provider_that_is_not_read_is_not_asked_for_its_types(
    cities: tuple[City, City], mode: str
) -> None:
    kaga, nomi = cities
    await nomi.has("Room1", floor=3)
    await kaga.knows(nomi.url, mode=mode)
    assert (await kaga.ld.get("types")).json()["typeList"] == []
    assert nomi.asked == []


async def test_appending_and_deleting_over_ngsi_ld_are_about_what_is_here(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has("Room1", floor=3)
    await kaga.knows(nomi.url)
    floor = {"floor": {"type": "Property", "value": 4}}
    assert (await kaga.ld.post(f"entities/{ROOM}/attrs", floor)).status == 404
    assert (await kaga.ld.delete(f"entities/{ROOM}")).status == 404
    assert not any("update" in path for path, _, _ in nomi.asked)


# --- NGSIv2 tells sources of NGSI-LD
@pytest.mark.parametrize(
    ("method", "path", "content", "after"),
    [
        ("POST", "entities/Room1/attrs", {"depth": {"value": 9}}, {"floor": 1, "depth": 9}),
        ("PATCH", "entities/Room1/attrs", {"floor": {"value": 9}}, {"floor": 9}),
        ("PUT", "entities/Room1/attrs?type=Room", {"depth": {"value": 9}}, {"depth": 9}),
        ("PUT", "entities/Room1/attrs/floor", {"value": 9}, {"floor": 9}),
        ("PUT", "entities/Room1/attrs/floor/value", {"a": 9}, {"floor": {"a": 9}}),
        ("DELETE", "entities/Room1/attrs/floor", None, {}),
        ("DELETE", "entities/Room1", None, None),
        ("POST", "entities?options=upsert", room(floor=9), {"floor": 9}),
        ("POST", "op/update", {"actionType": "append", "entities": [room(depth=9)]}, {"floor": 1, "depth": 9}),
        ("POST", "op/update", {"actionType": "appendStrict", "entities": [room(depth=9)]}, {"floor": 1, "depth": 9}),
        ("POST", "op/update", {"actionType": "update", "entities": [room(floor=9)]}, {"floor": 9}),
        ("POST", "op/update", {"actionType": "replace", "entities": [room(depth=9)]}, {"depth": 9}),
        ("POST", "op/update", {"actionType": "delete", "entities": [room(floor=1)]}, {}),
        ("POST", "op/update", {"actionType": "delete", "entities": [room()]}, None),
        ("POST", "op/notify", {"subscriptionId": "1", "data": [room(floor=9)]}, {"floor": 9}),
    ],
)  # fmt: skip
async def test_every_write_over_ngsiv2_to_a_redirected_entity_is_done_by_its_owner(
    cities: tuple[City, City], method: str, path: str, content: Any, after: dict[str, Any] | None
) -> None:
    kaga, nomi = cities
    await nomi.has("Room1", floor=1)
    await registers(kaga, nomi, "redirect", ROOMS)
    reply = await kaga.client(method, path, content)
    assert reply.status == (200 if "notify" in path else 204), reply.body
    assert await here(kaga) is None
    assert await here(nomi) == (None if after is None else {"id": "Room1", "type": "Room", **after})
    assert all(path.startswith("/ngsi-ld/v1/") for path, _, _ in nomi.asked)
    assert {headers["via"] for _, headers, _ in nomi.asked} == {"1.1 kaga"}


async def test_elements_of_one_entity_are_done_in_their_order_whoever_keeps_what(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.has("Room1", name="old")
    await nomi.has("Room1", floor=0)
    await registers(kaga, nomi, "exclusive", FLOOR)
    elements = [room(name=n) if n % 2 else room(name=n, floor=n) for n in range(6)]
    update = {"actionType": "update", "entities": [*elements, room(name="last")]}
    assert (await kaga.client.post("op/update", update)).status == 204
    assert (await here(kaga) or {})["name"] == "last"
    assert (await here(nomi) or {})["floor"] == 4


async def test_what_is_kept_exclusively_is_created_there_and_the_rest_here(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await registers(kaga, nomi, "exclusive", FLOOR)
    made = await kaga.client.post("entities", room(floor=2, name="hall"), fiware_servicepath="/Kaga")
    assert (made.status, made.headers["location"]) == (201, "/v2/entities/Room1?type=Room")
    assert await here(kaga) == {"id": "Room1", "type": "Room", "name": "hall"}
    assert await here(nomi) == {"id": "Room1", "type": "Room", "floor": 2}
    both = {"floor": {"value": 3}, "name": {"value": "town hall"}}
    at = {"fiware_servicepath": "/Kaga"}
    assert (await kaga.client.patch("entities/Room1/attrs", both, **at)).status == 204
    assert ((await here(kaga) or {})["name"], (await here(nomi) or {})["floor"]) == ("town hall", 3)
    read = await kaga.read("entities/Room1?options=keyValues")
    assert read == {"id": "Room1", "type": "Room", "floor": 3, "name": "town hall"}


async def test_an_inclusive_source_is_told_too(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await registers(kaga, nomi, "inclusive", ROOMS)
    await kaga.has("Room1", floor=1)
    assert (await kaga.client.patch("entities/Room1/attrs", {"floor": {"value": 2}})).status == 204
    assert await here(kaga) == await here(nomi) == {"id": "Room1", "type": "Room", "floor": 2}
    assert (await kaga.client.delete("entities/Room1")).status == 204
    assert await here(kaga) is await here(nomi) is None


async def test_where_one_owner_did_it_and_another_not_the_answer_is_a_partial_update(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.has("Room1", name="hall")
    await registers(kaga, nomi, "exclusive", FLOOR)
    nomi.answer = lambda: web.Response(status=503)
    both = {"floor": {"value": 3}, "name": {"value": "town hall"}}
    partly = await kaga.client.patch("entities/Room1/attrs", both)
    assert partly.error == (422, "PartialUpdate")
    assert "answers 503" in partly.json()["description"]
    assert await here(kaga) == {"id": "Room1", "type": "Room", "name": "town hall"}
    batch = {"actionType": "append", "entities": [room(floor=3), {**room(n=1), "id": "Room2"}]}
    assert (await kaga.client.post("op/update", batch)).error == (422, "PartialUpdate")
    assert await here(kaga, "Room2") == {"id": "Room2", "type": "Room", "n": 1}
    alone = await kaga.client.put("entities/Room1/attrs/floor", {"value": 4})
    assert alone.error == (502, "BadGateway")


async def test_an_operator_is_not_worked_out_on_what_another_keeps(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has("Room1", floor=1)
    await registers(kaga, nomi, "redirect", ROOMS)
    reply = await kaga.client.patch("entities/Room1/attrs", {"floor": {"value": {"$inc": 1}}})
    assert reply.error == (422, "Unprocessable")
    assert nomi.asked == []


async def test_an_owner_without_the_operation_is_not_asked(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await registers(kaga, nomi, "redirect", ROOMS, operations=["retrieveOps"])
    reply = await kaga.client.post("entities", room(floor=1))
    assert reply.error == (409, "Conflict")
    assert nomi.asked == []


async def test_cities_that_register_each_other_in_both_dialects_end(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await registers(kaga, nomi, "redirect", ROOMS)
    await registers(nomi, kaga, "redirect", ROOMS)
    reply = await kaga.client.post("entities", room(floor=1))
    assert reply.error == (508, "LoopDetected")
    assert await here(kaga) is await here(nomi) is None
    await nomi.knows(kaga.url, {"idPattern": ".*", "type": "Car"})
    await registers(kaga, nomi, "redirect", {"entities": [{"type": "Car"}]})
    assert (await kaga.client.patch("entities/Car1/attrs?type=Car", {"n": {"value": 1}})).status >= 400
    assert (await kaga.ld.get("entities?type=Car")).json() == []


async def test_an_entity_map_holds_what_a_provider_of_ngsiv2_has(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.has("Room1", floor=1)
    for number in (2, 3):
        await nomi.has(f"Room{number}", floor=number)
    await kaga.knows(nomi.url)
    made = await kaga.ld.get("entities?type=Room&entityMap=true&limit=2")
    assert (made.status, len(made.json())) == (201, 2)
    map_ = made.headers["ngsild-entitymap"]
    rest = await kaga.ld.get("entities?type=Room&limit=2&offset=2", ngsild_entitymap=map_)
    found = [one["id"] for one in (*made.json(), *rest.json())]
    assert sorted(found) == [f"urn:ngsi-v2:Room{n}" for n in (1, 2, 3)]


# --- what a writer may not see is here all the same
@pytest.mark.parametrize("batch", [False, True])
async def test_a_closed_attribute_that_is_here_is_written_here_by_who_may_not_see_it_and_told_nobody(
    cities: tuple[City, City], batch: bool
) -> None:
    kaga, nomi = cities
    await kaga.has("Room1", floor=1)
    await nomi.has("Room1", floor=3)
    await kaga.knows(nomi.url, attrs=["floor"])
    policy, context = kaga.broker.policy, await kaga.broker.contexts.resolve(None)
    closed = {f"{context.expand('Room')} {context.expand('floor')}": "closed"}
    policy.change(facts=replace(policy.facts, classes=closed))
    floor = {"floor": {"type": "Property", "value": 78}}
    if batch:
        done = await kaga.ld.post("entityOperations/update", [{"id": ROOM, "type": "Room", **floor}])
    else:
        done = await kaga.ld.patch(f"entities/{ROOM}/attrs", floor)
    assert done.status == 204, done.body
    assert await here(kaga) == {"id": "Room1", "type": "Room"}
    policy.change(facts=replace(policy.facts, classes={}))
    assert ((await here(kaga) or {})["floor"], (await here(nomi) or {})["floor"]) == (78, 3)


@pytest.mark.parametrize("speaks_v2", [True, False])
async def test_the_last_of_several_updates_of_one_entity_is_the_last_that_a_source_is_told(
    cities: tuple[City, City], speaks_v2: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kaga, nomi = cities
    await nomi.has("Room1", floor=3)
    if speaks_v2:
        await kaga.knows(nomi.url, attrs=["floor"])
    else:
        await registers(kaga, nomi, "exclusive", FLOOR, operations=["updateEntity", "updateAttrs"])
    waits = iter((0.2, 0.1, 0.05, 0.0))
    asked = Peers.ask

    async def slower(*args: Any, **more: Any) -> Any:
        await asyncio.sleep(next(waits))
        return await asked(*args, **more)

    monkeypatch.setattr(Peers, "ask", slower)
    sent = [
        {"id": ROOM, "type": "Room", "floor": {"type": "Property", "value": value}} for value in (1, 2, 3, 4)
    ]
    done = await kaga.ld.post("entityOperations/update", sent)
    assert done.status == 204, done.body
    assert (await here(nomi) or {})["floor"] == 4
