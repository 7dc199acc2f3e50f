"""The first and last piece of code of every request."""

from __future__ import annotations

import itertools
import secrets
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from starlette.requests import ClientDisconnect

from kitamae.edge.failures import answer, plain_page
from kitamae.edge.headers import SecurityHeaders
from kitamae.edge.heard import READS, heard
from kitamae.kernel.fairness import ASKER
from kitamae.kernel.people.access_log import noted
from kitamae.kernel.people.person import NOBODY
from kitamae.kernel.people.throttle import network
from kitamae.kernel.problems import BadRequest, Forbidden, Problem, TooLarge
from kitamae.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from kitamae.edge.failures import ErrorPage
    from kitamae.edge.measures import Measures
    from kitamae.kernel.people.access_log import Entry
    from kitamae.kernel.people.person import Principal
    from kitamae.settings import Settings

_log = structlog.get_logger("kitamae.request")


class Edge:
    """Numbers a request, finds out who asks, keeps limits, catches what goes wrong, adds headers, counts.

    `let_in` sets `scope["principal"]` (see `kernel/people/gate.py`); it is called only when credentials were sent.
    """

    def __init__(
        self,
        inner: ASGIApp,
        settings: Settings,
        measures: Measures,
        let_in: Callable[[Scope], Awaitable[None]],
        *,
        error_page: ErrorPage = plain_page,
        everybody: Principal = NOBODY,
        tell: Callable[[Entry], None] | None = None,
        here: bool = False,
        kept: Callable[[Scope], ASGIApp | None] = lambda _: None,
    ) -> None:
        """`everybody`: who a request without credentials comes from. `tell`: the access log; `here`: this is the local socket's; `kept`:
        what is answered as it was when it cannot be had as it is.
        """
        self._inner = inner
        self._measures = measures
        self._let_in = let_in
        self._error_page = error_page
        self._security = SecurityHeaders(secure=settings.secure)
        self._most = settings.max_body_mb * 1_000_000
        self._open = settings.open
        self._secure = settings.secure
        self._everybody = everybody
        self._tell, self._here, self._kept = tell, here, kept
        self._numbers = itertools.count(1)
        self._start = secrets.token_hex(4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, `http` only."""
        request = f"{self._start}-{next(self._numbers):x}"
        method = scope["method"]
        began = 0.0 if method in READS else time.perf_counter()
        status = 0

        async def answering(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = self._security.added_to(list(message.get("headers", ())))
                headers.append((b"x-request-id", request.encode()))
                if (
                    passage := scope.get("passage")
                ) is not None:  # a provider's key: what is left of its quota
                    headers += passage.begun(status)
                message = {**message, "headers": headers}
            elif (passage := scope.get("passage")) is not None:
                passage.sent(len(message.get("body", b"")))
            await send(message)

        scope["request_id"] = request
        noted.begin()
        if (client := scope.get("client")) is not None:
            ASKER.set(network(client[0]))
        try:
            receive = await self._admit(scope, receive)
            await self._inner(scope, receive, answering)
        except ClientDisconnect:
            status = status or 499
        except Exception as error:
            if status:
                _log.exception("broke off", request=request, method=method, status=status)
                raise
            await self._answer(scope, receive, error, request, answering)
        finally:
            self._measures.answered(
                method, scope["path"], status, time.perf_counter() - began if began else 0.0
            )
            if self._tell is not None and (told := heard(scope, status, request, here=self._here)):
                self._tell(told)

    async def _admit(self, scope: Scope, receive: Receive) -> Receive:
        """Who asks, and whether this can be read at all. Raises Problem."""
        if self._secure:
            scope["scheme"] = "https"
        credentials = False
        origin = b""
        for name, value in scope["headers"]:
            if name in (b"authorization", b"cookie"):
                credentials = True
            elif name == b"content-length":
                if not value.isdigit():
                    raise BadRequest(f"Content-Length: expected a number, got {value[:40]!r}")
                if int(value) > self._most:
                    raise TooLarge(f"the body has {int(value)} bytes; at most {self._most} are read")
            elif name == b"transfer-encoding":
                receive = _counted(receive, self._most)
            elif self._open:
                if name == b"host":
                    _demand_here("Host", "//" + value.decode("latin-1"))
                elif name == b"origin":
                    origin = value
        if origin and scope["method"] not in READS:
            _demand_here("Origin", origin.decode("latin-1"))
        if credentials:
            await self._let_in(scope)
        else:
            scope["principal"] = self._everybody
        return receive

    def _last(self, scope: Scope, request: str) -> ASGIApp | None:
        """What was answered here before, where that may stand for it."""
        if scope["method"] not in ("GET", "HEAD"):
            return None
        try:
            return self._kept(scope)
        except Exception:
            _log.exception("the kept page failed", request=request)
            return None

    async def _answer(
        self, scope: Scope, receive: Receive, error: Exception, request: str, send: Send
    ) -> None:
        problem = error if isinstance(error, Problem) else Problem(f"it is in the log under {request}")
        if problem.status == 500:
            _log.error("failed", request=request, method=scope["method"], status=500, exc_info=error)
        elif problem.status > 500:  # foreseen: a full disk, a restore, a source that does not answer
            _log.warning("could not", request=request, status=problem.status, why=problem.title)
        if problem.status >= 500 and (kept := self._last(scope, request)) is not None:
            await kept(scope, receive, send)
            return
        try:
            status, headers, body = answer(scope, problem, request, self._error_page)
        except Exception:
            _log.exception("the error page failed", request=request)
            status, headers, body = answer(scope, problem, request, plain_page)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _counted(receive: Receive, most: int) -> Receive:
    """A body without a length is read up to the limit."""
    seen = 0

    async def counting() -> Any:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise TooLarge(f"the body is longer than {most} bytes")
        return message

    return counting


@lru_cache(maxsize=256)
def _is_here(address: str) -> bool:
    try:
        return is_loopback(urlsplit(address).hostname or "")
    except ValueError:  # such as an IPv6 address without its end
        return False


def _demand_here(name: str, address: str) -> None:
    """With --open, a page from elsewhere in the operator's browser must not reach the broker. Raises Forbidden."""
    if not _is_here(address):
        raise Forbidden(f"{name}: this server runs with --open and answers only to this machine")
