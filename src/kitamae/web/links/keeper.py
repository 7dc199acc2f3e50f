"""`/l/<code>`: what somebody with a link sees and sends, from any phone and without an account.

Looking uses nothing up, so a mail program that looks ahead harms nothing; only the page's button, or a phone's queue
(`/l/<code>/updates`), sends.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.people.links import Sent
from kitamae.kernel.people.links.problems import Elsewhere, LinkOver, LinkUnknown, SentTwice
from kitamae.kernel.problems import BadRequest, NotFound
from kitamae.web.links.holder import HEADERS, OUTCOMES, position

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.links import Capability, Kind, Links
    from kitamae.sdk.context import Context, Entity
    from kitamae.web.links.holder import Holder
    from kitamae.web.page import ShellPage


def routes(page: ShellPage, context: Context, links: Links, holder: Holder) -> list[Route]:
    """`/l/{code}` and `/l/{code}/updates`."""

    async def show(
        request: Request,
        kept: Capability,
        *,
        failed: str = "",
        why: str = "",
        status: int = 200,
        told: Any = None,
    ) -> Response:
        kind: Kind | None = links.kinds.get(kept["terms"]["kind"])
        if kind is None:
            return await holder.over(request, LinkOver())
        things = [
            (one, _now(await context.full(id) or {}, kind))
            for id in kept["terms"]["things"]
            if (one := await context.get(id))
        ]
        done = request.query_params.get("done", "")
        return page.render(
            request, "link.html", status=status, headers=HEADERS,
            kind=kind, terms=kept["terms"], things=things,
            update=secrets.token_urlsafe(12), failed=failed, why=why, told=defaultdict(str, told or {}),
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
        except (LinkUnknown, LinkOver) as problem:
            return await holder.over(request, problem)
        holder.pace.demand(kept["terms"]["number"])
        form = await request.form(max_files=0, max_fields=60)
        told = {name: str(value).strip() for name, value in form.items()}
        values = {name[2:]: value for name, value in told.items() if name.startswith("v.") and value}
        try:
            sent = Sent(
                told.get("id", ""), values, told.get("entity", ""), None, position(told.get("position", ""))
            )
            done = await links.use(request.path_params["code"], sent)
        except Elsewhere:
            return await show(request, kept, failed="elsewhere", status=403, told=told)
        except (BadRequest, NotFound, SentTwice) as problem:
            return await show(
                request, kept, failed="values", why=problem.detail, status=problem.status, told=told
            )
        except (LinkUnknown, LinkOver) as problem:
            return await holder.over(request, problem)
        return RedirectResponse(f"{request.url.path}?done={done.outcome}", 303, HEADERS)

    async def queue(request: Request) -> Response:
        code = request.path_params["code"]
        return await holder.queue(request, lambda sent: links.use(code, sent))

    return [
        Route("/l/{code}", look, methods=["GET"]),
        Route("/l/{code}", send, methods=["POST"]),
        Route("/l/{code}/updates", queue, methods=["POST"]),
    ]


def _now(entity: Entity, kind: Kind) -> dict[str, tuple[Any, str]]:
    """What the city knows of each field: value and RFC 3339 time."""
    known: dict[str, tuple[Any, str]] = {}
    for one in kind.fields:
        attribute = entity.get(one.name)
        first = attribute[0] if isinstance(attribute, list) and attribute else attribute
        if isinstance(first, dict) and "value" in first:
            known[one.name] = (first["value"], str(first.get("observedAt") or first.get("modifiedAt") or ""))
    return known
