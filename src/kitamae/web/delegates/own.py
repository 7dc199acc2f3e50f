"""`/my/delegations`: whom I let act for me, for whom I act; appointed, accepted, taken back in two taps, acted on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel import days
from kitamae.kernel.people.delegates import Scope
from kitamae.kernel.people.delegates.delegates import MOST_DAYS
from kitamae.kernel.people.delegates.records import ALL, KIND
from kitamae.kernel.people.gate import demand_form
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.vault import OWN, Asked
from kitamae.kernel.problems import BadRequest, Forbidden, NotFound, Problem
from kitamae.web import qr
from kitamae.web.delegates.banner import HELD, MINE, STOP
from kitamae.web.held import told
from kitamae.web.my.ground import demand

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import FormData
    from starlette.requests import Request

    from kitamae.kernel.people.delegates import Delegates
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault import Vault
    from kitamae.web.delegates.banner import Banner
    from kitamae.web.page import ShellPage

_HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}


def routes(
    page: ShellPage, delegates: Delegates, vault: Callable[[], Vault], banner: Banner, origin: str, zone: str
) -> list[Route]:
    """`origin`: what an offer's address begins with; `zone`: in which a day ends."""
    here = ZoneInfo(zone)

    async def mine(request: Request, failed: str = "", status: int = 200) -> Response:
        who = _signed_in(request)
        all = await delegates.of(who.ref)
        return page.render(
            request, "delegations.html", status=status, headers=_HEADERS, titles=delegates.titles,
            who=who, given=[one for one in all if one[0]["of"] == who.ref],
            held=[one for one in all if one[0]["by"] == who.ref],
            may=who.role == "resident", classes=delegates.classes, failed=failed,
            days=MOST_DAYS, csrf=request.scope["csrf"], action=MINE, stop=STOP,
        )  # fmt: skip

    async def index(request: Request) -> Response:
        if not asking(request.scope).session:
            return RedirectResponse(f"/sign-in/resident?next={MINE}", 303, _HEADERS)
        return await mine(request)

    async def appoint(request: Request) -> Response:
        form = await _form(request)
        try:
            scope = Scope(_all(form, "action"), _all(form, "class"), end_of(str(form.get("ends", "")), here))
            code, mandate = await delegates.appoint(_signed_in(request), scope)
        except BadRequest as problem:
            return await mine(request, problem.detail, problem.status)
        address = f"{origin}{MINE}/offer/{code}"
        return page.render(
            request, "offer-made.html", headers=_HEADERS, titles=delegates.titles, mandate=mandate, address=address,
            code=qr.svg(address, address), action=MINE,
        )  # fmt: skip

    async def offer(request: Request) -> Response:
        code = request.path_params["code"]
        who = asking(request.scope)
        if not who.session:
            return RedirectResponse(f"/sign-in/resident?next={MINE}/offer/{code}", 303, _HEADERS)
        mandate = await delegates.offered(code)
        return page.render(
            request, "offer.html", headers=_HEADERS, titles=delegates.titles, mandate=mandate, own=mandate["of"] == who.ref,
            may=who.role == "resident", csrf=request.scope["csrf"], action=f"{MINE}/offer/{code}",
        )  # fmt: skip

    async def accept(request: Request) -> Response:
        await _form(request)
        await delegates.accept(_signed_in(request), request.path_params["code"])
        return RedirectResponse(MINE, 303, _HEADERS)

    async def sure(request: Request) -> Response:
        who = _signed_in(request)
        mandate = await delegates.one(request.path_params["number"])
        if who.ref not in (mandate["of"], mandate["by"]):
            raise NotFound("you have no such mandate")
        return page.render(
            request, "delegation-end.html", headers=_HEADERS, titles=delegates.titles, mandate=mandate, own=mandate["of"] == who.ref,
            csrf=request.scope["csrf"], action=MINE,
        )  # fmt: skip

    async def end(request: Request) -> Response:
        await _form(request)
        await delegates.end(_signed_in(request), request.path_params["number"])
        return RedirectResponse(MINE, 303, _HEADERS)

    async def act(request: Request) -> Response:
        await _form(request)
        who = await delegates.act(_signed_in(request), request.path_params["number"])
        answer = RedirectResponse(HELD, 303, _HEADERS)
        answer.headers.append("Set-Cookie", banner.carry(who, await _name(vault, who)))
        return answer

    async def stop(request: Request) -> Response:
        await _form(request)
        await delegates.stop(_signed_in(request))
        answer = RedirectResponse(MINE, 303, _HEADERS)
        answer.headers.append("Set-Cookie", banner.drop())
        return answer

    async def held(request: Request) -> Response:
        who = _signed_in(request)
        if who.acting is None:
            return RedirectResponse(MINE, 303, _HEADERS)
        held = await vault().read(Asked(who, OWN, (who.acting.person,)))
        records = [one for one in held if one.kind != KIND]  # what proves the mandate is shown as the mandate
        return page.render(
            request, "delegation-held.html", headers=_HEADERS, titles=delegates.titles, records=[(one.klass, told(one)) for one in records], name=banner.name(request),
            mandate=await delegates.one(who.acting.number), action=MINE,
        )  # fmt: skip

    return [
        Route(MINE, index, methods=["GET"]),
        Route(MINE, appoint, methods=["POST"]),
        Route(STOP, stop, methods=["POST"]),
        Route(HELD, held, methods=["GET"]),
        Route(MINE + "/offer/{code}", offer, methods=["GET"]),
        Route(MINE + "/offer/{code}", accept, methods=["POST"]),
        Route(MINE + "/{number}/end", sure, methods=["GET"]),
        Route(MINE + "/{number}/end", end, methods=["POST"]),
        Route(MINE + "/{number}/act", act, methods=["POST"]),
    ]


async def _name(vault: Callable[[], Vault], who: Principal) -> str:
    """As far as the mandate reaches: "" where the name is not in it, or nothing can be read now."""
    if who.acting is None:
        return ""
    try:
        found = await vault().read(Asked(who, OWN, (who.acting.person,), fields=("name",)))
    except Problem:
        return ""
    return next((str(one.fields["name"]) for one in found if one.fields.get("name")), "")


def end_of(text: str, zone: ZoneInfo) -> int | None:
    """The end of a day, as microseconds UTC; None for nothing. Raises BadRequest."""
    return days.ends("ends", text, zone) if text.strip() else None


def _all(form: FormData, name: str) -> list[str]:
    found = [str(one) for one in form.getlist(name)]
    return [ALL] if ALL in found else found


async def _form(request: Request) -> FormData:
    """Raises Forbidden."""
    _signed_in(request)
    form = await request.form(max_files=0, max_fields=100)
    demand_form(request.scope, form.get("csrf"))
    return form


def _signed_in(request: Request) -> Principal:
    who = demand(request, acting=True)
    if who.role == "staff":
        raise Forbidden("here residents see to their own affairs; staff enter mandates at the counter's desk")
    return who
