from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from v2_client import Client

ROOM: dict[str, Any] = {
    "id": "Room1",
    "type": "Room",
    "temperature": {
        "value": 21.7,
        "type": "Number",
        "metadata": {"accuracy": {"value": 0.5, "type": "Number"}},
    },
    "humidity": {"value": 60, "type": "Number", "metadata": {}},
}
OF = "entities/Room1/attrs"


@pytest.fixture(autouse=True)
async def there(client: Client) -> None:
    assert (await client.post("entities", ROOM)).status == 201


async def test_what_was_created_is_read_back_and_its_location_says_where(client: Client) -> None:
    made = await client.post("entities", {"id": "Room2", "type": "Room"})
    assert (made.status, made.headers["location"]) == (201, "/v2/entities/Room2?type=Room")
    assert (await client.get("entities/Room1")).json() == ROOM
    assert (await client.get("entities/Room1?type=Room")).json() == ROOM


async def test_an_entity_is_created_once_unless_it_is_an_upsert(client: Client) -> None:
    again = await client.post("entities", ROOM)
    assert (again.status, again.json()) == (422, {"error": "Unprocessable", "description": "Already Exists"})
    upsert = await client.post(
        "entities?options=upsert,keyValues", {"id": "Room1", "type": "Room", "humidity": 5}
    )
    assert upsert.status == 204
    assert (await client.get("entities/Room1")).json() == {
        **ROOM,
        "humidity": {**ROOM["humidity"], "value": 5},
    }


async def test_an_entity_without_a_type_is_a_thing_and_values_have_their_usual_types(client: Client) -> None:
    values = {"a": "x", "b": 1, "c": True, "d": None, "e": [1], "f": {"g": None}}
    await client.post("entities?options=keyValues", {"id": "E", **values})
    read = (await client.get("entities/E")).json()
    assert read["type"] == "Thing"
    types = {"a": "Text", "b": "Number", "c": "Boolean", "d": "None", "e": "StructuredValue"}
    assert {name: read[name]["type"] for name in values} == {**types, "f": "StructuredValue"}
    assert (await client.get("entities/E?options=keyValues")).json() == {"id": "E", "type": "Thing", **values}


async def test_the_four_formats(client: Client) -> None:
    await client.post(OF, {"extra": {"value": 60}})
    assert (await client.get("entities/Room1?options=values&attrs=humidity,temperature")).json() == [60, 21.7]
    assert (await client.get("entities/Room1?options=unique")).json() == [60, 21.7]
    assert (await client.get(f"{OF}?options=keyValues&attrs=humidity")).json() == {"humidity": 60}
    assert (await client.get("entities/Room1?options=values,unique")).error == (400, "BadRequest")


async def test_builtin_attributes_and_metadata_are_shown_when_asked_for(client: Client) -> None:
    read = (
        await client.get("entities/Room1?attrs=dateCreated,dateModified,servicePath&options=keyValues")
    ).json()
    assert read["dateCreated"] == read["dateModified"]
    assert read["servicePath"] == "/"
    one = (await client.get("entities/Room1?attrs=temperature&metadata=dateCreated,accuracy")).json()
    assert list(one["temperature"]["metadata"]) == ["dateCreated", "accuracy"]
    assert one["temperature"]["metadata"]["dateCreated"]["type"] == "DateTime"
    assert (await client.get("entities/Room1?attrs=temperature&metadata=*")).json()["temperature"] == ROOM[
        "temperature"
    ]


async def test_updating_touches_only_what_is_there(client: Client) -> None:
    assert (await client.patch(OF, {"humidity": {"value": 1}})).status == 204
    refused = await client.patch(OF, {"nothing": {"value": 1}})
    assert refused.error == (422, "Unprocessable")
    assert refused.json()["description"] == "do not exist: Room1 - [ nothing ]"
    partly = await client.patch(OF + "?type=Room", {"nothing": {"value": 1}, "humidity": {"value": 2}})
    assert partly.error == (422, "PartialUpdate")
    assert partly.json()["description"] == "do not exist: Room1/Room - [ nothing ]"
    assert (await client.get(OF + "/humidity/value")).body == b"2"


async def test_appending_strictly_overwrites_nothing(client: Client) -> None:
    refused = await client.post(OF + "?options=append", {"humidity": {"value": 1}})
    assert refused.error == (422, "Unprocessable")
    words = "one or more of the attributes in the request already exist: Room1 - [ humidity ]"
    assert refused.json()["description"] == words
    assert (await client.post(OF + "?options=append", {"new": {"value": 1}})).status == 204
    assert (await client.post(OF, {"humidity": {"value": 1}})).status == 204
    assert (await client.get(OF + "?options=keyValues")).json() == {
        "temperature": 21.7,
        "humidity": 1,
        "new": 1,
    }


