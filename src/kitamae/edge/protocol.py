"""What comes before a request is one: uvicorn's protocol, with limits on a request's head and on who says or takes nothing.

uvicorn keeps whatever it is sent until the head is complete, for as long as that takes and from as many as come; an
outsider could fill the memory with one endless header, or use up the process's files with silent connections, with bodies
of a byte a minute, or by asking for long answers that are never fetched.
"""

from __future__ import annotations

import contextlib
import fcntl
import resource
import struct
import termios
from collections import Counter
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kitamae.edge.joining import Joining
from kitamae.kernel.people.throttle import network
from kitamae.settings import listed

if TYPE_CHECKING:
    import asyncio

LONGEST_HEAD: Final = 128 * 1024
"""Bytes of request line and headers; the API's parameters alone may be half of that."""
LONGEST_ADDRESS: Final = 65_535
"""Bytes of path and query: what httptools reads of them."""
HEAD_SECONDS: Final = 20.0
"""From the connection, or the first byte of a further request, to the end of its head."""
SILENT_SECONDS: Final = 60.0
"""Without a byte of a body that was announced; and what the slowest body may take beside its bytes."""
SLOWEST: Final = 1_000
"""Bytes a second that a body arrives at, or an answer is fetched at, at least."""
READER_SECONDS: Final = 20.0
"""Between two looks at how much of an answer was fetched."""
_OWN_FILES: Final = 256
"""Descriptors that are kept for the store, deliveries and the like."""


def most_connections() -> int:
    """As many as the process's open files allow."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(64, allowed - _OWN_FILES)


class Protocol(HttpToolsProtocol):
    """One connection. `of_one`: how many an address may have, except for `proxies`, which speak for many."""

    most: int = most_connections()
    of_one: int = most // 2
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    head_seconds: float = HEAD_SECONDS
    silent_seconds: float = SILENT_SECONDS
    reader_seconds: float = READER_SECONDS
    slowest: int = SLOWEST
    _open: ClassVar[Counter[str]] = Counter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head = 0
        self._within_head = False
        self._within_body = False
        self._body = 0
        self._body_since = 0.0
        self._patience: asyncio.TimerHandle | None = None
        self._reader: asyncio.TimerHandle | None = None
        self._address = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """One too many is turned away at once; the others are still served."""
        super().connection_made(Joining(transport, self.loop.call_soon))  # type: ignore[arg-type]  # all that is asked of one
        self._address = self._from(transport)
        self._open[self._address] += 1
        if len(self.connections) > self.most or (self._address and self._open[self._address] > self.of_one):
            self._refuse(b"503 Service Unavailable", "too many connections")
        else:
            self._wait(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._stop_waiting()
        self._stop_watching()
        self._open[self._address] -= 1
        if not self._open[self._address]:
            del self._open[self._address]
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
        else:
            self._body += len(data)
        super().data_received(data)
        # only now, so that a request that came in one piece costs no timer
        if self._within_body:
            due = self._body_since + self.silent_seconds + self._body / self.slowest
            self._wait(min(self.silent_seconds, due - self.loop.time()))
        elif self._within_head and self._patience is None:
            self._wait(self.head_seconds)

    def on_message_begin(self) -> None:
        """A further request on the same connection."""
        super().on_message_begin()
        self._within_head = True

    def on_headers_complete(self) -> None:
        """The head is whole: what follows is limited by the edge."""
        self._head, self._within_head, self._within_body = 0, False, True
        self._body, self._body_since = 0, self.loop.time()
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is here; now it is for us to answer, however long that takes."""
        self._within_body = False
        self._stop_waiting()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What httptools could not read, in a sentence that helps."""
        if len(getattr(self, "url", b"")) > LONGEST_ADDRESS:
            why = f"the address is longer than {LONGEST_ADDRESS} bytes; a query can be sent by POST too"
            self._refuse(b"414 URI Too Long", why)
        else:
            self._refuse(
                b"400 Bad Request", "this is not HTTP; in an address, percent-encode what is not ASCII"
            )

    # --- who takes nothing
    def pause_writing(self) -> None:
        """More was written than the reader has fetched yet."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """It has fetched nearly all."""
        super().resume_writing()
        self._stop_watching()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing further was asked for: close, which waits for what was not fetched yet."""
        super().timeout_keep_alive_handler()
        if self.transport.get_write_buffer_size():
            self._watch()

    def _watch(self) -> None:
        if self._reader is None:
            self._reader = self.loop.call_later(self.reader_seconds, self._look, self._unfetched())

    def _look(self, before: int) -> None:
        """Fetched too little since the last look: whoever it is, is let go with what was kept for it."""
        self._reader = None
        left = self._unfetched()
        if before - left < self.slowest * self.reader_seconds:
            self.transport.abort()
        else:
            self._reader = self.loop.call_later(self.reader_seconds, self._look, left)

    def _unfetched(self) -> int:
        """Bytes that were written and not acknowledged by the other side: here, and in the system's own buffer."""
        size: int = self.transport.get_write_buffer_size()
        sock = self.transport.get_extra_info("socket")
        sent = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return size + int(struct.unpack("i", sent)[0])

    def _stop_watching(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def _from(self, transport: asyncio.Transport) -> str:
        """The network of the other side; "" where it is no address of somebody's own."""
        peer = transport.get_extra_info("peername")
        if not isinstance(peer, tuple):
            return ""  # the local socket
        address = ip_address(peer[0])
        if any(address in known for known in self.proxies):
            return ""
        return network(peer[0])

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


def behind(proxies: str) -> type[Protocol]:
    """The protocol of a server behind these proxies, as `Settings.trusted_proxies` names them: `*` is all the world."""
    known = []
    for one in listed(proxies.replace("*", "0.0.0.0/0,::/0")):
        with contextlib.suppress(ValueError):  # a name, or a socket's path
            known.append(ip_network(one, strict=False))
    return type("Protocol", (Protocol,), {"proxies": tuple(known)})
