"""The read door to what is true in the city now: what pages and services' logic ask the broker through.

Entities come as plain dictionaries with short names, as the city's @context shortens them (`name`, `location`);
a name that the context does not know stays a URI. Coordinates are WGS84, longitude before latitude; times are
RFC 3339 in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from kitamae.kernel.context.normalized import told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

__all__ = ["Context", "Entity", "Near", "Reading", "point", "short", "told"]

Entity: TypeAlias = dict[str, Any]
"""Simplified (clause 4.5.4): {"id", "type", attribute: value, ...}; a LanguageProperty is {"languageMap": {...}}."""


@dataclass(frozen=True, slots=True)
class Near:
    """Within `metres` of a point, on the ellipsoid. Answers come nearest first."""

    longitude: float
    latitude: float
    metres: float = 5000.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One remembered value of an attribute: when it was observed (else: when it was written), in UTC."""

    at: datetime
    value: Any
    unit: str = ""  # UN/CEFACT code where the attribute has one
    written: datetime | None = None  # when the city learned it, in UTC


class Context(Protocol):
    """Reading. Every answer is what the city publishes; nothing here writes."""

    async def find(
        self,
        types: Sequence[str] = (),
        *,
        q: str = "",
        near: Near | None = None,
        limit: int = 1000,
        offset: int = 0,
        full: bool = False,
    ) -> list[Entity]:
        """Entities of any of these types that satisfy `q` (clause 4.9), simplified. Raises problems.BadRequest.

        In the order of their creation, or by distance where `near` is given. `full`: normalized, as `Context.full` says.
        """
        ...

    async def get(self, id: str) -> Entity | None:
        """One entity, simplified; None where there is none."""
        ...

    async def full(self, id: str) -> Entity | None:
        """One entity, normalized, with `observedAt`, `unitCode`, sub-attributes and system times."""
        ...

    async def types(self) -> Mapping[str, int]:
        """Entity type -> how many there are."""
        ...

    async def history(
        self, id: str, attribute: str, *, last: int | None = 100, since: datetime | None = None
    ) -> list[Reading]:
        """The newest `last` values of an attribute (None: all), oldest of them first; empty where nothing is remembered.

        `since`: only those of that moment or later.
        """
        ...


def point(entity: Mapping[str, Any]) -> tuple[float, float] | None:
    """(longitude, latitude) of a thing that is at a point; None for areas, lines and things without a place."""
    match entity.get("location"):
        case {
            "type": "Point",
            "coordinates": [int() | float() as longitude, int() | float() as latitude, *_],
        }:
            return float(longitude), float(latitude)
    return None


def short(name: str) -> str:
    """What follows the last `#` or `/` of a URI; any other name as it is."""
    if "://" not in name and not name.startswith("urn:"):
        return name
    return name.rstrip("/#").replace("#", "/").rpartition("/")[2] or name
