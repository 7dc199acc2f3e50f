"""`/l/<code>/people`: a keeper writes down who came. He reads nothing of it, and no name waits on his phone: without a connection there is paper."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.people.links.problems import Elsewhere, LinkOver, LinkUnknown
from kitamae.kernel.people.sheltered import AGES, Said
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound
from kitamae.sdk.sheltering import NEEDS
from kitamae.web.links.holder import HEADERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from kitamae.kernel.people.links import Capability
    from kitamae.kernel.people.sheltered import Sheltered
    from kitamae.sdk.context import Context
    from kitamae.web.links.holder import Holder
    from kitamae.web.page import ShellPage


def routes(page: ShellPage, context: Context, holder: Holder, register: Sheltered) -> list[Route]:
    """`/l/{code}/people`."""

    async def show(
        request: Request,
        kept: Capability,
        *,
        failed: str = "",
        status: int = 200,
        told: Mapping[str, str] | None = None,
        needs: list[str] | None = None,
    ) -> Response:
        terms = kept["terms"]
        if "people" not in terms.get("also", ()) or terms["area"]:
            return await holder.over(request, LinkOver())
        return page.render(
            request, "link-people.html", status=status, headers=HEADERS,
            things=[one for id in terms["things"] if (one := await context.get(id))],
            form=secrets.token_urlsafe(12), failed=failed, typed=told or {}, ticked=needs or [], ages=AGES, needs=NEEDS,
            done=request.query_params.get("done") == "new", back=request.url.path.rpartition("/")[0],
        )  # fmt: skip

    async def look(request: Request) -> Response:
        try:
            return await show(request, await holder.seen(request))
        except (LinkUnknown, LinkOver) as problem:
            return await holder.over(request, problem)

    async def send(request: Request) -> Response:
        try:
            kept = await holder.seen(request)
            holder.pace.demand(kept["terms"]["number"])
            form = await request.form(max_files=0, max_fields=40)
            told = {name: str(value).strip() for name, value in form.items()}
            needs = [str(one) for one in form.getlist("need")]
            try:
                said = Said.read(told, needs, NEEDS)
                await register.through(
                    request.path_params["code"], told.get("entity", ""), said, told.get("form", "")
                )
            except (BadRequest, NotFound, Conflict, Elsewhere) as problem:
                failed = problem.detail or problem.title
                return await show(request, kept, failed=failed, status=problem.status, told=told, needs=needs)
            except (
                Forbidden
            ) as problem:  # the purpose has no papers in force, or the link is for another shelter
                return await show(request, kept, failed=problem.detail, status=403, told=told, needs=needs)
        except (LinkUnknown, LinkOver) as problem:
            return await holder.over(request, problem)
        return RedirectResponse(f"{request.url.path}?done=new", 303, HEADERS)

    return [
        Route("/l/{code}/people", look, methods=["GET"]),
        Route("/l/{code}/people", send, methods=["POST"]),
    ]
