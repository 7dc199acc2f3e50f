"""`/staff/transfers`: 人事異動 from a file, tried first; and one change as a second person sees it, person by person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import UploadFile
from starlette.routing import Route

from kitamae.kernel.people.approval import STRONG
from kitamae.kernel.people.duties import sheet
from kitamae.kernel.people.duties.office import digest_of
from kitamae.kernel.problems import BadRequest, NotFound, Problem
from kitamae.web.duties.forms import KEEP_NOTHING, away, begins, offset, sent, staff, word

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.colleagues import Colleagues
    from kitamae.kernel.people.duties import Office
    from kitamae.kernel.people.duties.numbers import Numbers
    from kitamae.web.page import ShellPage

TRANSFERS: Final = "/staff/transfers"
PAGE: Final = 50


def routes(
    page: ShellPage, office: Office, names: Colleagues, numbers: Numbers, tenant: str, zone: ZoneInfo
) -> list[Route]:
    """The list with the form for a file, one change, and the words about it."""

    async def show(request: Request, status: int = 200, **told: Any) -> Response:
        changes = await office.all()
        start = offset(request)
        values = {"failed": "", "wrong": (), "lines": (), "text": "", "title": "", "effective": "", **told}
        return page.render(
            request,
            "transfers.html",
            status=status,
            headers=KEEP_NOTHING,
            changes=changes[start : start + PAGE],
            total=len(changes),
            offset=start,
            limit=PAGE,
            plan={one.id: one for one in office.plan},
            columns=sheet.COLUMNS,
            left=sheet.LEFT,
            csrf=request.scope["csrf"],
            **values,
        )

    async def all_(request: Request) -> Response:
        staff(request)
        return await show(request)

    async def bring(request: Request) -> Response:
        """Try a file, or ask for what it says."""
        form = await sent(request, files=1)
        who = staff(request)
        told: dict[str, Any] = {name: word(form, name) for name in ("title", "effective")}
        try:
            try:
                told["text"] = await _text(form)
            finally:
                await form.close()
            known = await numbers.whose(sheet.numbers(told["text"]))
            read = sheet.read(told["text"], office.plan, tenant, zone, known, names.called)
            if read.wrong:
                return await show(request, 400, wrong=read.wrong, **told)
            effective = begins(told["effective"], zone)
            if word(form, "do") != "ask":
                tried = await office.tried(who, told["title"] or "-", read.steps, effective, read.sections)
                return await show(request, lines=tried, **told)
            id = await office.prepare(
                who, told["title"], read.steps, effective=effective, sections=read.sections, second=True
            )
            if read.names:
                await names.call(who, read.names)
        except Problem as wrong:
            return await show(request, wrong.status, failed=wrong.detail, **told)
        return away(f"{TRANSFERS}/{id}")

    async def one(request: Request, failed: str = "", status: int = 200) -> Response:
        who, id = staff(request), request.path_params["id"]
        kept = await office.get(id)
        asked = await office.asked(id)
        stands = await office.stands(id)
        mine, lines = kept["by"] == who.ref, await office.diff(kept)
        return page.render(
            request,
            "transfer.html",
            status=status,
            headers=KEEP_NOTHING,
            id=id,
            change=kept,
            asked=asked,
            stands=stands,
            lines=lines,
            digest=digest_of(kept, lines),
            may_decide=stands == "asked" and not mine and who.assurance >= STRONG,
            may_approve=asked is not None and who.ref not in asked["barred"],
            mine=mine,
            strong=who.assurance >= STRONG,
            plan={one.id: one for one in office.plan},
            csrf=request.scope["csrf"],
            failed=failed,
        )

    async def ask(request: Request) -> Response:
        return await one(request)

    async def say(request: Request) -> Response:
        form = await sent(request)
        who, id, said = staff(request), request.path_params["id"], request.path_params["word"]
        try:
            if said in ("approve", "refuse"):
                yes = said == "approve"
                await office.decide(who, id, word(form, "digest"), yes=yes, why=word(form, "why"))
            elif said == "withdraw":
                await office.withdraw(who, id)
            elif said == "undo":
                id = await office.undo(who, id, begins(word(form, "effective"), zone))
            else:
                raise NotFound(f"there is no word {said!r:.20} about a change")
        except NotFound:
            raise
        except Problem as wrong:
            return await one(request, wrong.detail, wrong.status)
        return away(f"{TRANSFERS}/{id}")

    return [
        Route(TRANSFERS, all_, methods=["GET"]),
        Route(TRANSFERS, bring, methods=["POST"]),
        Route(TRANSFERS + "/{id}", ask, methods=["GET"]),
        Route(TRANSFERS + "/{id}/{word}", say, methods=["POST"]),
    ]


async def _text(form: FormData) -> str:
    """The file where one was chosen, else what was typed. Raises BadRequest, TooLarge."""
    file = form.get("file")
    if isinstance(file, UploadFile) and file.filename:
        return sheet.decoded(await file.read(sheet.LARGEST + 1))
    text = word(form, "text")
    if not text:
        raise BadRequest("choose a file, or put its text into the field")
    return text
