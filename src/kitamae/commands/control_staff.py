"""What `kitamae staff` asks of a city over its local socket: there is nobody to be a second person, and the city says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.people.duties.office import step
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from kitamae.app import Kitamae
    from kitamae.kernel.people.duties import Office


@dataclass(frozen=True, slots=True)
class Staff:
    """`/control/staff/*`. `sent` reads a request's JSON object."""

    kitamae: Kitamae
    sent: Callable[[Request], Awaitable[dict[str, Any]]]

    def routes(self) -> list[Route]:
        """For `Control`."""
        return [
            Route("/control/staff", self._members, methods=["GET"]),
            Route("/control/staff/duties", self._duties, methods=["GET"]),
            Route("/control/staff/changes", self._changes, methods=["GET"]),
            Route("/control/staff/changes", self._change, methods=["POST"]),
        ]

    @property
    def _office(self) -> Office:
        return self.kitamae.city.ways.office

    async def _members(self, _: Request) -> JSONResponse:
        told = [
            {
                "person": ref,
                "called": self.kitamae.city.people.colleagues.called(ref),
                "left": state.left,
                "founder": (await self._office.standing(ref)).founder,
                "duties": [
                    {"duty": one.duty, "until": clock.text(one.until) if one.until else None}
                    for one in state.held
                ],
            }
            for ref, state in await self._office.members()
        ]
        return JSONResponse(told)

    async def _duties(self, _: Request) -> JSONResponse:
        told = [
            {
                "id": one.id,
                "name": one.name.get("ja", one.id),
                "desks": sorted(one.desks),
                "purposes": sorted(one.purposes),
                "powerful": one.powerful,
            }
            for one in self._office.plan
        ]
        return JSONResponse(told)

    async def _changes(self, _: Request) -> JSONResponse:
        told = [
            {
                "id": id,
                "title": one["title"],
                "at": one["at"],
                "stands": stands,
                "steps": len(one["steps"]),
                "alone": one["alone"],
            }
            for id, one, stands in await self._office.all()
        ]
        return JSONResponse(told)

    async def _change(self, request: Request) -> JSONResponse:
        sent = await self.sent(request)
        if not all(isinstance(sent.get(name), str) for name in ("person", "duty", "title")):
            raise BadRequest("expected person, duty and title")
        profile = self.kitamae.city.profile
        where = profile.tenant if profile else ""
        made = step(sent["person"], sent["duty"], gives=bool(sent.get("gives")), tenants=(where,))
        return JSONResponse({"id": await self._office.prepare(SYSTEM, sent["title"], [made])}, 201)
