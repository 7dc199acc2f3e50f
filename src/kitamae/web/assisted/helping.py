"""`/staff/assisted-shared`: a helper sees, and prints, who agreed in his own districts; each look leaves a receipt with whom it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.web.assisted import HELPING
from kitamae.web.duties.forms import KEEP_NOTHING, staff

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.assisted import Helpers
    from kitamae.web.assisted.ground import Ground


def routes(ground: Ground, helpers: Helpers) -> list[Route]:
    """One page, which is the paper too."""

    async def look(request: Request) -> Response:
        who = staff(request)
        his = await helpers.towns(who.ref)
        return ground.page.render(
            request, "assisted-paper.html", headers=KEEP_NOTHING, people=await ground.register.shared(who, his),
            towns=await ground.towns(), named=his, at=clock.text(clock.now()), by=who.ref, whole=False, action=HELPING.href, back="",
        )  # fmt: skip

    return [Route(HELPING.href, look, methods=["GET"])]
