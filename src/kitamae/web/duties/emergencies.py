"""`/staff/emergencies`: the privacy desk looks at every emergency access afterwards; `/emergency-access`: how many there were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from kitamae.kernel.people.duties.emergency import REVIEW_DAYS
from kitamae.kernel.problems import BadRequest, NotFound, Problem
from kitamae.web.duties.forms import KEEP_NOTHING, away, offset, sent, staff, word

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.duties import Emergencies
    from kitamae.web.page import ShellPage

REVIEWS: Final = "/staff/emergencies"
PUBLIC: Final = "/emergency-access"
PAGE: Final = 50


def routes(page: ShellPage, taken: Emergencies) -> list[Route]:
    """The list and its forms."""

    async def show(request: Request, failed: str = "", status: int = 200) -> Response:
        who = staff(request)
        found = await taken.all()
        found.sort(key=lambda one: one.taken["review"] is not None)  # what waits comes first
        start = offset(request)
        return page.render(
            request,
            "emergencies.html",
            status=status,
            headers=KEEP_NOTHING,
            who=who,
            found=found[start : start + PAGE],
            total=len(found),
            offset=start,
            limit=PAGE,
            days=REVIEW_DAYS,
            csrf=request.scope["csrf"],
            failed=failed,
        )

    async def ask(request: Request) -> Response:
        return await show(request)

    async def say(request: Request) -> Response:
        form = await sent(request)
        who, id, said = staff(request), request.path_params["id"], word(form, "do")
        try:
            if said == "end":
                await taken.end(who, id)
            elif said in ("justified", "not"):
                await taken.review(who, id, justified=said == "justified", why=word(form, "why"))
            else:
                raise BadRequest("do: expected end, justified or not")
        except NotFound:
            raise
        except Problem as wrong:
            return await show(request, wrong.detail, wrong.status)
        return away(REVIEWS)

    return [
        Route(REVIEWS, ask, methods=["GET"]),
        Route(REVIEWS + "/{id}", say, methods=["POST"]),
    ]


def counted(page: ShellPage, taken: Emergencies, zone: ZoneInfo) -> Route:
    """For everybody, without a person in it."""

    async def ask(request: Request) -> Response:
        months = await taken.counted(zone)
        return page.render(request, "emergency-access.html", months=months, days=REVIEW_DAYS)

    return Route(PUBLIC, ask, methods=["GET"])
