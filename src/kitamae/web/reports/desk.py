"""`/staff/reports`: what waits, ranked; one report, its photo, what is done with it. The list holds no word of anybody; opening a report leaves a receipt."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.people.mynumber import HoldsMyNumber
from kitamae.kernel.people.vault.problems import Erased
from kitamae.kernel.problems import BadRequest, Conflict, NotFound
from kitamae.kit.reports import photo
from kitamae.kit.reports.locate import SURE
from kitamae.kit.reports.record import LONGEST, OPEN
from kitamae.web.duties.forms import KEEP_NOTHING, away, offset, sent, staff, word
from kitamae.web.reports.public import jpeg

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.problems import Problem
    from kitamae.kit.reports import Report, Reports
    from kitamae.web.page import ShellPage

HERE: Final = "/staff/reports"
PAGE: Final = 50
COLUMNS: Final = 8
ROWS: Final = 6
"""Squares of a photo that can be covered."""
_REFUSED: Final = (BadRequest, Conflict, HoldsMyNumber, NotFound, Erased)


def routes(page: ShellPage, reports: Reports) -> list[Route]:
    """Whole addresses."""

    async def index(request: Request) -> Response:
        every = await reports.desk.all()
        first = offset(request)
        return page.render(
            request, "reports.html", headers=KEEP_NOTHING,
            reports=every[first : first + PAGE], total=len(every), waiting=sum(one["state"] in OPEN for _, one in every),
            offset=first, limit=PAGE, sure=SURE, here_=HERE,
        )  # fmt: skip

    async def one(request: Request) -> Response:
        return await show(request)

    async def show(request: Request, failed: Problem | None = None, given: str = "") -> Response:
        who, number = staff(request), _number(request)
        report = await reports.desk.one(number)
        gone = report["state"] == "taken-back"
        said = [] if gone else await reports.desk.read(who, number, "text", "where", "longitude", "latitude")
        return page.render(
            request, "report-desk.html", status=failed.status if failed else 200, headers=KEEP_NOTHING,
            number=number, report=report, said=said, sure=SURE, longest=LONGEST, given=given, csrf=request.scope["csrf"],
            failed=_sentence(failed), done=request.query_params.get("done", ""), next_=await _next(reports, number), here_=HERE,
        )  # fmt: skip

    async def act(request: Request) -> Response:
        form, who = await sent(request), staff(request)
        number, said = _number(request), request.path_params["word"]
        try:
            if said == "answer":
                await reports.desk.answer(who, number, word(form, "text"))
            elif said == "join":
                await reports.desk.join(who, number, word(form, "to"))
            elif said in ("seen", "closed"):
                await reports.desk.move(who, number, said)
            else:
                raise NotFound(f"there is nothing to {said!r:.20} here")
        except _REFUSED as problem:
            return await show(request, problem, word(form, "text"))
        return away(f"{HERE}/{number}?done={said}")

    async def cover(request: Request) -> Response:
        staff(request)
        number = _number(request)
        report = await reports.desk.one(number)
        if not report["photo"]:
            raise NotFound("there is no photo with this report")
        return page.render(
            request, "report-photo.html", headers=KEEP_NOTHING, number=number, columns=COLUMNS, rows=ROWS,
            csrf=request.scope["csrf"], here_=HERE,
        )  # fmt: skip

    async def picture(request: Request) -> Response:
        return jpeg(await _photo(request))

    async def covered(request: Request) -> Response:
        form = await sent(request, fields=COLUMNS * ROWS + 5)
        squares = {int(one) for one in form.getlist("square") if isinstance(one, str) and one.isdecimal()}
        said = await _photo(request)
        data = base64.b64decode(next(one.fields["photo"] for one in said if "photo" in one.fields))
        made = await asyncio.to_thread(photo.covered, data, squares, COLUMNS, ROWS)
        name = f"report-{_number(request)}.jpg"
        return Response(
            made,
            media_type="image/jpeg",
            headers={**KEEP_NOTHING, "Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def _photo(request: Request) -> list[Any]:
        """Raises NotFound."""
        said = await reports.desk.read(staff(request), _number(request), "photo")
        if not any("photo" in one.fields for one in said):
            raise NotFound("there is no photo with this report")
        return said

    item = HERE + "/{number}"
    return [
        Route(HERE, index, methods=["GET"]),
        Route(item, one, methods=["GET"]),
        Route(item + "/photo", cover, methods=["GET"]),
        Route(item + "/photo", covered, methods=["POST"]),
        Route(item + "/photo.jpg", picture, methods=["GET"]),
        Route(item + "/{word}", act, methods=["POST"]),
    ]


async def _next(reports: Reports, number: str) -> str:
    """The number of the report to look at after this one; "": none waits."""
    waiting: list[tuple[str, Report]] = [one for one in await reports.desk.all() if one[1]["state"] == "new"]
    return next((one for one, _ in waiting if one != number), "")


def _number(request: Request) -> str:
    return str(request.path_params["number"])


def _sentence(failed: Problem | None) -> str:
    return (failed.detail or failed.title) if failed else ""
