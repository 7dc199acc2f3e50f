"""Entity maps: here, and over several cities, over real HTTP on this machine."""

from __future__ import annotations

from typing import Any

import pytest
from api_client import Client, Reply, room

from cities import City
from kitamae.kernel.context.broker import Broker
from kitamae.kernel.context.entity_maps import LIFETIME, LONGEST, EntityMaps


def reference(reply: Reply) -> str:
    return reply.header("ngsild-entitymap") or ""


def resource(reply: Reply) -> str:
    return reference(reply).removeprefix("/ngsi-ld/v1/")


def numbers(reply: Reply) -> list[int]:
    return [int(one["id"].rsplit(":", 1)[-1]) for one in reply.json()]


async def walk(client: Client, map: str, query: str) -> Reply:
    return await client.get(f"entities?{query}", ngsild_entitymap=map)


async def test_a_map_says_which_entities_a_query_selects(client: Client) -> None:
    for number in (1, 2, 3):
        await client.post("entities", room(number))
    made = await client.get("entityMaps?type=Room&q=temperature>21")
    assert made.status == 201
    map = made.json()
    assert map.keys() == {"id", "type", "expiresAt", "entityMap", "linkedMaps"}
    assert map["entityMap"] == {f"urn:ngsi-ld:Room:{number}": ["@none"] for number in (2, 3)}
    assert reference(made) == f"/ngsi-ld/v1/entityMaps/{map['id']}"
    assert (await client.get(resource(made))).json() == map
    query = {"type": "Query", "entities": [{"type": "Room"}], "q": "temperature>21"}
    posted = await client.post("entityMaps", query)
    assert (posted.status, posted.json()["entityMap"]) == (201, map["entityMap"])
    assert (await client.get("entityMaps?id=urn:ngsi-ld:Room:1")).status == 400  # too wide


async def test_pages_of_a_map_are_full_and_who_left_leaves_the_map(client: Client) -> None:
    for number in range(1, 6):
        await client.post("entities", room(number))
    made = await client.get("entities?type=Room&entityMap=true&limit=2")
    assert (made.status, numbers(made)) == (201, [1, 2])
    map = reference(made)
    await client.post("entities", room(6))  # came later: it is not in the map
    first = await walk(client, map, "type=Room&limit=2")
    assert (first.status, reference(first), numbers(first)) == (200, map, [1, 2])
    assert 'rel="next"' in (first.header("link") or "") + "".join(first.all("link"))
    await client("DELETE", "entities/urn:ngsi-ld:Room:2")
    assert numbers(await walk(client, map, "type=Room&limit=2")) == [1, 3]
    counted = await walk(client, map, "type=Room&limit=2&offset=2&count=true")
    assert (numbers(counted), counted.header("ngsild-results-count")) == ([4, 5], "4")
    assert not any('rel="next"' in one for one in counted.all("link"))
    members = (await client.get(resource(made))).json()["entityMap"]
    assert "urn:ngsi-ld:Room:2" not in members
    assert "urn:ngsi-ld:Room:6" not in members


async def test_a_map_that_is_gone_is_made_anew(client: Client) -> None:
    await client.post("entities", room(1))
    made = await client.get("entities?type=Room&entityMap=true")
    assert (await client("DELETE", resource(made))).status == 204
    assert (await client.get(resource(made))).status == 404
    again = await walk(client, reference(made), "type=Room")
    assert (again.status, numbers(again)) == (201, [1])
    assert reference(again) != reference(made)
    one = await client.get("entities/urn:ngsi-ld:Room:1?entityMap=true")
    assert (await client.get(resource(one))).json()["entityMap"] == {"urn:ngsi-ld:Room:1": ["@none"]}


