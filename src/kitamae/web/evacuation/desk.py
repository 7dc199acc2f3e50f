"""`/staff/evacuation`: what is in force, what is proposed, a second person's word. The same for rehearsals under an address of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import orjson
from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.people.approval import STRONG
from kitamae.kernel.problems import BadRequest, NotFound
from kitamae.kernel.registers.evacuation_state import HAZARDS, LEVELS, WHOLE, names
from kitamae.web.duties.forms import KEEP_NOTHING, REFUSED, away, sent, sentence, staff, word
from kitamae.web.evacuation import lalert
from kitamae.web.evacuation.districts import by_row, districts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request

    from kitamae.kernel.problems import Problem
    from kitamae.kernel.registers.evacuation import Evacuation
    from kitamae.kernel.registers.evacuation_state import Act
    from kitamae.sdk.city import City
    from kitamae.sdk.context import Context
    from kitamae.web.page import ShellPage

HERE: Final = "/staff/evacuation"
REHEARSAL: Final = HERE + "/rehearsal"
_MOST: Final = 5_000
_SHOWN: Final = 30


def routes(
    page: ShellPage,
    context: Context,
    evacuation: Evacuation,
    city: City,
    silent: Callable[[], Awaitable[bool]] | None = None,
) -> list[Route]:
    """`context` has the districts, of the type that the city's profile names; `silent()`: whether the feeds of warnings that the city
    follows do not arrive (None: it follows none).
    """

    async def show(
        request: Request,
        failed: Problem | None = None,
        given: Mapping[str, str] | None = None,
        chosen: Sequence[str] | None = None,
    ) -> Response:
        rehearsal = _rehearsal(request)
        standing = await evacuation.standing(rehearsal=rehearsal)
        level = request.query_params.get("level", "")
        of_level = [id for id, one in standing.items() if str(one["level"]) == level]
        known = await districts(context, city.evacuation.districts)
        return page.render(
            request,
            "evacuation.html",
            status=failed.status if failed else 200,
            headers=KEEP_NOTHING,
            rehearsal=rehearsal,
            silent=silent is not None and await silent(),
            standing={one: names(standing, one) for one in reversed(LEVELS) if names(standing, one)},
            since={one: max(it["since"] for it in standing.values() if it["level"] == one)
                   for one in LEVELS if names(standing, one)},
            rows=by_row(known),
            count=len(known),
            chosen=set(chosen if chosen is not None else of_level),
            given={"act": "lift" if of_level else "issue", "level": "", "hazard": "", "text": "", **(given or {})},
            proposals=(await evacuation.proposals(rehearsal=rehearsal))[:_SHOWN],
            orders=(await evacuation.orders(rehearsal=rehearsal))[:_SHOWN],
            levels=LEVELS, hazards=HAZARDS, whole=WHOLE, city_name=city.name["ja"],
            csrf=request.scope["csrf"], failed=sentence(failed), here_=REHEARSAL if rehearsal else HERE, live=HERE, practice=REHEARSAL,
        )  # fmt: skip

    async def index(request: Request) -> Response:
        return await show(request)

    async def propose(request: Request) -> Response:
        form = await sent(request, fields=_MOST)
        given = {name: word(form, name) for name in ("act", "level", "hazard", "text")}
        ids = [str(one) for one in form.getlist("district")]
        known = {one["id"]: one for _, one in await districts(context, city.evacuation.districts)}
        known[WHOLE] = {"id": WHOLE, "name": f"{city.name['ja']}全域"}
        try:
            if strangers := [one for one in ids if one not in known]:
                raise BadRequest(f"districts: choose at least one: {strangers[0]!r:.40} is none")
            number = await evacuation.propose(
                staff(request), cast("Act", given["act"]), [known[WHOLE]] if WHOLE in ids else [known[one] for one in dict.fromkeys(ids)],
                level=int(given["level"]) if given["level"] in ("3", "4", "5") else 0, hazard=given["hazard"], text=given["text"],
                rehearsal=_rehearsal(request),
            )  # fmt: skip
        except REFUSED as problem:
            return await show(request, problem, given, ids)
        return away(f"{HERE}/proposals/{number}?done=asked")

    async def one(request: Request) -> Response:
        return await show_one(request)

    async def show_one(request: Request, failed: Problem | None = None) -> Response:
        who, number = staff(request), request.path_params["number"]
        proposal, said, digest = await evacuation.proposal(number)
        standing = await evacuation.standing(rehearsal=proposal["rehearsal"])
        return page.render(
            request,
            "evacuation-proposal.html",
            status=failed.status if failed else 200,
            headers=KEEP_NOTHING,
            number=number,
            proposal=proposal,
            said=said,
            digest=digest,
            now_there={one["id"]: standing[one["id"]] for one in proposal["districts"] if one["id"] in standing},
            mine=proposal["by"] == who.ref,
            strong=who.assurance >= STRONG,
            levels=LEVELS,
            csrf=request.scope["csrf"],
            failed=sentence(failed),
            done=request.query_params.get("done", ""),
            here_=REHEARSAL if proposal["rehearsal"] else HERE,
            action=f"{HERE}/proposals/{number}",
        )  # fmt: skip

    async def say(request: Request) -> Response:
        form, who = await sent(request), staff(request)
        number, said = request.path_params["number"], request.path_params["word"]
        try:
            if said == "withdraw":
                await evacuation.withdraw(who, number)
            elif said in ("approve", "refuse"):
                await evacuation.decide(
                    who, number, word(form, "digest"), yes=said == "approve", why=word(form, "why")
                )
            else:
                raise NotFound(f"there is nothing to {said!r:.20} here")
        except REFUSED as problem:
            return await show_one(request, problem)
        return away(f"{HERE}/proposals/{number}?done={said}")

    async def as_data(request: Request) -> Response:
        order = await evacuation.order(
            request.path_params["order"], rehearsal=request.path_params["kind"] == "rehearsal"
        )
        told = lalert.data(order, code=city.code, city=city.name["ja"])
        return Response(
            orjson.dumps(told, option=orjson.OPT_INDENT_2),
            media_type="application/json",
            headers=KEEP_NOTHING,
        )

    return [
        Route(HERE, index, methods=["GET"]),
        Route(HERE, propose, methods=["POST"]),
        Route(REHEARSAL, index, methods=["GET"]),
        Route(REHEARSAL, propose, methods=["POST"]),
        Route(HERE + "/orders/{kind}/{order}.json", as_data, methods=["GET"]),
        Route(HERE + "/proposals/{number}", one, methods=["GET"]),
        Route(HERE + "/proposals/{number}/{word}", say, methods=["POST"]),
    ]


def _rehearsal(request: Request) -> bool:
    return str(request.url.path) == REHEARSAL
