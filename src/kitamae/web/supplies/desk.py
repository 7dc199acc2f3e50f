"""`/staff/supplies`: what shelters still wait for, and one page for each shelter where it is noted what became of it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, cast
from zoneinfo import ZoneInfo

from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel import days
from kitamae.kernel.problems import BadRequest, Conflict, NotFound
from kitamae.kernel.supplies import Wish, counted, is_open, left, state
from kitamae.kernel.supplies.records import amount
from kitamae.web import speak
from kitamae.web.duties.forms import KEEP_NOTHING, away, sent, staff, word
from kitamae.web.supplies import DESK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import FormData
    from starlette.requests import Request

    from kitamae.kernel.problems import Problem
    from kitamae.kernel.supplies import Supplies, Supply
    from kitamae.sdk.context import Context
    from kitamae.web.page import ShellPage

_REFUSED: Final = (BadRequest, NotFound, Conflict)
_SHOWN: Final = 50
_NOTES: Final = ("sent", "arrived", "declined", "withdrawn")
_DONE: Final = ("new", "late", "known", "noted", "undone")


def routes(page: ShellPage, context: Context, supplies: Supplies, type_: str, zone: str) -> list[Route]:
    """`type_`: what a shelter is called in this city; `zone`: in which forms say when."""
    here = ZoneInfo(zone)

    async def found(text: str) -> list[tuple[str, str]]:
        """(id, name) of shelters whose name, reading or address has the text."""
        wanted = text.strip().casefold()
        rows = [
            (str(one["id"]), speak.name(one, "ja"), speak.reading(one, "ja"), speak.address(one, "ja"))
            for one in await context.find([type_], limit=5_000)
        ]
        return [(id, name) for id, name, *more in rows if wanted in " ".join((name, *more)).casefold()]

    async def index(request: Request) -> Response:
        text = request.query_params.get("text", "")[:100]
        waiting: dict[str, list[Supply]] = {}
        for _, one in await supplies.all():
            if is_open(one):
                waiting.setdefault(one["shelter"], []).append(one)
        named = [(id, await context.get(id), ones[::-1]) for id, ones in waiting.items()]
        named.sort(key=lambda one: one[2][0]["steps"][0]["observedAt"])  # who waits longest comes first
        matched = await found(text) if text else []
        return page.render(
            request, "supplies.html", headers=KEEP_NOTHING,
            waiting=named, text=text, found=matched[:_SHOWN], matched=len(matched),
            state=state, counted=counted, left=left, action=DESK.href,
        )  # fmt: skip

    async def show(
        request: Request, failed: Problem | None = None, typed: Mapping[str, str] | None = None
    ) -> Response:
        id = request.path_params["shelter"]
        entity = await context.get(id)
        asked = await supplies.of(id)
        if entity is None and not asked:
            raise NotFound(f"there is no shelter {id!r:.120}")
        done = request.query_params.get("done", "")
        return page.render(
            request, "supplies-shelter.html", status=failed.status if failed else 200, headers=KEEP_NOTHING,
            shelter=entity, open=[one for one in asked if is_open(one[1])],
            over=[one for one in asked if not is_open(one[1])][:_SHOWN],
            state=state, counted=counted, left=left, typed=typed or {}, done=done if done in _DONE else "",
            failed=(failed.detail or failed.title) if failed else "",
            form=secrets.token_urlsafe(12), csrf=request.scope["csrf"], action=DESK.href,
        )  # fmt: skip

    async def see(request: Request) -> Response:
        return await show(request)

    async def act(request: Request) -> Response:
        """Ask, send, arrive, decline, withdraw, take back: which, the form says in `act`."""
        form = await sent(request)
        try:
            done = await _written(request.path_params["shelter"], staff(request).ref, form)
        except _REFUSED as problem:
            return await show(request, problem, {name: str(value) for name, value in form.items()})
        return away(f"{request.url.path}?done={done}")

    async def _written(shelter: str, by: str, form: FormData) -> str:
        what, number = word(form, "act"), word(form, "supply")
        at = days.moment("at", word(form, "at"), here)
        if what == "ask":
            wish = Wish.read({name: word(form, name) for name in ("item", "amount", "unit")})
            return await supplies.ask(by, shelter, wish, word(form, "form"), at)
        seen = int(word(form, "seen")) if word(form, "seen").isdecimal() else 0
        if what == "undo":
            await supplies.undo(by, number, seen=seen)
            return "undone"
        if what not in _NOTES:
            raise BadRequest(f"act: expected one of ask, undo, {', '.join(_NOTES)}, got {what!r:.40}")
        told: dict[str, Any] = {"seen": seen, "said": word(form, "said"), "at": at}
        if what in ("sent", "arrived"):
            told["amount"] = amount(word(form, "amount"))
        await supplies.note(by, number, cast("Any", what), word(form, "form"), **told)
        return "noted"

    return [
        Route(DESK.href, index, methods=["GET"]),
        Route(DESK.href + "/{shelter}", see, methods=["GET"]),
        Route(DESK.href + "/{shelter}", act, methods=["POST"]),
    ]