async def test_a_maps_end_is_granted_within_a_day(client: Client, broker: Broker) -> None:
    now = broker.clock()
    broker.clock = lambda: now
    made = await client.get("entityMaps?type=Room&entityMapLifetime=P3650D")
    map = broker.entity_maps.find("", made.json()["id"], now)
    assert map is not None
    assert map.expires_at == now + LONGEST
    patch = {"expiresAt": "2099-01-01T00:00:00Z", "entityMap": {"urn:ngsi-ld:Room:9": ["@none"]}}
    assert (await client.patch(resource(made), patch)).status == 204
    assert (map.expires_at, map.members) == (now + LONGEST, {})
    assert (await client.patch(resource(made), {"expiresAt": "tomorrow"})).status == 400
    assert (await client.patch(resource(made), {"expiresAt": "2000-01-01T00:00:00Z"})).status == 204
    assert (await client.get(resource(made))).status == 404
    other = await client.get("entityMaps?type=Room")
    now += LIFETIME
    assert (await client.get(resource(other))).status == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_a_map_is_its_tenants_alone(client: Client, method: str) -> None:
    await client.post("entities", room(1), ngsild_tenant="other")
    made = await client.get("entityMaps?type=Room")
    content = {"expiresAt": "2000-01-01T00:00:00Z"} if method == "PATCH" else None
    headers = {"ngsild-tenant": "other"}
    assert (await client(method, resource(made), content, headers=headers)).status == 404
    assert (await client.get(resource(made))).status == 200
    assert (await client(method, "entityMaps/no%20uri", content)).status == 400


def test_memory_for_maps_has_an_end() -> None:
    maps = EntityMaps()
    ids: Any = {f"urn:ngsi-ld:Room:{number}": ["@none"] for number in range(100_000)}
    made = [maps.keep("", dict(ids), {}, 0) for _ in range(12)]
    assert [maps.find("", one.id, 1) is not None for one in made] == [False] * 2 + [True] * 10


async def test_a_map_over_cities_says_who_knows_what_and_only_they_are_asked(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.has(1, floor=1)
    await kaga.has(2, floor=2)
    await nomi.has(2, depth=2)
    await nomi.has(3, floor=3)
    await kaga.knows(nomi.url)
    source = "urn:ngsi-ld:ContextSourceRegistration:1"
    made = await kaga.client.get("entityMaps?type=Room")
    assert made.json()["entityMap"] == {
        "urn:ngsi-ld:Room:1": ["@none"],
        "urn:ngsi-ld:Room:2": ["@none", source],
        "urn:ngsi-ld:Room:3": [source],
    }
    theirs = made.json()["linkedMaps"][source]
    assert nomi.broker.entity_maps.find("", theirs, 0) is not None
    await nomi.has(4, floor=4)
    page = await walk(kaga.client, reference(made), "type=Room&options=keyValues")
    assert [(one["id"][-1], one.get("depth")) for one in page.json()] == [("1", None), ("2", 2), ("3", None)]
    assert nomi.asked[-1].headers["ngsild-entitymap"] == theirs
    await nomi.client("DELETE", "entities/urn:ngsi-ld:Room:3")
    assert numbers(await walk(kaga.client, reference(made), "type=Room")) == [1, 2]
    one = await kaga.client.get("entities/urn:ngsi-ld:Room:1", ngsild_entitymap=reference(made))
    assert one.status == 200
    assert nomi.asked[-1].path.endswith("/entities")  # nobody but us is known to have it


async def test_a_city_that_makes_no_maps_is_asked_for_entities(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has(1, floor=1)
    await nomi.has(2, floor=2)
    await kaga.knows(nomi.url, operations=["queryEntity"])
    made = await kaga.client.get("entityMaps?type=Room&q=floor==2")
    assert list(made.json()["entityMap"]) == ["urn:ngsi-ld:Room:2"]
    assert made.json()["linkedMaps"] == {}


async def test_a_city_that_is_silent_for_a_page_stays_in_the_map(
    cities: tuple[City, City], monkeypatch: pytest.MonkeyPatch
) -> None:
    kaga, nomi = cities
    await nomi.has(1, floor=1)
    await kaga.knows(nomi.url)
    made = await kaga.client.get("entityMaps?type=Room")

    async def broken(*_: Any, **__: Any) -> Reply:
        return Reply(503, [], b"", 0)

    with monkeypatch.context() as patch:
        patch.setattr(nomi, "client", broken)
        page = await walk(kaga.client, reference(made), "type=Room")
        assert (page.json(), (page.header("ngsild-warning") or "")[:3]) == ([], "299")
    assert numbers(await walk(kaga.client, reference(made), "type=Room")) == [1]
