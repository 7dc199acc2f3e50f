"""`/feeds/<name>/<key>`: a hub (WebSub) asks whether we want what it was asked for, and tells what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kitamae.kernel.problems import NotFound, TooLarge

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kit.feeds import Follower, Hub

MOST: Final = 2_000_000
"""Bytes of what a hub tells at once: some entries of a feed."""


def routes(follower: Follower) -> list[Route]:
    """What is signed is answered when it is written down; what is not, is answered the same and changes nothing."""

    def hub() -> Hub:
        if follower.hub is None:
            raise NotFound("this city follows no hub")
        return follower.hub

    async def ask(request: Request) -> Response:
        at = request.path_params
        challenge = await hub().confirm(at["name"], at["key"], request.query_params)
        return PlainTextResponse(challenge, headers={"X-Content-Type-Options": "nosniff"})

    async def tell(request: Request) -> Response:
        at, content = request.path_params, bytearray()
        async for part in request.stream():
            content += part
            if len(content) > MOST:
                raise TooLarge(f"at most {MOST:,} bytes are read of what a hub tells")
        await hub().told(at["name"], at["key"], request.headers.get("X-Hub-Signature", ""), bytes(content))
        return Response(status_code=202)

    return [
        Route("/feeds/{name}/{key}", ask, methods=["GET"]),
        Route("/feeds/{name}/{key}", tell, methods=["POST"]),
    ]
