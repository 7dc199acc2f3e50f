"""One connection of a client: as little work as there can be, so that the server has the cores."""

from __future__ import annotations

import asyncio
from typing import Any


class Connection(asyncio.Protocol):
    """One request at a time; answers have no body or one with a Content-Length."""

    answer: asyncio.Future[tuple[int, bytes]]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport: Any = transport
        self._begin()

    def _begin(self) -> None:
        self._text = bytearray()
        self._end = 0

    def data_received(self, data: bytes) -> None:
        """An answer, or a piece of one."""
        self._text += data
        if not self._end:
            head = self._text.find(b"\r\n\r\n")
            if head < 0:
                return
            self._body = head + 4
            length = self._text[:head].lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            self._end = self._body + int(length or 0)
        if len(self._text) >= self._end:
            status, body = int(self._text[9:12]), bytes(self._text[self._body :])
            self._begin()
            self.answer.set_result((status, body))

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever waits is told."""
        if not self.answer.done():
            self.answer.set_exception(error or ConnectionError("the server closed the connection"))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """The status and the body."""
        self.answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self.answer


async def connect(port: int) -> Connection:
    """To a server of this machine."""
    return (await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port))[1]


def request(method: str, path: str, body: bytes = b"", token: str = "") -> bytes:
    """Its text; a body is JSON."""
    kind = "Content-Type: application/json\r\n" if body else ""
    kind += f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
