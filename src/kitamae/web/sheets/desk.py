"""`/staff/sheets`: choose a shelter, print its sheets. The code on a sheet is the address of a staff page: whoever finds the paper has no key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.problems import NotFound
from kitamae.sdk.sheltering import NEEDS, OPEN, SPACES, STATUS, TYPE
from kitamae.web import qr, speak
from kitamae.web.duties.forms import KEEP_NOTHING
from kitamae.web.sheets import DESK

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.sdk.context import Context, Entity
    from kitamae.web.page import ShellPage

ENTERED: Final = {"opening": "/staff/shelters", "people": "/staff/sheltered", "supplies": "/staff/supplies"}
"""Form -> where it is entered, before the shelter's id."""
_SHOWN: Final = 30


def routes(page: ShellPage, context: Context, origin: str, *, people: bool) -> list[Route]:
    """`origin`: what a printed address begins with; `people`: this city keeps a register of who is there."""
    forms = [one for one in ENTERED if people or one != "people"]

    async def index(request: Request) -> Response:
        text, id = (request.query_params.get(name, "")[:200] for name in ("text", "shelter"))
        chosen = await context.get(id) if id else None
        if chosen is not None:
            found = [chosen]
        elif text:
            found = [one for one in await context.find([TYPE], limit=5_000) if _is_called(one, text)]
        else:
            found = await context.find([TYPE], q=f'{STATUS}=="{OPEN}"', limit=5_000)
        found.sort(key=lambda one: speak.name(one, "ja"))
        return page.render(
            request, "sheets.html", headers=KEEP_NOTHING, text=text, chosen=chosen,
            found=found[:_SHOWN], matched=len(found), forms=forms, action=DESK.href,
        )  # fmt: skip

    async def sheet(request: Request) -> Response:
        form, id = request.path_params["form"], request.query_params.get("shelter", "")
        shelter = await context.get(id) if id else None
        if form not in forms or (id and shelter is None):
            raise NotFound(f"there is no shelter {id!r:.120}" if id else f"there is no sheet {form!r:.40}")
        address = f"{origin}{ENTERED[form]}/{id}" if shelter else ""
        return page.render(
            request, "sheet.html", headers=KEEP_NOTHING, form=form, shelter=shelter, address=address,
            code=qr.svg(address, address) if address else "", spaces=SPACES, needs=NEEDS, action=DESK.href,
        )  # fmt: skip

    return [
        Route(DESK.href, index, methods=["GET"]),
        Route(DESK.href + "/{form}", sheet, methods=["GET"]),
    ]


def _is_called(one: Entity, text: str) -> bool:
    said = " ".join((speak.name(one, "ja"), speak.reading(one, "ja"), speak.address(one, "ja")))
    return text.strip().casefold() in said.casefold()
