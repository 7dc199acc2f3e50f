"""PATCHes one attribute so many times a second, whatever the server does, and says when each was due.

python -m benchmarks.peer.patcher PORT RATE SECONDS ENTITIES: prints one line for each, `<number> <entity> <monotonic
seconds when it was due> <seconds until its answer> <status>`. `number` is the value that it wrote. An entity is not
written to again before its last answer, so that the order of its values is known.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque

import uvloop

from benchmarks import population

CONNECTIONS = 32


class Connection(asyncio.Protocol):
    """One request at a time; answers have no body or one with a Content-Length."""

    answer: asyncio.Future[int]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a socket's
        self._text = b""

    def data_received(self, data: bytes) -> None:
        """An answer, or a piece of one."""
        self._text += data
        head = self._text.find(b"\r\n\r\n")
        if head < 0:
            return
        low = self._text[:head].lower()
        length = int(low.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        if len(self._text) >= head + 4 + length:
            self._text = b""
            self.answer.set_result(int(low[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever waits is told."""
        if not self.answer.done():
            self.answer.set_exception(error or ConnectionError("the server closed the connection"))

    async def ask(self, request: bytes) -> int:
        """The status."""
        self.answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self.answer


def request(number: int, entity: int) -> bytes:
    """A PATCH that writes `number`."""
    body = b'{"level":{"type":"Property","value":%d,"unitCode":"MTR"}}' % number
    return (
        b"PATCH /ngsi-ld/v1/entities/%s/attrs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (population.id_of(entity).encode(), len(body), body)
    )


async def main(port: int, rate: int, seconds: int, entities: int) -> None:
    """Send them, then print."""
    loop = asyncio.get_running_loop()
    idle: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
    for _ in range(CONNECTIONS):
        idle.put_nowait((await loop.create_connection(Connection, "127.0.0.1", port))[1])
    turns = deque(range(entities))
    lines: list[str] = []

    async def one(number: int, due: float) -> None:
        connection = await idle.get()
        entity = turns.popleft()
        status = await connection.ask(request(number, entity))
        turns.append(entity)
        idle.put_nowait(connection)
        lines.append(f"{number} {entity} {due:.6f} {time.monotonic() - due:.6f} {status}")

    begin = time.monotonic() + 0.1
    async with asyncio.TaskGroup() as group:
        for number in range(rate * seconds):
            due = begin + number / rate
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            group.create_task(one(number, due))
    print("\n".join(lines))


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:])))
