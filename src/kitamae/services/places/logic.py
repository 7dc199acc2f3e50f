"""Finding a place by its name, by how it is read, and by nearness: pure."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kitamae.sdk.reading import fold, latin, reading
from kitamae.services.places.models import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_ASKED = 60
"""Characters of a question that are looked at; longer ones are not names."""


def place(entity: Mapping[str, Any], lexicon: Mapping[str, str]) -> Place:
    """An entity as the broker gives it (simplified, short names) as a place."""
    name = _words(entity.get("名称"))
    kana = _words(entity.get("名称_カナ"))
    point = _point(entity.get("location"))
    kind = entity["type"]
    return Place(
        id=entity["id"],
        kind=kind[0] if isinstance(kind, list) else kind,
        name=name or entity["id"],
        reading=fold(kana) if kana else reading(name, lexicon),
        address=_words(entity.get("住所")),
        english=_words(entity.get("名称_英語")),
        longitude=point[0] if point else None,
        latitude=point[1] if point else None,
        entity=dict(entity),
    )


def search(places: Iterable[Place], question: str) -> list[Place]:
    """Those whose name, reading, English name or address holds every word of the question; the best first.

    An empty question is answered by all of them, in the order given.
    """
    words = [word for part in question[:MOST_ASKED].split() if (word := fold(part))]
    ranked = []
    for order, one in enumerate(places):
        found = [_rank(one, word) for word in words]
        if all(rank is not None for rank in found):
            ranked.append((sum(rank for rank in found if rank is not None), order, one))
    return [one for _, _, one in sorted(ranked, key=lambda item: item[:2])]


def _rank(one: Place, word: str) -> int | None:
    """0: is it; 1: begins with it; 2: holds it; 3: is at such an address; None: is not it."""
    if word.isascii():
        word, names = latin(word), [latin(one.english), latin(one.reading), fold(one.name)]
    else:
        names = [fold(one.name), one.reading]
    if word in names:
        return 0
    if any(name.startswith(word) for name in names if name):
        return 1
    if any(word in name for name in names if name):
        return 2
    return 3 if word in fold(one.address) else None


def nearest(places: Iterable[Place], longitude: float, latitude: float) -> list[Place]:
    """Nearest first, with the distance along the sphere in metres (within 0.5 % of the ellipsoid's).

    Places without a position come last: they exist.
    """
    measured = [
        one
        if one.longitude is None or one.latitude is None
        else replace(one, metres=_metres(longitude, latitude, one.longitude, one.latitude))
        for one in places
    ]
    return sorted(measured, key=lambda one: math.inf if one.metres is None else one.metres)


def _metres(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half = math.sin((phi2 - phi1) / 2) ** 2
    half += math.cos(phi1) * math.cos(phi2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(half))


def _words(value: Any) -> str:
    if isinstance(value, dict):  # LanguageProperty, simplified
        said = value.get("languageMap", value)
        return str(said.get("ja") or next(iter(said.values()), "")) if isinstance(said, dict) else ""
    return value if isinstance(value, str) else ""


def _point(value: Any) -> Sequence[float] | None:
    if isinstance(value, dict) and value.get("type") == "Point":
        coordinates: Sequence[float] = value["coordinates"]
        return coordinates
    return None
