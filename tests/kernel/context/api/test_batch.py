from __future__ import annotations

from api_client import CITY_CONTEXT, Client, room


async def test_what_cannot_be_read_fails_alone(client: Client) -> None:
    broken = room(2) | {"temperature": {"type": "Nonsense", "value": 1}}
    answer = await client.post("entityOperations/create", [room(1), broken, room(3)])
    assert answer.status == 207
    assert answer.json()["success"] == ["urn:ngsi-ld:Room:1", "urn:ngsi-ld:Room:3"]
    (error,) = answer.json()["errors"]
    assert error["entityId"] == "urn:ngsi-ld:Room:2"
    assert error["error"]["type"].endswith("BadRequestData")
    assert (await client.get("entities/urn:ngsi-ld:Room:2")).status == 404


async def test_creating_twice_in_one_batch_creates_once(client: Client) -> None:
    answer = await client.post("entityOperations/create", [room(1), room(1)])
    assert answer.status == 207
    assert answer.json()["success"] == ["urn:ngsi-ld:Room:1"]
    assert answer.json()["errors"][0]["error"]["type"].endswith("AlreadyExists")


async def test_an_upsert_names_only_what_is_new(client: Client) -> None:
    await client.post("entities", room(1))
    answer = await client.post("entityOperations/upsert", [room(1), room(2)])
    assert (answer.status, answer.json()) == (201, ["urn:ngsi-ld:Room:2"])
    again = await client.post("entityOperations/upsert", [room(1), room(2)])
    assert (again.status, again.body) == (204, b"")


async def test_an_upsert_replaces_unless_it_is_told_to_update(client: Client) -> None:
    await client.post("entities", room(1, floor={"type": "Property", "value": 4}))
    await client.post("entityOperations/upsert?options=update", [room(1)])
    assert "floor" in (await client.get("entities/urn:ngsi-ld:Room:1")).json()
    await client.post("entityOperations/upsert", [room(1)])
    assert "floor" not in (await client.get("entities/urn:ngsi-ld:Room:1")).json()


async def test_updates_and_deletes_report_what_is_not_there(client: Client) -> None:
    await client.post("entities", room(1))
    updated = await client.post("entityOperations/update", [room(1), room(9)])
    assert updated.json()["success"] == ["urn:ngsi-ld:Room:1"]
    deleted = await client.post("entityOperations/delete", ["urn:ngsi-ld:Room:1", "urn:ngsi-ld:Room:9"])
    assert deleted.status == 207
    assert deleted.json()["errors"][0]["error"]["status"] == 404


async def test_each_entity_of_a_batch_has_its_own_context(client: Client) -> None:
    one = {"@context": CITY_CONTEXT, "id": "urn:ngsi-ld:Toilet:1", "type": "Toilet"}
    other = {
        "@context": "https://nowhere.example/gone.jsonld",
        "id": "urn:ngsi-ld:Toilet:2",
        "type": "Toilet",
    }
    answer = await client.post("entityOperations/upsert", [one, other], content_type="application/ld+json")
    assert answer.status == 207
    assert answer.json()["success"] == ["urn:ngsi-ld:Toilet:1"]
    assert answer.json()["errors"][0]["error"]["type"].endswith("LdContextNotAvailable")


async def test_a_purge_takes_what_the_query_selects(client: Client) -> None:
    await client.post("entityOperations/create", [room(n) for n in range(5)])
    assert (await client("DELETE", "entities?type=Room&q=temperature>=23")).status == 204
    left = (await client.get("entities?type=Room")).json()
    assert [one["id"] for one in left] == [f"urn:ngsi-ld:Room:{n}" for n in range(3)]
    assert (await client("DELETE", "entities?type=Room&drop=temperature")).status == 204
    assert all("temperature" not in one for one in (await client.get("entities?type=Room")).json())


async def test_a_purge_of_everything_is_too_wide(client: Client) -> None:
    assert (await client("DELETE", "entities")).error == "BadRequestData"
