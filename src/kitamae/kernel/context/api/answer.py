"""An HTTP answer, and the one place where a Problem becomes one (clauses 6.3.2, 6.3.3, 6.3.6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.problems import (
    LengthRequired,
    MethodNotAllowed,
    NotAcceptable,
    NotSignedIn,
    Problem,
    TooLarge,
    UnsupportedMediaType,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping

    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON: Final = b"application/json"

Header = tuple[bytes, bytes]


@dataclass(slots=True)
class Answer:
    """`body` None: no payload and no Content-Length, as 204 asks. One that comes in parts has no length either."""

    status: int
    body: bytes | AsyncIterator[bytes] | None = None
    headers: list[Header] = field(default_factory=list)

    async def send(self, send: Send, head: bool = False) -> None:
        """Over ASGI. `head`: the same headers without the body."""
        headers, body = self.headers, self.body
        if body is not None and not isinstance(body, bytes):
            await self._send_parts(send, body, head)
            return
        if body is not None:
            headers = [*headers, (b"content-length", b"%d" % len(body))]
        elif self.status not in (204, 304):
            headers = [*headers, (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head or body is None else body})

    async def _send_parts(self, send: Send, parts: AsyncIterator[bytes], head: bool) -> None:
        """Each is made when the one before it is on its way: `send` waits for a client that is slow."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        if not head:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


NO_CONTENT: Final = Answer(204)


def of_json(status: int, content: object, headers: list[Header] | None = None) -> Answer:
    """`application/json` without a Link header: errors and partial successes speak in full names."""
    return Answer(status, orjson.dumps(content), [(b"content-type", JSON), *(headers or [])])


def created(path: str, body: object | None = None) -> Answer:
    """201 with its Location, a path relative to the host."""
    location = (b"location", path.encode("ascii"))
    return Answer(201, None, [location]) if body is None else of_json(201, body, [location])


def of_problem(problem: Problem) -> Answer:
    """RFC 9457 members as `application/json` (6.3.3); 411 and 415 carry no payload (6.3.4)."""
    match problem:
        case LengthRequired():
            return Answer(problem.status, None, [(b"connection", b"close")])
        case UnsupportedMediaType():
            return Answer(problem.status, None, [(b"accept-post", b"application/json, application/ld+json")])
        case TooLarge():
            return of_json(problem.status, problem.body(), [(b"connection", b"close")])
        case NotAcceptable():
            return of_json(problem.status, problem.body())
        case MethodNotAllowed():
            allow = str(problem.more.get("allow", "")).encode("ascii")
            return of_json(problem.status, problem.body(), [(b"allow", allow)])
        case NotSignedIn():
            return of_json(problem.status, problem.body(), [(b"www-authenticate", b"Bearer")])
        case _:
            return of_json(problem.status, problem.body(), again(problem))


def again(problem: Problem) -> list[Header]:
    """When it may be tried again, where that is known (seconds)."""
    after = problem.more.get("retryAfter")
    return [] if after is None else [(b"retry-after", str(after).encode("ascii"))]
