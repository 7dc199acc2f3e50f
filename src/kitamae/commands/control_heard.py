"""`/control/heard/{format}`: what the city noted of messages that came, for `kitamae import jma|cap`, which reads them apart from the server.

Its runs and the feeds note in one place: a message that was withdrawn in an earlier run, or over a feed, is not believed in a later one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import BadRequest
from kitamae.kit.feeds import kept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from kitamae.app import Kitamae
    from kitamae.kernel.context.store import Transaction


@dataclass(frozen=True, slots=True)
class Heard:
    """GET: all notes. POST: an object of what changed in them, null for what is forgotten. `sent` reads a request's JSON object."""

    kitamae: Kitamae
    sent: Callable[[Request], Awaitable[dict[str, Any]]]

    def routes(self) -> list[Route]:
        """For `Control`."""
        return [
            Route("/control/heard/{format}", self._known, methods=["GET"]),
            Route("/control/heard/{format}", self._note, methods=["POST"]),
        ]

    async def _known(self, request: Request) -> JSONResponse:
        found = await self.kitamae.city.store.get(TENANT, kept.HEARD, request.path_params["format"])
        return JSONResponse(found or {})

    async def _note(self, request: Request) -> JSONResponse:
        news = await self.sent(request)
        if not all(at is None or isinstance(at, str) for at in news.values()):
            raise BadRequest("expected an object of times")

        async def work(tx: Transaction) -> None:
            await kept.hear(tx, request.path_params["format"], news)

        await self.kitamae.city.store.transact(work)
        return JSONResponse({}, 201)
