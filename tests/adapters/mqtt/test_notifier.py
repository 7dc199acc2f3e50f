"""Notifications over a real MQTT broker."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import orjson
import pytest

from kitamae.adapters.mqtt.notifier import Notifier
from kitamae.adapters.sqlite import store as sqlite
from kitamae.kernel.context.jsonld import CORE, Contexts
from kitamae.kernel.context.operations import Command, Upsert
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.post import Outcome
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.problems import BadRequest
from mosquitto import Mosquitto, mosquitto

LOOPBACK = Destinations(loopback=True)
SPEED = CORE.expand("speed")
CAR = CORE.expand("Car")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


@asynccontextmanager
async def listening(port: int, topic: str = "#") -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client("127.0.0.1", port, username="city", password="p@ss") as client:  # a test's
        await client.subscribe(topic, qos=2)
        yield client


async def heard(client: aiomqtt.Client, count: int) -> list[aiomqtt.Message]:
    found: list[aiomqtt.Message] = []
    async with asyncio.timeout(10):
        async for message in client.messages:
            found.append(message)
            if len(found) == count:
                return found
    raise AssertionError("the MQTT broker hung up")


@asynccontextmanager
async def city(
    folder: Path, destinations: Destinations = LOOPBACK
) -> AsyncIterator[tuple[Any, Subscriptions]]:
    store = await sqlite.open(folder / "kitamae.db")
    timing = {"timeout": 2.0, "first_pause": 0.05, "longest_pause": 0.2, "settle_every": 0.01}
    subscriptions = Subscriptions(store, Contexts(), destinations, mqtt=Notifier, **timing)
    await subscriptions.start()
    try:
        yield store, subscriptions
    finally:
        await subscriptions.close()
        await store.close()


def subscription(uri: str, **endpoint: Any) -> dict[str, Any]:
    return {
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        "notification": {"endpoint": {"uri": uri, **endpoint}},
    }


async def drive(store: Any, value: int) -> None:
    id = "urn:ngsi-ld:Car:1"
    attrs: Any = {SPEED: [{"kind": "Property", "v": value}]}
    await store.apply([Command("", id, Upsert({"id": id, "type": [CAR], "attrs": attrs}, "update"))])


@pytest.mark.parametrize("version", ["mqtt3.1.1", "mqtt5.0", None])
@pytest.mark.parametrize("qos", ["0", "1", "2", None])
async def test_every_quality_of_service_and_version_arrives(
    broker: Mosquitto, version: str | None, qos: str | None
) -> None:
    info = {key: value for key, value in (("MQTT-Version", version), ("MQTT-QoS", qos)) if value}
    notifier = Notifier(LOOPBACK, 5)
    async with listening(broker.port) as client:
        for number in range(3):
            sent = await notifier.send(f"{broker.url}/kaga/cars", b'{"n":%d}' % number, {"X": "y"}, info)
            assert sent[0] is Outcome.DELIVERED, sent
        messages = await heard(client, 3)
    await notifier.close()
    assert [orjson.loads(one.payload)["body"]["n"] for one in messages] == [0, 1, 2]  # type: ignore[arg-type]  # bytes here
    assert {(one.qos, str(one.topic)) for one in messages} == {(int(qos or 0), "kaga/cars")}


async def test_a_change_is_told_with_what_http_has_in_headers(broker: Mosquitto, tmp_path: Path) -> None:
    async with city(tmp_path) as (store, subscriptions), listening(broker.port) as client:
        info = [{"key": "X-Gate", "value": "north"}]
        quality = [{"key": "MQTT-QoS", "value": "1"}]
        uri = f"{broker.url}/kaga/%E8%BB%8A"
        payload = subscription(uri, receiverInfo=info, notifierInfo=quality)
        id = await subscriptions.create("", payload, CORE)
        for speed in range(5):
            await drive(store, speed)
        messages = await heard(client, 5)
        record = subscriptions.get("", id).record
    told = [orjson.loads(one.payload) for one in messages]  # type: ignore[arg-type]  # bytes here
    assert {str(one.topic) for one in messages} == {"kaga/車"}
    assert [one["body"]["data"][0]["speed"]["value"] for one in told] == [0, 1, 2, 3, 4]
    assert {one["body"]["type"] for one in told} == {"Notification"}
    metadata = told[0]["metadata"]
    assert (metadata["Content-Type"], metadata["X-Gate"]) == ("application/json", "north")
    assert "ngsi-ld-core-context" in metadata["Link"]
    assert metadata["Idempotency-Key"] == told[0]["body"]["id"]
    assert record.times_failed == 0


async def test_what_the_mqtt_broker_misses_while_it_is_away_comes_when_it_is_back(
    broker: Mosquitto, tmp_path: Path
) -> None:
    quality = [{"key": "MQTT-QoS", "value": "1"}]
    async with city(tmp_path) as (store, subscriptions):
        await subscriptions.create("", subscription(f"{broker.url}/cars", notifierInfo=quality), CORE)
        async with listening(broker.port) as client:
            await drive(store, 0)
            await heard(client, 1)
        broker.stop()
        await drive(store, 1)
        await drive(store, 2)
        broker.start()
        await drive(store, 3)
        async with asyncio.timeout(10):
            while await store.queues():
                await asyncio.sleep(0.02)
        (one,) = subscriptions.listing("")
        assert one.record.times_sent == 4


async def test_credentials_are_those_of_the_address_and_never_told(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        broker.stop()
        file = tmp_path / "passwords"
        file.write_text("")
        if shutil.which("mosquitto_passwd") is None:
            pytest.skip("mosquitto_passwd is not on this machine (apt-get install mosquitto)")
        subprocess.run(["mosquitto_passwd", "-b", str(file), "city", "p@ss"], check=True)
        config = tmp_path / "mosquitto.conf"
        text = config.read_text().replace("allow_anonymous true", "allow_anonymous false")
        config.write_text(f"{text}password_file {file}\n")
        broker.start()
        notifier = Notifier(LOOPBACK, 5)
        at = f"127.0.0.1:{broker.port}/cars"
        async with listening(broker.port) as client:
            assert (await notifier.send(f"mqtt://city:p%40ss@{at}", b"{}", {}, {}))[0] is Outcome.DELIVERED
            await heard(client, 1)
        for wrong in (f"mqtt://{at}", f"mqtt://city:secret@{at}"):
            outcome, why = await notifier.send(wrong, b"{}", {}, {})
            assert outcome is Outcome.SILENT
            assert "secret" not in why
        await notifier.close()


async def test_nothing_is_connected_to_that_the_operator_does_not_allow(
    broker: Mosquitto, tmp_path: Path
) -> None:
    notifier = Notifier(Destinations(), 5)
    for host in ("127.0.0.1", "localhost"):
        outcome, why = await notifier.send(f"mqtt://{host}:{broker.port}/cars", b"{}", {}, {})
        assert outcome is Outcome.SILENT
        assert "does not allow" in why
    async with city(tmp_path, Destinations()) as (_, subscriptions):
        with pytest.raises(BadRequest):
            await subscriptions.create("", subscription(f"mqtt://127.0.0.1:{broker.port}/cars"), CORE)


async def test_a_broker_that_does_not_answer_costs_the_time_of_one_message() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        notifier = Notifier(LOOPBACK, 5)
        sent = await notifier.send(
            f"mqtt://127.0.0.1:{deaf.getsockname()[1]}/cars", b"{}", {}, {}, within=0.1
        )
        assert sent[0] is Outcome.SILENT
        await notifier.close()
