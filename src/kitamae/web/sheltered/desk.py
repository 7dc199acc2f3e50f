"""`/staff/sheltered`: how many are in the register of each shelter; who came is entered; names are opened on a page of their own, with receipts."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel import days
from kitamae.kernel.people.sheltered import AGES, Said, Tally
from kitamae.kernel.problems import BadRequest, Conflict, NotFound
from kitamae.sdk.sheltering import NEEDS, OPEN, STATUS, TYPE
from kitamae.web import speak
from kitamae.web.duties.forms import KEEP_NOTHING, away, sent, staff, word
from kitamae.web.sheltered import DESK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from kitamae.kernel.people.sheltered import Sheltered
    from kitamae.kernel.problems import Problem
    from kitamae.sdk.context import Context
    from kitamae.web.page import ShellPage

_REFUSED: Final = (BadRequest, NotFound, Conflict)
_DONE: Final = ("entered", "left", "back", "tell", "hush")


def routes(page: ShellPage, context: Context, register: Sheltered, zone: str) -> list[Route]:
    """`zone`: in which forms say when."""
    here = ZoneInfo(zone)

    async def index(request: Request) -> Response:
        tallies = await register.tallies()
        open_ = {
            str(one["id"]): one for one in await context.find([TYPE], q=f'{STATUS}=="{OPEN}"', limit=5_000)
        }
        listed = [
            (id, open_.get(id) or await context.get(id), tallies.get(id, Tally()), id in open_)
            for id in {**open_, **tallies}
        ]
        listed.sort(key=lambda one: (-one[2].people, speak.name(one[1], "ja") if one[1] else one[0]))
        return page.render(
            request, "sheltered.html", headers=KEEP_NOTHING, listed=listed, needs=NEEDS, action=DESK.href
        )

    async def show(
        request: Request,
        failed: Problem | None = None,
        typed: Mapping[str, str] | None = None,
        ticked: list[str] | None = None,
    ) -> Response:
        id = request.path_params["shelter"]
        if (entity := await context.get(id)) is None:
            raise NotFound(f"there is no shelter {id!r:.120}")
        return page.render(
            request, "sheltered-shelter.html", status=failed.status if failed else 200, headers=KEEP_NOTHING,
            shelter=entity, tally=(await register.tallies()).get(id, Tally()), needs=NEEDS, ages=AGES,
            failed=(failed.detail or failed.title) if failed else "", typed=typed or {}, ticked=ticked or [],
            form=secrets.token_urlsafe(12), csrf=request.scope["csrf"], done=_done(request), action=DESK.href,
        )  # fmt: skip

    async def see(request: Request) -> Response:
        return await show(request)

    async def enter(request: Request) -> Response:
        form, who = await sent(request, fields=40), staff(request)
        needs = [str(one) for one in form.getlist("need")]
        told = {name: str(value).strip() for name, value in form.items()}
        try:
            said, at = Said.read(told, needs, NEEDS), days.moment("at", word(form, "at"), here)
            await register.enter(who, request.path_params["shelter"], said, word(form, "form"), at)
        except _REFUSED as problem:
            return await show(request, problem, told, needs)
        return away(f"{request.url.path}?done=entered")

    async def names(request: Request, failed: Problem | None = None) -> Response:
        id = request.path_params["shelter"]
        people = await register.of(staff(request), id)
        return page.render(
            request, "sheltered-names.html", status=failed.status if failed else 200, headers=KEEP_NOTHING,
            shelter=await context.get(id), there=[one for one in people if not one.left],
            gone=[one for one in people if one.left], failed=(failed.detail or failed.title) if failed else "",
            csrf=request.scope["csrf"], done=_done(request), above=request.url.path.rpartition("/")[0], action=DESK.href,
        )  # fmt: skip

    async def look(request: Request) -> Response:
        return await names(request)

    async def act(request: Request) -> Response:
        """He left, he is back, he may be found, he may not: which, the form says in `act`."""
        form, who = await sent(request), staff(request)
        what, person = word(form, "act"), word(form, "person")
        try:
            match what:
                case "left":
                    await register.leave(who, person, days.moment("at", word(form, "at"), here))
                case "back":
                    await register.back(who, person)
                case "tell" | "hush":
                    await register.tell(who, person, findable=what == "tell")
                case other:
                    raise BadRequest(f"act: expected one of left, back, tell, hush, got {other!r:.40}")
        except _REFUSED as problem:
            return await names(request, problem)
        return away(f"{request.url.path}?done={what}")

    return [
        Route(DESK.href, index, methods=["GET"]),
        Route(DESK.href + "/{shelter}", see, methods=["GET"]),
        Route(DESK.href + "/{shelter}", enter, methods=["POST"]),
        Route(DESK.href + "/{shelter}/names", look, methods=["GET"]),
        Route(DESK.href + "/{shelter}/names", act, methods=["POST"]),
    ]


def _done(request: Request) -> Any:
    done = request.query_params.get("done", "")
    return done if done in _DONE else ""
