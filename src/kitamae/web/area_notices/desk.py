"""`/staff/area-notices`: how many are subscribed, and of each announcement to how many it went and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from kitamae.kit.notices.area import announcement
from kitamae.kit.notices.area.subscribers import CHANNELS
from kitamae.web.duties.forms import KEEP_NOTHING

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.context.store import Store
    from kitamae.kit.notices.area.sender import Sender
    from kitamae.kit.notices.area.subscribers import Subscribers
    from kitamae.web.page import ShellPage

HERE: Final = "/staff/area-notices"
_SHOWN: Final = 100


def routes(page: ShellPage, store: Store, subscribers: Subscribers, sender: Sender) -> list[Route]:
    """One page; nothing is done there."""

    async def show(request: Request) -> Response:
        return page.render(
            request,
            "area-notices-desk.html",
            headers=KEEP_NOTHING,
            subscribed=await subscribers.counts(),
            channels=CHANNELS,
            possible=sender.channels.keys(),
            announcements=(await announcement.every(store))[:_SHOWN],
            rehearsal=sender.rehearsal,
            trouble=bool(sender.trouble()),
        )

    return [Route(HERE, show, methods=["GET"])]
