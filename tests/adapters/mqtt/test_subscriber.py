"""Devices speak over a real MQTT broker; the store keeps what they say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from kitamae.adapters.mqtt.address import Address
from kitamae.adapters.mqtt.publisher import publisher
from kitamae.adapters.mqtt.subscriber import Subscriber
from kitamae.adapters.sqlite import store as sqlite
from kitamae.intake.device import Device
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.observations import Observations
from kitamae.kernel.context.store import InstanceQuery, Store
from kitamae.kernel.problems import StoreFull
from mosquitto import Mosquitto, mosquitto

GAUGE = Device.load(Path(__file__).resolve().parents[3] / "cities/kaga/devices/river_gauge.toml")
ID = "urn:ngsi-ld:RiverGauge:172065:1700000063"
LEVEL = CORE.expand("水位")


def message(minute: int, level: float, code: str = "1700000063") -> tuple[str, bytes]:
    """A reading of 宇谷川 as the device sends it."""
    told = {
        "code": code,
        "townCode": "17206",
        "name": "宇谷川（宇谷町）",
        "obsTime": f"2025-10-16T18:{minute:02d}:00+09:00",
        "level": level,
        "startLevel": 23.04,
        "warnLevel": 24.09,
        "fladLevel": 24.39,
        "latitude": 36.301777,
        "longitude": 136.40805,
    }
    payload = json.dumps(told, ensure_ascii=False).encode()
    return GAUGE.speaks(payload), payload


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await sqlite.open(tmp_path / "city" / "kitamae.db")
    yield opened
    await opened.close()


@asynccontextmanager
async def listening(subscriber: Subscriber) -> AsyncIterator[Subscriber]:
    task = asyncio.create_task(subscriber.run())
    try:
        await until(lambda: subscriber.tally.connected)
        yield subscriber
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def send(broker: Mosquitto, *messages: tuple[str, bytes]) -> None:
    async with publisher(Address.parse(broker.url)) as out:
        for topic, payload in messages:
            await out.send(topic, payload)
        await out.settle()


def subscriber(broker: Mosquitto, store: Store, **more: Any) -> Subscriber:
    return Subscriber(
        Address.parse(broker.url),
        [GAUGE],
        Observations(store, CORE, actor="mqtt").hear,
        pauses=(0.05,),
        **more,
    )


async def history(store: Store) -> list[tuple[str, float]]:
    found = await store.instances(InstanceQuery("", (ID,), (LEVEL,)))
    return [(one.attribute["observedAt"][11:16], one.attribute["v"]) for one in found]


async def test_readings_arrive_in_order_and_hearing_them_twice_changes_nothing(
    broker: Mosquitto, store: Store
) -> None:
    readings = [message(minute, 23 + minute / 100) for minute in range(40)]
    async with listening(subscriber(broker, store)) as mqtt:
        await send(broker, *readings)
        await until(lambda: mqtt.tally.taken == 40)
        changes = len(await store.changes(0, 1000))
        assert changes == 40
        await send(broker, *readings)
        await until(lambda: mqtt.tally.taken == 80)
    assert len(await store.changes(0, 1000)) == changes
    told = await history(store)
    assert told == [(f"09:{minute:02d}", 23 + minute / 100) for minute in range(40)]


async def test_a_late_reading_goes_to_history_once_and_never_overwrites(
    broker: Mosquitto, store: Store
) -> None:
    async with listening(subscriber(broker, store)) as mqtt:
        await send(broker, message(30, 23.3), message(10, 23.1), message(10, 23.1), message(20, 23.2))
        await until(lambda: mqtt.tally.taken == 4)
    row = await store.row("", ID)
    assert row is not None
    assert json.loads(row.doc)["attrs"][LEVEL][0]["v"] == 23.3
    assert await history(store) == [("09:10", 23.1), ("09:20", 23.2), ("09:30", 23.3)]


async def test_a_message_that_is_no_reading_is_refused_and_the_next_ones_are_taken(
    broker: Mosquitto, store: Store
) -> None:
    topic, _ = message(1, 23.1)
    bad = [b"", b"{", b"[]", b"\xff\xfe", b'{"code": "1"}', b"9" * 100_000, message(2, 9e9)[1]]
    async with listening(subscriber(broker, store)) as mqtt:
        await send(broker, *((topic, payload) for payload in bad), message(3, 23.3))
        await until(lambda: mqtt.tally.taken == 1)
    assert (mqtt.tally.refused, mqtt.tally.heard) == (len(bad), len(bad) + 1)
    assert await history(store) == [("09:03", 23.3)]


async def test_what_is_sent_while_the_city_is_away_waits_at_the_mqtt_broker(
    broker: Mosquitto, store: Store
) -> None:
    async with listening(subscriber(broker, store)):
        pass
    await send(broker, message(1, 23.1), message(2, 23.2))
    async with listening(subscriber(broker, store)) as mqtt:
        await until(lambda: mqtt.tally.taken == 2)
    assert [level for _, level in await history(store)] == [23.1, 23.2]


async def test_what_could_not_be_made_durable_is_not_acknowledged_and_comes_again(
    broker: Mosquitto, store: Store
) -> None:
    door = Observations(store, CORE)
    full = True

    async def take(payloads: list[dict[str, Any]]) -> list[str]:
        if full:
            raise StoreFull
        return await door.hear(payloads)

    mqtt = Subscriber(Address.parse(broker.url), [GAUGE], take, pauses=(0.05,))
    async with listening(mqtt):
        await send(broker, message(1, 23.1))
        await until(lambda: mqtt.tally.heard >= 2)
        assert await history(store) == []
        full = False
        await until(lambda: mqtt.tally.taken >= 1)
    assert await history(store) == [("09:01", 23.1)]


async def test_it_listens_again_after_the_mqtt_broker_was_away(broker: Mosquitto, store: Store) -> None:
    async with listening(subscriber(broker, store)) as mqtt:
        broker.stop()
        await until(lambda: not mqtt.tally.connected)
        broker.start()
        await until(lambda: mqtt.tally.connected)
        await send(broker, message(1, 23.1))
        await until(lambda: mqtt.tally.taken == 1)
    assert await history(store) == [("09:01", 23.1)]


async def test_two_kinds_of_device_share_one_connection(
    broker: Mosquitto, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "lorawan_meter.toml"
    path.write_text(
        """
