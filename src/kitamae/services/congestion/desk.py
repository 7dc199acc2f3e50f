"""`/staff/congestion`: where staff count people by hand, and enter the places where people are counted."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.sdk import days
from kitamae.sdk.congesting import Congesting
from kitamae.sdk.context import told
from kitamae.sdk.desk import Act, Moved
from kitamae.sdk.problems import BadRequest, Conflict, NotFound, Problem
from kitamae.sdk.typed import LONGEST, line, number, position
from kitamae.services.congestion import logic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from kitamae.sdk.room import Room

_HEADERS: Final = {"Cache-Control": "no-store"}
_DONE: Final = ("new", "late", "known", "made", "undone", "described")
_SHOWN: Final = 50


def routes(room: Room) -> list[BaseRoute]:
    """Whole addresses; all of them begin with `/staff/congestion`. Raises ValueError for a room without a desk."""
    desk = room.desk
    if desk is None:
        raise ValueError("the room has no desk")
    rules = room.city.congestion if room.city else Congesting()
    zone = ZoneInfo(room.city.timezone if room.city else "Asia/Tokyo")
    prefix = f"urn:ngsi-ld:{logic.TYPE}:{room.city.code if room.city else '000000'}:"

    async def index(
        request: Request, *, failed: str = "", status: int = 200, typed: Mapping[str, str] | None = None
    ) -> Response:
        found = await desk.context.find([logic.TYPE], limit=2_000, full=True)
        shown = [(logic.place(one, zone), _counted(one)) for one in found if one["id"].startswith(prefix)]
        return room.page.render(
            request, "congestion-desk.html", status=status, headers=_HEADERS,
            places=sorted(shown, key=lambda pair: pair[0].name), failed=failed, typed=typed or {},
            form=secrets.token_urlsafe(12), csrf=desk.csrf(request), desk=desk.path, rules=rules,
        )  # fmt: skip

    async def look(request: Request) -> Response:
        return await index(request)

    async def make(request: Request) -> Response:
        """A place where people are to be counted."""
        form = await desk.form(request)
        sent = {name: str(value) for name, value in form.items()}
        try:
            facts = _described(sent)
            name = unicodedata.normalize("NFKC", sent.get("名称", "")).strip()
            if not 0 < len(name) <= LONGEST:
                raise BadRequest(f"this must be filled in: its name, of at most {LONGEST} letters")
            key = hashlib.sha256("".join(name.split()).casefold().encode()).hexdigest()[:16]
            there = {"名称": name, **{what: value for what, value in facts.items() if value is not None}}
            id = f"{prefix}own-{key}"
            await desk.writing.write(
                desk.who(request), Act(sent.get("form", ""), "made", id, logic.TYPE, facts=there, new=True)
            )
        except Problem as problem:
            if problem.status >= 500:
                raise
            if "entity" in problem.more:
                return RedirectResponse(f"{desk.path}/{problem.more['entity']}", 303, _HEADERS)
            return await index(request, failed=problem.detail, status=problem.status, typed=sent)
        return RedirectResponse(f"{desk.path}/{id}?done=made", 303, _HEADERS)

    async def one(
        request: Request,
        *,
        failed: str = "",
        status: int = 200,
        typed: Mapping[str, str] | None = None,
        moved: Mapping[str, Any] | None = None,
    ) -> Response:
        id = request.path_params["id"]
        entity, simple = await desk.context.full(id), await desk.context.get(id)
        if entity is None or simple is None or not id.startswith(prefix):
            raise NotFound(f"there is no place {id!r:.120} where people are counted")
        acts = await desk.writing.acts(id)
        return room.page.render(
            request, "congestion-count.html", status=status, headers=_HEADERS,
            place=logic.place(entity, zone), entity=simple, counted=_counted(entity), seen=_seen(entity), acts=acts[:_SHOWN],
            last=acts[0][0] if acts and _stands(entity, acts[0][1]) else "", rules=rules, COUNT=logic.COUNT,
            failed=failed, typed=typed or {}, moved=moved or {}, form=secrets.token_urlsafe(12), csrf=desk.csrf(request), desk=desk.path,
            done=done if (done := request.query_params.get("done", "")) in _DONE else "",
        )  # fmt: skip

    async def see(request: Request) -> Response:
        return await one(request)

    async def act(request: Request) -> Response:
        """Count, describe, take a count back: which, the form says in `act`."""
        form = await desk.form(request)
        sent = {name: str(value) for name, value in form.items()}
        id, by, write = request.path_params["id"], desk.who(request), desk.writing.write
        try:
            match sent.get("act"):
                case "count":
                    if not sent.get(logic.COUNT, "").strip():
                        raise BadRequest("this must be filled in: how many people are there")
                    people = number(sent[logic.COUNT], logic.COUNT, rules.most)
                    at = days.moment("at", sent.get("at", ""), zone)
                    said = Act(
                        sent.get("form", ""), "counted", id, logic.TYPE, {logic.COUNT: people},
                        at=at, seen={logic.COUNT: sent.get("seen", "")} if at is None else None,
                    )  # fmt: skip
                    outcome: str = (await write(by, said)).outcome
                case "describe":
                    facts = _described(sent)
                    await write(by, Act(sent.get("form", ""), "described", id, logic.TYPE, facts=facts))
                    outcome = "described"
                case "undo":
                    await undo(by, id, sent)
                    outcome = "undone"
                case other:
                    raise BadRequest(f"act: expected count, describe or undo, got {other!r:.40}")
        except Moved as problem:
            return await one(request, status=problem.status, typed=sent, moved=problem.more["now"])
        except Problem as problem:
            if problem.status >= 500:
                raise
            return await one(
                request, failed=problem.detail or problem.title, status=problem.status, typed=sent
            )
        return RedirectResponse(f"{desk.path}/{id}?done={outcome}", 303, _HEADERS)

    async def undo(by: str, id: str, sent: Mapping[str, str]) -> None:
        """The last count, as long as nothing newer was reported: what was published of it says that it was taken back."""
        acts, entity = await desk.writing.acts(id), await desk.context.full(id)
        if not acts or acts[0][0] != sent.get("last") or entity is None or not _stands(entity, acts[0][1]):
            raise Conflict("look at it again: it was reported on in the meantime")
        await desk.writing.write(by, logic.taking_back(sent.get("form", ""), *acts[0]))

    return [
        Route(desk.path, look, methods=["GET"]),
        Route(desk.path, make, methods=["POST"]),
        Route(desk.path + "/{id}", see, methods=["GET"]),
        Route(desk.path + "/{id}", act, methods=["POST"]),
    ]


def _described(sent: Mapping[str, str]) -> dict[str, Any]:
    """What holds until somebody changes it; None for what was left empty. Raises BadRequest."""
    facts: dict[str, Any] = {
        name: line(sent[name], name) for name in ("住所", *logic.OPENS, logic.REMARK) if name in sent
    }
    week, opens, closes = (facts.get(name) for name in logic.OPENS)
    if (week or opens or closes) and logic.hours(week or "", opens or "", closes or "") is None:
        raise BadRequest("hours: expected days such as 月火水木金, and times such as 09:00 and 17:00")
    if sent.get("position", "").strip():
        facts["location"] = {"type": "Point", "coordinates": list(position(sent["position"]))}
    return facts


def _counted(entity: Mapping[str, Any]) -> int | None:
    said = told(entity, logic.COUNT).get("value")
    return said if isinstance(said, int) and not isinstance(said, bool) else None


def _seen(entity: Mapping[str, Any]) -> str:
    return str(told(entity, logic.COUNT).get("observedAt", ""))


def _stands(entity: Mapping[str, Any], act: Mapping[str, Any]) -> bool:
    """Whether it was a count, and is still what the city knows."""
    return bool(act["what"] == "counted" and act["outcome"] == "new" and _seen(entity) == act["observedAt"])
