"""`/staff/emergency`: one's own duties, and what is not one's own taken in a disaster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.people.approval import STRONG
from kitamae.kernel.people.duties.emergency import HOURS, REVIEW_DAYS
from kitamae.kernel.people.person import asking
from kitamae.kernel.problems import Problem
from kitamae.web.duties.forms import KEEP_NOTHING, away, sent, staff, word

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.duties import Emergencies, Office
    from kitamae.web.page import ShellPage

EMERGENCY: Final = "/staff/emergency"


def routes(page: ShellPage, office: Office, taken: Emergencies, tenant: str) -> list[Route]:
    """The page, taking and ending."""

    async def show(request: Request, failed: str = "", status: int = 200) -> Response:
        who = asking(request.scope)
        if who.role != "staff" or not who.session:
            return RedirectResponse(f"/sign-in?next={EMERGENCY}", 303, KEEP_NOTHING)
        his = {what for where, what in who.duties | who.emergency if where in (tenant, "*")}
        return page.render(
            request,
            "emergency.html",
            status=status,
            headers=KEEP_NOTHING,
            clock=clock.text,
            who=who,
            held=(await office.held(who.ref)).held,
            plan={one.id: one for one in office.plan},
            mine=[one.taken for one in await taken.all() if one.person == who.ref],
            running={one["id"] for one in await taken.of(who.ref)},
            offered=[what for what in taken.offered if what not in his],
            hours=HOURS,
            days=REVIEW_DAYS,
            strong=who.assurance >= STRONG,
            csrf=request.scope["csrf"],
            failed=failed,
        )

    async def ask(request: Request) -> Response:
        return await show(request)

    async def take(request: Request) -> Response:
        form = await sent(request)
        who, hours = staff(request), word(form, "hours")
        try:
            await taken.take(
                who, word(form, "what"), word(form, "why"), int(hours) if hours in _HOURS else 0, tenant
            )
        except Problem as wrong:
            return await show(request, wrong.detail, wrong.status)
        return away(EMERGENCY)

    async def end(request: Request) -> Response:
        await sent(request)
        try:
            await taken.end(staff(request), request.path_params["id"])
        except Problem as wrong:
            return await show(request, wrong.detail, wrong.status)
        return away(EMERGENCY)

    return [
        Route(EMERGENCY, ask, methods=["GET"]),
        Route(EMERGENCY, take, methods=["POST"]),
        Route(EMERGENCY + "/{id}/end", end, methods=["POST"]),
    ]


_HOURS: Final = frozenset(map(str, HOURS))
