"""`/disaster`: what is in force now, what to do, which shelters are open; without script. `/disaster/cap/{phenomenon}.xml`: one of them as CAP 1.2."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from kitamae.sdk.page import Plain
from kitamae.sdk.problems import NotFound
from kitamae.sdk.sheltering import Sheltering
from kitamae.services.disaster import logic
from kitamae.services.disaster.alerts import cap
from kitamae.services.disaster.alerts.city import ORDER, TYPE
from kitamae.services.disaster.shelters import crowding
from kitamae.services.disaster.shelters.openings import dated
from kitamae.services.disaster.shelters.shelter import TYPE as SHELTER
from kitamae.services.disaster.shelters.shelter import shelter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from kitamae.sdk.room import Room
    from kitamae.services.disaster.shelters.shelter import Shelter

_EARLIER = 100
"""Messages of one event that a CAP message refers to, the latest of them."""


def routes(room: Room) -> list[BaseRoute]:
    """Whole addresses; all of them begin with `/disaster`."""
    rules = room.city.shelters if room.city else Sheltering()

    async def situation() -> Mapping[str, Any]:
        now = datetime.now(UTC)
        force, ended = logic.now(await _alerts(room), now)
        shelters = [crowding.current(one, rules, now) for one in await _shelters(room)]
        opened = crowding.in_order([one for one in shelters if one.is_open], rules)
        simple = {one["id"]: one for one in await room.context.find([SHELTER], limit=5_000)} if opened else {}
        return {
            "force": force, "ended": ended, "now": now, "highest": logic.highest(force),
            "city_code": room.city.code if room.city else "",
            "totals": crowding.totals(shelters),
            "shelters": [
                (one, simple[one.id], crowding.band(crowding.indoors(one), rules), crowding.over(one))
                for one in opened if one.id in simple
            ],
        }  # fmt: skip

    def state(values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "city": room.city.code if room.city else "",
            "highest": values["highest"],
            "alerts": [asdict(one) for one in values["force"]],
            "shelters": [
                {
                    **asdict(replace(one, needs={})),
                    "band": band,
                    "over": over,
                    "location": entity.get("location"),
                }
                for one, entity, band, over in values["shelters"]
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

    return [
        room.page.kept(
            "/disaster",
            "disaster.html",
            situation,
            room.changes.following(TYPE, ORDER, SHELTER, tenant=room.city.tenant if room.city else ""),
            name="disaster",
            outside=Plain("disaster-plain.html", state),
        ),
        Route("/disaster/cap/{phenomenon}.xml", as_cap),
    ]


async def _shelters(room: Room) -> list[Shelter]:
    """All that the city knows, open or not."""
    found = await room.context.find([SHELTER], limit=5_000, full=True)
    return await dated(room.context, map(shelter, found))


async def _alerts(room: Room) -> list[dict[str, Any]]:
    """The city's own: a neighbour's gauges are in the broker too."""
    ours = f":{room.city.code5}:" if room.city else ":"
    orders = await room.context.find(
        [ORDER], limit=1_000, full=True
    )  # alone: no number of alerts leaves one out
    found = [*orders, *await room.context.find([TYPE], limit=1_000, full=True)]
    return [one for one in found if ours in str(one["id"]) and _is_what_it_is_called(one)]


def _is_what_it_is_called(entity: Mapping[str, Any]) -> bool:
    """Anybody with a token for alerts may choose an id: what is no order does not stand as one."""
    types = entity["type"] if isinstance(entity["type"], list) else [entity["type"]]
    return (ORDER in types) == str(entity["id"]).startswith(f"urn:ngsi-ld:{ORDER}:")
