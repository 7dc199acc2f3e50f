"""Pages that everybody sees alike: drawn when what they show changes, there when nothing else answers.

Drawing costs what a page costs once, not once a reader; whoever asks while it is drawn anew gets the former one after a moment, and so
does everybody while the store does not answer. The page says of what time it is.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.requests import Request
from starlette.responses import Response

from kitamae.web import packed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from kitamae.sdk.changes import Following
    from kitamae.sdk.page import Asked, Plain
    from kitamae.web.page import ShellPage

OLD: Final = 30.0
"""Seconds after which a page is drawn anew though nothing changed: time passes, and what it says ends."""
PATIENCE: Final = 0.5
"""Seconds that a reader waits for the page as it is now, where there is a former one."""
AT_ONCE: Final = 10
"""Answers to what readers ask that are drawn anew in a second: there are hundreds of them, and each is drawn by itself."""
ASKED_FOR: Final = 30.0
"""Seconds for which a former answer stands though something changed, where that many were drawn already."""
ANSWERS: Final = 2_000
"""Of them, at most, the last ones that were asked for: each town in each language. About 10 kB each."""

_log = structlog.get_logger("kitamae")


@dataclass(frozen=True, slots=True)
class Drawn:
    """For everybody who chose the same. `small`: compressed, as nearly everybody takes it."""

    headers: tuple[tuple[bytes, bytes], ...]  # several cookies, for one, have the same name
    small: bytes
    etag: str

    def answer(self, request: Request) -> Response:
        """Nothing of it where the reader has it already."""
        if self.etag in [one.strip() for one in request.headers.get("if-none-match", "").split(",")]:
            return self._dressed(Response(status_code=304))
        if not packed.takes(request.headers):
            return self._dressed(Response(gzip.decompress(self.small)))
        return self._dressed(Response(self.small, headers={"Content-Encoding": "gzip"}))

    def _dressed(self, response: Response) -> Response:
        response.raw_headers += [*self.headers, (b"etag", self.etag.encode())]
        return response


class KeptPage:
    """One of them. An ASGI application for GET and HEAD. `outside`: how it is written where it outlives the server, if it is."""

    def __init__(
        self,
        page: ShellPage,
        path: str,
        template: str,
        values: Callable[[], Awaitable[Mapping[str, Any]]],
        following: Following,
        seconds: float,
        outside: Plain | None = None,
        asked: Asked | None = None,
    ) -> None:
        """`values`: what the template shows, whoever reads it; read anew after `following` heard of a change, at most once in `seconds`."""
        self.path, self.folder, self.outside = path, page.folder, outside
        self._page, self._asked = page, asked
        self._template = template
        self._ask = values
        self._following = following
        self._seconds = seconds
        self._values: Mapping[str, Any] | None = None
        self._of = 0
        self._dirty = True
        self._read_at = self._tried_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._drawn: dict[str, Drawn] = {}
        self._answers: OrderedDict[str, tuple[int, float, object, Drawn]] = (
            OrderedDict()
        )  # of which reading, since when, what was grave then
        self._drawn_at: deque[float] = deque(maxlen=AT_ONCE)
        self.trouble = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, `http` only. Raises what reading raises, as long as there is no former page."""
        request = Request(scope, receive)
        values, _ = await self.current()
        if self._is_alike(request):
            response = self._one(request, values).answer(request)
        else:
            shown = {**values, **self._answer(request, values)[0]}
            response = self._page.render(request, self._template, **shown)
        await response(scope, receive, send)

    def last(self, scope: Scope) -> Response | None:
        """What was read last, whoever asks; None where there is nothing."""
        if self._values is None:
            return None
        request = Request(scope)
        if not self._chosen(request):
            request = Request({**scope, "query_string": b""})
        return self._one(request, self._values).answer(request)

    def _chosen(self, request: Request) -> bool:
        return self._page.chosen(request, self._asked.name if self._asked else "")

    def _answer(self, request: Request, values: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
        """What the template shows for what this reader asks, and whether many ask it."""
        if self._asked is None:
            return {}, True
        return self._asked.answer(values, request.query_params.get(self._asked.name))

    def _one(self, request: Request, values: Mapping[str, Any]) -> Drawn:
        key = f"{self._page.variant(request)} {request.query_params.multi_items()}"
        if (known := self._drawn.get(key)) is not None:
            return known
        if (answered := self._answers.get(key)) is not None:
            of, since, grave, known = answered
            stands = self._busy() and time.monotonic() - since < ASKED_FOR and grave == self._grave(values)
            if of == self._of or stands:
                self._answers.move_to_end(key)
                return known
        more, often = self._answer(request, values)
        drawn = self._draw(request, {**values, **more})
        if self._asked is None or self._asked.name not in request.query_params:
            self._drawn[key] = drawn
        elif often:
            self._answers[key] = self._of, time.monotonic(), self._grave(values), drawn
            self._drawn_at.append(time.monotonic())
            self._answers.move_to_end(key)
            while len(self._answers) > ANSWERS:
                self._answers.popitem(last=False)
        return drawn

    def _grave(self, values: Mapping[str, Any]) -> object:
        return self._asked.grave(values) if self._asked else None

    def _busy(self) -> bool:
        return len(self._drawn_at) == AT_ONCE and time.monotonic() - self._drawn_at[0] < 1.0

    def _draw(self, request: Request, values: Mapping[str, Any]) -> Drawn:
        response = self._page.drawn(request, self._template, values)
        response.headers.add_vary_header("Accept-Encoding")
        body = bytes(response.body)
        return Drawn(
            tuple(one for one in response.raw_headers if one[0] != b"content-length"),
            gzip.compress(body, compresslevel=6, mtime=0),
            f'W/"{sha256(body).hexdigest()[:20]}"',
        )

    def _is_alike(self, request: Request) -> bool:
        """Nothing but the language and the size of the letters was chosen, and nothing stands above the page for this reader."""
        return self._chosen(request) and not self._page.above(request)

    # --- what it shows
    async def current(self) -> tuple[Mapping[str, Any], int]:
        """And the how many-th reading it is. Raises what reading raises, as long as there is no former one."""
        now = time.monotonic()
        self._dirty |= self._following.changed()
        due = (self._dirty or now - self._read_at >= OLD) and now - self._tried_at >= self._seconds
        if due and (self._reading is None or self._reading.done()):
            self._tried_at = now
            self._reading = asyncio.create_task(self._read())
        if self._values is None and self._reading is not None:
            await asyncio.shield(self._reading)
        elif self._reading is not None and not self._reading.done() and now - self._tried_at < PATIENCE:
            await asyncio.wait({self._reading}, timeout=PATIENCE)
        assert self._values is not None
        return self._values, self._of

    async def _read(self) -> None:
        self._dirty = False
        try:
            values = await self._ask()
        except Exception as error:
            before, self.trouble = self.trouble, f"shown as it was: {type(error).__name__}"
            self._dirty = True
            if self._values is None:
                raise
            if self.trouble != before:  # and not each second while the store is away
                _log.exception("a page is shown as it was", template=self._template)
            return
        self._values, self._read_at, self.trouble = values, time.monotonic(), ""
        self._of += 1
        self._drawn = {}
