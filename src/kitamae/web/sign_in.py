"""Signing in and out. A link is only spent by the button on its page: a mail program that looks ahead spends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.people.gate import demand_form, same_origin
from kitamae.kernel.people.people import LinkSpent
from kitamae.kernel.people.person import asking
from kitamae.kernel.problems import Forbidden

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from kitamae.kernel.people.gate import Gate
    from kitamae.kernel.people.people import People
    from kitamae.sdk.page import Page

SIGN_IN: Final = "/sign-in"
STAFF: Final = "/staff"
SIGN_OUT: Final = "/sign-out"
_LONGEST: Final = 200
_KEEP_NOTHING: Final = {"Cache-Control": "no-store"}


def routes(page: Page, people: People, gate: Gate) -> list[Route]:
    """`/sign-in`, `/sign-in/<code>`, `/staff`, `/sign-out`."""

    def form(request: Request, code: str = "", failed: str = "") -> Response:
        status = 403 if failed else 200
        return page.render(
            request,
            "sign-in.html",
            status=status,
            headers=_KEEP_NOTHING,
            action=SIGN_IN,
            code=code,
            failed=failed,
            next="",
        )

    async def ask(request: Request) -> Response:
        return form(request, request.path_params.get("code", ""))

    async def enter(request: Request) -> Response:
        if not same_origin(request.scope):
            raise Forbidden("a page of another site may not sign anybody in here")
        code = (await _sent(request)).get("code")
        if not isinstance(code, str) or not code or len(code) > _LONGEST:
            return form(request, failed="unknown")
        try:
            secret, seconds = await people.sign_in(code.strip())
        except LinkSpent:
            return form(request, failed="expired")
        return _away(STAFF, gate.cookie(secret, seconds))

    async def staff(request: Request) -> Response:
        who = asking(request.scope)
        if not who.session or who.role != "staff":
            return RedirectResponse(SIGN_IN, 303)
        return page.render(
            request,
            "staff.html",
            headers=_KEEP_NOTHING,
            who=who,
            until=await people.until(who.session),
            sign_out=SIGN_OUT,
            csrf=request.scope["csrf"],
        )

    async def leave(request: Request) -> Response:
        if not same_origin(request.scope):
            raise Forbidden("a page of another site may not sign anybody out here")
        demand_form(request.scope, (await _sent(request)).get("csrf"))
        if session := asking(request.scope).session:
            await people.sign_out(session)
        return _away("/", gate.cookie("", 0))

    return [
        Route(SIGN_IN, ask, methods=["GET"]),
        Route(SIGN_IN, enter, methods=["POST"]),
        Route(SIGN_IN + "/{code}", ask, methods=["GET"]),
        Route(STAFF, staff, methods=["GET"]),
        Route(SIGN_OUT, leave, methods=["POST"]),
    ]


async def _sent(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=10)


def _away(where: str, cookie: str) -> Response:
    return RedirectResponse(where, 303, {"Set-Cookie": cookie, **_KEEP_NOTHING})