async def test_replacing_leaves_nothing_of_the_old_attributes(client: Client) -> None:
    assert (await client.put(OF, {"new": {"value": 1, "type": "Number"}})).status == 204
    assert (await client.get(OF)).json() == {"new": {"value": 1, "type": "Number", "metadata": {}}}


async def test_metadata_stay_unless_they_are_overridden(client: Client) -> None:
    await client.put(
        OF + "/temperature", {"value": 1, "metadata": {"source": {"value": "a", "type": "Text"}}}
    )
    assert (await client.get(OF + "/temperature")).json()["metadata"].keys() == {"accuracy", "source"}
    await client.put(OF + "/temperature?options=overrideMetadata", {"value": 2})
    assert (await client.get(OF + "/temperature")).json() == {"value": 2, "type": "Number", "metadata": {}}


async def test_a_value_is_read_and_written_alone(client: Client) -> None:
    assert (
        await client("PUT", OF + "/humidity/value", body=b"62.5", content_type="text/plain")
    ).status == 204
    read = await client.get(OF + "/humidity/value")
    assert (read.body, read.headers["content-type"]) == (b"62.5", "text/plain")
    assert (await client.put(OF + "/humidity/value", {"a": [1]})).status == 204
    read = await client.get(OF + "/humidity/value")
    assert (read.json(), read.headers["content-type"]) == ({"a": [1]}, "application/json")
    assert (await client("PUT", OF + "/humidity/value", body=b'"t"', content_type="text/plain")).status == 204
    assert (await client.get(OF + "/humidity/value", accept="application/json")).error == (
        406,
        "NotAcceptable",
    )
    wrong = await client("PUT", OF + "/humidity/value", body=b"bare", content_type="text/plain")
    assert wrong.error == (400, "BadRequest")


async def test_what_is_deleted_is_gone(client: Client) -> None:
    assert (await client.delete(OF + "/humidity")).status == 204
    assert (await client.get(OF + "/humidity")).error == (404, "NotFound")
    assert (await client.delete(OF + "/humidity")).error == (404, "NotFound")
    assert (await client.delete("entities/Room1")).status == 204
    gone = await client.get("entities/Room1")
    assert gone.json() == {
        "error": "NotFound",
        "description": "The requested entity has not been found. Check type and id",
    }


async def test_one_id_may_be_of_two_types_and_an_id_alone_is_then_not_enough(client: Client) -> None:
    assert (
        await client.post("entities?options=keyValues", {"id": "Room1", "type": "Hall", "a": 1})
    ).status == 201
    assert (await client.get("entities/Room1")).error == (409, "TooManyResults")
    assert (await client.delete("entities/Room1")).error == (409, "TooManyResults")
    assert (await client.patch(OF + "?type=Hall&options=keyValues", {"a": 2})).status == 204
    assert (await client.get("entities/Room1?type=Hall&options=keyValues")).json()["a"] == 2
    assert (await client.delete("entities/Room1?type=Room")).status == 204
    assert (await client.get("entities/Room1")).json()["type"] == "Hall"
    assert (await client.post("entities", ROOM)).status == 201
    assert (await client.post("entities", {"id": "Room1", "type": "Hall"})).error == (422, "Unprocessable")


async def test_service_paths_and_services_keep_entities_apart(client: Client) -> None:
    await client.post(
        "entities?options=keyValues", {"id": "Room1", "type": "Room", "a": 1}, fiware_servicepath="/Kaga"
    )
    await client.post("entities", {"id": "Deep", "type": "Room"}, fiware_servicepath="/Kaga/Hashitate")

    async def ids(**headers: str) -> list[str]:
        return [one["id"] for one in (await client.get("entities?orderBy=id", **headers)).json()]

    assert await ids() == ["Deep", "Room1", "Room1"]
    assert await ids(fiware_servicepath="/") == ["Room1"]
    assert await ids(fiware_servicepath="/Kaga") == ["Room1"]
    assert await ids(fiware_servicepath="/Kaga/#") == ["Deep", "Room1"]
    assert await ids(fiware_servicepath="/, /Kaga/Hashitate") == ["Deep", "Room1"]
    assert await ids(fiware_service="other") == []
    assert (await client.patch(OF + "?options=keyValues", {"a": 2}, fiware_servicepath="/Kaga")).status == 204
    assert (await client.get("entities/Room1", fiware_servicepath="/")).json() == ROOM
    assert (await client.get("entities", fiware_servicepath="Kaga")).error == (400, "BadRequest")
    assert (await client.get("entities", fiware_service="a-b")).error == (400, "BadRequest")


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "Room"},
        {"id": "a b"},
        {"id": "a", "type": "x?y"},
        {"id": "a", "b(": {"value": 1}},
        {"id": "a", "b": {"value": "x<y"}},
        {"id": "a", "b": {"value": [{"c;": 1}]}},
        {"id": "a", "b": {"value": 1, "metadata": {"m": {"value": "'"}}}},
        {"id": "a", "b": {"wrong": 1}},
        {"id": "a", "b": 1},
        {"id": "a" * 257},
        {"id": "a", "b": {"value": "x", "type": "DateTime"}},
        {"id": "a", "b": {"value": "91, 0", "type": "geo:point"}},
        {"id": "a", "b": {"value": {"type": "Point"}, "type": "geo:json"}},
        {"id": "a", "b": {"value": "urn:ngsi-ld:null"}},
    ],
    ids=repr,
)
async def test_what_may_not_be_written_is_refused(client: Client, payload: dict[str, Any]) -> None:
    assert (await client.post("entities", payload)).error == (400, "BadRequest")


