"""One entity, two dialects (docs/connect/ngsiv2.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.policy import Policy

if TYPE_CHECKING:
    from v2_client import Client

    from kitamae.kernel.context.broker import Broker

ID = "urn:ngsi-ld:Room:1"


async def test_what_v2_writes_ngsi_ld_understands(client: Client, ld: Client) -> None:
    meta = {
        "observedAt": {"value": "2026-11-21T00:00:00Z", "type": "DateTime"},
        "unitCode": {"value": "CEL", "type": "Text"},
        "accuracy": {"value": 0.5, "type": "Number"},
        "value": {"value": "not the value", "type": "Text"},
    }
    written = {
        "id": ID,
        "type": "Room",
        "temperature": {"value": 21.5, "type": "Number", "metadata": meta},
        "isIn": {"value": "urn:ngsi-ld:Building:1", "type": "Relationship"},
        "since": {"value": "2026-11-21T09:00:00+09:00", "type": "DateTime"},
        "place": {"value": "36.3, 136.3", "type": "geo:point"},
        "nothing": {"value": None, "type": "None"},
    }
    await client.post("entities", written, fiware_servicepath="/Kaga")
    assert (await ld.get(f"entities/{ID}")).json() == {
        "id": ID,
        "type": "Room",
        "scope": "/Kaga",
        "temperature": {
            "type": "Property",
            "value": 21.5,
            "observedAt": "2026-11-21T00:00:00Z",
            "unitCode": "CEL",
            "accuracy": {"type": "Property", "value": 0.5},
            "ngsi-ld:default-context/value": {
                "type": "Property",
                "value": "not the value",
            },
        },
        "isIn": {"type": "Relationship", "object": "urn:ngsi-ld:Building:1"},
        "since": {"type": "Property", "value": {"@type": "DateTime", "@value": "2026-11-21T00:00:00Z"}},
        "place": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.3, 36.3]}},
        "nothing": {"type": "JsonProperty", "json": None},
    }


async def test_what_ngsi_ld_writes_v2_shows(client: Client, ld: Client) -> None:
    written = {
        "id": ID,
        "type": "Room",
        "temperature": [
            {"type": "Property", "value": 21, "observedAt": "2026-11-21T00:00:00Z", "unitCode": "CEL"},
            {"type": "Property", "value": 22, "datasetId": "urn:ngsi-ld:Dataset:other"},
        ],
        "name": {"type": "LanguageProperty", "languageMap": {"ja": "部屋"}},
        "isIn": {
            "type": "Relationship",
            "object": "urn:ngsi-ld:Building:1",
            "since": {"type": "Property", "value": 2020},
        },
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.3, 36.3]}},
        "kind": {"type": "VocabProperty", "vocab": "Meeting"},
        "https://other.example/x#y": {"type": "Property", "value": 1},
    }
    assert (await ld.post("entities", written)).status == 201
    shown = {
        "id": ID,
        "type": "Room",
        "temperature": {
            "type": "Number",
            "value": 21,
            "metadata": {
                "observedAt": {"type": "DateTime", "value": "2026-11-21T00:00:00.000Z"},
                "unitCode": {"type": "Text", "value": "CEL"},
            },
        },
        "name": {"type": "LanguageProperty", "value": {"ja": "部屋"}, "metadata": {}},
        "isIn": {
            "type": "Relationship",
            "value": "urn:ngsi-ld:Building:1",
            "metadata": {"since": {"type": "Number", "value": 2020}},
        },
        "location": {
            "type": "geo:json",
            "value": {"type": "Point", "coordinates": [136.3, 36.3]},
            "metadata": {},
        },
        "kind": {"type": "VocabProperty", "value": "Meeting", "metadata": {}},
        "https://other.example/x#y": {"type": "Number", "value": 1, "metadata": {}},
    }
    assert (await client.get(f"entities/{ID}")).json() == shown
    before = (await ld.get(f"entities/{ID}")).json()
    del shown["id"], shown["type"]
    assert (await client.patch(f"entities/{ID}/attrs", shown)).status == 204  # written back as it was read
    assert (await ld.get(f"entities/{ID}")).json() == before


@pytest.mark.parametrize(
    "name", ["temperature-1", "1st", "scope", "object", "dateObserved", "観測 値".replace(" ", ""), "a:b"]
)
async def test_any_name_of_v2_is_an_attribute_in_ngsi_ld(client: Client, ld: Client, name: str) -> None:
    written: dict[str, Any] = {
        "id": "Room1",
        "type": "Room",
        name: {"value": 1, "type": "Number", "metadata": {}},
    }
    assert (await client.post("entities", written)).status == 201
    assert (await client.get("entities/Room1")).json() == written
    read = (await ld.get("entities/urn:ngsi-v2:Room1")).json()
    assert read.pop("id") == "urn:ngsi-v2:Room1"
    assert {"type": "Property", "value": 1} in read.values()


async def test_of_two_entities_with_one_id_ngsi_ld_knows_the_first(client: Client, ld: Client) -> None:
    """NGSI-LD knows an entity by its id alone; NGSIv2 by id, type and service path (docs/connect/ngsiv2.md)."""
    for type, value in (("Room", 1), ("Car", 2)):
        await client.post("entities?options=keyValues", {"id": ID, "type": type, "n": value})
    await client.post(
        "entities?options=keyValues", {"id": ID, "type": "Room", "n": 3}, fiware_servicepath="/Kaga"
    )

    async def values() -> list[Any]:
        found = (await client.get("entities?options=keyValues&attrs=n")).json()
        return [(one["type"], one["n"]) for one in found]

    assert (await ld.get(f"entities/{ID}?options=keyValues")).json()["n"] == 1
    assert (await ld.get(f"entities/{ID}?type=Car")).status == 404
    assert [one["n"] for one in (await ld.get("entities?type=Room,Car&options=keyValues")).json()] == [
        1,
        2,
        3,
    ]
    patch = {"n": {"type": "Property", "value": 10}}
    assert (await ld.patch(f"entities/{ID}/attrs", patch)).status == 204
    assert await values() == [("Room", 10), ("Car", 2), ("Room", 3)]
    assert (await client.get(f"entities/{ID}")).error == (409, "TooManyResults")
    assert (await client.patch(f"entities/{ID}/attrs?type=Car", {"n": {"value": 20}})).status == 204
    assert await values() == [("Room", 10), ("Car", 20), ("Room", 3)]
    assert (await ld.delete(f"entities/{ID}")).status == 204
    assert await values() == [("Car", 20), ("Room", 3)]
    assert (await ld.get(f"entities/{ID}")).status == 404  # the others stay without a first, for queries
    await client.post("entities?options=keyValues", {"id": ID, "type": "Bus", "n": 4})
    assert (await ld.get(f"entities/{ID}?options=keyValues")).json()["n"] == 4


async def test_a_change_in_one_dialect_is_seen_in_the_other(client: Client, ld: Client) -> None:
    await client.post("entities", {"id": ID, "type": "Room", "p": {"value": "1.0, 2.0", "type": "geo:point"}})
    geometry = {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}
    await ld.patch(f"entities/{ID}/attrs/p", {"type": "GeoProperty", "value": geometry})
    assert (await client.get(f"entities/{ID}/attrs/p")).json() == {
        "type": "geo:json",
        "value": geometry,
        "metadata": {},
    }
    assert (await ld.get("entities?type=Room&q=p")).json()[0]["id"] == ID
    await ld.delete(f"entities/{ID}")
    assert (await client.get(f"entities/{ID}")).status == 404


async def test_what_v2_may_not_write_it_may_write_back(client: Client, ld: Client) -> None:
    source = {
        "type": "Property",
        "value": "加賀市(SOURCES.md); <a>",
        "note": {"type": "Property", "value": "(b)"},
    }
    await ld.post("entities", {"id": ID, "type": "Room", "source": source})
    read = (await client.get(f"entities/{ID}/attrs")).json()
    assert read["source"]["value"] == source["value"]
    assert (await client.patch(f"entities/{ID}/attrs", read)).status == 204
    assert (await ld.get(f"entities/{ID}")).json()["source"] == source
    read["source"]["metadata"]["note"]["value"] = "(c)"
    assert (await client.patch(f"entities/{ID}/attrs", read)).error == (400, "BadRequest")
    assert (await client.patch(f"entities/{ID}/attrs", {"source": {"value": "(d)"}})).error == (
        400,
        "BadRequest",
    )


async def test_history_is_kept_of_what_v2_writes(client: Client, ld: Client) -> None:
    for value in (1, 2):
        when = {"observedAt": {"value": f"2026-11-21T00:00:0{value}Z", "type": "DateTime"}}
        given = {"id": ID, "type": "Room", "t": {"value": value, "type": "Number", "metadata": when}}
        await client.post("entities?options=upsert", given)
    past = (await ld.get(f"temporal/entities/{ID}?options=temporalValues")).json()
    assert past["t"]["values"] == [[1, "2026-11-21T00:00:01Z"], [2, "2026-11-21T00:00:02Z"]]


async def test_nobody_writes_who_may_not(broker: Broker, client: Client) -> None:
    broker.policy = Policy()
    room = {"id": "Room1", "type": "Room"}
    assert (await client.post("entities", room)).error == (401, "Unauthorized")
    client.principal = Principal(
        "d", "device", frozenset({"write:entity:" + "https://uri.etsi.org/ngsi-ld/default-context/Room"})
    )
    assert (await client.post("entities", room)).status == 201
    assert (await client.post("entities", {"id": "Car1", "type": "Car"})).error == (403, "Forbidden")
    assert (await client.get("entities/Room1")).status == 200
