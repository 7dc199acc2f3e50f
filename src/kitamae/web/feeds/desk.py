"""`/staff/feeds`: when each feed answered last and what was its newest message, what waits, and what was not taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from kitamae.kit.feeds import kept
from kitamae.web.duties.forms import KEEP_NOTHING, staff

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kit.feeds import Follower
    from kitamae.web.page import ShellPage

HERE: Final = "/staff/feeds"
_SHOWN: Final = 50


def routes(page: ShellPage, follower: Follower) -> list[Route]:
    """What the store knows, so that every worker shows the same."""

    async def index(request: Request) -> Response:
        staff(request)
        feeds, hubs = await kept.all_of(follower.store, kept.FEED), {}
        if follower.hub is not None:
            hubs = await follower.hub.state()
        refused = sorted(
            (await kept.all_of(follower.store, kept.REFUSED)).values(),
            key=lambda one: str(one["at"]),
            reverse=True,
        )
        return page.render(
            request,
            "feeds.html",
            headers=KEEP_NOTHING,
            feeds=[_feed(follower, name, feeds.get(name, {}), hubs.get(name, {})) for name in follower.source.names],
            waiting=len(await kept.all_of(follower.store, kept.WANTED)),
            refused=refused[:_SHOWN],
            more=max(0, len(refused) - _SHOWN),
            offices=follower.source.city.alert_offices,
            here_=HERE,
        )  # fmt: skip

    return [Route(HERE, index, methods=["GET"])]


def _feed(follower: Follower, name: str, doc: dict[str, Any], hub: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "silence": follower.silence(doc),
        "answered": doc.get("answered", ""),
        "news": doc.get("news", ""),
        "behind": bool(doc.get("behind")),
        "why": doc.get("why", ""),
        "remarks": list(doc.get("remarks", {})),
        "hub": hub.get("state", ""),
    }
