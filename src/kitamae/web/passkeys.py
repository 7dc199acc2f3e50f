"""A person's own passkeys: registered after signing in, told apart by name, removed one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.people.gate import demand_form
from kitamae.kernel.people.passkeys import MOST, PasskeyRefused
from kitamae.kernel.people.person import asking
from kitamae.kernel.problems import BadRequest, Forbidden

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.passkeys import Passkeys
    from kitamae.sdk.page import Page

PASSKEYS: Final = "/account/passkeys"
_KEEP_NOTHING: Final = {"Cache-Control": "no-store"}
_PASSKEY: Final = 2
_HAVE: Final = ("staff", "visitor")
"""Residents have their card: a passkey would be a weaker way in beside it."""


def routes(page: Page, passkeys: Passkeys) -> list[Route]:
    """`/account/passkeys` and its two forms."""

    async def show(request: Request, failed: str = "", status: int = 200) -> Response:
        who = asking(request.scope)
        if not who.session or who.role not in _HAVE:
            return RedirectResponse("/account", 303, _KEEP_NOTHING)
        kept = await passkeys.of(who.ref)
        return page.render(
            request,
            "passkeys.html",
            status=status,
            headers=_KEEP_NOTHING,
            passkeys=kept,
            offer=await passkeys.offer(who.ref, "Kitamae")
            if passkeys.possible and len(kept) < MOST
            else None,
            possible=passkeys.possible,
            csrf=request.scope["csrf"],
            failed=failed,
            low=who.role == "staff" and who.assurance < _PASSKEY,
        )

    async def ask(request: Request) -> Response:
        return await show(request)

    async def register(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10)
        demand_form(request.scope, form.get("csrf"))
        who = asking(request.scope)
        if not who.session or who.role not in _HAVE:
            raise Forbidden("passkeys are for staff and visitors")
        note, answer, name = (str(form.get(field, "")) for field in ("note", "credential", "name"))
        try:
            await passkeys.register(who.ref, note, answer, name)
        except (PasskeyRefused, BadRequest) as wrong:
            return await show(request, wrong.detail, wrong.status)
        return RedirectResponse(PASSKEYS, 303, _KEEP_NOTHING)

    async def remove(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10)
        demand_form(request.scope, form.get("csrf"))
        who = asking(request.scope)
        if who.session and (id := str(form.get("id", ""))):
            await passkeys.remove(who.ref, id)
        return RedirectResponse(PASSKEYS, 303, _KEEP_NOTHING)

    return [
        Route(PASSKEYS, ask, methods=["GET"]),
        Route(PASSKEYS, register, methods=["POST"]),
        Route(PASSKEYS + "/remove", remove, methods=["POST"]),
    ]
