"""`/staff/watching`: flags for the privacy officer. Looking at the evidence of one leaves a receipt; whose records they were is
told of one look at a time (`?look=`), and leaves a receipt with that person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from starlette.responses import RedirectResponse
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.people.gate import demand_form
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.watching.flags import LONGEST
from kitamae.kernel.problems import BadRequest
from kitamae.web.watching.mine import titles

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.vault import Purposes
    from kitamae.kernel.people.watching import Flags
    from kitamae.kernel.people.watching.flags import Decision, Flag, Glance
    from kitamae.web.page import ShellPage

LIST: Final = "/staff/watching"
DECIDED: Final = 50
"""Flags that are not open any more, on the list."""
OPEN: Final = 200
_PASSKEY: Final = 2
_DIGITS: Final = 18  # of a receipt's number
_KEEP_NOTHING: Final = {"Cache-Control": "no-store"}


def routes(page: ShellPage, flags: Flags, purposes: Callable[[], Purposes]) -> list[Route]:
    """The work of the desk `privacy`."""

    async def index(request: Request) -> Response:
        who = asking(request.scope)
        found = await flags.all(who)
        waiting = [one for one in found if one["state"] == "open"]
        return page.render(
            request,
            "flags.html",
            headers=_KEEP_NOTHING,
            waiting=waiting[:OPEN],
            more=max(0, len(waiting) - OPEN),
            decided=[one for one in found if one["state"] != "open"][:DECIDED],
            count=looks,
            strong=who.assurance >= _PASSKEY,
        )

    async def shown(request: Request, failed: str = "", status: int = 200) -> Response:
        text = request.query_params.get("look", "")
        opened = int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0
        evidence = await flags.evidence(asking(request.scope), request.path_params["id"], opened)
        return page.render(
            request,
            "flag.html",
            status=status,
            headers=_KEEP_NOTHING,
            flag=evidence.flag,
            looks=[_row(one) for one in evidence.looks],
            total=looks(evidence.flag),
            titles=titles(purposes()),
            said=[one for one in evidence.said if one["reason"]],
            csrf=request.scope.get("csrf", ""),
            longest=LONGEST,
            failed=failed,
        )

    async def one(request: Request) -> Response:
        return await shown(request)

    async def decide(request: Request) -> Response:
        sent = await request.form(max_files=0, max_fields=10)
        demand_form(request.scope, sent.get("csrf"))
        decision, reason = str(sent.get("decision", "")), str(sent.get("reason", ""))
        if decision not in ("dismissed", "released"):
            raise BadRequest("decision: expected dismissed or released")
        if not 1 <= len(reason.strip()) <= LONGEST:
            return await shown(request, failed="reason", status=400)
        id = request.path_params["id"]
        await flags.decide(asking(request.scope), id, cast("Decision", decision), reason)
        return RedirectResponse(f"{LIST}/{id}", 303, _KEEP_NOTHING)

    return [
        Route(LIST, index, methods=["GET"]),
        Route(LIST + "/{id}", one, methods=["GET"]),
        Route(LIST + "/{id}", decide, methods=["POST"]),
    ]


def looks(flag: Flag) -> int:
    """How many receipts a flag rests on."""
    return len({number for one in flag["reasons"] for number in one["numbers"]})


def _row(look: Glance) -> dict[str, Any]:
    return {
        "number": look.number,
        "at": clock.text(look.at),
        "nth": look.nth,
        "person": look.person,
        "purpose": look.purpose,
    }
