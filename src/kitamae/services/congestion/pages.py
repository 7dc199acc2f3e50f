"""`/congestion`: every place where people are counted; `/congestion/{code}`: one of them with its coming week. Both without script."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from kitamae.sdk import chart
from kitamae.sdk.calendar import holidays
from kitamae.sdk.congesting import Congesting
from kitamae.sdk.problems import NotFound
from kitamae.services.congestion import logic
from kitamae.services.congestion.counting.slots import slot, slots
from kitamae.services.congestion.outlook import picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from kitamae.sdk.room import Room
    from kitamae.services.congestion.models import Place
    from kitamae.services.congestion.outlook.forecast import Expected
    from kitamae.services.congestion.outlook.usual import Slot

MOST: Final = 2_000
NEXT: Final = 3
"""Coming hours or days on a card."""
BACK: Final = timedelta(days=7)
_SHOWN: Final = 200
"""Rows of what was counted; a week has 168 hours."""
_LATEST: Final = 12
"""Of which so many are open at first."""


def routes(room: Room) -> list[BaseRoute]:
    """Whole addresses; all of them begin with `/congestion`."""
    city = room.city
    rules = city.congestion if city else Congesting()
    zone = ZoneInfo(city.timezone if city else "Asia/Tokyo")
    prefix = f"urn:ngsi-ld:{logic.TYPE}:{city.code if city else '000000'}:"

    async def everything() -> Mapping[str, Any]:
        now = datetime.now(UTC)
        places = {one.id: one for one in await _places(room, zone) if one.id.startswith(prefix)}
        simple = {one["id"]: one for one in await room.context.find([logic.TYPE], limit=MOST)}
        today = now.astimezone(zone).date()
        return {
            "now": now, "today": today, "rules": rules,
            "days": [(day, _event(day), day in holidays(day.year)) for day in (today + timedelta(days=n) for n in range(7))],
            "places": [
                (one, simple[one.id], state, logic.compared(one, state, rules), logic.expected(one, now), logic.coming(one, now, NEXT))
                for one, state in logic.in_order(places.values(), rules, now) if one.id in simple
            ],
        }  # fmt: skip

    def _event(day: date) -> dict[str, str] | None:
        return next(
            (
                {str(lang): word for lang, word in one.name.items()}
                for one in rules.events
                if one.begins <= day <= one.ends
            ),
            None,
        )

    async def one(request: Request) -> Response:
        place, entity = await _place(room, prefix + request.path_params["code"], zone)
        now = datetime.now(UTC)
        today = now.astimezone(zone).date()
        state = logic.state(place, rules, now)
        coming = _shown(place, _asked(request, place, today))
        history = room.context.history
        numbers, words = logic.known(
            await history(place.id, logic.PUBLIC, last=None, since=now - BACK),
            await history(place.id, logic.VERDICT, last=None, since=now - BACK),
        )
        counted = slots(numbers.items(), place.period, zone)
        others = {slot(at, place.period, zone): word for at, word in words.items()}
        seen = sorted({**counted, **others})
        last = slot(now - timedelta(minutes=place.period or 60), 0, zone)
        past = (
            logic.course(
                place, counted, others, seen[0], max(seen[-1], (last[0], 0) if place.daily else last)
            )
            if seen
            else []
        )
        return room.page.render(
            request, "congestion-place.html",
            place=place, entity=entity, state=state, compared=logic.compared(place, state, rules), expected=logic.expected(place, now),
            now=now, today=today, rules=rules, coming=coming, chosen=_asked(request, place, today),
            days=[(day, _event(day), day in holidays(day.year)) for day in sorted({when[0] for when in place.outlook}) if day >= today],
            past=past[:_SHOWN], LATEST=_LATEST,
        )  # fmt: skip

    async def drawn(request: Request) -> Response:
        place, _ = await _place(room, prefix + request.path_params["code"], zone)
        coming = _shown(place, _asked(request, place, datetime.now(UTC).astimezone(zone).date()))
        if not coming:
            raise NotFound(f"nothing is expected at {place.id} yet")
        said = picture.spec(
            coming, room.page.language(request), rules.hide_under, narrow="narrow" in request.query_params
        )
        return Response(
            await chart.svg(said),
            media_type="image/svg+xml",
            headers={"Cache-Control": "private, max-age=60"},
        )

    return [
        room.page.kept(
            "/congestion",
            "congestion.html",
            everything,
            room.changes.following(logic.TYPE, logic.FACILITY, tenant=city.tenant if city else ""),
            name="congestion",
        ),
        Mount("/congestion/static", StaticFiles(directory=Path(__file__).parent / "static")),
        Route("/congestion/{code}", one),
        Route("/congestion/{code}/chart.svg", drawn),
    ]


async def _places(room: Room, zone: ZoneInfo) -> list[Place]:
    found = await room.context.find([logic.TYPE], limit=MOST, full=True)
    named = {logic.facility_of(one) for one in found} - {""}
    facilities = (
        {one["id"]: one for one in await room.context.find([logic.FACILITY], limit=5_000, full=True)}
        if named
        else {}
    )
    return [logic.place(one, zone, facilities.get(logic.facility_of(one))) for one in found]


async def _place(room: Room, id: str, zone: ZoneInfo) -> tuple[Place, dict[str, Any]]:
    entity, simple = await room.context.full(id), await room.context.get(id)
    if entity is None or simple is None:
        raise NotFound(f"nobody is counted at {id!r:.120}")
    at = logic.facility_of(entity)
    return logic.place(entity, zone, await room.context.full(at) if at else None), simple


def _asked(request: Request, place: Place, today: date) -> date:
    """The day whose hours are to be shown."""
    try:
        day = date.fromisoformat(request.query_params.get("day", ""))
    except ValueError:
        return today
    return day if any(when[0] == day for when in place.outlook) else today


def _shown(place: Place, day: date) -> list[tuple[Slot, Expected]]:
    """The hours of that day in which it is open, or all days where whole days are counted."""
    rows = sorted(place.outlook.items())
    if not place.daily:
        rows = [(when, what) for when, what in rows if when[0] == day]
    return [(when, what) for when, what in rows if place.is_open(when) is not False]
