"""`/my/flags`: what the privacy officer released about looks at one's own records; `/my/flags.json` for programs of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.people.person import asking
from kitamae.web.concern import told
from kitamae.web.my.ground import demand
from kitamae.web.sign_in import SIGN_IN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from kitamae.kernel.people.duties import Posts
    from kitamae.kernel.people.vault import Purposes
    from kitamae.kernel.people.watching import Flags
    from kitamae.web.page import ShellPage

MINE: Final = "/my/flags"
_HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Cookie, Authorization"}


def routes(page: ShellPage, flags: Flags, purposes: Callable[[], Purposes], posts: Posts) -> list[Route]:
    """For whoever is signed in."""

    async def index(request: Request) -> Response:
        who = asking(request.scope)
        if not who.session:
            return RedirectResponse(f"{SIGN_IN}?next={MINE}", 303, _HEADERS)
        found = [
            told(one) | {"post": await posts.of(one.who, one.looks[0].purpose, one.looks[0].at)}
            for one in await flags.mine(who)
        ]
        return page.render(
            request, "mine.html", headers=_HEADERS, found=found, titles=titles(purposes()) if found else {}
        )

    async def as_json(request: Request) -> Response:
        rows = [told(one) for one in await flags.mine(demand(request))]
        return Response(orjson.dumps({"flags": rows}), 200, _HEADERS, "application/json")

    return [Route(MINE, index, methods=["GET"]), Route(MINE + ".json", as_json, methods=["GET"])]


def titles(purposes: Purposes) -> dict[str, Mapping[str, str]]:
    """Purpose -> what it is called, in each language; its own name where nobody gave it another."""
    return {one.name: one.title or {"ja": one.name} for one in purposes}
