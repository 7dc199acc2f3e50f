"""`/staff/assisted/file`: the list from a file, tried first; every row that is refused is said with its line, column, value and what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import UploadFile
from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.people.assisted import COLUMNS, MOST, bring
from kitamae.kernel.people.duties import sheet
from kitamae.kernel.problems import BadRequest, Conflict, TooLarge
from kitamae.web.assisted import DESK
from kitamae.web.assisted.ground import why
from kitamae.web.duties.forms import KEEP_NOTHING, sent, staff, word

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import FormData
    from starlette.requests import Request

    from kitamae.kernel.people.assisted import Brought
    from kitamae.kernel.problems import Problem
    from kitamae.web.assisted.ground import Ground


def routes(ground: Ground, mark: Callable[[bytes], bytes]) -> list[Route]:
    """`mark`: as `bring` has it."""

    async def show(
        request: Request, failed: Problem | None = None, found: Brought | None = None, text: str = "", dry: bool = True
    ) -> Response:  # fmt: skip
        refused = failed is not None or (found is not None and found.wrong)
        return ground.page.render(
            request, "assisted-file.html", status=failed.status if failed else 400 if refused else 200, headers=KEEP_NOTHING,
            found=found, text=text, tried=dry, columns=list(COLUMNS), most=MOST, csrf=request.scope["csrf"], action=DESK.href, **why(failed),
        )  # fmt: skip

    async def see(request: Request) -> Response:
        return await show(request)

    async def take(request: Request) -> Response:
        form, who = await sent(request, files=1), staff(request)
        dry, text = word(form, "do") != "write", ""
        try:
            text = await _text(form)
            found = await bring(who, ground.register, text, await ground.known(), mark, dry=dry)
        except (BadRequest, Conflict, TooLarge) as problem:
            return await show(request, problem, text=text)
        return await show(request, None, found, text if dry or found.wrong else "", dry)

    return [
        Route(DESK.href + "/file", see, methods=["GET"]),
        Route(DESK.href + "/file", take, methods=["POST"]),
    ]


async def _text(form: FormData) -> str:
    """The file where one was chosen, else what was tried before. Raises BadRequest, TooLarge."""
    file = form.get("file")
    if isinstance(file, UploadFile) and file.filename:
        data = await file.read(sheet.LARGEST + 1)
        await file.close()
        return sheet.decoded(data)
    text = word(form, "text")
    if not text:
        raise BadRequest("choose a file, or put its text into the field")
    if len(text.encode()) > sheet.LARGEST:
        raise TooLarge(f"a file of {len(text.encode()):,} bytes: {sheet.LARGEST:,} are read")
    return text
