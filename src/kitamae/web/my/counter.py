"""At the counter: whoever comes in person and cannot or will not use My page withdraws a consent there.

Whether somebody had agreed is not told: that would be a look at his data, and nobody needs it for this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse
from starlette.routing import Route

from kitamae.web.my.ground import KEEP_NOTHING, sent
from kitamae.web.sought import Search, Sought

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.web.my.ground import Ground

HERE: Final = "/staff/consents"
_LONGEST: Final = 128


def routes(ground: Ground) -> list[Route]:
    """`/staff/consents` and its search."""
    search = Search(ground.vault)

    def show(request: Request, sought: Sought | None = None, *, wrong: bool = False) -> Response:
        language = ground.page.language(request)
        notices = [ground.consents.notice(name, language) for name in ground.consents.purposes]
        return ground.show(
            request,
            "consent-counter.html",
            status=400 if wrong else 200,
            notices=[one for one in notices if one is not None],
            sought=sought or Sought(),
            wrong=wrong,
            done=not wrong and "done" in request.query_params,
        )

    async def ask(request: Request) -> Response:
        return show(request)

    async def find(request: Request) -> Response:
        who, form = await sent(request)
        return show(request, await search.find(who, form))

    async def withdraw(request: Request) -> Response:
        who, form = await sent(request)
        person, purpose = str(form.get("person", "")).strip(), str(form.get("purpose", ""))
        if (
            not 0 < len(person) <= _LONGEST
            or purpose not in ground.consents.purposes
            or form.get("seen") != "yes"
        ):
            there = 0 < len(person) <= _LONGEST
            return show(request, await search.again(who, person) if there else None, wrong=True)
        await ground.consents.withdraw_at_counter(who, person, purpose)
        return RedirectResponse(f"{HERE}?done", 303, KEEP_NOTHING)

    return [
        Route(HERE, ask, methods=["GET"]),
        Route(HERE, withdraw, methods=["POST"]),
        Route(HERE + "/search", find, methods=["POST"]),
    ]
