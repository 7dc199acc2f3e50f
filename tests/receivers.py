"""A real receiver of notifications on a free port of this machine, with whatever manners a test needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web


class Receiver:
    def __init__(
        self, answer: Callable[[Receiver, web.Request], Awaitable[web.StreamResponse]] | None = None
    ) -> None:
        self.messages: list[dict[str, Any]] = []
        self.headers: list[Any] = []
        self.status = 204
        self.pause = 0.0
        self._answer = answer
        self._came = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}/notify"

    async def __aenter__(self) -> Receiver:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.silence()

    async def listen(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def silence(self) -> None:
        """Nobody listens any more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self._answer is not None:
            return await self._answer(self, request)
        if self.pause:
            await asyncio.sleep(self.pause)
        if self.status < 300:
            await self.note(request)
        return web.Response(status=self.status)

    async def note(self, request: web.Request) -> None:
        message = orjson.loads(await request.read())
        async with self._came:
            self.messages.append(message)
            self.headers.append(request.headers)
            self._came.notify_all()

    async def got(self, count: int, within: float = 10) -> list[dict[str, Any]]:
        async with asyncio.timeout(within), self._came:
            await self._came.wait_for(lambda: len(self.messages) >= count)
        return self.messages

    @property
    def values(self) -> list[Any]:
        """(entity, value of `speed`) in the order of arrival."""
        return [(one["id"], one["speed"]["value"]) for m in self.messages for one in m["data"]]
