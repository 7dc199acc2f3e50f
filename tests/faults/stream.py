"""What NATS was given: read from the beginning of the stream, as a program that keeps a copy of the city would."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import nats
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig

from faults.load import DELETED

if TYPE_CHECKING:
    from collections.abc import Collection

    from faults.receivers import Value

_PATIENCE = 60.0


async def relayed(url: str, entities: Collection[str], wanted: int) -> tuple[dict[str, list[Value]], int]:
    """By entity its values in the order of the stream, and how many messages were out of the order of commits.

    Waits until there are `wanted` of these entities.
    """
    found: dict[str, list[Value]] = {}
    disorder = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while True:
                with contextlib.suppress(NatsError, OSError):
                    found, disorder = await _read(url, entities)
                    if sum(map(len, found.values())) >= wanted:
                        break
                await asyncio.sleep(0.2)
    return found, disorder


async def _read(url: str, entities: Collection[str]) -> tuple[dict[str, list[Value]], int]:
    found: dict[str, list[Value]] = {}
    disorder = last = 0
    client = await nats.connect(url, allow_reconnect=False)
    try:
        stream = client.jetstream()
        made = await stream.streams_info()
        if not made:
            return {}, 0
        (info,) = made
        left = info.state.messages
        unasked = ConsumerConfig(ack_policy=AckPolicy.NONE)
        subject = info.config.subjects[0]
        reader = await stream.pull_subscribe(subject, stream=info.config.name, config=unasked)
        while left > 0:
            for message in await reader.fetch(min(left, 500), timeout=10):
                left -= 1
                told = json.loads(message.data)
                disorder += told["seq"] <= last
                last = told["seq"]
                entity = told["entity"]
                if entity["id"] in entities:
                    value = DELETED if told["verb"] == "deleted" else entity["n"]["value"]
                    found.setdefault(entity["id"], []).append(value)
    finally:
        await client.close()
    return found, disorder
