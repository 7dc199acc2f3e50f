"""Finding a place by its name, by how it is read, and by nearness: pure."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from kitamae.sdk.lexicon import japanese
from kitamae.sdk.reading import fold, rank, reading
from kitamae.sdk.sphere import metres
from kitamae.services.places.models import Place, Wish

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_ASKED: Final = 60
"""Characters of a question that are looked at; longer ones are not names."""


def find(places: Iterable[Place], wish: Wish) -> list[Place]:
    """Those of the wished kinds that fit the words: nearest first where a position was given, else the best first."""
    kinds = frozenset(wish.kinds)
    found = search((one for one in places if not kinds or one.kind in kinds), wish.text)
    return nearest(found, *wish.near) if wish.near else found


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
    found = rank(word, fold(one.name), one.reading, one.english)
    return 3 if found is None and word in fold(one.address) else found


def nearest(places: Iterable[Place], longitude: float, latitude: float) -> list[Place]:
    """Nearest first, with the distance along the sphere in metres (within 0.5 % of the ellipsoid's).

    Places without a position come last: they exist.
    """
    measured = [
        one
        if one.longitude is None or one.latitude is None
        else replace(one, metres=metres((longitude, latitude), (one.longitude, one.latitude)))
        for one in places
    ]
    return sorted(measured, key=lambda one: math.inf if one.metres is None else one.metres)


def position(text: str) -> tuple[float, float] | None:
    """`136.310,36.307` -> (longitude, latitude); None for anything that is no place on Earth."""
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError:
        return None
    if not (abs(longitude) <= 180 and abs(latitude) <= 90):  # also false for NaN
        return None
    return longitude, latitude


def place(entity: Mapping[str, Any], lexicon: Mapping[str, str]) -> Place:
    """An entity as the broker gives it (simplified, short names) as a place. `lexicon`: see `sdk.reading.reading`."""
    name = japanese(entity.get("名称"))
    kana = japanese(entity.get("名称_カナ"))
    point = _point(entity.get("location"))
    kind = entity["type"]
    return Place(
        id=entity["id"],
        kind=kind[0] if isinstance(kind, list) else kind,
        name=name or entity["id"],
        reading=fold(kana) if kana else reading(name, lexicon),
        address=japanese(entity.get("住所")),
        english=japanese(entity.get("名称_英語")),
        longitude=point[0] if point else None,
        latitude=point[1] if point else None,
        entity=dict(entity),
    )


def _point(value: Any) -> Sequence[float] | None:
    if isinstance(value, dict) and value.get("type") == "Point":
        coordinates: Sequence[float] = value["coordinates"]
        return coordinates
    return None
