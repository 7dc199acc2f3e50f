"""A receiver of notifications that costs as little as it can: it answers 204 and remembers what came when.

python -m benchmarks.peer.receiver OUT HOST: listens there and prints its port; at the end of its standard input it writes to OUT one line for
each notification, in the order of arrival: `<monotonic seconds> <its body>`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import uvloop

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
Came = list[tuple[float, bytes]]


class Receiver(asyncio.Protocol):
    """HTTP/1.1 as far as a benchmark's own server speaks it: bodies with a Content-Length, one request at a time."""

    def __init__(self, came: Came) -> None:
        self._came = came
        self._text = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a socket's

    def data_received(self, data: bytes) -> None:
        """Requests, or pieces of them."""
        text = self._text + data
        while (head := text.find(b"\r\n\r\n")) >= 0:
            low = text[:head].lower()
            at = low.index(b"content-length:") + 15
            line = low.find(b"\r\n", at)
            end = head + 4 + int(low[at : line if line >= 0 else head])
            if len(text) < end:
                break
            self._came.append((time.monotonic(), text[head + 4 : end]))
            self._transport.write(ANSWER)
            text = text[end:]
        self._text = text


async def main(out: Path, host: str) -> None:
    """Listen until nobody holds our standard input any more."""
    came: Came = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Receiver(came), host, 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    with out.open("wb") as file:
        file.writelines(b"%.6f %s\n" % one for one in came)


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2]))
