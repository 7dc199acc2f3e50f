"""`/l/<code>/supplies`: a shelter's keeper asks for what is missing, and says what arrived. With script it waits on the phone as reports do."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.people.links import Sent
from kitamae.kernel.people.links.problems import Elsewhere, LinkOver, LinkUnknown, SentTwice
from kitamae.kernel.problems import BadRequest, NotFound
from kitamae.kernel.supplies import counted, left, state
from kitamae.web.links.holder import HEADERS, OUTCOMES, Holder, position

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from kitamae.kernel.people.links import Capability
    from kitamae.kernel.supplies import Supplies
    from kitamae.sdk.context import Context
    from kitamae.web.page import ShellPage

_SHOWN: Final = 50


def routes(page: ShellPage, context: Context, holder: Holder, supplies: Supplies) -> list[Route]:
    """`/l/{code}/supplies` and `/l/{code}/supplies/updates`."""

    async def show(
        request: Request,
        kept: Capability,
        *,
        failed: str = "",
        status: int = 200,
        told: Mapping[str, str] | None = None,
    ) -> Response:
        terms, done = kept["terms"], request.query_params.get("done", "")
        if "supplies" not in terms.get("also", ()):
            return await holder.over(request, LinkOver())
        every = await supplies.all()
        things: list[Any] = [
            (one, [(number, it) for number, it in every if it["shelter"] == id][:_SHOWN])
            for id in terms["things"]
            if (one := await context.get(id))
        ]
        return page.render(
            request, "link-supplies.html", status=status, headers=HEADERS,
            terms=terms, things=things, update=secrets.token_urlsafe(12), failed=failed, told=told or {},
            state=state, counted=counted, left=left, back=request.url.path.rpartition("/")[0],
            done=done if done in OUTCOMES else "",
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
            told = {name: str(value).strip() for name, value in (await request.form(max_files=0)).items()}
            values = {name[2:]: value for name, value in told.items() if name.startswith("v.") and value}
            try:
                where = position(told.get("position", ""))
                sent = Sent(told.get("id", ""), values, told.get("entity", ""), None, where)
                done = await supplies.through(request.path_params["code"], sent)
            except (BadRequest, NotFound, SentTwice, Elsewhere) as problem:
                failed = "elsewhere" if isinstance(problem, Elsewhere) else problem.detail or problem.title
                return await show(request, kept, failed=failed, status=problem.status, told=told)
        except (LinkUnknown, LinkOver) as problem:
            return await holder.over(request, problem)
        return RedirectResponse(f"{request.url.path}?done={done.outcome}", 303, HEADERS)

    async def queue(request: Request) -> Response:
        code = request.path_params["code"]
        return await holder.queue(request, lambda sent: supplies.through(code, sent))

    return [
        Route("/l/{code}/supplies", look, methods=["GET"]),
        Route("/l/{code}/supplies", send, methods=["POST"]),
        Route("/l/{code}/supplies/updates", queue, methods=["POST"]),
    ]
