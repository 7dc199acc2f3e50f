"""`/disaster`: what is in force now, what to do, which shelters are open; without script. `?near=` a town: the nearest first.

`/disaster/print`: the same as a sheet of A4; `/disaster/wall`: for a screen on the wall. `/disaster/cap/{phenomenon}.xml`: one of what is
in force as CAP 1.2.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import Route

from kitamae.sdk import sheltering
from kitamae.sdk.page import Asked, Plain
from kitamae.sdk.problems import NotFound
from kitamae.sdk.sheltering import Sheltering
from kitamae.services.disaster import logic
from kitamae.services.disaster.alerts import cap
from kitamae.services.disaster.alerts.city import ORDER, TYPE
from kitamae.services.disaster.shelters import crowding, nearness
from kitamae.services.disaster.shelters.offered import near, offered
from kitamae.services.disaster.shelters.openings import dated
from kitamae.services.disaster.shelters.safety import borrowed, threat
from kitamae.services.disaster.shelters.shelter import TYPE as SHELTER
from kitamae.services.disaster.shelters.shelter import shelter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from kitamae.sdk.room import Room
    from kitamae.services.disaster.shelters.nearness import Town

_EARLIER = 100
"""Messages of one event that a CAP message refers to, the latest of them."""
_MOST: Final = 5_000
_PAGE, _PAGES = 1_000, 20
"""Alerts of one read, and how many reads: beyond that the page says that it does not know everything."""
ON_A_SHEET: Final = 6
"""Shelters that somebody reads at once from across a room."""


def routes(room: Room) -> list[BaseRoute]:
    """Whole addresses; all of them begin with `/disaster`."""
    rules = room.city.shelters if room.city else Sheltering()
    tenant = room.city.tenant if room.city else ""
    whole = f"{room.city.name['ja']}全域" if room.city else ""
    gazetteer = _Gazetteer(room, tenant)

    finds = sheltering.registers(one.purpose for one in room.city.personal) if room.city else False

    async def situation() -> Mapping[str, Any]:
        now = datetime.now(UTC)
        heard, whole_read = await _alerts(room)
        silent = room.silent is not None and await room.silent()
        force, ended = logic.now(heard, now)
        known = await room.context.find([SHELTER], limit=_MOST, full=True)
        dated_ones = await dated(room.context, map(shelter, known))
        shelters = [crowding.current(one, rules, now) for one in dated_ones]
        opened = [one for one in shelters if one.is_open]
        simple = {one["id"]: one for one in await room.context.find([SHELTER], limit=_MOST)} if opened else {}
        threatens = threat(force, unheard=silent or not whole_read)
        grounds = {str(one["id"]): borrowed(one) for one in known}
        return {
            "force": force, "ended": ended, "now": now, "highest": logic.highest(force),
            "city_code": room.city.code if room.city else "",
            "totals": crowding.totals(shelters),
            "finds": finds,
            "threat": threatens,
            "shelters": offered(opened, simple, rules, threatens, grounds),
            "towns": await gazetteer.towns(),
            "walk": {"detour": nearness.DETOUR, "pace": nearness.PACE},
            "a_sheet": ON_A_SHEET,
        }  # fmt: skip

    def asked(values: Mapping[str, Any], said: str | None) -> tuple[Mapping[str, Any], bool]:
        found = near(values["shelters"], values["towns"], values["force"], whole, said)
        return {"near": found}, found.town is not None or not said

    def state(values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "city": room.city.code if room.city else "",
            "highest": values["highest"],
            "alerts": [asdict(one) for one in values["force"]],
            "hazards": sorted(values["threat"].kinds),
            "unheard": values["threat"].unheard,
            "shelters": [
                {
                    **asdict(replace(one.shelter, needs={})),
                    "band": one.band,
                    "over": one.over,
                    "safe": one.safe,
                    "designated": one.designated,
                    "ground": one.ground,
                    "location": one.entity.get("location"),
                }
                for one in values["shelters"]
            ],
        }

    async def as_cap(request: Request) -> Response:
        city, what = room.city, request.path_params["phenomenon"]
        type = ORDER if what.startswith("evacuation-") else TYPE
        entity = await room.context.full(f"urn:ngsi-ld:{type}:{city.code5}:{what}") if city else None
        alert = logic.alert(entity) if entity and _is_what_it_is_called(entity) else None
        if city is None or alert is None:
            raise NotFound(f"nothing was ever warned of as {what!r:.60}")
        known = await room.context.history(alert.id, "状態", last=_EARLIER)
        said = [(one.at, str(one.value)) for one in known if one.at <= alert.since]
        earlier, number = cap.course(alert, said)
        message = cap.write(
            alert,
            earlier,
            number,
            sender=f"{city.id}.{city.code}",
            place=alert.area if alert.ordered else city.name["ja"],
            geocode=None if alert.ordered else ("全国地方公共団体コード", city.code),
            web=str(request.url_for("disaster")),
            real=not room.sandbox,
        )
        return Response(message, media_type=cap.MEDIA_TYPE)

    def kept(path: str, template: str, **more: Any) -> Route:
        following = room.changes.following(TYPE, ORDER, SHELTER, tenant=tenant)
        return room.page.kept(path, template, situation, following, **more)

    by_town = Asked("near", asked, lambda values: values["threat"])
    return [
        kept(
            "/disaster",
            "disaster.html",
            name="disaster",
            outside=Plain("disaster-plain.html", state),
            asked=by_town,
        ),
        kept("/disaster/print", "disaster-print.html", asked=by_town),
        kept("/disaster/wall", "disaster-wall.html"),
        Route("/disaster/cap/{phenomenon}.xml", as_cap),
    ]


class _Gazetteer:
    """The city's towns, read when they change."""

    def __init__(self, room: Room, tenant: str) -> None:
        self._room, self._type = room, room.city.evacuation.districts if room.city else ""
        self._following = room.changes.following(self._type, tenant=tenant) if self._type else None
        self._known: Sequence[Town] | None = None

    async def towns(self) -> Sequence[Town]:
        """By their reading; none without a city."""
        if self._following is None:
            return ()
        if self._following.changed():
            self._known = None
        if self._known is None:
            self._known = nearness.towns(await self._room.context.find([self._type], limit=_MOST))
        return self._known


async def _alerts(room: Room) -> tuple[list[dict[str, Any]], bool]:
    """The city's own: a neighbour's gauges are in the broker too. And whether all were read: whoever may write alerts can write many."""
    ours = f":{room.city.code5}:" if room.city else ":"
    found: list[dict[str, Any]] = []
    whole = True
    for type in (ORDER, TYPE):  # apart: no number of alerts leaves an order out
        for page in range(_PAGES):
            part = await room.context.find([type], limit=_PAGE, offset=page * _PAGE, full=True)
            found += [one for one in part if ours in str(one["id"]) and _is_what_it_is_called(one)]
            if len(part) < _PAGE:
                break
        else:
            whole = False
    return found, whole


def _is_what_it_is_called(entity: Mapping[str, Any]) -> bool:
    """Anybody with a token for alerts may choose an id: what is no order does not stand as one."""
    types = entity["type"] if isinstance(entity["type"], list) else [entity["type"]]
    return (ORDER in types) == str(entity["id"]).startswith(f"urn:ngsi-ld:{ORDER}:")
