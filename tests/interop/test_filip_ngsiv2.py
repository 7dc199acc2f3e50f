"""filip, the client of RWTH Aachen's institute for building energy: its whole NGSIv2 round."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from filip.clients.ngsi_v2 import ContextBrokerClient
from filip.models.base import FiwareHeader
from filip.models.ngsi_v2.base import EntityPattern, Status
from filip.models.ngsi_v2.context import (
    ActionType,
    ContextAttribute,
    ContextEntity,
    ContextEntityKeyValues,
    NamedContextAttribute,
    Query,
)
from filip.models.ngsi_v2.registrations import DataProvided, Provider, Registration
from filip.models.ngsi_v2.subscriptions import Message, Subscription
from filip.utils.simple_ql import QueryString
from requests import RequestException
from running import Listener


@pytest.fixture
def client(address: str) -> Iterator[ContextBrokerClient]:
    header = FiwareHeader(service=f"t{uuid4().hex}", service_path="/kaga")  # a city of its own for each test
    with ContextBrokerClient(url=address, fiware_header=header) as client:
        yield client


def room(number: int = 1, temperature: float = 21.5) -> ContextEntity:
    attributes = {"temperature": {"type": "Number", "value": temperature}, "name": {"value": f"部屋{number}"}}
    return ContextEntity(id=f"urn:Room:{number:03}", type="Room", **attributes)


def test_management_resources(client: ContextBrokerClient) -> None:
    assert client.get_version()["orion"]["version"]
    assert client.get_resources()["entities_url"] == "/v2/entities"


def test_an_entity_from_its_creation_to_its_end(client: ContextBrokerClient) -> None:
    written = room()
    client.post_entity(written)
    with pytest.raises(RequestException):
        client.post_entity(written)
    client.post_entity(room(temperature=22.0), update=True)
    assert client.does_entity_exist("urn:Room:001", "Room")
    read = client.get_entity("urn:Room:001")
    assert read == room(temperature=22.0)
    assert client.get_entity("urn:Room:001", response_format="keyValues") == ContextEntityKeyValues(
        id="urn:Room:001", type="Room", temperature=22.0, name="部屋1"
    )
    read.add_attributes([NamedContextAttribute(name="co2", type="Number", value=700)])
    client.update_entity(read)
    assert client.get_attribute("urn:Room:001", "co2") == ContextAttribute(type="Number", value=700)
    changed = room(temperature=25.0)
    changed.delete_attributes(["name"])
    client.override_entity(changed)
    assert client.get_entity("urn:Room:001") == changed
    with pytest.raises(RequestException):
        client.patch_entity(room(temperature=19.0))  # its name is gone
    assert client.get_attribute_value("urn:Room:001", "temperature") == 19.0
    client.delete_entity("urn:Room:001", entity_type="Room")
    assert not client.does_entity_exist("urn:Room:001", "Room")


def test_attributes_and_their_values(client: ContextBrokerClient) -> None:
    client.post_entity(room())
    accuracy = {"accuracy": {"type": "Number", "value": 0.5}}
    hot = NamedContextAttribute(name="temperature", type="Number", value=30, metadata=accuracy)
    client.update_entity_attribute("urn:Room:001", hot)
    assert client.get_attribute("urn:Room:001", "temperature").metadata["accuracy"].value == 0.5
    client.update_attribute_value(entity_id="urn:Room:001", attr_name="temperature", value=31)
    assert client.get_attribute_value("urn:Room:001", "temperature") == 31
    client.update_attribute_value(entity_id="urn:Room:001", attr_name="name", value={"ja": "広間"})
    assert client.get_attribute_value("urn:Room:001", "name") == {"ja": "広間"}
    more = [NamedContextAttribute(name="co2", type="Number", value=1)]
    client.update_or_append_entity_attributes("urn:Room:001", more)
    with pytest.raises(RequestException):
        client.update_or_append_entity_attributes("urn:Room:001", more, append_strict=True)
    client.update_existing_entity_attributes(
        "urn:Room:001", [NamedContextAttribute(name="co2", type="Number", value=2)]
    )
    client.delete_entity_attribute("urn:Room:001", "name")
    assert client.get_entity_attributes("urn:Room:001").keys() == {"temperature", "co2"}
    client.replace_entity_attributes("urn:Room:001", more)
    assert client.get_entity_attributes("urn:Room:001").keys() == {"co2"}


def test_lists_are_found_by_pattern_query_and_place_on_several_pages(client: ContextBrokerClient) -> None:
    client.update(entities=[room(n, n) for n in range(1, 26)], action_type=ActionType.APPEND)
    assert len(client.get_entity_list()) == 25
    assert len(client.get_entity_list(entity_types=["Room"], id_pattern="00.$", limit=50)) == 9
    warm = QueryString(qs=[("temperature", ">=", 24)])
    assert [one.id for one in client.get_entity_list(q=warm)] == ["urn:Room:024", "urn:Room:025"]
    assert client.get_entity_list(q=warm, response_format="values", attrs=["temperature"]) == [[24], [25]]
    hall = ContextEntity(id="Hall", type="Hall", location={"type": "geo:point", "value": "36.3, 136.3"})
    client.post_entity(hall)
    near = client.get_entity_list(georel="near;maxDistance:1000", geometry="point", coords="36.301,136.301")
    assert near == [hall]
    types = client.get_entity_types()
    assert {one["type"]: one["count"] for one in types} == {"Hall": 1, "Room": 25}
    assert client.get_entity_type("Room")["count"] == 25


def test_batches_queries_and_notifications_of_another_broker(client: ContextBrokerClient) -> None:
    client.update(entities=[room(1), room(2)], action_type=ActionType.APPEND_STRICT)
    plain = ContextEntityKeyValues(id="urn:Room:001", type="Room", temperature=1)
    client.update(entities=[plain], action_type=ActionType.UPDATE, update_format="keyValues")
    query = Query(entities=[EntityPattern(idPattern=".*", type="Room")], attrs=["temperature"])
    values = {one.id: one.temperature.value for one in client.query(query=query)}
    assert values == {"urn:Room:001": 1, "urn:Room:002": 21.5}
    client.notify(Message(subscriptionId="elsewhere", data=[room(3)]))
    assert client.get_entity("urn:Room:003") == room(3)
    client.update(entities=[room(3, 9)], action_type=ActionType.REPLACE)
    client.delete_entities([room(1), room(2), room(3)])
    assert client.get_entity_list() == []


def test_a_subscription_is_told_shown_changed_and_deleted(
    client: ContextBrokerClient, listener: Listener
) -> None:
    wanted = {
        "description": "rooms",
        "subject": {
            "entities": [{"idPattern": ".*", "type": "Room"}],
            "condition": {"attrs": ["temperature"], "expression": {"q": "temperature>20"}},
        },
        "notification": {"http": {"url": listener.url + "/told"}, "attrs": ["temperature"]},
        "expires": "2100-01-01T00:00:00Z",
        "throttling": 0,
    }
    subscription = Subscription(**wanted)
    id = client.post_subscription(subscription)
    client.post_entity(room(1, 15))
    client.post_entity(room(2, 25))
    told = listener.next()
    assert told.body["subscriptionId"] == id
    assert [one["id"] for one in told.body["data"]] == ["urn:Room:002"]
    assert told.headers["fiware-servicepath"] == "/kaga"
    shown = client.get_subscription(id)
    assert shown.subject.model_dump_json() == subscription.subject.model_dump_json()
    assert shown.notification.http == subscription.notification.http
    shown.status = Status.INACTIVE
    client.update_subscription(shown)
    assert [one.status for one in client.get_subscription_list()] == [Status.INACTIVE]
    client.delete_subscription(id)
    assert client.get_subscription_list() == []


def test_custom_notifications_fill_their_macros(client: ContextBrokerClient, listener: Listener) -> None:
    macros = {"headers": {"X-Type": "${type}"}, "qs": {"id": "${id}"}}
    address = {"url": listener.url + "/told", "method": "PUT", **macros}
    subject = {"entities": [{"id": "urn:Room:001", "type": "Room"}]}
    for payload in (
        {"json": {"t": "${temperature}"}},
        {"ngsi": {"temperature": {"value": "${temperature}!"}}},
    ):
        wanted = {"subject": subject, "notification": {"httpCustom": {**address, **payload}}}
        client.post_subscription(Subscription(**wanted))
    client.post_entity(room())
    told = {str(one.body.get("t")): one for one in (listener.next(), listener.next())}
    assert told["21.5"].path == "/told?id=urn:Room:001"
    assert (told["21.5"].method, told["21.5"].headers["x-type"]) == ("PUT", "Room")
    assert told["None"].body["data"][0]["temperature"]["value"] == "21.5!"


def test_a_context_provider_is_registered_asked_and_told(
    client: ContextBrokerClient, listener: Listener
) -> None:
    listener.answers["/v2/op/query?limit=1000&offset=0"] = [
        {"id": "urn:Room:009", "type": "Room", "temperature": {"type": "Number", "value": 9, "metadata": {}}}
    ]
    provided = DataProvided(entities=[EntityPattern(id="urn:Room:009", type="Room")], attrs=["temperature"])
    wanted = Registration(dataProvided=provided, provider=Provider(http={"url": listener.url + "/v2"}))
    id = client.post_registration(wanted)
    read = client.get_registration(id)
    assert read.dataProvided == provided
    assert [one.id for one in client.get_registration_list(limit=10)] == [id]
    assert client.get_entity("urn:Room:009").temperature.value == 9
    assert listener.next().body["entities"] == [{"id": "urn:Room:009", "type": "Room"}]
    client.update_attribute_value(
        entity_id="urn:Room:009", entity_type="Room", attr_name="temperature", value=10
    )
    told = listener.next()
    assert (told.path, told.body["entities"][0]["temperature"]["value"]) == ("/v2/op/update", 10)
    read.description = "rooms elsewhere"
    client.update_registration(read)
    assert client.get_registration(id).description == "rooms elsewhere"
    client.delete_registration(id)
    assert client.get_registration_list(limit=10) == []
