"""filip's NGSI-LD round."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from filip.clients.ngsi_ld.cb import ContextBrokerLDClient
from filip.models.base import FiwareLDHeader
from filip.models.ngsi_ld.context import (
    ActionTypeLD,
    ContextGeoProperty,
    ContextLDEntity,
    ContextLDEntityKeyValues,
    ContextProperty,
    NamedContextProperty,
    NamedContextRelationship,
)
from filip.models.ngsi_ld.subscriptions import SubscriptionLD
from requests import RequestException
from running import Listener


@pytest.fixture
def client(address: str) -> Iterator[ContextBrokerLDClient]:
    header = FiwareLDHeader(ngsild_tenant=f"t{uuid4().hex}")
    with ContextBrokerLDClient(url=address, fiware_header=header) as client:
        yield client


def room(number: int = 1, temperature: float = 21.5) -> ContextLDEntity:
    return ContextLDEntity(
        id=f"urn:ngsi-ld:Room:{number:03}",
        type="Room",
        temperature={"type": "Property", "value": temperature, "unitCode": "CEL"},
        isIn={"type": "Relationship", "object": "urn:ngsi-ld:Building:1"},
    )


def shown(entity: ContextLDEntity) -> dict[str, object]:
    """Without the @context, which the broker adds to an answer."""
    return entity.model_dump(exclude_none=True, exclude={"context"})


def test_an_entity_from_its_creation_to_its_end(client: ContextBrokerLDClient) -> None:
    assert client.get_version()
    client.post_entity(room())
    with pytest.raises(RequestException):
        client.post_entity(room())
    assert shown(client.get_entity("urn:ngsi-ld:Room:001")) == shown(room())
    plain = client.get_entity("urn:ngsi-ld:Room:001", options="keyValues")
    assert isinstance(plain, ContextLDEntityKeyValues)
    assert plain.model_extra == {"temperature": 21.5, "isIn": "urn:ngsi-ld:Building:1"}
    client.post_entity(room(temperature=23.0), update=True)
    client.replace_existing_attributes_of_entity(room(temperature=24.0))
    client.update_entity_attribute("urn:ngsi-ld:Room:001", ContextProperty(value=25.0), "temperature")
    assert client.get_entity("urn:ngsi-ld:Room:001").temperature.value == 25.0
    more = ContextLDEntity(id="urn:ngsi-ld:Room:001", type="Room", co2={"type": "Property", "value": 700})
    client.append_entity_attributes(more)
    client.append_entity_attributes(
        room(temperature=1.0), options="noOverwrite"
    )  # 207: nothing was there to append
    assert client.get_entity("urn:ngsi-ld:Room:001").temperature.value == 25.0
    client.delete_attribute("urn:ngsi-ld:Room:001", "co2")
    properties = client.get_entity("urn:ngsi-ld:Room:001").get_properties()
    assert properties == [NamedContextProperty(name="temperature", value=25.0, unitCode="CEL")]
    relations = client.get_entity("urn:ngsi-ld:Room:001").get_relationships()
    assert relations == [NamedContextRelationship(name="isIn", object="urn:ngsi-ld:Building:1")]
    client.delete_entity_by_id("urn:ngsi-ld:Room:001", entity_type="Room")
    assert client.get_entity_list(entity_type="Room") == []


def test_batches_and_lists_on_several_pages(client: ContextBrokerLDClient) -> None:
    client.pagination_limit = 10
    rooms = [room(n, n) for n in range(1, 26)]
    client.entity_batch_operation(entities=rooms, action_type=ActionTypeLD.CREATE)
    assert len(client.get_entity_list(entity_type="Room")) == 25
    client.entity_batch_operation(entities=[room(1, 99)], action_type=ActionTypeLD.UPDATE)
    client.entity_batch_operation(entities=[room(2, 98), room(26, 97)], action_type=ActionTypeLD.UPSERT)
    hot = client.get_entity_list(q="temperature>90")
    assert {one.id[-3:] for one in hot} == {"001", "002", "026"}
    place = ContextGeoProperty(type="GeoProperty", value={"type": "Point", "coordinates": [136.3, 36.3]})
    client.post_entity(ContextLDEntity(id="urn:ngsi-ld:Hall:1", type="Hall", location=place))
    near = client.get_entity_list(
        georel="near;maxDistance==1000", geometry="Point", coordinates="[136.301,36.301]"
    )
    assert [one.id for one in near] == ["urn:ngsi-ld:Hall:1"]
    client.entity_batch_operation(entities=rooms, action_type=ActionTypeLD.DELETE)
    left = client.get_entity_list(entity_type="Room,Hall")
    assert {one.id for one in left} == {"urn:ngsi-ld:Room:026", "urn:ngsi-ld:Hall:1"}


def test_a_subscription_is_told_shown_changed_and_deleted(
    client: ContextBrokerLDClient, listener: Listener
) -> None:
    wanted = {
        "id": "urn:ngsi-ld:Subscription:rooms",
        "type": "Subscription",
        "entities": [{"type": "Room"}],
        "watchedAttributes": ["temperature"],
        "q": "temperature>20",
        "notification": {
            "attributes": ["temperature"],
            "format": "keyValues",
            "endpoint": {"uri": listener.url + "/told", "accept": "application/json"},
        },
    }
    id = client.post_subscription(SubscriptionLD(**wanted))
    assert id == "urn:ngsi-ld:Subscription:rooms"
    client.post_entity(room(1, 15))
    client.post_entity(room(2, 25))
    told = listener.next()
    assert told.body["data"] == [{"id": "urn:ngsi-ld:Room:002", "type": "Room", "temperature": 25}]
    read = client.get_subscription(id)
    assert (read.q, read.watchedAttributes) == ("temperature>20", ["temperature"])
    changed = SubscriptionLD(**{**wanted, "q": "temperature<20"})
    client.update_subscription(changed)
    client.post_entity(room(3, 5))
    assert listener.next().body["data"][0]["id"] == "urn:ngsi-ld:Room:003"
    assert [one.id for one in client.get_subscription_list()] == [id]
    client.delete_subscription(id)
    assert client.get_subscription_list() == []
