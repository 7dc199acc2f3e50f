"""`/l/<code>`: what somebody with a link sees and sends, from any phone and without an account.

Looking uses nothing up, so a mail program that looks ahead harms nothing; only the page's button, or a phone's queue
(`/l/<code>/updates`), sends.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.people.links import Sent
from kitamae.kernel.people.links.problems import Elsewhere, LinkOver, LinkUnknown, SentTwice
from kitamae.kernel.people.links.sent import place
from kitamae.kernel.people.throttle import Throttle
from kitamae.kernel.problems import BadRequest, NotFound, Problem, TooLarge, TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from kitamae.kernel.people.links import Capability, Kind, Links
    from kitamae.sdk.context import Context, Entity
    from kitamae.web.page import ShellPage

BODY: Final = 200_000  # bytes of a queue
MOST: Final = 100  # updates in one
_HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
"""The address is the key: it goes into no cache, no search engine, and to no other site."""
_OUTCOMES: Final = ("new", "late", "known")


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


def routes(page: ShellPage, context: Context, links: Links) -> list[Route]:
    """`/l/{code}` and `/l/{code}/updates`."""
    throttle, pace = Throttle(), Pace()

    async def seen(request: Request) -> Capability:
        """Raises LinkUnknown, LinkOver, TooManyRequests."""
        try:
            return await links.seen(request.path_params["code"])
        except LinkUnknown:  # whoever has a link is never asked to wait for those who guess beside him
            throttle.unknown((request.scope.get("client") or ("",))[0])
            raise

    async def over(request: Request, problem: Problem) -> Response:
        state = "unknown" if isinstance(problem, LinkUnknown) else "over"
        return page.render(request, "link-over.html", status=problem.status, headers=_HEADERS, state=state)

    async def show(
        request: Request,
        kept: Capability,
        *,
        failed: str = "",
        why: str = "",
        status: int = 200,
        told: Any = None,
    ) -> Response:
        kind: Kind | None = links.kinds.get(kept["terms"]["kind"])
        if kind is None:
            return await over(request, LinkOver())
        things = [
            (one, _now(await context.full(id) or {}, kind))
            for id in kept["terms"]["things"]
            if (one := await context.get(id))
        ]
        done = request.query_params.get("done", "")
        return page.render(
            request, "link.html", status=status, headers=_HEADERS,
            kind=kind, terms=kept["terms"], things=things,
            update=secrets.token_urlsafe(12), failed=failed, why=why, told=defaultdict(str, told or {}),
            done=done if done in _OUTCOMES else "",
        )  # fmt: skip

    async def look(request: Request) -> Response:
        try:
            return await show(request, await seen(request))
        except (LinkUnknown, LinkOver) as problem:
            return await over(request, problem)

    async def send(request: Request) -> Response:
        try:
            kept = await seen(request)
        except (LinkUnknown, LinkOver) as problem:
            return await over(request, problem)
        pace.demand(kept["terms"]["number"])
        form = await request.form(max_files=0, max_fields=60)
        told = {name: str(value).strip() for name, value in form.items()}
        values = {name[2:]: value for name, value in told.items() if name.startswith("v.") and value}
        try:
            sent = Sent(
                told.get("id", ""), values, told.get("entity", ""), None, _position(told.get("position", ""))
            )
            done = await links.use(request.path_params["code"], sent)
        except Elsewhere:
            return await show(request, kept, failed="elsewhere", status=403, told=told)
        except (BadRequest, NotFound, SentTwice) as problem:
            return await show(
                request, kept, failed="values", why=problem.detail, status=problem.status, told=told
            )
        except (LinkUnknown, LinkOver) as problem:
            return await over(request, problem)
        return RedirectResponse(f"{request.url.path}?done={done.outcome}", 303, _HEADERS)

    async def queue(request: Request) -> Response:
        """What a phone kept while it had no connection: {updates: [...]}, each answered on its own, in order."""
        number = await seen_even_over(request)
        updates = await _updates(request)
        pace.demand(number, len(updates))
        answers = []
        for told in updates:
            id = told.get("id", "") if isinstance(told, dict) else ""
            try:
                done = await links.use(request.path_params["code"], Sent.read(told))
            except Problem as problem:
                answers.append(
                    {
                        "id": str(id)[:64],
                        "status": problem.status,
                        "title": problem.title,
                        "detail": problem.detail,
                    }
                )
                continue
            answers.append(
                {
                    "id": id, "status": 200, "entity": done.entity, "outcome": done.outcome, "again": done.again,
                    "now": {name: {"value": value, "observedAt": at} for name, (value, at) in done.now.items()},
                }
            )  # fmt: skip
        return JSONResponse({"at": clock.text(clock.now()), "answers": answers}, headers=_HEADERS)

    async def seen_even_over(request: Request) -> str:
        """Its number. A link that is over still lets late updates in: each is asked for itself. Raises LinkUnknown, TooManyRequests."""
        with contextlib.suppress(LinkOver):
            await seen(request)
        return links.number(request.path_params["code"])

    return [
        Route("/l/{code}", look, methods=["GET"]),
        Route("/l/{code}", send, methods=["POST"]),
        Route("/l/{code}/updates", queue, methods=["POST"]),
    ]


def _now(entity: Entity, kind: Kind) -> dict[str, tuple[Any, str]]:
    """What the city knows of each field: value and RFC 3339 time."""
    known: dict[str, tuple[Any, str]] = {}
    for one in kind.fields:
        attribute = entity.get(one.name)
        first = attribute[0] if isinstance(attribute, list) and attribute else attribute
        if isinstance(first, dict) and "value" in first:
            known[one.name] = (first["value"], str(first.get("observedAt") or first.get("modifiedAt") or ""))
    return known


def _position(text: str) -> tuple[float, float] | None:
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
