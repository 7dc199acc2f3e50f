"""`/find`: a name and a town, and at which shelter that person is, if he wants it to be told. What is typed stands in no address and no log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.people.gate import demand_form
from kitamae.kernel.people.throttle import Throttle
from kitamae.kernel.problems import BadRequest
from kitamae.web.duties.forms import KEEP_NOTHING

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.sheltered import Finding
    from kitamae.sdk.context import Context
    from kitamae.web.page import ShellPage


def routes(page: ShellPage, context: Context, finding: Finding) -> list[Route]:
    """Looking costs an address one of its twenty attempts in five minutes, whether somebody is found or not."""
    throttle = Throttle()

    def show(request: Request, *, status: int = 200, **more: Any) -> Response:
        given = {"found": None, "failed": "", "name": "", "town": ""} | more
        csrf = request.scope.get("csrf") or ""
        return page.render(request, "find.html", status=status, headers=KEEP_NOTHING, csrf=csrf, **given)

    async def ask(request: Request) -> Response:
        return show(request)

    async def find(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10)
        demand_form(request.scope, form.get("csrf"))
        name, town = (str(form.get(one) or "")[:100] for one in ("name", "town"))
        throttle.unknown((request.scope.get("client") or ("",))[0])
        try:
            found = await finding.find(name, town)
        except BadRequest as problem:
            return show(request, status=problem.status, failed=problem.detail, name=name, town=town)
        told = [(one, await context.get(one.shelter)) for one in found]
        return show(request, found=told, name=name, town=town)

    return [Route("/find", ask, methods=["GET"]), Route("/find", find, methods=["POST"])]