name = { en = "A level meter behind The Things Stack" }
topic = "v3/{application}/devices/{device}/up"
type = "RiverGauge"
id = "urn:ngsi-ld:RiverGauge:172065:{device}"
facts = { "名称" = "試験用" }
[fields]
application = {}
device = { path = "end_device_ids.device_id" }
[time]
path = "uplink_message.rx_metadata[0].time"
[[attribute]]
name = "水位"
path = "uplink_message.decoded_payload['level m']"
unit = "MTR"
""",
        "utf-8",
    )
    uplink = {
        "end_device_ids": {"device_id": "gauge-7"},
        "uplink_message": {
            "decoded_payload": {"level m": 1.25},
            "rx_metadata": [{"time": "2026-01-01T00:00:00.123456Z"}],
        },
    }
    both = subscriber(broker, store)
    both.kinds = [GAUGE, Device.load(path)]
    async with listening(both) as mqtt:
        await send(broker, message(1, 23.1), ("v3/kaga/devices/gauge-7/up", json.dumps(uplink).encode()))
        await until(lambda: mqtt.tally.taken == 2)
    row = await store.row("", "urn:ngsi-ld:RiverGauge:172065:gauge-7")
    assert row is not None
    (level,) = json.loads(row.doc)["attrs"][LEVEL]
    assert (level["v"], level["observedAt"]) == (1.25, "2026-01-01T00:00:00.123456Z")


@pytest.mark.parametrize(
    "url", ["http://h", "mqtt://", "mqtt://h:x", "mqtt://h/topic", "", "mqtt://u:secret@"]
)
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="expected the address") as refused:
        Address.parse(url)
    assert "secret" not in str(refused.value)
