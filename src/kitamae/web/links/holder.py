"""Whoever holds a link: let in by his code, however often others guess; what his phone kept is taken one by one, in order."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import JSONResponse

from kitamae.kernel.context import clock
from kitamae.kernel.people.links import Sent
from kitamae.kernel.people.links.problems import LinkOver, LinkUnknown
from kitamae.kernel.people.links.sent import place
from kitamae.kernel.people.throttle import Throttle
from kitamae.kernel.problems import BadRequest, Problem, TooLarge, TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.links import Capability, Done, Links
    from kitamae.web.page import ShellPage

BODY: Final = 200_000  # bytes of a queue
MOST: Final = 100  # updates in one
HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
"""The address is the key: it goes into no cache, no search engine, and to no other site."""
OUTCOMES: Final = ("new", "late", "known")


class Pace:
    """How often one link may be used: `most` in `seconds`, counted by each worker in memory only."""

    def __init__(
        self, most: int = 120, seconds: float = 300.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._seconds, self._now = most, seconds, now
        self._used: dict[str, tuple[int, float]] = {}

    def demand(self, number: str, count: int = 1) -> None:
        """Raises TooManyRequests."""
        now = self._now()
        used, until = self._used.get(number, (0, 0.0))
        if until <= now:
            used, until = 0, now + self._seconds
            self._used = {key: one for key, one in self._used.items() if one[1] > now}
        if used + count > self._most:
            wait = int(until - now) + 1
            raise TooManyRequests(
                f"this link was used {used} times in {self._seconds:.0f} seconds; try again in {wait} seconds",
                retryAfter=wait,
            )
        self._used[number] = (used + count, until)


class Holder:
    """One for each area of pages behind a link's code. `page` draws from the folder `web/links`."""

    def __init__(self, page: ShellPage, links: Links) -> None:
        self._page, self._links = page, links
        self._throttle, self.pace = Throttle(), Pace()

    async def seen(self, request: Request) -> Capability:
        """Raises LinkUnknown, LinkOver, TooManyRequests."""
        try:
            return await self._links.seen(request.path_params["code"])
        except LinkUnknown:  # whoever has a link is never asked to wait for those who guess beside him
            self._throttle.unknown((request.scope.get("client") or ("",))[0])
            raise

    async def over(self, request: Request, problem: Problem) -> Response:
        """The page of a link that does not work."""
        state = "unknown" if isinstance(problem, LinkUnknown) else "over"
        return self._page.render(
            request, "link-over.html", status=problem.status, headers=HEADERS, state=state
        )

    async def queue(self, request: Request, take: Callable[[Sent], Awaitable[Done]]) -> Response:
        """What a phone kept while it had no connection: {updates: [...]}, each answered on its own, in order."""
        number = await self._seen_even_over(request)
        updates = await _updates(request)
        self.pace.demand(number, len(updates))
        answers: list[dict[str, Any]] = []
        for told in updates:
            id = told.get("id", "") if isinstance(told, dict) else ""
            try:
                done = await take(Sent.read(told))
            except Problem as problem:
                said = {"status": problem.status, "title": problem.title, "detail": problem.detail}
                answers.append({"id": str(id)[:64], **said})
                continue
            now = {name: {"value": value, "observedAt": at} for name, (value, at) in done.now.items()}
            answers.append(
                {"id": id, "status": 200, "entity": done.entity, "outcome": done.outcome, "again": done.again, "now": now}
            )  # fmt: skip
        return JSONResponse({"at": clock.text(clock.now()), "answers": answers}, headers=HEADERS)

    async def _seen_even_over(self, request: Request) -> str:
        """Its number. A link that is over still lets late updates in: each is asked for itself. Raises LinkUnknown, TooManyRequests."""
        with contextlib.suppress(LinkOver):
            await self.seen(request)
        return self._links.number(request.path_params["code"])


def position(text: str) -> tuple[float, float] | None:
    """`136.31,36.30` as the page's button writes it. Raises BadRequest."""
    if not text:
        return None
    try:
        return place([float(part) for part in text.split(",")])
    except ValueError:
        raise BadRequest(f"position: expected longitude,latitude, got {text!r:.60}") from None


async def _updates(request: Request) -> list[Any]:
    """Raises BadRequest, TooLarge."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY:
            raise TooLarge(f"a queue has at most {BODY:,} bytes")
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    updates = told.get("updates") if isinstance(told, dict) else None
    if not isinstance(updates, list) or not 1 <= len(updates) <= MOST:
        raise BadRequest(f"expected an object with `updates`: a list of 1 to {MOST}")
    return updates
