"""The page `/places`: a form, a list, and on demand a map of that list. It works without script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from kitamae.sdk import lexicon
from kitamae.services.places import logic
from kitamae.services.places.models import Place, Wish

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from kitamae.sdk.room import Room

PAGE: Final = 100
TEACHERS: Final = ("Town", "Hub", "HotSpring")
"""Kinds whose readings teach how other names are read; a town itself is no place to go to."""


def routes(room: Room) -> list[BaseRoute]:
    """Whole addresses; all of them begin with `/places`."""

    async def index(request: Request) -> Response:
        query = request.query_params
        counts = await room.context.types()
        kinds = [kind for kind in room.manifest.reads if counts.get(kind) and kind != "Town"]
        near = logic.position(query.get("near", ""))
        wish = Wish(
            text=query.get("text", "")[: logic.MOST_ASKED].strip(),
            kinds=tuple(kind for kind in query.getlist("kind") if kind in kinds),
            near=near,
        )
        found = logic.find(await places(room, kinds), wish)
        offset = _start(query.get("offset", ""), len(found))
        return room.page.render(
            request,
            "places.html",
            wish=wish,
            kinds=[(kind, counts[kind]) for kind in kinds],
            found=found[offset : offset + PAGE],
            total=len(found),
            offset=offset,
            limit=PAGE,
            lost=bool(query.get("near")) and near is None,
        )

    return [Route("/places", index)]


async def places(room: Room, kinds: list[str]) -> list[Place]:
    """All places of these kinds, in the order of the kinds."""
    names = [room.city.name, room.city.prefecture] if room.city else []
    ours = [{"名称": name.get("ja"), "名称_カナ": name.get("ja_Hira")} for name in names]
    readings = lexicon.lexicon([*ours, *await room.context.find(TEACHERS)])
    return [
        logic.place(entity, readings)
        for kind in kinds
        for entity in await room.context.find([kind], limit=5000)
    ]


def _start(text: str, total: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 and int(text) < total else 0
