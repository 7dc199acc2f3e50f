"""ngsildclient, Orange's NGSI-LD client: its own round."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from ngsildclient import Client, Entity
from ngsildclient.api.helper.subscription import SubscriptionBuilder
from running import Listener


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    parts = urlsplit(address)
    with Client(
        parts.hostname, parts.port
    ) as client:  # it asks before it writes: a new tenant would be unknown
        yield client
        client.purge()


def room(number: int = 1, temperature: float = 21.5) -> Entity:
    made = Entity("Room", f"{number:03}")
    made.prop("temperature", temperature, unitcode="CEL")
    made.gprop("location", (36.3, 136.3))
    made.rel("isIn", "urn:ngsi-ld:Building:1")
    return made


def test_an_entity_from_its_creation_to_its_end(client: Client) -> None:
    client.create(room())
    read = client.get(room())
    assert read["temperature"]["value"] == 21.5
    assert read["location"]["value"] == {"type": "Point", "coordinates": [136.3, 36.3]}
    assert read["isIn"]["object"] == "urn:ngsi-ld:Building:1"
    assert client.exists("urn:ngsi-ld:Room:001")
    client.upsert(room(temperature=23))
    client.update(room(temperature=24))
    assert client.get("urn:ngsi-ld:Room:001")["temperature"]["value"] == 24
    assert client.delete(room())
    assert not client.exists(room())


def test_batches_counts_and_pages(client: Client) -> None:
    assert client.create([room(n, n) for n in range(1, 26)])[0]
    assert client.upsert([room(1, 99), room(26, 98)])[0]
    assert client.update([room(2, 97)])[0]
    assert (client.count("Room"), client.count(q="temperature>90")) == (26, 3)
    assert len(client.query_all("Room", limit=10)) == 26
    assert [one.id for one in client.query_head(q="temperature==99")] == ["urn:ngsi-ld:Room:001"]
    assert client.list_types() == ["Room"]
    client.drop("Room")
    assert client.count("Room") == 0


def test_a_subscription_is_told_shown_and_deleted(client: Client, listener: Listener) -> None:
    builder = SubscriptionBuilder(listener.url + "/told").name("rooms").select_type("Room")
    id = client.subscriptions.create(builder.watch(["temperature"]).query("temperature>20").build())
    client.create(room(1, 15))
    client.create(room(2, 25))
    told = listener.next()
    assert [one["id"] for one in told.body["data"]] == ["urn:ngsi-ld:Room:002"]
    assert client.subscriptions.exists(id)
    assert client.subscriptions.delete(None)
    assert client.subscriptions.list() == []


def test_a_context_is_added_used_and_deleted(client: Client) -> None:
    client.contexts.add({"@context": {"warmth": "https://example.org/warmth"}})
    (address,) = client.contexts.list("jsonldContexts")
    name = address.rpartition("/")[2]
    assert client.contexts.exists(name)
    assert client.contexts.get(name)["@context"] == {"warmth": "https://example.org/warmth"}
    assert client.contexts.delete(name)
