"""The city map: a list that can be filtered, and on demand a map of exactly that list."""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, cos, isfinite, radians, sin, sqrt
from typing import TYPE_CHECKING, Final

from kitamae.sdk.reading import fold
from kitamae.web import hazards, speak

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.sdk.context import Entity
    from kitamae.web.page import ShellPage
    from kitamae.web.words import Words

PAGE: Final = 300
_MOST: Final = 5000


@dataclass(frozen=True, slots=True)
class Found:
    """One entry of the list: the thing, what it shelters from, and how far it is (metres) where that was asked."""

    entity: Entity
    known: hazards.Hazards | None
    away: float | None = None


async def index(page: ShellPage, request: Request) -> Response:
    """`?kind=` (many), `?text=` in names, readings and addresses, `?near=longitude,latitude`, `?offset=`."""
    shell, language = page.shell, page.language(request)
    counts = await shell.context.types()
    offered = kinds_on_maps(counts, shell.words)
    chosen = [kind for kind in request.query_params.getlist("kind") if kind in offered] or usual(
        offered, shell.words
    )
    text = request.query_params.get("text", "")[:100].strip()
    here = position(request.query_params.get("near", ""))
    things = await shell.context.find(chosen, limit=_MOST) if chosen else []
    found = arrange(things, text, here, {kind: place for place, kind in enumerate(chosen)})
    offset = start(request.query_params.get("offset", ""), len(found))
    shown = found[offset : offset + PAGE]
    groups: dict[str, list[Found]] = {}
    for one in shown:
        groups.setdefault("" if here else speak.kinds(one.entity)[0], []).append(one)
    return page.render(
        request,
        "map.html",
        kinds=[(kind, counts[kind], kind in chosen) for kind in offered],
        narrowed=bool(text or here or request.query_params.getlist("kind")),
        text=text,
        near=here,
        groups=groups,
        total=len(found),
        offset=offset,
        limit=PAGE,
        language=language,
    )


def kinds_on_maps(counts: Mapping[str, int], words: Words) -> list[str]:
    """The kinds that have a place to go to, in the order of our vocabulary, then those nobody described."""
    known = [kind for kind, entry in words.types.items() if kind in counts and entry.get("map") != "never"]
    return known + sorted(kind for kind in counts if kind not in words.types)


def usual(kinds: Iterable[str], words: Words) -> list[str]:
    """Those that a person looks for who says nothing more: not the 1,160 小字."""
    return [kind for kind in kinds if words.types.get(kind, {}).get("map") != "asked"]


def arrange(
    things: Iterable[Entity], text: str, here: tuple[float, float] | None, order: Mapping[str, int]
) -> list[Found]:
    """Those whose name, reading or address has the text; nearest first, else by kind and reading."""
    wanted = [fold(word) for word in text.split()]
    found = [
        Found(entity, hazards.of(entity), metres(here, at) if here and (at := speak.point(entity)) else None)
        for entity in things
        if not wanted or all(word in _haystack(entity) for word in wanted)
    ]
    if here:
        return sorted((one for one in found if one.away is not None), key=lambda one: one.away or 0.0)
    last = len(order)
    return sorted(
        found, key=lambda one: (order.get(speak.kinds(one.entity)[0], last), speak.sort_key(one.entity))
    )


def _haystack(entity: Entity) -> str:
    parts = (
        speak.name(entity, "ja"),
        speak.name(entity, "en"),
        speak.reading(entity, "ja"),
        speak.address(entity, "ja"),
    )
    return fold(" ".join(parts))


def position(text: str) -> tuple[float, float] | None:
    """`136.310,36.307` -> (longitude, latitude); None for anything that is no place on Earth."""
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError:
        return None
    if not (isfinite(longitude) and abs(longitude) <= 180 and abs(latitude) <= 90):
        return None
    return longitude, latitude


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance on a sphere of 6,371 km: within 0.5 % of the ellipsoid's, enough to sort a list by."""
    (lon1, lat1), (lon2, lat2) = ((radians(x), radians(y)) for x, y in (one, other))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * 6_371_000 * asin(sqrt(half))


def start(text: str, total: int) -> int:
    """Where a page of a list starts; 0 for anything that is no such place."""
    return int(text) if text.isdecimal() and len(text) < 9 and int(text) < total else 0
