"""Writes that other cities keep, in all modes, over real HTTP on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from api_client import Client, Reply, link

from cities import ROOM, City, city, room
from kitamae.kernel.context.api import routes
from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.policy import Policy
from receivers import Receiver

ALL = [
    *("redirectionOps", "createBatch", "upsertBatch", "updateBatch", "mergeBatch", "deleteBatch"),
]
PART = {"entities": [{"type": "Room", "id": ROOM}], "propertyNames": ["floor"]}
WHOLE = {"entities": [{"type": "Room"}]}
LINK = {"link": link()}


async def here(one: City, id: str = ROOM) -> dict[str, Any] | None:
    """The entity as that city itself has it."""
    reply = await one.client.get(f"entities/{id}?local=true&options=keyValues")
    return reply.json() if reply.status == 200 else None


async def test_what_a_city_keeps_exclusively_is_written_there_and_the_rest_here(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, PART, mode="exclusive", operations=ALL)
    made = await kaga.client.post("entities", room(1, floor=2, name="hall"))
    assert (made.status, made.header("location")) == (201, f"/ngsi-ld/v1/entities/{ROOM}")
    assert await here(kaga) == {"id": ROOM, "type": "Room", "name": "hall"}
    assert await here(nomi) == {"id": ROOM, "type": "Room", "floor": 2}
    changed = await kaga.client.patch(
        f"entities/{ROOM}/attrs",
        {"floor": {"type": "Property", "value": 3}, "name": {"type": "Property", "value": "town hall"}},
    )
    assert changed.status == 204
    assert ((await here(kaga) or {})["name"], (await here(nomi) or {})["floor"]) == ("town hall", 3)
    shown = (await kaga.client.get(f"entities/{ROOM}?options=keyValues")).json()
    assert shown == {"id": ROOM, "type": "Room", "floor": 3, "name": "town hall"}


@pytest.mark.parametrize(
    ("method", "path", "content", "after"),
    [
        ("POST", "attrs", {"floor": {"type": "Property", "value": 9}}, {"floor": 9}),
        ("PATCH", "attrs", {"floor": {"type": "Property", "value": 9}}, {"floor": 9}),
        ("PATCH", "attrs/floor", {"value": 9}, {"floor": 9}),
        ("PUT", "attrs/floor", {"type": "Property", "value": 9}, {"floor": 9}),
        ("DELETE", "attrs/floor", None, {}),
        ("PATCH", "", {"floor": {"value": 9}}, {"floor": 9}),
        ("PUT", "", {"id": ROOM, "type": "Room", "depth": {"value": 4}}, {"depth": 4}),
        ("DELETE", "", None, None),
    ],
)
async def test_every_write_to_a_redirected_entity_is_done_by_its_owner(
    cities: tuple[City, City], method: str, path: str, content: Any, after: dict[str, Any] | None
) -> None:
    kaga, nomi = cities
    await nomi.has(1, floor=1)
    await kaga.knows(nomi.url, WHOLE, mode="redirect", operations=ALL)
    reply = await kaga.client(method, f"entities/{ROOM}/{path}".rstrip("/"), content)
    assert (reply.status, reply.body) == (204, b"")
    assert await here(kaga) is None
    assert await here(nomi) == (None if after is None else {"id": ROOM, "type": "Room", **after})


async def test_an_inclusive_city_is_told_too(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, WHOLE, operations=ALL)
    assert (await kaga.client.post("entities", room(1, floor=2))).status == 201
    assert await here(kaga) == await here(nomi) == {"id": ROOM, "type": "Room", "floor": 2}
    assert (await kaga.client("DELETE", f"entities/{ROOM}")).status == 204
    assert await here(kaga) is await here(nomi) is None


async def test_an_auxiliary_city_is_never_written_to(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, WHOLE, mode="auxiliary", operations=["retrieveOps"])
    assert (await kaga.client.post("entities", room(1, floor=2))).status == 201
    assert await here(kaga) is not None
    assert nomi.asked == []


async def test_local_writes_go_nowhere_else(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, WHOLE, mode="redirect", operations=ALL)
    assert (await kaga.client.post("entities?local=true", room(1, floor=2))).status == 201
    assert (await kaga.client("DELETE", f"entities/{ROOM}?local=true")).status == 204
    assert nomi.asked == []


async def test_an_owner_without_the_operation_is_a_conflict_and_is_not_asked(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, PART, mode="exclusive", operations=["retrieveOps"])
    refused = await kaga.client.post("entities", room(1, floor=2))
    assert (refused.status, refused.error) == (409, "Conflict")
    partly = await kaga.client.post("entities", room(1, floor=2, name="hall"))
    assert (partly.status, partly.json()["success"]) == (207, [])
    (error,) = partly.json()["errors"]
    assert error["registrationId"].endswith(":1")
    assert error["error"]["status"] == 409
    assert await here(kaga) == {"id": ROOM, "type": "Room", "name": "hall"}
    assert nomi.asked == []


async def test_where_one_owner_has_it_and_another_not_the_answer_says_who(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.has(1, floor=1)
    await kaga.knows(nomi.url, WHOLE, operations=ALL)
    both = await kaga.client.post("entities", room(1, floor=2))
    assert both.status == 207
    (error,) = both.json()["errors"]
    assert (error["entityId"], error["error"]["type"].rsplit("/")[-1]) == (ROOM, "AlreadyExists")
    assert "registrationId" not in error  # it was here that it could not be made
    assert (await here(nomi) or {})["floor"] == 2
    again = await kaga.client.post("entities", room(1, floor=3))
    assert [one.get("registrationId", "here")[-1] for one in again.json()["errors"]] == ["e", "1"]


async def test_a_dead_owner_is_told_by_attribute(cities: tuple[City, City]) -> None:
    kaga, _ = cities
    await kaga.has(1, name="hall")
    await kaga.knows("http://127.0.0.1:9", PART, mode="redirect", operations=ALL)
    fragment = {"floor": {"type": "Property", "value": 3}, "name": {"type": "Property", "value": "x"}}
    reply = await kaga.client.patch(f"entities/{ROOM}/attrs", fragment)
    assert reply.status == 207
    assert [one.rsplit("/", 1)[-1] for one in reply.json()["updated"]] == ["name"]
    (left,) = reply.json()["notUpdated"]
    assert left["attributeName"].endswith("/floor")
    assert left.keys() == {"attributeName", "reason", "registrationId"}
    alone = await kaga.client.patch(f"entities/{ROOM}/attrs/floor", {"value": 4})
    assert alone.status == 502
    not_allowed = {"entities": [{"type": "Room", "id": "urn:ngsi-ld:Room:2"}]}
    await kaga.knows("http://10.0.0.1", not_allowed, mode="redirect", number=2, operations=ALL)
    refused = await kaga.client.post("entities", room(2))
    assert refused.status == 502
    assert "does not allow" in refused.json()["detail"]


async def test_an_owner_who_does_not_answer_in_time_may_have_it(cities: tuple[City, City]) -> None:
    kaga, _ = cities
    never = asyncio.Event()

    async def wait(_: Receiver, __: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    async with Receiver(wait) as slow:
        address = f"http://127.0.0.1:{slow.port}"
        await kaga.knows(address, WHOLE, mode="redirect", operations=ALL, management={"timeout": 50})
        reply = await kaga.client.post("entities", room(1, floor=2))
        never.set()
    assert reply.status == 504
    assert await here(kaga) is None


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b"x" * (17 * 1024 * 1024), 502),
        (404, b'{"type": "https://uri.etsi.org/ngsi-ld/errors/ResourceNotFound", "title": "no"}', 404),
        (
            409,
            b'{"type": "https://uri.etsi.org/ngsi-ld/errors/AlreadyExists", "detail": "<b>it is</b>"}',
            409,
        ),
        (409, b"[1, 2", 409),
        (401, b"", 502),
        (500, b"{}", 502),
        (302, b"", 502),
    ],
)
async def test_what_an_owner_says_is_told_and_believed_no_further(
    cities: tuple[City, City], status: int, body: bytes, told: int
) -> None:
    kaga, _ = cities

    async def say(_: Receiver, __: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={"Location": "http://127.0.0.1:9/"})

    async with Receiver(say) as liar:
        await kaga.knows(f"http://127.0.0.1:{liar.port}", WHOLE, mode="redirect", operations=ALL)
        reply = await kaga.client.post("entities", room(1, floor=2))
    assert reply.status == told
    assert "ContextSourceRegistration:1" in reply.json()["detail"]


async def test_an_owner_who_did_only_some_of_it_is_a_207(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has(1, floor=1)
    await kaga.knows(nomi.url, WHOLE, mode="redirect", operations=ALL)
    fragment = {"floor": {"type": "Property", "value": 3}, "depth": {"type": "Property", "value": 4}}
    reply = await kaga.client.post(f"entities/{ROOM}/attrs?options=noOverwrite", fragment)
    assert reply.status == 207
    assert [one.rsplit("/", 1)[-1] for one in reply.json()["updated"]] == ["depth"]
    (left,) = reply.json()["notUpdated"]
    assert "noOverwrite" in left["reason"]
    assert await here(nomi) == {"id": ROOM, "type": "Room", "floor": 1, "depth": 4}


async def test_cities_that_keep_for_each_other_are_a_loop_and_nothing_is_written(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, WHOLE, mode="redirect", operations=ALL)
    await nomi.knows(kaga.url, WHOLE, mode="redirect", operations=ALL)
    reply = await kaga.client.post("entities", room(1, floor=2))
    assert reply.status == 508
    assert await here(kaga) is await here(nomi) is None
    assert [one.headers["via"] for one in kaga.asked] == ["1.1 kaga, 1.1 nomi"]


async def test_inclusive_cities_in_a_circle_write_once_each(
    tmp_path: Path, cities: tuple[City, City]
) -> None:
    kaga, nomi = cities
    async with city(tmp_path, "hakusan") as hakusan:
        await kaga.knows(nomi.url, WHOLE, operations=ALL)
        await nomi.knows(hakusan.url, WHOLE, operations=ALL)
        await hakusan.knows(kaga.url, WHOLE, operations=ALL, contextSourceAlias="kaga")
        assert (await kaga.client.post("entities", room(1, floor=2))).status == 201
        for one in (kaga, nomi, hakusan):
            assert await here(one) == {"id": ROOM, "type": "Room", "floor": 2}
        assert (len(kaga.asked), len(nomi.asked), len(hakusan.asked)) == (0, 1, 1)


async def test_names_keep_their_meaning_on_the_way(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    toilet = {"entities": [{"type": "https://kaga.example/terms#Toilet"}]}
    await kaga.knows(nomi.url, toilet, mode="redirect", operations=ALL)
    one = {"id": "urn:ngsi-ld:Toilet:1", "type": "Toilet", "温度": {"type": "Property", "value": 20}}
    assert (await kaga.client.post("entities", one, **LINK)).status == 201
    inline = {
        "@context": {"Toilet": "https://kaga.example/terms#Toilet", "t": "https://kaga.example/terms#floor"},
        "id": "urn:ngsi-ld:Toilet:2",
        "type": "Toilet",
        "t": {"type": "Property", "value": 2},
    }
    assert (await kaga.client.post("entities", inline, content_type="application/ld+json")).status == 201
    mixed = [{**inline, "id": "urn:ngsi-ld:Toilet:3"}, {**inline, "@context": {}, "type": "Room"}]
    batch = await kaga.client.post("entityOperations/create", mixed, content_type="application/ld+json")
    assert batch.status == 201
    shown = (await nomi.client.get("entities?type=Toilet&options=keyValues", **LINK)).json()
    assert [{**found, "id": found["id"][-1]} for found in shown] == [
        {"id": "1", "type": "Toilet", "温度": 20},
        {"id": "2", "type": "Toilet", "floor": 2},
        {"id": "3", "type": "Toilet", "floor": 2},
    ]


async def test_a_source_with_words_of_its_own_is_spoken_to_in_them(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    info = [{"key": "jsonldContext", "value": "https://kaga.example/context.jsonld"}]
    toilet = {"entities": [{"type": "https://kaga.example/terms#Toilet"}]}
    await kaga.knows(nomi.url, toilet, mode="redirect", operations=ALL, contextSourceInfo=info)
    full = {
        "id": "urn:ngsi-ld:Toilet:1",
        "type": "https://kaga.example/terms#Toilet",
        "https://kaga.example/terms#floor": {
            "type": "Property",
            "value": 2,
            "https://kaga.example/terms#name": {"type": "VocabProperty", "vocab": "x"},
        },
    }
    assert (await kaga.client.post("entities", full)).status == 201
    (asked,) = nomi.asked
    assert await asked.json() == {
        "id": "urn:ngsi-ld:Toilet:1",
        "type": "Toilet",
        "floor": {"type": "Property", "value": 2, "name": {"type": "VocabProperty", "vocab": "x"}},
    }
    assert "kaga.example/context.jsonld" in asked.headers["link"]
    path = "entities/urn:ngsi-ld:Toilet:1/attrs/https%3A%2F%2Fkaga.example%2Fterms%23floor"
    assert (await kaga.client("DELETE", path)).status == 204
    assert nomi.asked[-1].path.endswith("/attrs/floor")


@pytest.mark.parametrize("value", ["urn:ngsi-ld:request", "Bearer of-the-city"])
async def test_whose_identity_a_write_carries_is_what_the_registration_says(
    cities: tuple[City, City], value: str
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, WHOLE, operations=ALL)
    headers = {"authorization": "Bearer of-the-caller", "cookie": "session=1"}
    await kaga.client.post("entities", room(1), **headers)
    assert {"authorization", "cookie"}.isdisjoint(nomi.asked[-1].headers)
    info = [{"key": "Authorization", "value": value}, {"key": "Cookie", "value": "urn:ngsi-ld:request"}]
    await kaga.client("DELETE", "csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:1")
    await kaga.knows(nomi.url, WHOLE, operations=ALL, contextSourceInfo=info)
    await kaga.client.post("entities", room(2), **headers)
    sent = nomi.asked[-1].headers
    assert sent["authorization"] == ("Bearer of-the-caller" if value.startswith("urn") else value)
    assert "cookie" not in sent


async def test_who_may_not_write_here_does_not_write_elsewhere(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, WHOLE, mode="redirect", operations=ALL)
    kaga.broker.policy = Policy()
    scoped = Principal("service", "a", scopes=frozenset({"write:entity:https://kaga.example/terms#Toilet"}))
    refused = await Client(routes(kaga.broker), scoped).post("entities", room(1))
    assert refused.status == 403
    assert (await kaga.client.post("entities", room(1))).status == 401
    assert nomi.asked == []


async def test_batches_are_sent_as_batches_and_told_entity_by_entity(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has(2, floor=1)
    await kaga.knows(nomi.url, WHOLE, mode="redirect", operations=ALL)
    car = {"id": "urn:ngsi-ld:Car:1", "type": "Car"}
    made = await kaga.client.post("entityOperations/create", [room(1, floor=1), room(2), car])
    assert (made.status, made.json()["success"]) == (207, [ROOM, "urn:ngsi-ld:Car:1"])
    (error,) = made.json()["errors"]
    assert (error["entityId"], error["error"]["status"]) == ("urn:ngsi-ld:Room:2", 409)
    assert error["registrationId"].endswith(":1")
    assert [one.path for one in nomi.asked] == ["/ngsi-ld/v1/entityOperations/create"]
    upserted = await kaga.client.post("entityOperations/upsert", [room(2, floor=5), room(3, floor=5), car])
    assert (upserted.status, upserted.json()) == (201, ["urn:ngsi-ld:Room:3"])
    for operation in ("update", "merge"):
        reply = await kaga.client.post(f"entityOperations/{operation}", [room(2, depth=6), room(3, depth=6)])
        assert reply.status == 204
    assert (await here(nomi, "urn:ngsi-ld:Room:3") or {})["depth"] == 6
    gone = await kaga.client.post("entityOperations/delete", [ROOM, "urn:ngsi-ld:Room:2", car["id"]])
    assert gone.status == 204
    assert await nomi.ids("type=Room") == [3]


async def test_who_offers_no_batches_is_sent_one_entity_after_the_other(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, WHOLE, mode="redirect", operations=["redirectionOps"])
    rooms = [room(number, floor=number) for number in (1, 2)]
    assert (await kaga.client.post("entityOperations/create", rooms)).status == 201
    again = [room(number, depth=number) for number in (1, 2, 3)]
    replaced = await kaga.client.post("entityOperations/upsert", again)
    assert (replaced.status, replaced.json()) == (201, ["urn:ngsi-ld:Room:3"])
    assert await here(nomi) == {"id": ROOM, "type": "Room", "depth": 1}
    updated = await kaga.client.post("entityOperations/upsert?options=update", [room(1, floor=7)])
    assert updated.status == 204
    assert await here(nomi) == {"id": ROOM, "type": "Room", "depth": 1, "floor": 7}
    kept = await kaga.client.post(
        "entityOperations/update?options=noOverwrite", [room(1, floor=8), room(4, floor=8)]
    )
    assert [one["entityId"][-1] for one in kept.json()["errors"]] == ["1", "4"]
    assert (await kaga.client.post("entityOperations/merge", [room(1, floor=9)])).status == 204
    gone = await kaga.client.post("entityOperations/delete", [ROOM, "urn:ngsi-ld:Room:9"])
    assert (gone.status, gone.json()["success"]) == (207, [ROOM])


async def test_of_an_owners_207_what_it_does_not_name_was_not_done(cities: tuple[City, City]) -> None:
    kaga, _ = cities
    body = (
        b'{"success": ["urn:ngsi-ld:Room:1", "urn:ngsi-ld:Room:7"],'
        b' "errors": [{"entityId": "urn:ngsi-ld:Room:2", "error": {"status": 404}}, 3]}'
    )

    async def say(_: Receiver, __: web.Request) -> web.StreamResponse:
        return web.Response(status=207, body=body)

    async with Receiver(say) as owner:
        await kaga.knows(f"http://127.0.0.1:{owner.port}", WHOLE, mode="redirect", operations=ALL)
        reply = await kaga.client.post("entityOperations/create", [room(1), room(2), room(3)])
    assert (reply.status, reply.json()["success"]) == (207, [ROOM])
    told = {one["entityId"][-1]: one["error"]["status"] for one in reply.json()["errors"]}
    assert told == {"2": 404, "3": 502}


async def test_a_purge_goes_to_every_owner(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    for one in cities:
        await one.has(1, floor=1)
        await one.has(2, floor=2)
    await kaga.knows(nomi.url, WHOLE, operations=ALL)
    assert (await kaga.client("DELETE", "entities?type=Room&q=floor==1")).status == 204
    assert await kaga.ids("type=Room&local=true") == await nomi.ids("type=Room") == [2]
    await kaga.knows("http://127.0.0.1:9", WHOLE, number=2, operations=ALL)
    partly = await kaga.client("DELETE", "entities?type=Room")
    assert (partly.status, partly.json()["success"]) == (207, ["urn:ngsi-ld:Room:2"])
    assert await nomi.ids("type=Room") == []


async def test_a_purge_of_every_type_stays_here(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    for one in cities:
        await one.has(1, floor=1)
    await kaga.knows(nomi.url, WHOLE, operations=ALL)
    assert (await kaga.client("DELETE", "entities?type=*")).status == 204
    assert (await kaga.ids("type=*"), nomi.asked, await nomi.ids("type=Room")) == ([], [], [1])


async def test_a_context_source_filter_says_which_owners_purge(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has(1, floor=1)
    await kaga.knows(nomi.url, WHOLE, operations=ALL, depth=3)
    assert (await kaga.client("DELETE", "entities?type=Room&csf=depth==4")).status == 204
    assert (nomi.asked, await nomi.ids("type=Room")) == ([], [1])
    assert (await kaga.client("DELETE", "entities?type=Room&csf=depth==3")).status == 204
    assert await nomi.ids("type=Room") == []


async def test_a_purge_with_an_entity_map_takes_what_is_in_it_and_nothing_else(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, WHOLE, operations=ALL)
    for one, numbers in ((kaga, (1, 2)), (nomi, (3, 4))):
        for number in numbers:
            await one.has(number, floor=number)
    map = (await kaga.client.get("entityMaps?type=Room")).header("ngsild-entitymap") or ""
    await kaga.has(5, floor=5)
    await nomi.has(6, floor=6)
    purge = partial(kaga.client, "DELETE")
    purged = await purge("entities?type=Room&q=floor!=2", headers={"ngsild-entitymap": map})
    assert (purged.status, purged.header("ngsild-entitymap")) == (204, map)
    assert (await kaga.ids("type=Room&local=true"), await nomi.ids("type=Room")) == ([2, 5], [6])
    nobody = await purge("entities?type=Room&id=urn:ngsi-ld:Room:6", headers={"ngsild-entitymap": map})
    assert (nobody.status, await nomi.ids("type=Room")) == (204, [6])
    gone = await purge("entities?type=Room", headers={"ngsild-entitymap": "urn:ngsi-ld:EntityMap:gone"})
    assert (gone.status, gone.header("ngsild-entitymap") != map) == (204, True)
    assert (await kaga.ids("type=Room&local=true"), await nomi.ids("type=Room")) == ([], []), "of a new map"


async def test_a_source_that_failed_is_left_alone_for_its_cooldown(
    cities: tuple[City, City], monkeypatch: pytest.MonkeyPatch
) -> None:
    kaga, nomi = cities
    subscriptions = kaga.broker.subscriptions
    assert subscriptions is not None
    now = 0.0
    monkeypatch.setattr(subscriptions.peers, "_now", lambda: now)
    await kaga.knows(nomi.url, WHOLE, management={"cooldown": 4000})
    answer: Callable[..., Awaitable[Reply]] = nomi.client

    async def broken(*_: Any, **__: Any) -> Reply:
        return Reply(500, [], b"", 0)

    monkeypatch.setattr(nomi, "client", broken)
    for at, asked, code in ((0.0, 1, "299"), (3.9, 1, "199"), (4.0, 2, "299")):
        now = at
        reply = await kaga.client.get("entities?type=Room")
        assert (len(nomi.asked), (reply.header("ngsild-warning") or "")[:3]) == (asked, code)
    monkeypatch.setattr(nomi, "client", answer)
    now = 8.0
    assert (await kaga.client.get("entities?type=Room")).header("ngsild-warning") is None
