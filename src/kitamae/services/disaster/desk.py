"""`/staff/shelters`: the desk that opens, closes and counts shelters, and opens places that nobody ever designated."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.sdk import context, days
from kitamae.sdk.desk import Act, Moved, undoing
from kitamae.sdk.problems import BadRequest, Conflict, NotFound, Problem
from kitamae.sdk.sheltering import Sheltering
from kitamae.services.disaster.shelters import crowding, sent
from kitamae.services.disaster.shelters.openings import dated
from kitamae.services.disaster.shelters.shelter import (
    CLOSED,
    NEEDS,
    OPEN,
    PARTNER,
    PEOPLE,
    SPACES,
    STATUS,
    TYPE,
    UNTIL,
    needing,
    people_in,
    room_in,
    shelter,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from kitamae.sdk.room import Room
    from kitamae.services.disaster.shelters.shelter import Shelter

_SHOWN: Final = 50
_HEADERS: Final = {"Cache-Control": "no-store"}
_COUNTS: Final = (PEOPLE, *map(people_in, SPACES), *map(needing, NEEDS))
_DONE: Final = ("new", "late", "known", "made", "undone", "removed")


def routes(room: Room) -> list[BaseRoute]:
    """Whole addresses; all of them begin with `/staff/shelters`. Raises ValueError for a room without a desk."""
    desk = room.desk
    if desk is None:
        raise ValueError("the room has no desk")
    rules = room.city.shelters if room.city else Sheltering()
    zone = ZoneInfo(room.city.timezone if room.city else "Asia/Tokyo")
    code = room.city.code if room.city else "000000"

    async def index(
        request: Request, *, failed: str = "", status: int = 200, typed: Mapping[str, str] | None = None
    ) -> Response:
        now = datetime.now(UTC)
        notes = await desk.writing.notes()
        found_ = await desk.context.find([TYPE], limit=5_000, full=True)
        known = await dated(desk.context, (shelter(one, notes.get(one["id"])) for one in found_))
        told = [crowding.current(one, rules, now) for one in known]
        reported = {one.id: one for one in known}
        shown = [reported[one.id] for one in crowding.in_order(told, rules)]
        text = request.query_params.get("text", "")[:100].strip()
        found = crowding.found([one for one in shown if not one.is_open], text) if text else []
        return room.page.render(
            request, "shelters.html", status=status, headers=_HEADERS,
            totals=crowding.totals(told), all=len(known), text=text, found=found[:_SHOWN], matched=len(found),
            open=[(one, *_judged(one, now)) for one in shown if one.is_open],
            failed=failed, typed=typed or {}, form=secrets.token_urlsafe(12), desk=desk.path,
            done=_known(request.query_params.get("done")), csrf=desk.csrf(request), PEOPLE=PEOPLE, PARTNER=PARTNER, UNTIL=UNTIL,
        )  # fmt: skip

    def _judged(one: Shelter, now: datetime) -> tuple[crowding.Band, list[crowding.Concern]]:
        concerns = crowding.concerns(one, rules, now, now.astimezone(zone).date())
        told = crowding.current(one, rules, now)
        return crowding.band(crowding.indoors(told), rules), concerns

    async def look(request: Request) -> Response:
        return await index(request)

    async def place(request: Request) -> Response:
        """A place that is opened though nobody designated it."""
        form = await desk.form(request)
        told = {name: str(value) for name, value in form.items()}
        try:
            id, values, facts, notes = sent.place(told, code, rules)
            at = days.moment("at", told.get("at", ""), zone)
            act = Act(told.get("form", ""), "made", id, TYPE, values, facts, notes, new=True, at=at)
            await desk.writing.write(desk.who(request), act)
        except Conflict as problem:
            if "entity" in problem.more:
                return RedirectResponse(f"{desk.path}/{problem.more['entity']}?there=1", 303, _HEADERS)
            return await index(request, failed=problem.detail, status=problem.status, typed=told)
        except Problem as problem:
            if problem.status >= 500:
                raise
            return await index(request, failed=problem.detail, status=problem.status, typed=told)
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
        if entity is None or simple is None or TYPE not in _types(entity):
            raise NotFound(f"there is no shelter {id!r:.120}")
        noted = await desk.writing.note(id)
        [known], now = await dated(desk.context, [shelter(entity, noted)]), datetime.now(UTC)
        band, concerns = _judged(known, now)
        acts = await desk.writing.acts(id)
        last = acts[0] if acts and acts[0][1]["what"] not in ("undone", "made", "removed") else None
        # what was put back by an undo is in history twice, of one moment
        counted = reversed(await desk.context.history(id, PEOPLE, last=_SHOWN))
        readings = list({(each.at, str(each.value)): each for each in counted}.values())
        undoable = last is not None and _stands(entity, last[1])
        return room.page.render(
            request, "shelter.html", status=status, headers=_HEADERS,
            one=known, entity=simple, band=band, concerns=concerns, acts=acts[:_SHOWN], last=last if undoable else None,
            own=":own-" in id, removable=_alone(entity, acts),
            readings=readings,
            seen={name: _observed({**entity, **noted}, name) for name in (STATUS, *_COUNTS)},
            spaces=SPACES, needs=NEEDS,
            people_in=people_in, room_in=room_in, needing=needing, PEOPLE=PEOPLE, PARTNER=PARTNER, UNTIL=UNTIL,
            failed=failed, typed=typed or {}, moved=moved or {}, form=secrets.token_urlsafe(12), most=rules.most,
            done=_known(request.query_params.get("done")), there=bool(request.query_params.get("there")),
            desk=desk.path, csrf=desk.csrf(request), now=now, today=now.astimezone(zone).date(),
        )  # fmt: skip

    async def see(request: Request) -> Response:
        return await one(request)

    async def act(request: Request) -> Response:
        """Open, close, count, describe, undo, take back: which, the form says in `act`."""
        form = await desk.form(request)
        told = {name: str(value) for name, value in form.items()}
        id, by = request.path_params["id"], desk.who(request)
        try:
            match told.get("act"):
                case "open" | "close" as what:
                    values: dict[str, Any] = {STATUS: OPEN if what == "open" else CLOSED}
                    notes = {}
                    if what == "close":  # nobody is there any more: what was counted is history
                        values |= dict.fromkeys((PEOPLE, *map(people_in, SPACES)))
                        notes = dict.fromkeys(map(needing, NEEDS))
                    at = days.moment("at", told.get("at", ""), zone)
                    seen = _looked(told, [STATUS, *(_COUNTS if what == "close" else ())])
                    looked = seen if at is None else None
                    said = Act(told.get("form", ""), what, id, TYPE, values, notes=notes, at=at, seen=looked)
                    outcome = await write(by, said)
                case "count":
                    at = days.moment("at", told.get("at", ""), zone)
                    seen = _looked(told, _COUNTS)
                    people, needs = sent.counted(told, rules)
                    looked = seen if at is None else None
                    outcome = await write(
                        by,
                        Act(
                            told.get("form", ""), "counted", id, TYPE, people, notes=needs, at=at, seen=looked
                        ),
                    )
                case "describe":
                    facts, agreed = sent.described(told, rules)
                    outcome = await write(
                        by, Act(told.get("form", ""), "described", id, TYPE, facts=facts, notes=agreed)
                    )
                case "undo":
                    outcome = await undo(by, id, told)
                case "remove":
                    entity = await desk.context.full(id)
                    if entity is None or not _alone(entity, await desk.writing.acts(id)):
                        raise Conflict("look at it again: it was reported on in the meantime")
                    await desk.writing.remove(by, told.get("form", ""), id, TYPE)
                    return RedirectResponse(f"{desk.path}?done=removed", 303, _HEADERS)
                case other:
                    raise BadRequest(
                        f"act: expected open, close, count, describe, undo or remove, got {other!r:.40}"
                    )
        except Moved as problem:
            return await one(request, status=problem.status, typed=told, moved=problem.more["now"])
        except Problem as problem:
            if problem.status >= 500:
                raise
            return await one(
                request, failed=problem.detail or problem.title, status=problem.status, typed=told
            )
        return RedirectResponse(f"{desk.path}/{id}?done={outcome}", 303, _HEADERS)

    async def write(by: str, act: Act) -> str:
        return (await desk.writing.write(by, act)).outcome

    async def undo(by: str, id: str, told: Mapping[str, str]) -> str:
        """The last thing that a desk did here, as long as nothing newer was reported of it."""
        acts = await desk.writing.acts(id)
        if not acts or acts[0][0] != told.get("last"):
            raise Conflict("look at it again: something else was done in the meantime")
        entity, (_, before) = await desk.context.full(id), acts[0]
        if before["what"] in ("made", "undone", "removed") or entity is None or not _stands(entity, before):
            raise Conflict("look at it again: it was reported on in the meantime")
        await write(by, undoing(told.get("form", ""), TYPE, acts[0][0], before))
        return "undone"

    return [
        Route(desk.path, look, methods=["GET"]),
        Route(desk.path, place, methods=["POST"]),
        Route(desk.path + "/{id}", see, methods=["GET"]),
        Route(desk.path + "/{id}", act, methods=["POST"]),
    ]


def _looked(told: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """When what the form showed had been reported."""
    return {name: told.get(f"seen-{name}", "") for name in names}


def _stands(entity: Mapping[str, Any], act: Mapping[str, Any]) -> bool:
    """Whether what it wrote is still what the city knows."""
    if act["outcome"] != "new":
        return False
    return all(
        _observed(entity, name) == (act["observedAt"] if value is not None else "")
        for name, value in act["values"].items()
    )


def _alone(entity: Mapping[str, Any], acts: list[tuple[str, dict[str, Any]]]) -> bool:
    """Whether all that is known of a place is that it was opened a moment ago: then it can be taken back as if it had never been."""
    made = acts[0][1] if acts and acts[0][1]["what"] == "made" else None
    reported = {STATUS, PEOPLE, *map(people_in, SPACES)} & entity.keys()
    return made is not None and _stands(entity, made) and reported <= made["values"].keys()


def _observed(entity: Mapping[str, Any], name: str) -> str:
    return str(context.told(entity, name).get("observedAt", ""))


def _types(entity: Mapping[str, Any]) -> list[str]:
    said = entity["type"]
    return said if isinstance(said, list) else [said]


def _known(done: str | None) -> str:
    return done if done in _DONE else ""
