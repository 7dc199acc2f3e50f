"""A sign-in link for a colleague, shown once to whoever made it: a sealed note in his browser carries it to the page.

The form that makes a link answers by going elsewhere, so that loading the page again makes no other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import RedirectResponse
from starlette.routing import Route

from kitamae.kernel.people.jose.encoding import BadToken
from kitamae.kernel.people.person import asking
from kitamae.kernel.problems import Forbidden, Problem

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.gate import Gate
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.seal import Seal
    from kitamae.sdk.page import Page

HANDED: Final = "/staff/link"
_COOKIE: Final = "handed"
_PURPOSE: Final = "sign-in link for a colleague"
_SECONDS: Final = 120
"""From the form to the page."""
_KEEP_NOTHING: Final = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Handed:
    """One per city. `origin`: what a link begins with."""

    people: People
    gate: Gate
    seal: Seal
    origin: str

    async def let_in(self, who: Principal, ref: str, *, new: bool) -> Response:
        """Make the link, and go to the page that shows it. Raises Forbidden, NotFound."""
        link = await self.people.let_in_again(who.ref, ref, new=new)
        told = {"session": who.session, "person": ref, "link": link, "new": new}
        answer = RedirectResponse(HANDED, 303, _KEEP_NOTHING)
        note = self.seal.write(_PURPOSE, told, _SECONDS)
        answer.headers.append("Set-Cookie", self.gate.carry(_COOKIE, note, _SECONDS))
        return answer

    def routes(self, page: Page) -> list[Route]:
        """`/staff/link`."""

        async def show(request: Request) -> Response:
            who = asking(request.scope)
            if who.role != "staff" or not who.session:
                raise Forbidden("this page is for staff who are signed in")
            told = self._carried(request, who)
            address = f"{self.origin}/sign-in/{told['link']}" if told else ""
            minutes = self.people.link_minutes
            answer = page.render(
                request, "handed.html", headers=_KEEP_NOTHING, told=told, address=address, minutes=minutes
            )
            answer.headers.append("Set-Cookie", self.gate.carry(_COOKIE, "", 0))
            return answer

        return [Route(HANDED, show, methods=["GET"])]

    def _carried(self, request: Request, who: Principal) -> dict[str, Any]:
        """{} where it was shown before, or is somebody else's."""
        note = self.gate.carried(request.scope, _COOKIE)
        try:
            told: dict[str, Any] = self.seal.read(_PURPOSE, note) if note else {}
        except (BadToken, Problem):
            return {}
        return told if told.get("session") == who.session else {}
