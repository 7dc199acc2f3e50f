"""Entity maps (4.5.25, 5.2.39): which entities a query is about, and who knows them, fixed for the pages that follow.

They are kept in memory, bounded, and forgotten at a restart: who comes with a map that is gone is given a new one (5.5.14).
Nothing is lost with them, because they hold no more than ids.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from kitamae.kernel.context import clock

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.veil import Hidden

HERE: Final = "@none"
"""In the place of a registration: the entity is held here."""
MOST: Final = 100_000
"""Entities in one map."""
LIFETIME: Final = 3_600_000_000
"""Microseconds that a map exists when nobody says how long."""
LONGEST: Final = 24 * LIFETIME
_ALL: Final = 1_000_000  # entities in all maps together
_MAPS: Final = 10_000


@dataclass(slots=True)
class EntityMap:
    """`members`: entity id -> HERE and ids of registrations; `linked`: registration -> its source's own map.

    `expires_at` in microseconds UTC; `hidden`: from whoever it was made for.
    """

    id: str
    expires_at: int
    members: dict[str, list[str]] = field(default_factory=dict)
    linked: dict[str, str] = field(default_factory=dict)
    hidden: Hidden | None = None

    def shown(self) -> dict[str, Json]:
        """As 5.2.39 has it."""
        return {
            "id": self.id,
            "type": "EntityMap",
            "expiresAt": clock.text(self.expires_at),
            "entityMap": self.members,
            "linkedMaps": self.linked,
        }


class EntityMaps:
    """By tenant and id; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], EntityMap] = {}
        self._size = 0

    def keep(
        self,
        tenant: str,
        members: dict[str, list[str]],
        linked: dict[str, str],
        now: int,
        lifetime: int | None = None,
        hidden: Hidden | None = None,
    ) -> EntityMap:
        """A new map; `lifetime` in microseconds, as far as it is granted; `hidden`: from whoever it is for."""
        granted = min(LIFETIME if lifetime is None else lifetime, LONGEST)
        new = EntityMap(f"urn:ngsi-ld:EntityMap:{uuid4()}", now + granted, members, linked, hidden)
        self._kept[tenant, new.id] = new
        self._size += len(members)
        while len(self._kept) > 1 and (self._size > _ALL or len(self._kept) > _MAPS):
            self._drop(next(iter(self._kept)))
        return new

    def find(self, tenant: str, id: str, now: int) -> EntityMap | None:
        """None also for one whose time is over."""
        found = self._kept.get((tenant, id))
        if found is not None and found.expires_at <= now:
            self._drop((tenant, id))
            return None
        return found

    def prune(self, map: EntityMap, ids: list[str]) -> None:
        """These are no more what was asked for (5.5.9.3)."""
        for id in ids:
            if map.members.pop(id, None) is not None:
                self._size -= 1

    def forget(self, tenant: str, id: str) -> None:
        """Delete it."""
        if (tenant, id) in self._kept:
            self._drop((tenant, id))

    def _drop(self, key: tuple[str, str]) -> None:
        self._size -= len(self._kept.pop(key).members)
