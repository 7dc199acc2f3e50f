"""Subscribers: each has a port and manners of its own, and remembers every notification in the order of arrival.

A notification that comes twice is told by its id; what is compared later is its first arrival. At least once is what is
promised, so a receiver that loses its own answers, or whose network holds a request back, must see duplicates.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp import web

from faults.load import DELETED

if TYPE_CHECKING:
    from faults.server import Server

_TRIGGERS: Final = ["entityCreated", "attributeCreated", "attributeUpdated", "entityDeleted"]
_HELD_MS: Final = 400
"""The subscription's own patience, where the receiver is one that makes it wait."""

Value = int | str


@dataclass
class Receiver:
    """`types` of entities that it hears of. Every how many-th new message it
    `refuses`: answers 500; `drops`: takes it and closes the connection without an answer; `holds`: lets the sender run
    out of patience, and gets it only after the repetition. It does so `times` and is good then, because each time costs
    the sender a pause. `pause`: seconds before each answer.
    """

    name: str
    types: tuple[str, ...]
    refuses: int = 0
    drops: int = 0
    holds: int = 0
    times: int = 2
    pause: float = 0.0
    arrived: list[str] = field(default_factory=list)
    messages: dict[str, list[tuple[str, Value]]] = field(default_factory=dict)
    shown: int = 0  # how often it behaved badly
    port: int = 0
    _seen: set[str] = field(default_factory=set)
    _runner: web.AppRunner | None = None
    _subscription: str = ""

    @property
    def rude(self) -> bool:
        """It has still to behave badly."""
        return bool(self.refuses or self.drops or self.holds) and self.shown < self.times

    @property
    def duplicates(self) -> int:
        """Arrivals beyond the first of each."""
        return len(self.arrived) - len(self.messages)

    def series(self) -> dict[str, list[Value]]:
        """By entity: its values in the order of first arrival, DELETED for a deletion."""
        answer: dict[str, list[Value]] = {}
        for data in self.messages.values():
            for entity, value in data:
                answer.setdefault(entity, []).append(value)
        return answer

    def forget(self) -> None:
        """What came before is judged."""
        self.shown = 0
        self.arrived.clear()
        self.messages.clear()

    async def listen(self) -> None:
        """From now on, on the same port as before."""
        app = web.Application()
        app.router.add_post("/", self._take)
        self._runner = web.AppRunner(app, handler_cancellation=False, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def die(self) -> None:
        """Nobody listens any more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def subscribe(self, server: Server) -> None:
        """To everything of its types. Raises RuntimeError when it is refused."""
        endpoint: dict[str, Any] = {"uri": f"http://127.0.0.1:{self.port}/", "accept": "application/json"}
        if self.holds:
            endpoint["timeout"] = _HELD_MS
        subscription = {
            "type": "Subscription",
            "entities": [{"type": one} for one in self.types],
            "notificationTrigger": _TRIGGERS,
            "notification": {"endpoint": endpoint},
        }
        async with (
            aiohttp.ClientSession(server.address) as session,
            session.post("/ngsi-ld/v1/subscriptions", json=subscription) as answer,
        ):
            if answer.status != 201:
                raise RuntimeError(await answer.text())
            self._subscription = server.address + answer.headers["Location"]

    async def last_failure(self) -> str | None:
        """When the server tried in vain for the last time, by its own clock."""
        async with aiohttp.ClientSession() as session, session.get(self._subscription) as answer:
            said: str | None = (await answer.json(content_type=None))["notification"].get("lastFailure")
            return said

    async def _take(self, request: web.Request) -> web.Response:
        message = await request.json()
        id = message["id"]
        fresh = id not in self._seen
        self._seen.add(id)
        turn = len(self._seen) if fresh else 0
        if self._turn(turn, self.refuses):
            return web.Response(status=500)
        if self._turn(turn, self.holds):
            await asyncio.sleep(_HELD_MS / 1000 * 4)  # by then it was sent again, and newer ones after it
        if self.pause:
            await asyncio.sleep(self.pause)
        self._note(id, message)
        if self._turn(turn, self.drops) and request.transport:
            request.transport.abort()
        return web.Response(status=204)

    def _turn(self, turn: int, every: int) -> bool:
        bad = bool(turn and every and turn % every == 0 and self.rude)
        self.shown += bad
        return bad

    def _note(self, id: str, message: dict[str, Any]) -> None:
        self.arrived.append(id)
        if id not in self.messages:
            self.messages[id] = [
                (one["id"], DELETED if "deletedAt" in one else int(one["n"]["value"]))
                for one in message["data"]
            ]
