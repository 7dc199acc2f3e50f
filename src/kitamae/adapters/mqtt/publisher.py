"""Readings to an MQTT broker as devices send them: QoS 1, in order, each acknowledged before it counts."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import aiomqtt

from kitamae.kernel.problems import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kitamae.adapters.mqtt.address import Address

WINDOW: Final = 64
"""Messages on their way at a time. paho sends them in the order in which they are given to it."""


class Publisher:
    """`send` messages, then `settle`."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self._away: deque[asyncio.Task[None]] = deque()

    async def send(self, topic: str, payload: bytes) -> None:
        """Waits only while WINDOW messages are not acknowledged. Raises Unavailable."""
        while len(self._away) >= WINDOW:
            await _done(self._away.popleft())
        self._away.append(asyncio.create_task(self._client.publish(topic, payload, qos=1)))
        await asyncio.sleep(0)  # so that the publications start in the order in which they were asked for

    async def settle(self) -> None:
        """Until every message is acknowledged. Raises Unavailable."""
        while self._away:
            await _done(self._away.popleft())


async def _done(task: asyncio.Task[None]) -> None:
    try:
        await task
    except aiomqtt.MqttError as error:
        raise Unavailable(f"the MQTT broker does not take it: {error}") from error


@asynccontextmanager
async def publisher(address: Address) -> AsyncIterator[Publisher]:
    """Connected. Raises Unavailable."""
    try:
        async with aiomqtt.Client(
            address.host,
            address.port,
            username=address.username,
            password=address.password,
            tls_context=address.context(),
            max_inflight_messages=WINDOW,
            max_concurrent_outgoing_calls=WINDOW * 2,
        ) as client:
            client.pending_calls_threshold = WINDOW  # a full window is what we want, nothing to warn of
            yield Publisher(client)
    except aiomqtt.MqttError as error:
        raise Unavailable(f"{address.shown}: {error}") from error
