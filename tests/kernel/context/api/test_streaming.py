"""All that a query selects, a line each, while no more of it is held than the client has room for."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from api_client import Client, room

from kitamae.adapters.sqlite import reading
from kitamae.kernel.context.api import streaming

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kitamae.kernel.context.broker import Broker

LINES = {"accept": "application/x-ndjson"}
MANY = 3_000


async def fill(client: Client, count: int, **members: Any) -> None:
    for start in range(0, count, 1_000):
        rooms = [room(n, **members) for n in range(start, min(count, start + 1_000))]
        assert (await client.post("entityOperations/create", rooms)).status == 201


async def test_every_entity_is_a_line_in_the_order_of_creation(client: Client) -> None:
    await fill(client, 450)
    await client.post("entities", {"id": "urn:ngsi-ld:Thing:1", "type": "Thing"})
    answer = await client("GET", "entities?type=Room&options=keyValues", headers=LINES)
    assert (answer.status, answer.header("content-type")) == (200, "application/x-ndjson")
    found = [orjson.loads(line) for line in answer.body.splitlines()]
    assert [one["temperature"] for one in found] == [20 + n for n in range(450)]
    few = await client("GET", "entities?type=Room&q=temperature<22", headers=LINES)
    assert len(few.body.splitlines()) == 2
    assert (await client("GET", "entities?type=Nothing", headers=LINES)).body == b""


@pytest.mark.parametrize("given", ["limit=5", "offset=1", "orderBy=id", "join=inline", "count=true"])
async def test_what_belongs_to_pages_is_refused(client: Client, given: str) -> None:
    refusal = await client("GET", f"entities?type=Room&{given}", headers=LINES)
    assert (refusal.status, refusal.error) == (400, "BadRequestData")


async def test_what_is_wrong_is_told_before_anything_is_sent(client: Client) -> None:
    refusal = await client("GET", "entities?type=Room&q=(", headers=LINES)
    assert (refusal.status, refusal.error) == (400, "BadRequestData")
    assert (await client("HEAD", "entities?type=Room", headers=LINES)).body == b""


class Slow:
    """A client that takes one part and then none until it is told to; how much was read for it by then."""

    def __init__(self, client: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on, self.has_one, self.leave = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.read = self.taken = 0
        self._application = client.application
        inner = broker.store.stream

        async def counted(query: Any) -> AsyncIterator[Any]:
            async for row in inner(query):
                self.read += 1
                yield row

        monkeypatch.setattr(broker.store, "stream", counted)

    async def receive(self) -> Any:
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message.get("body"):
            self.taken += message["body"].count(b"\n")
            self.has_one.set()
            await self.go_on.wait()

    async def ask(self) -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/ngsi-ld/v1/entities",
            "query_string": b"type=Room",
            "headers": [(b"accept", b"application/x-ndjson")],
        }
        await self._application(scope, self.receive, self.send)


async def test_no_more_is_read_than_a_slow_client_takes(
    client: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(client, MANY)
    slow = Slow(client, broker, monkeypatch)
    asking = asyncio.create_task(slow.ask())
    await slow.has_one.wait()
    for _ in range(50):
        await asyncio.sleep(0)
    assert 0 < slow.read < MANY / 2
    slow.go_on.set()
    await asking
    assert slow.taken == slow.read == MANY


async def test_nothing_more_is_read_for_a_client_that_left(
    client: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(client, MANY)
    slow = Slow(client, broker, monkeypatch)
    asking = asyncio.create_task(slow.ask())
    await slow.has_one.wait()
    slow.leave.set()
    for _ in range(50):
        await asyncio.sleep(0)
    slow.go_on.set()
    await asking
    assert slow.read < MANY / 2


async def test_what_is_held_while_it_is_sent_does_not_grow_with_what_is_sent(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(client, MANY, note={"type": "Property", "value": "x" * 3_000})
    monkeypatch.setattr(reading, "CHUNK", 50)
    sent = 0

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        nonlocal sent
        sent += len(message.get("body", b""))

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/ngsi-ld/v1/entities",
        "query_string": b"type=Room",
        "headers": [(b"accept", b"application/x-ndjson")],
    }
    tracemalloc.start()
    try:
        await client.application(scope, receive, send)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent > MANY * 3_000
    assert peak < sent / 5
    assert sent > streaming._TOGETHER * 10
