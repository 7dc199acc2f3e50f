"""What the writing side remembers between transactions: entities with the version they had, names, tenants.

Nothing of it is believed without being checked under a lock, so other workers' writes do no harm.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from kitamae.adapters.postgres.named import queries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncpg import Connection

    from kitamae.adapters.postgres.group import Id, State
    from kitamae.kernel.context.entity import Entity

_SQL = queries("entity")

CACHED: Final = 2_000  # entities that are kept
NAMES: Final = 4_096  # attribute names that are kept
NONE: Final = -1  # no version at all

Name = tuple[str, str]
"""An attribute's expanded name and its dataset ('': the default instance)."""


class Known:
    """`hot`: expanded names of the attributes whose values are indexed, with their keys."""

    def __init__(self) -> None:
        self._entities: OrderedDict[Id, State] = (
            OrderedDict()
        )  # a dict is slow to give up its first again and again
        self._names: dict[Name, int] = {}
        self.tenants: set[str] = set()
        self.begun: set[str] = set()  # tenants that are new in the transaction that is under way
        self.hot: dict[str, int] = {}

    def version(self, id: Id) -> int:
        """Of the entity that is kept; NONE: it is not."""
        state = self._entities.get(id)
        return NONE if state is None else state.version

    def entity(self, id: Id) -> Entity:
        """It is kept."""
        return self._entities[id].entity

    def keep(self, id: Id, state: State, size: int) -> None:
        """After it was written; `size`: bytes of its document."""
        self._entities.pop(id, None)
        if size > 16_384 or state.gone:
            return
        self._entities[id] = state
        if len(self._entities) > CACHED:
            self._entities.popitem(last=False)

    def committed(self) -> None:
        """What was new is there to stay."""
        self.tenants |= self.begun
        self.begun.clear()

    def undone(self) -> None:
        """Something was taken back: what it made may not be there."""
        self.begun.clear()
        self._names.clear()

    def forget(self) -> None:
        """Another server may have taken over, and given a version again that here belongs to what was never committed."""
        self._entities.clear()
        self._names.clear()
        self.tenants.clear()

    async def names(self, db: Connection, wanted: Iterable[Name]) -> dict[Name, int]:
        """The keys of these names; new ones are made."""
        known = self._names
        missing = sorted({one for one in wanted if one not in known})
        if missing:
            if len(known) + len(missing) > NAMES:
                known.clear()
                missing = sorted(set(wanted))
            columns: list[Any] = [list(column) for column in zip(*missing, strict=True)]
            await db.execute(_SQL["attributes_insert"], *columns)
            for name, dataset, key in await db.fetch(_SQL["attributes_read"], *columns):
                known[name, dataset] = key
        return known
