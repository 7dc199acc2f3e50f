"""What a subscriber of NGSIv2 is sent, and how often: Orion's manual, "Custom Notifications" to "Covered Subscriptions"."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiomqtt
import orjson
import pytest
from v2_subscribing import body, put, subscribe

from mosquitto import Mosquitto, mosquitto
from receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from v2_client import Client


def custom(receiver: Receiver, **given: Any) -> dict[str, Any]:
    document = body(receiver)
    document["notification"] = {"httpCustom": {"url": receiver.uri, **given}}
    return document


async def test_an_entity_is_patched_before_it_is_told(client: Client, receiver: Receiver) -> None:
    patch = {
        "id": "prefix:${id}",
        "type": "New${t}",
        "t": {"value": "${t}", "type": "Calculated"},
        "where": {"value": "${servicePath} of ${service}"},
        "none": {"value": "${missing}"},
    }
    document = custom(receiver, ngsi=patch)
    document["notification"]["attrs"] = ["where", "t", "none"]
    await subscribe(client, document)
    await put(client, t=1.0, other=2)
    (got,) = await receiver.got(1)
    assert got["data"] == [
        {
            "id": "prefix:Room1",
            "type": "New1",
            "where": {"type": "Text", "value": "/ of ", "metadata": {}},
            "t": {"type": "Calculated", "value": 1.0, "metadata": {}},
            "none": {"type": "None", "value": None, "metadata": {}},
        }
    ]
    assert receiver.headers[0]["ngsiv2-attrsformat"] == "normalized"


async def test_a_patch_may_be_told_simply(client: Client, receiver: Receiver) -> None:
    document = custom(receiver, ngsi={"b": {"value": "${a}!"}})
    document["notification"]["attrsFormat"] = "simplifiedKeyValues"
    await subscribe(client, document)
    await put(client, a="x")
    (got,) = await receiver.got(1)
    assert got == {"id": "Room1", "type": "Room", "a": "x", "b": "x!"}


async def test_headers_and_text_are_decoded_and_say_what_they_are(client: Client, receiver: Receiver) -> None:
    headers = {
        "Authorization": "Basic ABC%3D%3D",
        "X-${type}": "${id}",
        "Fiware-ServicePath": "",
        "Fiware-Correlator": "mine",
        "Host": "elsewhere",
    }
    given = {"headers": headers, "payload": "%22${t}%22", "method": "PATCH"}
    await subscribe(client, custom(receiver, **given))
    await put(client, t="50%25")
    assert await receiver.got(1) == ["50%25"]  # what the value holds is not decoded
    got = receiver.headers[0]
    assert (got["authorization"], got["x-room"]) == ("Basic ABC==", "Room1")
    assert (got["content-type"], got["ngsiv2-attrsformat"]) == ("text/plain", "custom")
    assert "fiware-servicepath" not in got
    assert got["fiware-correlator"] != "mine"
    assert got["host"] == f"127.0.0.1:{receiver.port}"


async def test_a_covered_subscription_tells_what_is_missing_as_null(
    client: Client, receiver: Receiver
) -> None:
    document = body(receiver, attrs=["a", "b", "c"], covered=True, attrsFormat="values")
    await subscribe(client, document)
    await put(client, c=3, a=1)
    (got,) = await receiver.got(1)
    assert got["data"] == [[1, None, 3]]


async def test_only_what_changed_is_told_with_the_builtin_attributes(
    client: Client, receiver: Receiver
) -> None:
    await put(client, a=1, b=2)
    document = body(
        receiver, attrs=["a", "b", "alterationType"], onlyChangedAttrs=True, attrsFormat="keyValues"
    )
    await subscribe(client, document)
    await client.patch("entities/Room1/attrs?options=keyValues", {"a": 5, "b": 2})
    (got,) = await receiver.got(1)
    assert got["data"] == [{"id": "Room1", "type": "Room", "a": 5, "alterationType": "entityChange"}]


async def test_a_forced_update_is_told_although_nothing_changed(client: Client, receiver: Receiver) -> None:
    await put(client, a=1)
    await subscribe(client, body(receiver, {"attrs": ["a"]}, attrsFormat="keyValues"))
    forced = "?options=forcedUpdate"
    same = {"a": {"value": 1}}
    await client.patch("entities/Room1/attrs", same)
    await client.patch("entities/Room1/attrs" + forced, same)
    await client.put("entities/Room1/attrs/a" + forced, same["a"])
    await client("PUT", "entities/Room1/attrs/a/value" + forced, body=b"1", content_type="text/plain")
    await client.post("op/update" + forced, {"actionType": "update", "entities": [{"id": "Room1", **same}]})
    await client.patch("entities/Room1/attrs", {"a": {"value": 2}})
    got = await receiver.got(5)
    assert [one["data"][0]["a"] for one in got] == [1, 1, 1, 1, 2]


async def test_metadata_alone_are_told_unless_the_subscriber_does_not_want_them(
    client: Client, receiver: Receiver
) -> None:
    await put(client, a=1)
    await subscribe(client, body(receiver, {"notifyOnMetadataChange": False}, attrs=["a"]))
    await subscribe(client, body(receiver, attrs=["a"], attrsFormat="keyValues"))
    with_metadata = {"a": {"value": 1, "metadata": {"m": {"value": 1}}}}
    await client.patch("entities/Room1/attrs", with_metadata)
    await client.patch("entities/Room1/attrs", {"a": {"value": 2}})
    got = await receiver.got(3)
    told = sorted(str(one["data"][0]["a"]) for one in got)
    assert told[:2] == ["1", "2"]
    assert "'value': 2" in told[2]


async def test_a_oneshot_subscription_is_told_once_until_it_is_wound_again(
    client: Client, receiver: Receiver
) -> None:
    id = await subscribe(client, {**body(receiver, attrsFormat="keyValues"), "status": "oneshot"})
    assert (await client.get(f"subscriptions/{id}")).json()["status"] == "oneshot"
    rooms = [{"id": f"R{n}", "type": "Room"} for n in range(5)]
    await client.post("op/update", {"actionType": "append", "entities": rooms})  # in one commit
    assert (await client.get(f"subscriptions/{id}")).json()["status"] == "inactive"
    await client.patch(f"subscriptions/{id}", {"description": "still spent"})
    assert (await client.get(f"subscriptions/{id}")).json()["status"] == "inactive"
    await put(client, "Unheard")
    assert (await client.patch(f"subscriptions/{id}", {"status": "oneshot"})).body == b""
    await put(client, "Heard")
    got = await receiver.got(2)
    assert [one["data"][0]["id"] for one in got] == ["R0", "Heard"]


async def test_too_many_failures_in_a_row_end_it_until_its_owner_wakes_it(
    client: Client, receiver: Receiver
) -> None:
    receiver.status = 503
    id = await subscribe(client, body(receiver, attrsFormat="keyValues", maxFailsLimit=2))
    await put(client, t=1)

    async def shown() -> dict[str, Any]:
        return (await client.get(f"subscriptions/{id}")).json()

    async with asyncio.timeout(10):
        while (await shown())["status"] != "inactive":
            await asyncio.sleep(0.01)
    told = (await shown())["notification"]
    assert (told["failsCounter"], told["maxFailsLimit"], told["lastFailureReason"]) == (3, 2, "HTTP 503")
    await put(client, t=2)  # nobody is owed this
    receiver.status = 204
    assert (await client.patch(f"subscriptions/{id}", {"status": "active"})).body == b""
    await put(client, t=3)
    got = await receiver.got(2)
    assert [one["data"][0]["t"] for one in got] == [1, 3]
    async with asyncio.timeout(10):
        while "lastSuccessCode" not in (await shown())["notification"]:
            await asyncio.sleep(0.01)
    told = await shown()
    assert (told["status"], told["notification"]["lastSuccessCode"]) == ("active", 204)
    assert "failsCounter" not in told["notification"]


async def test_lists_are_narrowed_to_a_service_path_and_passwords_are_stars(client: Client) -> None:
    enters = {"url": "mqtt://127.0.0.1:1883", "topic": "t", "user": "city", "passwd": "secret"}
    document = {"subject": {"entities": [{"idPattern": ".*"}]}, "notification": {"mqtt": enters}}
    id = await subscribe(client, document, fiware_servicepath="/Kaga")
    await subscribe(client, document, fiware_servicepath="/Kaga/#")
    listed = (await client.get("subscriptions", fiware_servicepath="/Kaga")).json()
    assert [one["id"] for one in listed] == [id]
    assert len((await client.get("subscriptions")).json()) == 2
    (shown,) = listed
    assert shown["notification"]["mqtt"] == {"qos": 0, "retain": False, **enters, "passwd": "*****"}
    assert shown["subject"]["condition"] == {"attrs": [], "notifyOnMetadataChange": True}
    assert (await client.patch(f"subscriptions/{id}", shown)).status == 204
    assert b"secret" not in (await client.get(f"subscriptions/{id}")).body


@pytest.fixture
def broker_of_messages(tmp_path: Any) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as broker:
        yield broker


async def test_over_mqtt_the_notification_is_the_message(
    broker_of_messages: Mosquitto, client: Client
) -> None:
    port = broker_of_messages.port
    to = {"url": f"mqtt://127.0.0.1:{port}", "topic": "kaga/rooms", "qos": 1, "retain": True}
    subject = {"entities": [{"idPattern": ".*", "type": "Room"}]}
    plain = {"subject": subject, "notification": {"mqtt": to, "attrsFormat": "keyValues"}}
    own = {
        **to,
        "topic": "kaga/${type}/${id}",
        "retain": False,
        "json": {"now": "${t}", "said": "it is ${t}"},
    }
    id = await subscribe(client, plain)
    async with aiomqtt.Client("127.0.0.1", port) as listener:
        await listener.subscribe("#", qos=1)
        await subscribe(client, {"subject": subject, "notification": {"mqttCustom": own}})
        await put(client, t=21.5)
        heard = {}
        async with asyncio.timeout(10):
            async for message in listener.messages:
                heard[str(message.topic)] = (orjson.loads(bytes(message.payload)), message.qos)  # type: ignore[arg-type]
                if len(heard) == 2:
                    break
    message = {"subscriptionId": id, "data": [{"id": "Room1", "type": "Room", "t": 21.5}]}
    assert heard == {
        "kaga/rooms": (message, 1),
        "kaga/Room/Room1": ({"now": 21.5, "said": "it is 21.5"}, 1),
    }
    async with aiomqtt.Client("127.0.0.1", port) as late:
        await late.subscribe("#")
        async with asyncio.timeout(10):
            kept = await anext(aiter(late.messages))
    assert (str(kept.topic), kept.retain) == ("kaga/rooms", True)


async def test_a_value_that_makes_no_topic_blocks_nobody(
    broker_of_messages: Mosquitto, client: Client
) -> None:
    url = f"mqtt://127.0.0.1:{broker_of_messages.port}"
    subject = {"entities": [{"idPattern": ".*", "type": "Room"}]}
    own = {"url": url, "topic": "kaga/${t}", "qos": 1, "json": {"t": "${t}"}}
    async with aiomqtt.Client("127.0.0.1", broker_of_messages.port) as listener:
        await listener.subscribe("kaga/+", qos=1)
        await subscribe(client, {"subject": subject, "notification": {"mqttCustom": own}})
        await put(client, t="a+b#")
        await put(client, t="c")
        async with asyncio.timeout(10):
            message = await anext(aiter(listener.messages))
    assert str(message.topic) == "kaga/c"
