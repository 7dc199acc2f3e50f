"""The city map: a list that can be filtered, and on demand a map of exactly that list."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from kitamae.web import speak

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.sdk.context import Entity
    from kitamae.web.page import ShellPage
    from kitamae.web.words import Words

PAGE: Final = 300
_MOST: Final = 5000


async def index(page: ShellPage, request: Request) -> Response:
    """`?kind=` (many) narrows what is listed, `?offset=` goes on. What is counted is in the city; what the broker
    knows of other cities comes after it. To look for one place is the service `places`.
    """
    shell = page.shell
    counts = await shell.context.types()
    offered = kinds_on_maps(counts, shell.words)
    asked = [kind for kind in request.query_params.getlist("kind") if kind in offered]
    chosen = asked or usual(offered, shell.words)
    found = await shell.context.find(chosen, limit=_MOST) if chosen else []
    things = arrange([one for one in found if not elsewhere(one, shell.city.code)], chosen)
    others = arrange([one for one in found if elsewhere(one, shell.city.code)], chosen)
    here = Counter(kind for thing in things for kind in speak.types(thing))
    listed = [*((False, one) for one in things), *((True, one) for one in others)]
    offset = start(request.query_params.get("offset", ""), len(listed))
    groups: dict[tuple[bool, str], list[Entity]] = {}
    for away, thing in listed[offset : offset + PAGE]:
        groups.setdefault((away, speak.kinds(thing)[0]), []).append(thing)
    return page.render(
        request,
        "map.html",
        kinds=[(kind, here[kind] if kind in chosen else None, kind in chosen) for kind in offered],
        narrowed=bool(asked),
        groups=groups,
        total=len(things),
        others=len(others),
        offset=offset,
        limit=PAGE,
    )


def kinds_on_maps(counts: Mapping[str, int], words: Words) -> list[str]:
    """The kinds that have a place to go to, in the order of our vocabulary, then those nobody described."""
    known = [kind for kind, entry in words.types.items() if kind in counts and entry.get("map") != "never"]
    return known + sorted(kind for kind in counts if kind not in words.types)


def usual(kinds: Iterable[str], words: Words) -> list[str]:
    """Those that a person looks for who says nothing more: not the 1,160 小字."""
    return [kind for kind in kinds if words.types.get(kind, {}).get("map") != "asked"]


def elsewhere(thing: Entity, code: str) -> bool:
    """It says that it is another city's: gauges all over the country report to one broker."""
    said = speak.municipality(thing)
    return bool(code and said and said != code)


def arrange(things: Iterable[Entity], kinds: Sequence[str]) -> list[Entity]:
    """By kind, in the order given, then as people look names up."""
    order = {kind: place for place, kind in enumerate(kinds)}
    return sorted(
        things, key=lambda thing: (order.get(speak.kinds(thing)[0], len(order)), speak.sort_key(thing))
    )


def start(text: str, total: int) -> int:
    """Where a page of a list starts; 0 for anything that is no such place."""
    return int(text) if text.isdecimal() and len(text) < 9 and int(text) < total else 0
