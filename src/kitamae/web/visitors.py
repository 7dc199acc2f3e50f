"""Visitors sign in with an e-mail address: a letter with a link that works once, and afterwards a passkey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.people.gate import same_origin
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.post import PostFailed
from kitamae.kernel.people.sessions import LinkSpent
from kitamae.kernel.problems import BadRequest, Forbidden, NotFound
from kitamae.web.residents import ACCOUNT

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.gate import Gate
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.visitors import Visitors
    from kitamae.web.page import ShellPage

SIGN_IN: Final = "/sign-in/visitor"
_KEEP_NOTHING: Final = {"Cache-Control": "no-store"}


def routes(
    page: ShellPage, people: People, gate: Gate, visitors: Visitors | None, origin: str
) -> list[Route]:
    """`/sign-in/visitor` and the page that the letter leads to."""

    def show(request: Request, *, sent: bool = False, failed: str = "", code: str = "") -> Response:
        return page.render(
            request,
            "visitor.html",
            status=400 if failed else 200,
            headers=_KEEP_NOTHING,
            ready=visitors is not None,
            sent=sent,
            failed=failed,
            code=code,
            action=SIGN_IN,
        )

    async def ask(request: Request) -> Response:
        return show(request, code=request.path_params.get("code", ""))

    async def invite(request: Request) -> Response:
        if not same_origin(request.scope):
            raise Forbidden("a page of another site may not send anybody a letter from here")
        if visitors is None:
            raise NotFound("this city sends no e-mail")
        form = await request.form(max_files=0, max_fields=5)
        texts = page.shell.environment(page.folder, page.language(request))

        def letter(secret: str) -> tuple[str, str]:
            written = texts.get_template("visitor-mail.txt").render(
                city=page.shell.city, link=f"{origin}{SIGN_IN}/{secret}"
            )
            subject, _, text = written.strip().partition("\n")
            return subject, text.lstrip("\n")

        try:
            network = (request.scope.get("client") or ("",))[0]
            await visitors.invite(str(form.get("address", "")), network, letter)
        except BadRequest:
            return show(request, failed="address")
        except PostFailed:
            return show(request, failed="post")
        return show(request, sent=True)

    async def enter(request: Request) -> Response:
        if not same_origin(request.scope):
            raise Forbidden("a page of another site may not sign anybody in here")
        code = str((await request.form(max_files=0, max_fields=5)).get("code", ""))[:200]
        try:
            secret, seconds = await people.sign_in(code, asking(request.scope).session)
        except LinkSpent:
            return show(request, failed="expired")
        return RedirectResponse(ACCOUNT, 303, {"Set-Cookie": gate.cookie(secret, seconds), **_KEEP_NOTHING})

    return [
        Route(SIGN_IN, ask, methods=["GET"]),
        Route(SIGN_IN, invite, methods=["POST"]),
        Route(SIGN_IN + "/enter", enter, methods=["POST"]),
        Route(SIGN_IN + "/{code}", ask, methods=["GET"]),
    ]
