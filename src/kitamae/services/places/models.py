"""What a place is to a person who looks for one, and what he asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """`longitude`, `latitude` in WGS84 degrees, None where the source gives none. `metres` from where one is."""

    id: str
    kind: str  # entity type, short
    name: str
    reading: str  # hiragana; "" where nobody wrote it down and it could not be worked out
    address: str = ""
    english: str = ""
    longitude: float | None = None
    latitude: float | None = None
    metres: float | None = None
    entity: dict[str, Any] = field(default_factory=dict)  # all of it, simplified


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody looks for. `kinds` empty: every kind; `near` is longitude and latitude in WGS84 degrees."""

    text: str = ""
    kinds: tuple[str, ...] = ()
    near: tuple[float, float] | None = None
