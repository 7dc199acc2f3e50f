"""Devices' messages over MQTT into the city.

A message is acknowledged to the MQTT broker only after what it says is durable here, and the session is kept there:
what is sent while we are away waits, and what we had not committed when we fell comes again. Hearing a reading twice
changes nothing, so at-least-once is enough.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import aiomqtt
import structlog

from kitamae.adapters.mqtt.waiting import Waiting
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kitamae.adapters.mqtt.address import Address

_log = structlog.get_logger("kitamae.mqtt")

BATCH: Final = 200
"""Messages that are made durable together, when so many are waiting."""
_PAUSES: Final = (1, 2, 5, 10, 30)
"""Seconds before connecting again; the last one repeats."""


class Kind(Protocol):
    """A kind of device (`intake.device.Device`)."""

    @property
    def kind(self) -> str:
        """Its name."""
        ...

    @property
    def filter(self) -> str:
        """What to subscribe to."""
        ...

    @property
    def qos(self) -> int:
        """0, 1 or 2."""
        ...

    def hears(self, topic: str) -> object | None:
        """None for a topic of another kind."""
        ...

    def read(self, payload: bytes, topic: str) -> dict[str, Any]:
        """A normalized entity. Raises ValueError with a sentence."""
        ...


@dataclass(slots=True)
class Tally:
    """Since the start. `dropped`: of QoS 0, because more came than could be kept. `connected`: at this moment; `reason`: why not, or why the last message was refused."""

    heard: int = 0
    taken: int = 0
    refused: int = 0
    dropped: int = 0
    connected: bool = False
    reason: str = ""


@dataclass(slots=True)
class Subscriber:
    """`take` makes entities durable, in order, and gives a reason for each that it refuses ("" for the others).

    `longest`: bytes of a message. When it raises a Problem nothing is acknowledged, and the MQTT broker sends those messages again.
    """

    address: Address
    kinds: Sequence[Kind]
    take: Callable[[list[dict[str, Any]]], Awaitable[list[str]]]
    identifier: str = "kitamae"
    pauses: Sequence[float] = _PAUSES
    longest: int = 65_536
    tally: Tally = field(default_factory=Tally)
    _quiet_until: float = 0.0

    async def run(self) -> None:
        """Until it is cancelled: connect, listen, and connect again."""
        tries = 0
        while True:
            try:
                await self._listen()
            except (aiomqtt.MqttError, Problem) as error:
                self.tally.reason = str(error)
                _log.warning("mqtt_away", broker=self.address.shown, reason=str(error), try_=tries)
            tries = 0 if self.tally.connected else tries + 1
            self.tally.connected = False
            await asyncio.sleep(self.pauses[min(tries, len(self.pauses) - 1)])

    async def _listen(self) -> None:
        address = self.address
        queue = Waiting(self.longest)
        client = aiomqtt.Client(
            address.host,
            address.port,
            username=address.username,
            password=address.password,
            identifier=self.identifier,
            clean_session=False,
            tls_context=address.context(),
            max_inflight_messages=BATCH,
            queue_type=lambda **_: queue,  # type: ignore[arg-type]  # it is only called
        )
        # aiomqtt acknowledges on arrival; paho, which it holds, can be told to wait for us. Before the session opens.
        paho = client._client
        paho.manual_ack_set(True)
        async with client:
            for kind in self.kinds:
                await client.subscribe(kind.filter, qos=kind.qos)
            self.tally.connected = True
            _log.info("mqtt_listening", broker=address.shown, filters=[kind.filter for kind in self.kinds])
            waiting = aiter(client.messages)
            batch: list[aiomqtt.Message] = []
            while True:
                batch.append(await anext(waiting))
                while len(batch) < BATCH and len(client.messages):
                    batch.append(await anext(waiting))
                await self._made_durable(batch)
                for message in batch:
                    if message.qos:
                        paho.ack(message.mid, message.qos)
                batch.clear()
                self._tell_dropped(queue)

    async def _made_durable(self, batch: Sequence[aiomqtt.Message]) -> None:
        """A message that is no reading is refused for good: hearing it again would not help."""
        entities = []
        for message in batch:
            self.tally.heard += 1
            try:
                entities.append(self._read(str(message.topic), message.payload))
            except ValueError as error:
                self._refused(str(message.topic), str(error))
        for entity, reason in zip(entities, await self.take(entities) if entities else [], strict=True):
            if reason:
                self._refused(entity["id"], reason)
            else:
                self.tally.taken += 1

    def _read(self, topic: str, payload: object) -> dict[str, Any]:
        for kind in self.kinds:
            if kind.hears(topic) is not None:
                return kind.read(bytes(payload) if isinstance(payload, bytes | bytearray) else b"", topic)
        raise ValueError("no kind of device speaks on this topic")

    def _refused(self, what: str, reason: str) -> None:
        self.tally.refused += 1
        self.tally.reason = reason
        self._say("mqtt_refused", what=what[:200], reason=reason[:500])

    def _tell_dropped(self, queue: Waiting) -> None:
        if queue.dropped:
            self.tally.dropped += queue.dropped
            queue.dropped = 0
            self._say("mqtt_dropped", dropped=self.tally.dropped)

    def _say(self, event: str, **told: Any) -> None:
        """Once a second at most: a device gone mad must not fill the log."""
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until:
            self._quiet_until = now + 1
            _log.warning(event, **told, refused=self.tally.refused)
