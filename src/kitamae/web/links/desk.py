"""`/staff/links`: the desk that gives links out, prints them, sees what was sent through them and takes them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.people.gate import demand_form
from kitamae.kernel.people.links import Wish
from kitamae.kernel.people.links.records import Why
from kitamae.kernel.people.person import asking
from kitamae.kernel.problems import BadRequest, NotFound
from kitamae.sdk.context import point
from kitamae.web import qr, speak

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.links import Capability, Links
    from kitamae.sdk.context import Context
    from kitamae.web.page import ShellPage

DESK: Final = "/staff/links"
AREAS: Final = (0, 300, 1_000, 3_000)
"""Metres around the thing; 0: wherever the phone is."""
HOURS: Final = (12, 24, 72, 168, 720, 2_160)
SHOWN: Final = 30
_HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def routes(page: ShellPage, context: Context, links: Links, origin: str, zone: str) -> list[Route]:
    """`origin`: what a printed address begins with; `zone`: in which the desk says when."""

    async def found(kind: str, text: str) -> list[tuple[str, str]]:
        """(id, name) of things of a kind whose name, reading or address has the text."""
        wanted = text.strip().casefold()
        things = await context.find([links.kinds[kind].type], limit=5_000) if kind in links.kinds else []
        rows = [
            (one["id"], speak.name(one, "ja"), speak.reading(one, "ja"), speak.address(one, "ja"))
            for one in things
        ]
        return [(id, name) for id, name, *more in rows if wanted in " ".join((name, *more)).casefold()]

    async def desk(
        request: Request, *, failed: str = "", status: int = 200, sent: FormData | None = None
    ) -> Response:
        """`sent`: what was typed, where it was refused."""
        asked = request.query_params if sent is None else sent
        kind = str(asked.get("kind", "")) or (next(iter(links.kinds)) if len(links.kinds) == 1 else "")
        text = str(asked.get("text", ""))[:100]
        things = await found(kind, text) if kind in links.kinds and text else []
        return page.render(
            request, "links.html", status=status, headers=_HEADERS,
            kinds=links.kinds, kind=links.kinds.get(kind), text=text, things=things[:SHOWN], total=len(things),
            made=[(one, await _names(context, one), _state(one)) for one in (await links.all())[:200]],
            areas=AREAS, lengths=sorted({*HOURS, links.kinds[kind].hours} if kind in links.kinds else HOURS),
            sent=sent or FormData(), chosen=sent.getlist("thing") if sent else [], csrf=request.scope["csrf"], failed=failed, action=DESK,
        )  # fmt: skip

    async def index(request: Request) -> Response:
        return await desk(request)

    async def make(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=100)
        demand_form(request.scope, form.get("csrf"))
        things = [str(one) for one in form.getlist("thing")]
        try:
            metres = _number(form.get("metres"), "metres") if form.get("metres") else 0
            wish = Wish(
                str(form.get("kind", "")), things,
                hours=_number(form.get("hours"), "hours"),
                begins=days.moment("begins", str(form.get("begins", "")), ZoneInfo(zone)),
                place=await _place(context, things) if metres else None,
                metres=metres,
                note=str(form.get("note", "")),
            )  # fmt: skip
            _, kept = await links.make(asking(request.scope).ref, wish)
        except (BadRequest, NotFound) as problem:
            failed = problem.detail or problem.title
            return await desk(request, failed=failed, status=problem.status, sent=form)
        return RedirectResponse(f"{DESK}/{kept['terms']['number']}", 303, _HEADERS)

    async def one(request: Request) -> Response:
        kept = await links.one(request.path_params["number"])
        state = _state(kept)
        address = f"{origin}/l/{links.code(kept)}" if state in ("open", "waits") else ""
        return page.render(
            request, "link-made.html", headers=_HEADERS,
            kept=kept, terms=kept["terms"], kind=links.kinds.get(kept["terms"]["kind"]),
            names=await _names(context, kept), state=state, address=address,
            code=qr.svg(address, address) if address else "",
            uses=(await links.uses(kept["terms"]["number"]))[:200], csrf=request.scope["csrf"], action=DESK,
        )  # fmt: skip

    async def end(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10)
        demand_form(request.scope, form.get("csrf"))
        why = form.get("why")
        if why not in get_args(Why):
            raise BadRequest(f"why: expected one of {', '.join(get_args(Why))}")
        number = request.path_params["number"]
        await links.end(asking(request.scope).ref, number, why)  # type: ignore[arg-type]  # it is one of them
        return RedirectResponse(f"{DESK}/{number}", 303, _HEADERS)

    return [
        Route(DESK, index, methods=["GET"]),
        Route(DESK, make, methods=["POST"]),
        Route(DESK + "/{number}", one, methods=["GET"]),
        Route(DESK + "/{number}/end", end, methods=["POST"]),
    ]


def _state(kept: Capability) -> str:
    """`waits`, `open`, `over`, `ended`, `lost` or `spent`."""
    terms, now = kept["terms"], clock.now()
    if "ended" in kept:
        return kept["ended"]["why"]
    if now >= clock.micros(terms["ends"]):
        return "over"
    if kept["used"] >= terms["uses"]:
        return "spent"
    return "waits" if now < clock.micros(terms["begins"]) else "open"


async def _names(context: Context, kept: Capability) -> list[tuple[str, Any]]:
    """(id, entity or None) of its things."""
    return [(id, await context.get(id)) for id in kept["terms"]["things"]]


async def _place(context: Context, things: list[str]) -> tuple[float, float]:
    """Where the first of them is. Raises BadRequest."""
    entity = await context.get(things[0]) if things else None
    at = point(entity) if entity else None
    if at is None:
        raise BadRequest("metres: nothing is known of where that is")
    return at


def _number(value: object, name: str) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 8:
        return int(value)
    raise BadRequest(f"{name}: expected a number, got {value!r:.40}")