async def test_refusals_are_in_orions_words(client: Client) -> None:
    assert (await client("POST", "entities", body=b"{")).error == (400, "ParseError")
    assert (await client("POST", "entities", body=b"{}", content_type="text/html")).error == (
        415,
        "UnsupportedMediaType",
    )
    assert (await client("DELETE", "entities")).error == (405, "MethodNotAllowed")
    assert (await client.get("entities?options=wrong")).error == (400, "BadRequest")
    assert (await client.get("entities?limit=-1")).error == (400, "BadRequest")
    assert (await client.get("entities?options=append")).status == 200  # an option of another operation
    assert (await client.get("entities?limit=1001")).error == (400, "BadRequest")
    assert (await client.get("entities?id=a&idPattern=b")).error == (400, "BadRequest")
    assert (await client.get("entities", accept="text/html")).error == (406, "NotAcceptable")
    assert (await client.get("nothing")).error == (404, "NotFound")
    assert (await client.post("registrations", {})).error == (400, "BadRequest")


async def test_a_correlator_is_given_back_or_made(client: Client) -> None:
    assert (await client.get("entities", fiware_correlator="abc")).headers["fiware-correlator"] == "abc"
    assert len((await client.get("entities")).headers["fiware-correlator"]) == 36


async def test_an_expiring_entity_expires(client: Client) -> None:
    when = {"value": "2020-01-01T00:00:00.000Z", "type": "DateTime"}
    await client.post("entities", {"id": "Old", "type": "Room", "dateExpires": when})
    assert (await client.get("entities/Old")).status == 404
    later = {"value": "2120-01-01T00:00:00.000Z", "type": "DateTime", "metadata": {}}
    await client.post("entities", {"id": "New", "type": "Room", "dateExpires": later})
    assert (await client.get("entities/New")).json() == {"id": "New", "type": "Room"}
    assert (await client.get("entities/New?attrs=dateExpires")).json()["dateExpires"] == later
    sooner = {"value": "2100-01-01T00:00:00Z", "type": "DateTime"}
    assert (await client.put("entities/New/attrs/dateExpires", sooner)).status == 204
    read = (await client.get("entities/New?attrs=dateExpires&options=keyValues")).json()
    assert read["dateExpires"] == "2100-01-01T00:00:00.000Z"
    assert (await client.put("entities/New/attrs/dateExpires", {"value": "x"})).error == (400, "BadRequest")
    assert (await client.delete("entities/New/attrs/dateExpires")).status == 204
    assert "dateExpires" not in (await client.get("entities/New?attrs=dateExpires")).json()


async def test_clients_of_either_dialect_ask_for_the_version(client: Client) -> None:
    client.root = ""
    told = (await client.get("version", accept="application/ld+json")).json()
    assert told.keys() == {"orion", "kitamae"}


@pytest.mark.parametrize("path", ["Kaga", "//Kaga", "/Kaga//", "/Kaga//x", "/a-b", "/#", "/a, /b", "/a" * 11])
async def test_what_is_no_service_path_of_a_write_is_refused(client: Client, path: str) -> None:
    room = {"id": "Room9", "type": "Room"}
    assert (await client.post("entities", room, fiware_servicepath=path)).error == (400, "BadRequest")
    assert (
        await client.post("entities", room, fiware_servicepath="/Kaga/x/")
    ).status == 201  # one slash more is none


async def test_values_stand_by_the_names_of_their_attributes_whenever_those_came(client: Client) -> None:
    await client.post("entities?options=keyValues", {"id": "E", "type": "T", "b": 2, "d": 4})
    await client.post("entities/E/attrs?options=keyValues", {"c": 3, "a": 1})
    assert (await client.get("entities/E?options=values")).json() == [1, 2, 3, 4]
    assert (await client.get("entities/E?options=values&attrs=d,a")).json() == [4, 1]
