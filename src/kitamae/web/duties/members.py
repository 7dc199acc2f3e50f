"""`/staff/duties`: who holds what, one change at a time, and a way in for a new colleague."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.people.colleagues import called
from kitamae.kernel.people.duties import ACCOUNT
from kitamae.kernel.people.duties.office import DESK, step
from kitamae.kernel.problems import BadRequest, Forbidden, NotFound, Problem
from kitamae.web.duties.forms import KEEP_NOTHING, away, begins, offset, sent, staff, word

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.duties import Office
    from kitamae.kernel.people.duties.numbers import Numbers
    from kitamae.kernel.people.people import People
    from kitamae.web.handed import Handed
    from kitamae.web.page import ShellPage

DUTIES: Final = "/staff/duties"
PAGE: Final = 100
_FIELDS: Final = ("person", "duty", "do", "title", "until", "effective")


def routes(
    page: ShellPage,
    office: Office,
    people: People,
    numbers: Numbers,
    handed: Handed,
    tenant: str,
    zone: ZoneInfo,
) -> list[Route]:
    """The page and its four forms."""

    async def show(
        request: Request,
        status: int = 200,
        failed: str = "",
        bound: str = "",
        named: str = "",
        typed: dict[str, str] | None = None,
        new: dict[str, str] | None = None,
    ) -> Response:
        who = staff(request)
        members = await office.members()
        start = offset(request)
        changes = await office.all()
        return page.render(
            request,
            "duties.html",
            status=status,
            headers=KEEP_NOTHING,
            clock=clock.text,
            who=who,
            standing=await office.standing(who.ref),
            members=members[start : start + PAGE],
            total=len(members),
            everybody=await _everybody(office),
            offset=start,
            limit=PAGE,
            plan={one.id: one for one in office.plan},
            waiting=[(id, one) for id, one, stands in changes if stands == "asked"],
            planned=[(id, one) for id, one, stands in changes if stands == "planned"],
            csrf=request.scope["csrf"],
            failed=failed,
            bound=bound,
            named=named,
            minutes=people.link_minutes,
            new={"name": "", "section": ""} | (new or {}),
            typed=dict.fromkeys(_FIELDS, "") | (typed or {}),
            account=ACCOUNT,
        )

    async def ask(request: Request) -> Response:
        return await show(request)

    async def change(request: Request) -> Response:
        form = await sent(request)
        who = staff(request)
        typed = {name: word(form, name) for name in _FIELDS}
        try:
            if typed["do"] not in ("give", "take"):
                raise BadRequest("do: expected give or take")
            gives = typed["do"] == "give"
            until = clock.text(days.ends("until", typed["until"], zone)) if typed["until"] and gives else None
            effective = begins(typed["effective"], zone)
            made = step(typed["person"], typed["duty"], gives=gives, tenants=(tenant,), until=until)
            id = await office.prepare(who, typed["title"], [made], effective=effective)
        except (BadRequest, NotFound, Forbidden) as wrong:
            return await show(request, wrong.status, wrong.detail, typed=typed)
        still = (await office.standing(who.ref)).does(
            DESK, [tenant]
        )  # the founder's time may have ended with it
        return away(f"/staff/transfers/{id}" if still else "/staff")

    async def account(request: Request) -> Response:
        form = await sent(request)
        who, new = staff(request), {field: word(form, field) for field in ("name", "section")}
        try:
            await office.demand(who, [tenant])
            ref = await people.staff(another=True, of=[tenant] if tenant else (), called=called(**new))
            return await handed.let_in(who, ref, new=True)
        except Problem as wrong:
            return await show(request, wrong.status, wrong.detail, new=new)

    async def name(request: Request) -> Response:
        form = await sent(request)
        who, ref = staff(request), word(form, "person")
        try:
            await office.demand(who, [tenant])
            await people.colleagues.call(who, {ref: called(word(form, "name"), word(form, "section"))})
        except Problem as wrong:
            return await show(request, wrong.status, wrong.detail)
        return await show(request, named=ref)

    async def bind(request: Request) -> Response:
        form = await sent(request)
        who = staff(request)
        try:
            await numbers.bind(who, word(form, "person"), word(form, "number"))
        except Problem as wrong:
            return await show(request, wrong.status, wrong.detail)
        return await show(request, bound=word(form, "person"))

    return [
        Route(DUTIES + "/number", bind, methods=["POST"]),
        Route(DUTIES, ask, methods=["GET"]),
        Route(DUTIES, change, methods=["POST"]),
        Route(DUTIES + "/account", account, methods=["POST"]),
        Route(DUTIES + "/name", name, methods=["POST"]),
    ]


async def _everybody(office: Office) -> list[str]:
    """To choose from: who has left comes last, for he may come back."""
    here = await office.colleagues()
    return [*here, *(ref for ref, _ in await office.members() if ref not in here)]
