"""Signing in and out. A link is only spent by the button on its page: a mail program that looks ahead spends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.context import first
from kitamae.kernel.people.gate import demand_form, same_origin
from kitamae.kernel.people.passkeys import PasskeyRefused
from kitamae.kernel.people.person import HOME, asking
from kitamae.kernel.people.sessions import LinkSpent
from kitamae.kernel.problems import Forbidden, NotFound
from kitamae.web.residents import ACCOUNT, local

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from kitamae.kernel.people.duties import Office
    from kitamae.kernel.people.gate import Gate
    from kitamae.kernel.people.passkeys import Passkeys
    from kitamae.kernel.people.people import People
    from kitamae.sdk.page import Page
    from kitamae.web.handed import Handed

SIGN_IN: Final = "/sign-in"
STAFF: Final = "/staff"
SIGN_OUT: Final = "/sign-out"
ARRIVE: Final = STAFF
"""Where one is after signing in; who is no member of staff goes on from there to his own page."""
MAIL: Final = 1
PASSKEY: Final = 2
"""`Principal.assurance`: of whom only an e-mail address is known, however well his device signs; and of staff with a passkey."""
_LONGEST: Final = 200
_KEEP_NOTHING: Final = {"Cache-Control": "no-store"}


def routes(
    page: Page, people: People, gate: Gate, passkeys: Passkeys, office: Office, handed: Handed
) -> list[Route]:
    """`/sign-in`, `/sign-in/passkey`, `/sign-in/<code>`, `/staff`, `/staff/recovery`, `/staff/link`, `/sign-out`."""

    def form(request: Request, code: str = "", failed: str = "", next: str = "") -> Response:
        status = 403 if failed else 200
        return page.render(
            request,
            "sign-in.html",
            status=status,
            headers=_KEEP_NOTHING,
            action=SIGN_IN,
            code=code,
            failed=failed,
            next=next or local(request.query_params.get("next", ""), ""),
            passkey=passkeys.challenge() if passkeys.possible and not code else None,
        )

    async def ask(request: Request) -> Response:
        return form(request, request.path_params.get("code", ""))

    async def enter(request: Request) -> Response:
        if not same_origin(request.scope):
            raise Forbidden("a page of another site may not sign anybody in here")
        sent = await _sent(request)
        code, next = sent.get("code"), local(str(sent.get("next", "")), "")
        if not isinstance(code, str) or not code or len(code) > _LONGEST:
            gate.guessed(request.scope)
            return form(request, failed="unknown", next=next)
        try:
            secret, seconds = await people.sign_in(code.strip(), asking(request.scope).session)
        except LinkSpent:
            gate.guessed(request.scope)
            return form(request, failed="expired", next=next)
        return _away(next or ARRIVE, gate.cookie(secret, seconds))

    async def prove(request: Request) -> Response:
        if not same_origin(request.scope):
            raise Forbidden("a page of another site may not sign anybody in here")
        sent = await _sent(request)
        next = local(str(sent.get("next", "")), "")
        try:
            ref = await passkeys.prove(str(sent.get("note", "")), str(sent.get("credential", "")))
            person = await people.person(ref)
        except (PasskeyRefused, NotFound):
            gate.guessed(request.scope)
            return form(request, failed="passkey", next=next)
        assurance = PASSKEY if person["role"] == "staff" else MAIL
        of, before = person.get("tenants", [HOME]), asking(request.scope).session
        secret, seconds = await people.admit(ref, person["role"], assurance, of, before)
        return _away(next or ARRIVE, gate.cookie(secret, seconds))

    async def staff_page(request: Request, *, failed: bool = False, status: int = 200) -> Response:
        who = asking(request.scope)
        if not who.session:
            return RedirectResponse(SIGN_IN, 303)
        if who.role != "staff":
            return RedirectResponse(ACCOUNT, 303)
        return page.render(
            request,
            "staff.html",
            status=status,
            headers=_KEEP_NOTHING,
            who=who,
            until=await people.until(who.session),
            sign_out=SIGN_OUT,
            csrf=request.scope["csrf"],
            recovery=await people.recovery(who.ref),
            may_recover=who.assurance >= PASSKEY,
            failed=failed,
            colleagues=await office.colleagues(but=who.ref),
            first=bool((await people.person(who.ref)).get("first")),
            standing=await office.standing(who.ref),
            held=(await office.held(who.ref)).held,
        )

    async def staff(request: Request) -> Response:
        return await staff_page(request)

    async def recover(request: Request) -> Response:
        sent = await _sent(request)
        demand_form(request.scope, sent.get("csrf"))
        who = asking(request.scope)
        if who.role != "staff" or who.assurance < PASSKEY:
            raise Forbidden("only a member of staff who signed in with a passkey lets a colleague in again")
        ref = str(sent.get("person", "")).strip()
        try:
            with first.asking(lambda tx: office.demand_lets_in(tx, who, ref)):
                answer = await handed.let_in(who, ref, new=False)
        except NotFound:
            return await staff_page(request, failed=True, status=404)
        await passkeys.remove(ref)
        return answer

    async def leave(request: Request) -> Response:
        if not same_origin(request.scope):
            raise Forbidden("a page of another site may not sign anybody out here")
        demand_form(request.scope, (await _sent(request)).get("csrf"))
        if session := asking(request.scope).session:
            await people.sign_out(session)
        return _away("/", gate.cookie("", 0))

    return [
        *handed.routes(page),
        Route(SIGN_IN, ask, methods=["GET"]),
        Route(SIGN_IN, enter, methods=["POST"]),
        Route(SIGN_IN + "/passkey", prove, methods=["POST"]),
        Route(SIGN_IN + "/{code}", ask, methods=["GET"]),
        Route(STAFF, staff, methods=["GET"]),
        Route(STAFF + "/recovery", recover, methods=["POST"]),
        Route(SIGN_OUT, leave, methods=["POST"]),
    ]


async def _sent(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=10)


def _away(where: str, cookie: str) -> Response:
    return RedirectResponse(where, 303, {"Set-Cookie": cookie, **_KEEP_NOTHING})
