"""What comes before a request is one: uvicorn's protocol, with limits on a request's head and on who says nothing.

uvicorn keeps whatever it is sent until the head is complete, for as long as that takes and from as many as come; an
outsider could fill the memory with one endless header, or use up the process's files with silent connections.
"""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kitamae.edge.joining import Joining

if TYPE_CHECKING:
    import asyncio

LONGEST_HEAD: Final = 128 * 1024
"""Bytes of request line and headers; the API's parameters alone may be half of that."""
HEAD_SECONDS: Final = 20.0
"""From the connection, or the first byte of a further request, to the end of its head."""
SILENT_SECONDS: Final = 60.0
"""Without a byte of a body that was announced."""
_OWN_FILES: Final = 256
"""Descriptors that are kept for the store, deliveries and the like."""


def most_connections() -> int:
    """As many as the process's open files allow."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(64, allowed - _OWN_FILES)


class Protocol(HttpToolsProtocol):
    """One connection."""

    most: int = most_connections()
    head_seconds: float = HEAD_SECONDS
    silent_seconds: float = SILENT_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head = 0
        self._within_head = False
        self._within_body = False
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """One too many is turned away at once; the others are still served."""
        super().connection_made(Joining(transport, self.loop.call_soon))  # type: ignore[arg-type]  # all that is asked of one
        if len(self.connections) > self.most:
            self._refuse(b"503 Service Unavailable", "too many connections")
        else:
            self._wait(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Part of a head, of a body, or of both."""
        if self.transport.is_closing():
            return
        if not self._within_body:
            if self._head > LONGEST_HEAD:
                self._refuse(b"431 Request Header Fields Too Large", "the head is too long")
                return
            self._head += len(data)
        super().data_received(data)
        # only now, so that a request that came in one piece costs no timer
        if self._within_body:
            self._wait(self.silent_seconds)
        elif self._within_head and self._patience is None:
            self._wait(self.head_seconds)

    def on_message_begin(self) -> None:
        """A further request on the same connection."""
        super().on_message_begin()
        self._within_head = True

    def on_headers_complete(self) -> None:
        """The head is whole: what follows is limited by the edge."""
        self._head, self._within_head, self._within_body = 0, False, True
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is here; now it is for us to answer, however long that takes."""
        self._within_body = False
        self._stop_waiting()
        super().on_message_complete()

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._patience = None
        if self._within_body:  # its handler may be answering already: two answers would be worse than none
            self.transport.abort()
        else:
            self._refuse(b"408 Request Timeout", "the request did not arrive in time")

    def _refuse(self, status: bytes, why: str) -> None:
        self._stop_waiting()
        self.transport.write(
            b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n%s"
            % (status, len(why), why.encode())
        )
        self.transport.close()
