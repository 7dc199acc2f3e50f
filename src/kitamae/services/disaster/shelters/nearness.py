"""How far it is to a shelter, in which direction and how long on foot, from a town of the city's gazetteer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kitamae.sdk.context import point
from kitamae.sdk.reading import fold, rank, row
from kitamae.sdk.sphere import metres

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LONGEST: Final = 60
"""Characters of what is asked for; longer ones are no town."""
MOST: Final = 40
"""Towns to choose from, where several fit."""
DETOUR, PACE = 1.5, 60.0
"""How a walk is estimated: the way is so many times as long as the straight line, and so many metres are walked in a minute (1.0 m/s, what
宮城県津波対策ガイドライン plans with). The page says so.
"""
DIRECTIONS: Final = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_DIGITS: Final = str.maketrans("123456789", "一二三四五六七八九")


@dataclass(frozen=True, slots=True)
class Town:
    """`at`: longitude and latitude (WGS84) of the point that stands for it; `reading` in hiragana, "" where nobody wrote it down."""

    id: str
    name: str
    reading: str
    at: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Way:
    """`metres` in a straight line; `direction` one of DIRECTIONS; `minutes` on foot, an estimate."""

    metres: float
    direction: str
    minutes: int


def towns(entities: Iterable[Mapping[str, Any]]) -> list[Town]:
    """Of simplified entities: those with a name and a point, by their reading."""
    found = []
    for one in entities:
        at, name, kana = point(one), one.get("名称"), one.get("名称_カナ")
        if at is not None and isinstance(name, str) and name:
            found.append(Town(str(one["id"]), name, fold(kana) if isinstance(kana, str) else "", at))
    return sorted(found, key=lambda one: (not one.reading, one.reading, one.name))


def sought(text: str, known: Sequence[Town]) -> list[Town]:
    """The towns that the text names: by id, name, reading or Latin letters; or one that it is an address of. The best ones alone."""
    if chosen := [one for one in known if one.id == text.strip()]:  # of a name that two towns have
        return chosen
    wanted = fold(text[:LONGEST]).translate(_DIGITS)
    if not wanted:
        return []
    found: dict[int, list[Town]] = {}
    for one in known:
        fits = rank(wanted, fold(one.name), one.reading)
        if fits is not None:
            found.setdefault(fits, []).append(one)
    if not found:  # an address: the longest name in it
        within = [one for one in known if len(one.name) > 1 and fold(one.name) in wanted]
        longest = max((len(one.name) for one in within), default=0)
        return [one for one in within if len(one.name) == longest]
    return found[0] if 0 in found else [one for fits in sorted(found) for one in found[fits]]


def rows(known: Iterable[Town]) -> dict[str, list[Town]]:
    """By the rows of the syllabary, as people look for a town; without a reading under ""."""
    found: dict[str, list[Town]] = {}
    for one in known:
        found.setdefault(row(one.reading), []).append(one)
    return {shelf: found[shelf] for shelf in sorted(found, key=lambda one: (not one, one))}


def way(from_: tuple[float, float], to: tuple[float, float]) -> Way:
    """Between two points, longitude before latitude."""
    away = metres(from_, to)
    return Way(away, DIRECTIONS[round(_bearing(from_, to) / 45) % 8], minutes(away))


def minutes(away: float) -> int:
    """On foot for so many metres of a straight line: rounded up, beyond a quarter of an hour to five minutes."""
    exact = max(1, math.ceil(away * DETOUR / PACE - 1e-9))
    return exact if exact <= 15 else math.ceil(exact / 5) * 5


def _bearing(from_: tuple[float, float], to: tuple[float, float]) -> float:
    """Clockwise from north, in degrees."""
    (east, north), (to_east, to_north) = (tuple(map(math.radians, one)) for one in (from_, to))
    across = math.sin(to_east - east) * math.cos(to_north)
    along = math.cos(north) * math.sin(to_north) - math.sin(north) * math.cos(to_north) * math.cos(
        to_east - east
    )
    return math.degrees(math.atan2(across, along)) % 360
