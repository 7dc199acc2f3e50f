"""A resident signs in with デジタル認証アプリ, and sees the sign-in. Whoever has come back once has a session, and no code any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.people.gate import demand_form
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.relying.flow import MINUTES, SignInFailed
from kitamae.kernel.people.relying.outbound import IssuerFailed
from kitamae.kernel.people.relying.stand_in import PATH
from kitamae.kernel.problems import NotFound
from kitamae.sdk.reading import fold
from kitamae.web import city_map

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.gate import Gate
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.provider.provider import Provider
    from kitamae.kernel.people.relying.flow import Relying
    from kitamae.kernel.people.relying.stand_in import StandIn
    from kitamae.sdk.page import Page

SIGN_IN: Final = "/sign-in/resident"
ACCOUNT: Final = "/account"
ASSURANCE: Final = 3
"""デジタル認証: the highest (`Principal.assurance`)."""

_SHOWN: Final = 20  # of the stand-in's residents on a page
_NOTE: Final = "resident"
_KEEP_NOTHING: Final = {"Cache-Control": "no-store"}
_LONGEST: Final = 2400  # a request of a partner fits, and the sealed note with it into a cookie


class Ways(Protocol):
    """What of the composition is needed here."""

    @property
    def provider(self) -> Provider:
        """To whom people signed in from here."""
        ...

    @property
    def residents(self) -> Relying | None:
        """None: this city is not connected to デジタル認証アプリ."""
        ...

    @property
    def stand_in(self) -> StandIn | None:
        """There for demonstrations alone."""
        ...


def routes(page: Page, people: People, gate: Gate, ways: Ways) -> list[Route]:
    """`/sign-in/resident`, its way there and back, `/account`; with a stand-in, `/stand-in/authorize`."""
    relying, stand_in = ways.residents, ways.stand_in

    def show(request: Request, failed: str = "") -> Response:
        return page.render(
            request,
            "resident.html",
            status=400 if failed else 200,
            headers=_KEEP_NOTHING,
            ready=relying is not None,
            start=SIGN_IN + "/start",
            next=local(request.query_params.get("next", "")),
            failed=failed,
            minutes=MINUTES,
        )

    async def ask(request: Request) -> Response:
        return show(request)

    async def start(request: Request) -> Response:
        if relying is None:
            raise NotFound("this city is not connected to デジタル認証アプリ")
        query = request.query_params
        try:
            begun = await relying.begin(local(query.get("next", "")), query.get("sign_transaction_id", ""))
        except IssuerFailed as wrong:
            return show(request, wrong.title)
        headers = {"Set-Cookie": gate.carry(_NOTE, begun.note, MINUTES * 60), **_KEEP_NOTHING}
        return RedirectResponse(begun.address, 303, headers)

    async def back(request: Request) -> Response:
        if relying is None:
            raise NotFound("this city is not connected to デジタル認証アプリ")
        sent = dict(request.query_params)
        try:
            resident = await relying.finish(gate.carried(request.scope, _NOTE), sent)
        except (SignInFailed, IssuerFailed) as wrong:
            return show(request, wrong.detail)
        before = asking(request.scope).session
        secret, seconds = await people.admit(resident.ref, "resident", ASSURANCE, instead=before)
        response = RedirectResponse(resident.next, 303, _KEEP_NOTHING)
        response.headers.append("Set-Cookie", gate.cookie(secret, seconds))
        response.headers.append("Set-Cookie", gate.carry(_NOTE, "", 0))
        return response

    async def account(request: Request) -> Response:
        who = asking(request.scope)
        if not who.session:
            return RedirectResponse(SIGN_IN if relying else "/sign-in", 303, _KEEP_NOTHING)
        return page.render(
            request,
            "account.html",
            headers=_KEEP_NOTHING,
            who=who,
            until=await people.until(who.session),
            partners=await ways.provider.partners(who.ref),
            csrf=request.scope["csrf"],
        )

    async def choose(request: Request) -> Response:
        if stand_in is None:
            raise NotFound("there is no stand-in here")
        asked = stand_in.asked(request.query_params)
        if request.method == "POST":
            sent = await request.form(max_files=0, max_fields=10)
            demand_form(request.scope, sent.get("csrf"))
            return RedirectResponse(stand_in.chosen(asked, str(sent.get("who", ""))), 303, _KEEP_NOTHING)
        text = request.query_params.get("text", "")[:100]
        found = [
            (id, one)
            for id, one in stand_in.residents.items()
            if fold(text) in fold(one["name"] + one["address"])
        ]
        offset = city_map.start(request.query_params.get("offset", ""), len(found))
        return page.render(
            request,
            "stand-in.html",
            headers=_KEEP_NOTHING,
            residents=found[offset : offset + _SHOWN],
            all=len(stand_in.residents),
            total=len(found),
            offset=offset,
            limit=_SHOWN,
            text=text,
            action=f"{PATH}/authorize?{request.url.query}",
            csrf=request.scope.get("csrf", ""),
        )

    found = [
        Route(SIGN_IN, ask, methods=["GET"]),
        Route(SIGN_IN + "/start", start, methods=["GET"]),
        Route(SIGN_IN + "/return", back, methods=["GET"]),
        Route(ACCOUNT, account, methods=["GET"]),
    ]
    return [*found, *([Route(PATH + "/authorize", choose, methods=["GET", "POST"])] if stand_in else [])]


def local(path: str, otherwise: str = ACCOUNT) -> str:
    """A page of this server, and nothing that a browser would read as another one's."""
    fine = path.startswith("/") and not path.startswith("//") and path.isascii() and path.isprintable()
    return path if fine and "\\" not in path and len(path) <= _LONGEST else otherwise
