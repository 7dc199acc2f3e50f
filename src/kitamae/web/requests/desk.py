"""The desk for requests (担当): every open case by its deadline, taking and answering them; `/staff/requests`."""

from __future__ import annotations

import secrets
from datetime import date
from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.people.person import asking
from kitamae.kernel.people.requests import case as cases
from kitamae.kernel.people.requests.case import OPEN, Move
from kitamae.kernel.people.requests.kinds import CAPACITIES, IDENTITY, KINDS
from kitamae.kernel.people.requests.requests import LONGEST
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden
from kitamae.web.my.ground import KEEP_NOTHING
from kitamae.web.requests import letters
from kitamae.web.requests.own import filing, form, proposed, show_form, show_letter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from kitamae.kernel.people.requests import Requests
    from kitamae.kernel.problems import Problem
    from kitamae.sdk.page import Page
    from kitamae.web.requests.letters import Office
    from kitamae.web.sought import Search

DESK: Final = "/staff/requests"
DUTY: Final = "requests"
_FAR: Final = date(9999, 12, 31)


def routes(page: Page, requests: Requests, office: Office, search: Search) -> list[Route]:
    """`/staff/requests` and what is under it; for the desk alone."""

    async def index(request: Request) -> Response:
        """Open cases, the most urgent first; `?all=1`: those that are done too."""
        every = request.query_params.get("all") == "1"
        found = [
            (number, case, cases.due(case, requests.calendar))
            for number, case in await requests.all()
            if every or case["state"] in OPEN
        ]
        found.sort(key=lambda one: one[2].safe if one[2] else _FAR)
        return page.render(
            request,
            "desk.html",
            headers=KEEP_NOTHING,
            found=found,
            every=every,
            kinds=KINDS,
            today=requests.today(),
            who=asking(request.scope),
        )

    async def new(request: Request) -> Response:
        """The form for somebody who came to the counter."""
        return show_form(page, request, DESK, {"kind": request.query_params.get("kind", "")})

    async def find(request: Request) -> Response:
        """Whose case it will be: what the city knows of him stands in the form already."""
        sent = await form(request)
        sought = await search.find(asking(request.scope), sent)
        known = {name: str(sought.seen[name]) for name in ("name", "address") if sought.seen.get(name)}
        filled = {"kind": sent.get("kind", ""), "person": sought.person, **known}
        return show_form(page, request, DESK, filled, sought=sought)

    async def file(request: Request) -> Response:
        """Take it. The case is that of a person who has no other reference here, unless one is given."""
        who = asking(request.scope)
        sent = await form(request)
        person = sent.get("person", "").strip() or f"counter-{secrets.token_hex(6)}"
        try:
            if person == who.ref:
                raise BadRequest("person: one's own case is not entered at one's own desk")
            number = await requests.file(who, filing(sent, person))
        except BadRequest as wrong:
            return show_form(page, request, DESK, sent, wrong)
        return RedirectResponse(f"{DESK}/{number}", 303, KEEP_NOTHING)

    async def case(request: Request) -> Response:
        """A case with all that was said. Opening it leaves a receipt that the person sees."""
        return await show(request)

    async def show(
        request: Request, wrong: Problem | None = None, sent: Mapping[str, str] | None = None
    ) -> Response:
        who, number = asking(request.scope), request.path_params["number"]
        found = await requests.case(number)
        said = await requests.said(who, number)
        return page.render(
            request,
            "desk-case.html",
            status=wrong.status if wrong else 200,
            headers=KEEP_NOTHING,
            number=number,
            case=found,
            kind=KINDS[found["kind"]],
            said=said,
            proposed=proposed,
            too_late=requests.too_late(found, said),
            due=cases.due(found, requests.calendar),
            today=requests.today(),
            possible=[one for one in cases.possible(found) if one not in ("reply", "take")],
            letters=letters.LETTERS,
            identity=IDENTITY,
            capacities=CAPACITIES,
            base=DESK,
            csrf=request.scope["csrf"],
            wrong=wrong.detail if wrong else "",
            sent=sent or {},
            longest=LONGEST,
            who=who,
        )

    async def step(request: Request) -> Response:
        """Take a step of a case."""
        who, number = asking(request.scope), request.path_params["number"]
        sent = await form(request)
        if (await requests.case(number))["person"] == who.ref:
            raise Forbidden("one's own case is for a colleague: it is followed at /my/requests")
        try:
            await requests.step(who, number, _move(sent))
        except (BadRequest, Conflict) as wrong:
            return await show(request, wrong, sent)
        return RedirectResponse(f"{DESK}/{number}", 303, KEEP_NOTHING)

    async def letter(request: Request) -> Response:
        """A letter of a case, to be printed and sent."""
        return await show_letter(page, request, requests, asking(request.scope), office, DESK)

    return [
        Route(DESK, index, methods=["GET"]),
        Route(DESK + "/new", new, methods=["GET"]),
        Route(DESK + "/new", file, methods=["POST"]),
        Route(DESK + "/new/search", find, methods=["POST"]),
        Route(DESK + "/{number}", case, methods=["GET"]),
        Route(DESK + "/{number}", step, methods=["POST"]),
        Route(DESK + "/{number}/letters/{which}", letter, methods=["GET"]),
    ]


def _move(sent: dict[str, str]) -> Move:
    """Raises BadRequest."""
    days, until = sent.get("days", ""), sent.get("until", "")
    if days and not (days.isascii() and days.isdigit() and len(days) <= 3):
        raise BadRequest("days: expected a number of days")
    return Move(
        sent.get("step", ""),
        sent.get("text", ""),
        sent.get("reason", ""),
        int(days) if days else 0,
        day(until, "until") if until else None,
        sent.get("outcome", ""),
        sent.get("identity", ""),
    )


def day(text: str, where: str) -> date:
    """2026-11-21, or as its form wrote it. Raises BadRequest."""
    try:
        return date.fromisoformat(text.strip().replace("/", "-"))
    except ValueError as error:
        raise BadRequest(f"{where}: expected a day such as 2026-11-21") from error
