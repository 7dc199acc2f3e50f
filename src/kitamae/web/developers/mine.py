"""`/developers/mine`: a provider's own pages. Who applies, belongs to it, invites others, reports an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.people.approval import STRONG
from kitamae.kernel.people.providers import Application
from kitamae.kernel.problems import BadRequest, Conflict, NotFound
from kitamae.kernel.registers.incidents import SEVERITIES
from kitamae.web.developers import DEVELOPERS
from kitamae.web.developers.refusals import refused
from kitamae.web.duties.forms import KEEP_NOTHING, away, word
from kitamae.web.my.ground import sent, signed_in
from kitamae.web.registers.desk import incident, local

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.providers import Providers
    from kitamae.kernel.registers import Register
    from kitamae.web.page import ShellPage

MINE: Final = f"{DEVELOPERS}/mine"
JOIN: Final = f"{DEVELOPERS}/join"
_APPLICATION: Final = ("sort", "name", "role", "contact", "about", "corporate")


def routes(
    page: ShellPage, providers: Providers, services: Register, origin: str, *, letters: bool, residents: bool
) -> list[Route]:
    """`services`: the public register; `origin`: what an invitation's address begins with; `letters`: visitors can sign in by mail,
    `residents` with デジタル認証アプリ.
    """

    def show(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        given = {"csrf": request.scope.get("csrf", ""), "failed": "", "mine": MINE}
        return page.render(request, template, status=status, headers=KEEP_NOTHING, **{**given, **values})

    def not_yet(request: Request, next: str) -> Response | None:
        """What somebody must do first, who is not signed in as these pages want it."""
        who = signed_in(request)
        if who is not None and who.role in ("visitor", "resident") and who.assurance >= STRONG:
            return None
        why = "nobody" if who is None else "staff" if who.role == "staff" else "weak"
        return show(
            request, "developers-sign-in.html", why=why, next=next, letters=letters, residents=residents
        )

    async def index(request: Request, *, failed: str = "", said: dict[str, str] | None = None) -> Response:
        """One's providers, and the application for a new one."""
        if first := not_yet(request, MINE):
            return first
        return show(
            request,
            "mine.html",
            status=400 if failed else 200,
            providers=await providers.mine(_who(request)),
            failed=failed,
            said=said or dict.fromkeys(_APPLICATION, ""),
        )

    async def apply(request: Request) -> Response:
        """Apply to be a provider."""
        who, form = await sent(request)
        said = {name: word(form, name) for name in _APPLICATION}
        try:
            made = await providers.apply(who, Application(**said))
        except (BadRequest, Conflict) as problem:
            return await index(request, failed=refused(problem), said=said)
        return away(f"{MINE}/{made['number']}?done=applied")

    async def one(request: Request, *, code: str = "", failed: str = "") -> Response:
        """One provider: where it stands, its contracts, its members."""
        number = request.path_params["number"]
        if first := not_yet(request, f"{MINE}/{number}"):
            return first
        provider = await providers.own(_who(request), number)
        contracts = await providers.contracts.of(number)
        return show(
            request,
            "provider.html",
            status=400 if failed else 200,
            provider=provider,
            contracts=[(one, one["versions"][-1], providers.contracts.stands(one)) for one in contracts],
            invitation=f"{origin}{JOIN}/{code}" if code else "",
            failed=failed,
            done=request.query_params.get("done", ""),
        )

    async def invite(request: Request) -> Response:
        """Make a link with which a colleague joins; it is shown once."""
        who, _ = await sent(request)
        return await one(request, code=await providers.members.invite(who, request.path_params["number"]))

    async def leave(request: Request) -> Response:
        """Belong to it no more."""
        who, _ = await sent(request)
        try:
            await providers.members.leave(who, request.path_params["number"])
        except Conflict:
            return await one(request, failed="last")
        return away(MINE)

    async def invited(request: Request) -> Response:
        """What an invitation leads to."""
        code = request.path_params["code"]
        if first := not_yet(request, f"{JOIN}/{code}"):
            return first
        try:
            provider = await providers.members.invited(code)
        except NotFound:
            return show(request, "join.html", status=404, provider=None, code="")
        return show(request, "join.html", provider=provider, code=code)

    async def join(request: Request) -> Response:
        """Join it."""
        who, _ = await sent(request)
        try:
            provider = await providers.members.join(who, request.path_params["code"])
        except NotFound:
            return show(request, "join.html", status=404, provider=None, code="")
        return away(f"{MINE}/{provider['number']}?done=joined")

    async def report(request: Request, *, failed: str = "", said: dict[str, Any] | None = None) -> Response:
        """An incident, for the town hall's incident desk."""
        number = request.path_params["number"]
        if first := not_yet(request, f"{MINE}/{number}/report"):
            return first
        empty = {"title": "", "what": "", "concerns": "", "severity": "middle", "services": []}
        return show(
            request,
            "provider-report.html",
            status=400 if failed else 200,
            provider=await providers.own(_who(request), number),
            services=await services.entries(),
            severities=SEVERITIES,
            said=said or empty,
            at=local(clock.now()),
            failed=failed,
            done=request.query_params.get("done", ""),
        )

    async def reported(request: Request) -> Response:
        """Send it."""
        who, form = await sent(request)
        number = request.path_params["number"]
        told: dict[str, Any] = {name: word(form, name) for name in ("title", "what", "concerns", "severity")}
        told["services"] = []
        try:
            id = await providers.report(who, number, incident(form))
        except (BadRequest, Conflict) as problem:
            return await report(request, failed=refused(problem), said=told)
        return away(f"{MINE}/{number}/report?done={id}")

    return [
        Route(MINE, index, methods=["GET"]),
        Route(MINE, apply, methods=["POST"]),
        Route(f"{JOIN}/{{code}}", invited, methods=["GET"]),
        Route(f"{JOIN}/{{code}}", join, methods=["POST"]),
        Route(f"{MINE}/{{number}}", one, methods=["GET"]),
        Route(f"{MINE}/{{number}}/invite", invite, methods=["POST"]),
        Route(f"{MINE}/{{number}}/leave", leave, methods=["POST"]),
        Route(f"{MINE}/{{number}}/report", report, methods=["GET"]),
        Route(f"{MINE}/{{number}}/report", reported, methods=["POST"]),
    ]


def _who(request: Request) -> Principal:
    """Raises NotFound: nobody is told which providers there are."""
    who = signed_in(request)
    if who is None:
        raise NotFound("you belong to no such provider")
    return who
