"""`Prefer: ngsi-ld=<version>`: answers in the words of an earlier version of the specification (4.3.6.8, 6.3.6)."""

from __future__ import annotations

from typing import Any

import pytest
from api_client import Client

ID = "urn:ngsi-ld:Room:1"
ROOM: dict[str, Any] = {
    "id": ID,
    "type": ["Room", "Hall"],
    "scope": "/kaga",
    "temperature": [
        {"type": "Property", "value": 20, "unitCode": "CEL", "observedAt": "2026-01-01T00:00:00Z"},
        {"type": "Property", "value": 21, "datasetId": "urn:x:attic"},
    ],
    "title": {"type": "LanguageProperty", "languageMap": {"ja": "和室", "en": "Room"}},
    "use": {"type": "VocabProperty", "vocab": "meeting"},
    "plan": {"type": "JsonProperty", "json": {"walls": 4}},
    "seats": {"type": "ListProperty", "valueList": [1, 2]},
    "doors": {"type": "ListRelationship", "objectList": [{"object": "urn:x:door"}]},
    "in": {
        "type": "Relationship",
        "object": "urn:x:house",
        "objectType": "House",
        "since": {"type": "Property", "value": 1919, "valueType": "Year"},
    },
}


async def read(client: Client, version: str, path: str = f"entities/{ID}") -> tuple[int, Any, str | None]:
    await client.post("entities", ROOM)
    answer = await client.get(path, prefer=f"ngsi-ld={version}")
    return answer.status, answer.json(), answer.header("preference-applied")


async def test_a_room_as_version_1_0_could_say_it(client: Client) -> None:
    assert await read(client, "1.0") == (
        203,
        {
            "id": ID,
            "type": "Room",
            "temperature": {"type": "Property", "value": 20},
            "title": {"type": "Property", "value": {"ja": "和室", "en": "Room"}},
            "use": {"type": "Property", "value": "meeting"},
            "plan": {"type": "Property", "value": {"walls": 4}},
            "seats": {"type": "Property", "value": [1, 2]},
            "doors": {"type": "Relationship", "object": ["urn:x:door"]},
            "in": {
                "type": "Relationship",
                "object": "urn:x:house",
                "since": {"type": "Property", "value": 1919},
            },
        },
        "ngsi-ld=1.0",
    )


async def test_what_a_version_knew_stays(client: Client) -> None:
    status, room, applied = await read(client, "1.4")
    assert (status, applied) == (203, "ngsi-ld=1.4")
    assert room["scope"] == "/kaga"
    assert room["type"] == ["Room", "Hall"]
    assert room["title"]["type"] == "LanguageProperty"
    assert len(room["temperature"]) == 2
    assert room["use"]["type"] == "Property"


@pytest.mark.parametrize("version", ["1.9", "2.7"])
async def test_the_newest_version_changes_nothing(client: Client, version: str) -> None:
    assert await read(client, version) == (200, ROOM, "ngsi-ld=1.9")


async def test_lists_and_short_forms_follow_too(client: Client) -> None:
    status, (room,), applied = await read(client, "1.5", "entities?type=Room&format=simplified&pick=use")
    assert (status, room, applied) == (203, {"use": "meeting"}, "ngsi-ld=1.5")


@pytest.mark.parametrize(
    "prefer", ["NGSI-LD=1.0", 'ngsi-ld="1.0"', "ngsi-ld=1.0;q=0.1", "respond-async, ngsi-ld = 1.0"]
)
async def test_any_spelling_of_the_preference_is_understood(client: Client, prefer: str) -> None:
    await client.post("entities", ROOM)
    answer = await client.get("types", prefer=prefer)
    assert (answer.status, answer.header("preference-applied")) == (200, "ngsi-ld=1.0")


@pytest.mark.parametrize("prefer", ["respond-async", "ngsi-ld=x", "ngsi-ld=0.9", "not-ngsi-ld=1.0"])
async def test_other_preferences_apply_no_version(client: Client, prefer: str) -> None:
    await client.post("entities", ROOM)
    answer = await client.get(f"entities/{ID}", prefer=prefer)
    assert (answer.status, answer.header("preference-applied")) == (200, None)


async def test_a_history_is_of_the_newest_version_and_says_so(client: Client) -> None:
    await client.post("entities", ROOM)
    answer = await client.get(f"temporal/entities/{ID}", prefer="ngsi-ld=1.0")
    assert (answer.status, answer.header("preference-applied")) == (200, "ngsi-ld=1.9")
