"""The addresses of the OpenID Provider: for clients in JSON, for people the page that asks them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import FormData
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.people.gate import demand_form, same_origin
from kitamae.kernel.people.jose.encoding import BadToken
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.provider.errors import (
    AccessDenied,
    ConsentRequired,
    InvalidClient,
    InvalidToken,
    LoginRequired,
    OAuthError,
)
from kitamae.kernel.people.provider.grants import SignedIn
from kitamae.kernel.people.provider.provider import PATH
from kitamae.kernel.people.provider.request import read, whence
from kitamae.kernel.problems import BadRequest, Forbidden, UnsupportedMediaType
from kitamae.web.page import SECURITY

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.gate import Gate
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.provider.provider import Provider
    from kitamae.kernel.people.provider.request import Asked
    from kitamae.kernel.people.seal import Seal
    from kitamae.sdk.page import Page

_KEEP_NOTHING: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_FOR_ALL: Final = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"}
_AGAIN: Final = "signing in again"
_AGAIN_SECONDS: Final = 600


def routes(page: Page, people: People, gate: Gate, provider: Provider, seal: Seal) -> list[Route]:
    """`/.well-known/openid-configuration` and `/openid/...`."""

    async def metadata(request: Request) -> Response:
        return JSONResponse(provider.metadata(), headers=_FOR_ALL)

    async def keys(request: Request) -> Response:
        published = await provider.keys.published()
        return JSONResponse({"keys": [key.public() for key in published.all]}, headers=_FOR_ALL)

    async def authorize(request: Request) -> Response:
        sent = await _parameters(request)
        if (
            request.method == "POST"
        ):  # another site's form comes without our cookie; what follows a redirect has it
            return RedirectResponse(f"{PATH}/authorize?{urlencode(sent)}", 303, _KEEP_NOTHING)
        try:
            back = await whence(provider.clients, sent, provider.issuer)
        except OAuthError as wrong:
            raise BadRequest(wrong.detail) from wrong
        try:
            asked = read(back, dict(sent))
            return await ask(request, asked, sent)
        except OAuthError as wrong:
            return RedirectResponse(back.failed(wrong), 303, _KEEP_NOTHING)

    async def ask(request: Request, asked: Asked, sent: list[tuple[str, str]]) -> Response:
        who = asking(request.scope)
        at = await signed_in_at(who)
        if not _fresh(seal, asked, sent, at):
            if "none" in asked.prompt:
                raise LoginRequired("nobody is signed in, or not recently enough")
            return _sign_in(seal, sent)
        if await provider.agreed(who.ref, asked) and "consent" not in asked.prompt:
            return await allow(who, asked, at)
        if "none" in asked.prompt:
            raise ConsentRequired("the person did not agree yet")
        return consent(request, asked, sent)

    def consent(request: Request, asked: Asked, sent: list[tuple[str, str]]) -> Response:
        where = urlsplit(asked.back.redirect)
        policy = SECURITY["Content-Security-Policy"].replace(
            "form-action 'self'", f"form-action 'self' {where.scheme}://{where.netloc}"
        )  # browsers check where a form's answer sends them, too
        return page.render(
            request,
            "consent.html",
            headers={**_KEEP_NOTHING, "Content-Security-Policy": policy},
            client=asked.back.client,
            host=where.hostname,
            scope=asked.scope,
            sent=sent,
            action=PATH + "/consent",
            csrf=request.scope["csrf"],
        )

    async def decide(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=40)
        demand_form(request.scope, form.get("csrf"))
        who = asking(request.scope)
        sent = [(n, v) for n, v in form.multi_items() if isinstance(v, str) and n not in ("csrf", "decision")]
        try:
            back = await whence(provider.clients, sent, provider.issuer)
        except OAuthError as wrong:
            raise BadRequest(wrong.detail) from wrong
        try:
            asked = read(back, dict(sent))
            at = await signed_in_at(who)
            if not _fresh(seal, asked, sent, at):
                return _sign_in(seal, sent)
            if form.get("decision") != "allow":
                raise AccessDenied("the person did not agree")
        except OAuthError as wrong:
            return RedirectResponse(back.failed(wrong), 303, _KEEP_NOTHING)
        await provider.agree(who.ref, asked)
        return await allow(who, asked, at)

    async def allow(who: Principal, asked: Asked, at: int) -> Response:
        signed_in = SignedIn(who.ref, who.role, who.assurance, at, who.session)
        try:
            code = await provider.code(asked, signed_in)
        except OAuthError as wrong:
            return RedirectResponse(asked.back.failed(wrong), 303, _KEEP_NOTHING)
        return RedirectResponse(asked.back.to(code=code), 303, _KEEP_NOTHING)

    async def signed_in_at(who: Principal) -> int:
        """Seconds since 1970; 0 for nobody."""
        return (
            clock.micros((await people.session(who.session))["createdAt"]) // 1_000_000 if who.session else 0
        )

    async def tokens(request: Request) -> Response:
        try:
            form = await _form(request)
            answer = await provider.tokens(request.headers.get("authorization", ""), form)
        except OAuthError as wrong:
            return refused(request, wrong)
        return JSONResponse(answer, headers=_KEEP_NOTHING)

    def refused(request: Request, wrong: OAuthError) -> Response:
        """A client that does not prove who it is may be somebody who guesses its secret."""
        if isinstance(wrong, InvalidClient):
            gate.guessed(request.scope)
        return _refused(wrong)

    async def revoke(request: Request) -> Response:
        try:
            form = await _form(request)
            client = await provider.clients.prove(request.headers.get("authorization", ""), form)
        except OAuthError as wrong:
            return refused(request, wrong)
        await provider.grants.revoke(client["id"], form.get("token", ""))
        return Response(status_code=200, headers=_KEEP_NOTHING)

    async def userinfo(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise InvalidToken("an access token is sent as `Authorization: Bearer <token>`")
            return JSONResponse(await provider.userinfo(token.strip()), headers=_KEEP_NOTHING)
        except OAuthError as wrong:
            return _refused(wrong)

    async def leave(request: Request) -> Response:
        given = dict(await _parameters(request))
        who = asking(request.scope)
        where, sure = await _wherefrom(provider, who, given)
        if who.session and request.method == "POST" and given.get("csrf"):
            demand_form(request.scope, given["csrf"])
            sure = True
        if who.session and not sure:
            kept = {name: value for name, value in given.items() if name != "csrf"}
            return page.render(
                request,
                "end-session.html",
                headers=_KEEP_NOTHING,
                sent=kept,
                action=PATH + "/end-session",
                csrf=request.scope["csrf"],
            )
        if who.session:
            await people.sign_out(who.session)
        return RedirectResponse(where, 303, {"Set-Cookie": gate.cookie("", 0), **_KEEP_NOTHING})

    async def withdraw(request: Request) -> Response:
        if not same_origin(request.scope):
            raise Forbidden("a page of another site may not withdraw anything here")
        form = await request.form(max_files=0, max_fields=10)
        demand_form(request.scope, form.get("csrf"))
        who = asking(request.scope)
        if who.session and (client := str(form.get("client", ""))):
            await provider.withdraw(who.ref, client)
        return RedirectResponse("/account", 303, _KEEP_NOTHING)

    return [
        Route("/.well-known/openid-configuration", metadata, methods=["GET"]),
        Route(PATH + "/keys", keys, methods=["GET"]),
        Route(PATH + "/authorize", authorize, methods=["GET", "POST"]),
        Route(PATH + "/consent", decide, methods=["POST"]),
        Route(PATH + "/token", tokens, methods=["POST"]),
        Route(PATH + "/userinfo", userinfo, methods=["GET", "POST"]),
        Route(PATH + "/revoke", revoke, methods=["POST"]),
        Route(PATH + "/end-session", leave, methods=["GET", "POST"]),
        Route(PATH + "/withdraw", withdraw, methods=["POST"]),
    ]


async def _wherefrom(provider: Provider, who: Principal, given: dict[str, str]) -> tuple[str, bool]:
    """Where a browser goes after logging out, and whether the client's hint is about the person who is signed in.

    RP-Initiated Logout 1.0: only to an address that the client registered for it. Raises BadRequest.
    """
    hint, id = given.get("id_token_hint", ""), given.get("client_id", "")
    sure = False
    try:
        if hint:
            audience, subject = await provider.hinted(hint)
            if id and id != audience:
                raise OAuthError("`client_id` and `id_token_hint` name two clients")
            id = audience
            client = await provider.clients.get(id)
            sure = client is not None and await provider.subject(client, who.ref) == subject
        wanted = given.get("post_logout_redirect_uri", "")
        if not wanted:
            return "/", sure
        client = await provider.clients.get(id)
        if client is None or wanted not in client["logouts"]:
            raise OAuthError(
                "`post_logout_redirect_uri` is not one that the client registered, letter for letter"
            )
    except OAuthError as wrong:
        raise BadRequest(wrong.detail) from wrong
    state = given.get("state", "")[:500]
    return f"{wanted}{'&' if '?' in wanted else '?'}{urlencode({'state': state})}" if state else wanted, sure


def _sign_in(seal: Seal, sent: list[tuple[str, str]]) -> Response:
    """To the page where residents sign in, and back here. The note proves that it was after this request."""
    note = seal.write(_AGAIN, {"since": int(time.time())}, _AGAIN_SECONDS)
    again = [(name, value) for name, value in sent if name != "again"] + [("again", note)]
    next = f"{PATH}/authorize?{urlencode(again)}"
    return RedirectResponse(f"/sign-in/resident?{urlencode({'next': next})}", 303, _KEEP_NOTHING)


def _fresh(seal: Seal, asked: Asked, sent: list[tuple[str, str]], at: int) -> bool:
    """Whether somebody is signed in, as recently as was asked for. `at`: seconds since 1970, 0 for nobody."""
    if not at:
        return False
    wanted = 0
    if asked.prompt & {"login", "select_account"}:
        wanted = int(time.time()) + 1
    elif asked.max_age is not None:
        wanted = int(time.time()) - asked.max_age
    if at >= wanted:
        return True
    try:
        since = int(seal.read(_AGAIN, dict(sent).get("again", ""))["since"])
    except BadToken:
        return False
    return at >= since


async def _parameters(request: Request) -> list[tuple[str, str]]:
    found = list(request.query_params.multi_items())
    if request.method == "POST":
        form = await request.form(max_files=0, max_fields=40)
        found += [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    return found


async def _form(request: Request) -> dict[str, str]:
    """Raises OAuthError."""
    try:
        form: FormData = await request.form(max_files=0, max_fields=40)
    except (BadRequest, UnsupportedMediaType) as wrong:
        raise OAuthError("a form is expected") from wrong
    found = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    if not found or len({name for name, _ in found}) != len(found):
        raise OAuthError("a form is expected in which no parameter stands twice")
    return dict(found)


def _refused(wrong: OAuthError) -> Response:
    """RFC 6749, 5.2; RFC 6750, 3."""
    headers: dict[str, Any] = dict(_KEEP_NOTHING)
    if wrong.status == 401:
        scheme = "Bearer" if isinstance(wrong, InvalidToken) else "Basic"
        headers["WWW-Authenticate"] = f'{scheme} realm="kitamae", error="{wrong.error}"'
    return JSONResponse({"error": wrong.error, "error_description": wrong.detail}, wrong.status, headers)
