"""`/staff/assisted`: how many are on the list of each district; a district is opened, or printed, with a receipt for everybody in it; helpers get districts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.people.assisted import SHARED, Count
from kitamae.kernel.problems import BadRequest
from kitamae.web.assisted import DESK
from kitamae.web.assisted.ground import done, town_of
from kitamae.web.duties.forms import KEEP_NOTHING, away, sent, staff, word

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.assisted import Helpers
    from kitamae.kernel.people.duties import Office
    from kitamae.kernel.problems import Problem
    from kitamae.web.assisted.ground import Ground


def routes(ground: Ground, helpers: Helpers, office: Office) -> list[Route]:
    """The desk, but for one person and for files."""
    page, register = ground.page, ground.register

    async def index(request: Request) -> Response:
        counts, towns = await register.counts(), await ground.towns()
        known = [(id, name, counts[id]) for id, name in towns.items() if id in counts]
        lost = [(id, "", count) for id, count in counts.items() if id not in towns]
        whole = Count(sum(one.people for one in counts.values()), sum(one.shared for one in counts.values()))
        return page.render(
            request, "assisted.html", headers=KEEP_NOTHING, listed=[*known, *lost], whole=whole, towns=towns, action=DESK.href
        )  # fmt: skip

    async def town(request: Request) -> Response:
        towns = {**dict.fromkeys(await register.counts(), ""), **await ground.towns()}
        id = town_of(request, towns)
        people = await register.of(staff(request), id)
        return page.render(
            request, "assisted-town.html", headers=KEEP_NOTHING, town=id, towns=towns,
            there=[one for one in people if not one.entry["left"]], gone=[one for one in people if one.entry["left"]],
            done=done(request), action=DESK.href,
        )  # fmt: skip

    async def paper(request: Request) -> Response:
        towns = await ground.towns()
        id, who = town_of(request, towns), staff(request)
        people = [one for one in await register.of(who, id) if not one.entry["left"]]
        return page.render(
            request, "assisted-paper.html", headers=KEEP_NOTHING, people=people, towns=towns, named=[id],
            at=clock.text(clock.now()), by=who.ref, whole=True, action=DESK.href, back=f"{DESK.href}/towns/{id}",
        )  # fmt: skip

    async def candidates() -> list[str]:
        """Whose duty it is to help."""
        helping = {one.id for one in office.plan if SHARED in one.purposes}
        return [
            ref for ref, state in await office.members()
            if not state.left and any(one.duty in helping for one in state.held)
        ]  # fmt: skip

    async def show(request: Request, failed: Problem | None = None) -> Response:
        given, able = await helpers.all(), await candidates()
        return page.render(
            request, "assisted-helpers.html", status=failed.status if failed else 200, headers=KEEP_NOTHING,
            given={ref: given.get(ref, []) for ref in dict.fromkeys([*able, *given])}, able=able, towns=await ground.towns(),
            chosen=request.query_params.get("person", ""), failed=(failed.detail or failed.title) if failed else "",
            csrf=request.scope["csrf"], done=done(request), action=DESK.href,
        )  # fmt: skip

    async def see(request: Request) -> Response:
        return await show(request)

    async def give(request: Request) -> Response:
        form, who = await sent(request, fields=400), staff(request)
        ref, towns, known = (
            word(form, "person"),
            [str(one) for one in form.getlist("town")],
            await ground.towns(),
        )
        try:
            if ref not in {*await candidates(), *await helpers.all()}:
                raise BadRequest("choose somebody whose duty it is to help")
            if any(one not in known for one in towns):
                raise BadRequest("area: choose districts of this city")
        except BadRequest as problem:
            return await show(request, problem)
        await helpers.give(who, ref, towns)
        return away(f"{DESK.href}/helpers?done=given")

    return [
        Route(DESK.href, index, methods=["GET"]),
        Route(DESK.href + "/towns/{town}", town, methods=["GET"]),
        Route(DESK.href + "/towns/{town}/paper", paper, methods=["GET"]),
        Route(DESK.href + "/helpers", see, methods=["GET"]),
        Route(DESK.href + "/helpers", give, methods=["POST"]),
    ]
