from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from api_client import CITY_CONTEXT, Client, link, room

if TYPE_CHECKING:
    from kitamae.kernel.context.broker import Broker

ROOM = "entities/urn:ngsi-ld:Room:1"


async def test_what_was_created_can_be_read_and_its_location_says_where(client: Client) -> None:
    made = await client.post("entities", room(1))
    assert (made.status, made.header("location")) == (201, "/ngsi-ld/v1/entities/urn:ngsi-ld:Room:1")
    read = await client.get(ROOM)
    assert (read.status, read.json()) == (200, room(1))


async def test_an_entity_is_created_once(client: Client) -> None:
    await client.post("entities", room(1))
    again = await client.post("entities", room(1))
    assert (again.status, again.error) == (409, "AlreadyExists")


async def test_an_id_with_slashes_is_one_segment(client: Client) -> None:
    made = await client.post("entities", {"id": "http://kaga.example/rooms/1?a#b", "type": "Room"})
    where = made.header("location")
    assert where == "/ngsi-ld/v1/entities/http:%2F%2Fkaga.example%2Frooms%2F1%3Fa%23b"
    read = await client.get(where.removeprefix("/ngsi-ld/v1/"))
    assert read.json()["id"] == "http://kaga.example/rooms/1?a#b"


async def test_replacing_leaves_nothing_of_the_old_entity(client: Client) -> None:
    await client.post("entities", room(1, name={"type": "Property", "value": "old"}))
    answer = await client("PUT", ROOM, {"type": "Room", "floor": {"type": "Property", "value": 2}})
    assert answer.status == 204
    assert answer.header("content-length") is None
    assert (await client.get(ROOM)).json().keys() == {"id", "type", "floor"}


async def test_replacing_with_another_id_is_refused(client: Client) -> None:
    await client.post("entities", room(1))
    assert (await client("PUT", ROOM, room(2))).error == "BadRequestData"


async def test_merging_keeps_what_it_does_not_name_and_null_deletes(client: Client) -> None:
    await client.post("entities", room(1, name={"type": "Property", "value": "a"}))
    patch = {"name": "urn:ngsi-ld:null", "floor": {"type": "Property", "value": 3}}
    answer = await client.patch(ROOM, patch, content_type="application/merge-patch+json")
    assert answer.status == 204
    assert (await client.get(ROOM)).json().keys() == {"id", "type", "temperature", "floor"}


async def test_appending_without_overwriting_reports_what_was_left(client: Client) -> None:
    await client.post("entities", room(1))
    fragment = {"temperature": {"type": "Property", "value": 99}, "floor": {"type": "Property", "value": 3}}
    answer = await client.post(ROOM + "/attrs?options=noOverwrite", fragment)
    vocabulary = "https://uri.etsi.org/ngsi-ld/default-context/"
    assert answer.status == 207
    assert answer.json()["updated"] == [vocabulary + "floor"]
    assert [one["attributeName"] for one in answer.json()["notUpdated"]] == [vocabulary + "temperature"]
    assert (await client.get(ROOM)).json()["temperature"]["value"] == 21


async def test_updating_attributes_is_seen_at_once(client: Client) -> None:
    await client.post("entities", room(1))
    assert (await client.get(ROOM)).json()["temperature"]["value"] == 21
    answer = await client.patch(ROOM + "/attrs", {"temperature": {"type": "Property", "value": 5}})
    assert answer.status == 204
    assert (await client.get(ROOM)).json()["temperature"] == {"type": "Property", "value": 5}


async def test_one_attribute_is_updated_replaced_and_deleted(client: Client) -> None:
    await client.post("entities", room(1))
    assert (await client.patch(ROOM + "/attrs/temperature", {"value": 7})).status == 204
    assert (await client.get(ROOM)).json()["temperature"]["observedAt"] == "2026-11-21T00:00:00Z"
    replaced = await client("PUT", ROOM + "/attrs/temperature", {"type": "Property", "value": 8})
    assert replaced.status == 204
    assert (await client.get(ROOM)).json()["temperature"] == {"type": "Property", "value": 8}
    assert (await client("DELETE", ROOM + "/attrs/temperature")).status == 204
    assert (await client("DELETE", ROOM + "/attrs/temperature")).status == 404
    assert (await client.get(ROOM)).json().keys() == {"id", "type"}


async def test_deleting_one_dataset_leaves_the_others(client: Client) -> None:
    speeds = [
        {"type": "Property", "value": 1},
        {"type": "Property", "value": 2, "datasetId": "urn:ngsi-ld:Dataset:gps"},
    ]
    await client.post("entities", {"id": "urn:ngsi-ld:Bus:1", "type": "Bus", "speed": speeds})
    path = "entities/urn:ngsi-ld:Bus:1/attrs/speed"
    assert (await client("DELETE", path + "?datasetId=urn:ngsi-ld:Dataset:gps")).status == 204
    assert (await client.get("entities/urn:ngsi-ld:Bus:1")).json()["speed"] == {
        "type": "Property",
        "value": 1,
    }
    assert (await client("DELETE", path + "?deleteAll=true")).status == 204


async def test_an_operation_for_another_type_finds_nothing(client: Client) -> None:
    await client.post("entities", room(1))
    assert (await client("DELETE", ROOM + "?type=Bus")).status == 404
    assert (await client("DELETE", ROOM + "?type=Room")).status == 204
    assert (await client.get(ROOM)).status == 404


async def test_names_mean_what_the_context_says(client: Client) -> None:
    entity = {"id": "urn:ngsi-ld:Toilet:1", "type": "Toilet", "温度": {"type": "Property", "value": 12}}
    await client.post("entities", entity, link=link())
    path = "entities/urn:ngsi-ld:Toilet:1"
    assert (await client.get(path, link=link())).json() == entity
    plain = (await client.get(path)).json()
    assert plain["type"] == "https://kaga.example/terms#Toilet"
    assert plain["https://kaga.example/terms#temperature"]["value"] == 12


async def test_a_json_ld_body_brings_its_own_context(client: Client) -> None:
    entity = {"@context": CITY_CONTEXT, "id": "urn:ngsi-ld:Toilet:1", "type": "Toilet", "floor": {"value": 2}}
    made = await client.post("entities", entity, content_type="application/ld+json")
    assert made.status == 201
    read = await client.get("entities/urn:ngsi-ld:Toilet:1", link=link(), accept="application/ld+json")
    assert read.json()["@context"] == CITY_CONTEXT
    assert read.json()["floor"] == {"type": "Property", "value": 2}
    assert read.header("link") is None


async def test_an_attribute_may_be_called_whatever_the_context_calls_it(
    broker: Broker, client: Client
) -> None:
    """Such as Japan's recommended data sets do, against clause 4.6.2's letters."""
    name = "トイレ数（洋式）・0-4歳"
    url = "https://kaga.example/toilets.jsonld"
    broker.contexts.register(url, {"@context": {name: "https://kaga.example/terms#seats"}})
    of_it = {"link": link(url)}
    await client("POST", "entities", {**room(1), name: {"type": "Property", "value": 2}}, headers=of_it)
    path = f"{ROOM}/attrs/{quote(name)}"
    assert (await client("PATCH", path, {"value": 3}, headers=of_it)).status == 204
    assert (await client("GET", f"{ROOM}?attrs={quote(name)}", headers=of_it)).json()[name]["value"] == 3
    assert (await client("GET", f"entities?q={quote(name)}==3", headers=of_it)).json()[0][name]["value"] == 3
    assert (await client("DELETE", path, headers=of_it)).status == 204
    assert (await client("DELETE", path)).error == "BadRequestData"
