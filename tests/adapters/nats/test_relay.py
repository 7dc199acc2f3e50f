"""Every change once, in order, whatever becomes of NATS."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import nats
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.adapters import sqlite
from kitamae.adapters.nats import Relay, message
from kitamae.kernel.context import clock
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.operations import Command, Delete, DeleteAttribute, Upsert
from kitamae.kernel.context.store import Change, Store
from kitamae.settings import Settings
from nats_server import Nats
from serving import Served, serving

TYPE = "https://example.org/Sensor"
LEVEL = "https://example.org/水位"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nats]:
    one = Nats(tmp_path)
    one.start()
    yield one
    one.kill()


@contextlib.asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[Store]:
    store = await sqlite.open(tmp_path / "kitamae.db")
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def relaying(url: str, store: Store, alias: str = "kitamae-1") -> AsyncIterator[Relay]:
    relay = Relay(url, store, "kaga", alias, CORE)
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        await asyncio.wait([task])


def write(number: int, value: float) -> Command:
    attrs: Any = {LEVEL: [{"kind": "Property", "v": value}]}
    id = f"urn:ngsi-ld:Sensor:{number}"
    return Command("", id, Upsert({"id": id, "type": [TYPE], "attrs": attrs}))


async def arrived(url: str, count: int, subject: str = "kitamae.kaga.>") -> list[dict[str, Any]]:
    """The bodies of the first `count` messages of the stream."""
    client = await nats.connect(url)
    stream = client.jetstream()
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        subscription = None
        while subscription is None:
            with contextlib.suppress(
                nats.js.errors.NotFoundError,
                nats.errors.NoRespondersError,
                nats.errors.TimeoutError,  # a busy machine: NATS has five seconds for an answer
            ):
                subscription = await stream.subscribe(subject, ordered_consumer=True)
        while len(found) < count:
            with contextlib.suppress(nats.errors.TimeoutError):
                found.append(orjson.loads((await subscription.next_msg(1)).data))
    await client.close()
    return found


async def test_every_change_is_there_once_in_the_order_of_commits(server: Nats, tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.apply([write(n, n) for n in range(300)])
        async with relaying(server.url, store):
            for n in range(50):
                await store.apply([write(n, -n)])
            found = await arrived(server.url, 350)
        assert [one["seq"] for one in found] == [one.seq for one in await store.changes(0, 1_000)]
        assert found[-1]["entity"] == {
            "id": "urn:ngsi-ld:Sensor:49",
            "type": TYPE,
            LEVEL: {"type": "Property", "value": -49},
        }
        assert (found[0]["verb"], found[-1]["verb"]) == ("created", "updated")


async def test_a_relay_goes_on_where_the_last_one_stopped(server: Nats, tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        for turn in range(3):
            async with relaying(server.url, store):
                await store.apply([write(n, turn) for n in range(40)])
                if turn != 1:  # that one may be cut off anywhere
                    found = await arrived(server.url, 40 * (turn + 1))
        assert [one["seq"] for one in found] == [one.seq for one in await store.changes(0, 1_000)]


async def test_two_relays_at_the_same_time_double_nothing(server: Nats, tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        async with relaying(server.url, store), relaying(server.url, store):
            for n in range(100):
                await store.apply([write(n, n)])
            await arrived(server.url, 100)
            await store.apply([write(1, 1_000)])
            found = await arrived(server.url, 101)
        assert [one["seq"] for one in found] == [one.seq for one in await store.changes(0, 1_000)]


async def test_another_city_of_the_same_name_leaves_the_stream_alone(server: Nats, tmp_path: Path) -> None:
    async with opened(tmp_path / "one") as store, opened(tmp_path / "two") as other:
        async with relaying(server.url, store):
            await store.apply([write(1, 1)])
            await arrived(server.url, 1)
        await other.apply([write(2, 2), write(3, 3)])
        async with relaying(server.url, other, "kitamae-2") as relay, asyncio.timeout(20):
            while not relay.trouble:
                await asyncio.sleep(0.02)
            assert "belongs to another broker: Changes of the broker kitamae-1" in relay.trouble
        async with relaying(server.url, store):
            await store.apply([write(1, 2)])
            found = await arrived(server.url, 2)
    assert [one["seq"] for one in found] == [1, 2]


async def test_what_was_written_while_nats_was_away_comes_when_it_is_back(
    server: Nats, tmp_path: Path
) -> None:
    async with opened(tmp_path) as store, relaying(server.url, store) as relay:
        await store.apply([write(n, n) for n in range(30)])
        await arrived(server.url, 30)
        server.kill()
        await store.apply([write(n, -n) for n in range(30)])
        async with asyncio.timeout(20):
            while not relay.trouble:
                await asyncio.sleep(0.02)
        server.start()
        found = await arrived(server.url, 60)
        assert [one["seq"] for one in found] == [one.seq for one in await store.changes(0, 100)]
        async with asyncio.timeout(20):
            while relay.trouble:
                await asyncio.sleep(0.02)


async def test_a_stream_that_lost_its_disk_is_given_everything_again(server: Nats, tmp_path: Path) -> None:
    async with opened(tmp_path) as store, relaying(server.url, store):
        await store.apply([write(n, n) for n in range(30)])
        await arrived(server.url, 30)
        server.kill()
        server.lose_everything()
        server.start()
        await store.apply([write(1, 31)])
        found = await arrived(server.url, 31)
        assert [one["seq"] for one in found] == [one.seq for one in await store.changes(0, 100)]


async def test_a_new_stream_begins_with_what_is_not_older_than_it_keeps(server: Nats, tmp_path: Path) -> None:
    day = 86_400_000_000
    now = [clock.now() - 30 * day]
    store = await sqlite.open(tmp_path / "kitamae.db", now=lambda: now[0])
    await store.apply([write(n, n) for n in range(10)])
    now[0] = clock.now() - day
    await store.apply([write(n, n) for n in range(5)])
    async with relaying(server.url, store):
        found = await arrived(server.url, 5)
    await store.close()
    assert [one["seq"] for one in found] == [11, 12, 13, 14, 15]


async def test_deletions_are_told(server: Nats, tmp_path: Path) -> None:
    async with opened(tmp_path) as store, relaying(server.url, store):
        id = "urn:ngsi-ld:Sensor:1"
        await store.apply([write(1, 1), Command("", id, DeleteAttribute(LEVEL)), Command("", id, Delete())])
        _, without, gone = await arrived(server.url, 3)
    assert without["deleted"] == [LEVEL]
    assert without["entity"] == {"id": id, "type": TYPE}
    assert (gone["verb"], gone["entity"]["id"]) == ("deleted", id)


@given(st.text(max_size=200), st.lists(st.text(max_size=200), max_size=3), st.text(max_size=50))
def test_a_subject_has_five_parts_whatever_things_are_called(
    tenant: str, types: list[str], broker: str
) -> None:
    change = Change(1, tenant, "urn:x", "", "created", 0, "", types, [])
    parts = message.subject(broker, change, CORE).split(".")
    assert len(parts) == 5
    assert all(parts)
    assert not any(set(part) & set(" \t\r\n*>") for part in parts)


def test_what_is_no_name_to_nats_is_written_as_in_urls() -> None:
    assert message.token("a.b c*>") == "a%2Eb%20c%2A%3E"
    assert message.token("避難所") == "避難所"
    assert message.token("") == "_"


async def test_a_city_tells_nats_in_its_own_words_and_serves_without_it(server: Nats, tmp_path: Path) -> None:
    town = {"id": "urn:ngsi-ld:Town:1", "type": "Town", "名称": {"type": "Property", "value": "山代温泉"}}
    server.kill()
    async with serving(tmp_path / "data", open=True, stream=server.url) as city:
        assert (await city.client.post("/ngsi-ld/v1/entities", json=town)).status_code == 201
        async with asyncio.timeout(20):
            while (await checked(city))["status"] != "warn":
                await asyncio.sleep(0.05)
        server.start()
        subject = f"kitamae.{city.kitamae.city.broker.alias}._.Town.created"
        (found,) = await arrived(server.url, 1, subject)
        assert found["entity"] == town
    with pytest.raises(ValueError, match=r"nats://\.\.\."):
        Settings(stream="http://127.0.0.1")


async def checked(city: Served) -> Any:
    city.kitamae.city.health._at = -100.0  # a monitor that does not wait five seconds
    return (await city.client.get("/health")).json()["checks"]["stream:relay"][0]
