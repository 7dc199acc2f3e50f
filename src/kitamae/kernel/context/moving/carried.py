"""What is carried from store to store, in a form that is neither's own, and what a store does for it.

Versions, sequence numbers, keys and instance ids are carried as they are: what anybody noted down of the old store
(an ETag, an instanceId, a cursor in the order of changes, the number of a notification) means the same in the new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

from kitamae.kernel.context.moving.tables import Rows, TakenRows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kitamae.kernel.context.store import Leaf, Owed

Id: TypeAlias = tuple[str, str, str]
"""Tenant, id, variant: everything is compared in their order, by code point."""

FIRST: Final[Id] = ("", "", "")
"""Before every entity."""
LAST: Final[Id] = ("\U0010ffff", "", "")
"""Behind every entity: no tenant's name has this letter."""

PRIME: Final = 2_147_483_629
"""Sequence numbers are added up modulo this one, so that no sum is too large for a store."""

ALIAS: Final = ("identity", "alias")
MOVING: Final = ("identity", "moving")
"""(kind, id) of the document, of no tenant, that a half copy has: the alias of the city that it is a copy of."""
MOVED: Final = ("identity", "moved")
"""And of the one that a city leaves behind: where it has gone."""


class Standing(NamedTuple):
    """What is compared of an entity, living or past: its version, and of its history how much there is and which."""

    id: Id
    version: int
    instances: int
    sum: int  # of their seq modulo PRIME
    last: int  # the highest seq; 0: none


class Remembered(NamedTuple):
    """One instance. Times in microseconds UTC; `doc` is JSON of the attribute, its instanceId written out."""

    name: str
    dataset: str
    t: int
    observed: bool
    seq: int
    part: int  # which of those that have this seq
    created_at: int
    modified_at: int
    deleted_at: int | None
    doc: bytes


@dataclass(slots=True, frozen=True)
class Whole:
    """An entity. `created` and `modified` are 0 where the store does not keep them (entities that are gone).

    `since`: `history` holds only what has a higher seq, everything else is there already; None: it begins anew.
    `more`: there is more history than this, behind the last seq of it.
    """

    id: Id
    key: int
    version: int
    created: int
    modified: int
    gone: bool
    doc: bytes
    since: int | None
    history: Sequence[Remembered]
    more: bool


class Told(NamedTuple):
    """A row of the order of changes. `wrote`: JSON list of [name, verb, after, before]; None: forgotten."""

    seq: int
    tenant: str
    entity: str
    variant: str
    verb: str
    at: int
    actor: str
    types: bytes  # JSON
    wrote: bytes | None


class Stretch(NamedTuple):
    """What is compared of some rows of the order of changes: how many, and which are not forgotten."""

    upto: int  # the last seq; 0: there are none
    rows: int
    told: int
    sum: int  # of the seq of those that are not forgotten, modulo PRIME


class Document(NamedTuple):
    """What is not an entity; `number` is the order of creation."""

    tenant: str
    kind: str
    id: str
    number: int
    doc: bytes


class Leaving(Rows, Protocol):
    """A store that is copied, read beside everything else. Each answer is of one commit. Raises Problem."""

    async def standing(self, after: Id, upto: Id, most: int) -> list[Standing]:
        """Of the entities behind `after` (`upto` included), in order."""
        ...

    async def whole(self, asked: Sequence[tuple[Id, Standing | None]], most: int) -> list[Whole]:
        """Those entities, as far as they are there; at most about `most` instances of each.

        A standing says what is there already of the entity's history: where that is still how it begins, only what came after is told.
        """
        ...

    async def committed(self) -> int:
        """No change with a seq up to this one can still come."""
        ...

    async def stretch(self, after: int, upto: int | None, most: int) -> Stretch:
        """Of the changes behind `after`, at most `most` of them."""
        ...

    async def changes(self, after: int, upto: int) -> list[Told]:
        """Those, `upto` included."""
        ...

    async def changes_of(self, seqs: Sequence[int]) -> list[Told]:
        """Some."""
        ...

    async def documents(self) -> list[Document]:
        """All but MOVING and MOVED."""
        ...

    async def tenants(self) -> list[str]:
        """See `Store.tenants`."""
        ...

    async def owed(self) -> list[int]:
        """The numbers of all notifications that are owed."""
        ...

    async def owed_rows(self, numbers: Sequence[int]) -> list[Owed]:
        """Some of them."""
        ...

    async def leaves(self, after: int, upto: int | None, most: int) -> list[Leaf]:
        """Of the ledger: those behind `after`, `upto` included, at most `most` of them, in order."""
        ...

    async def last_leaf(self) -> int:
        """The number of the last leaf of the ledger that is here; 0: there are none."""
        ...

    async def high(self) -> int:
        """The highest number that this store has given to anything."""
        ...

    async def leave(self, to: str | None) -> None:
        """Write down where the city has gone (MOVED); None: that it stays. Nobody serves this store."""
        ...

    async def workers(self) -> int:
        """Processes that serve this store; 0 where its directory's lock says who does."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...


class Arriving(Leaving, TakenRows, Protocol):
    """A store that is being filled and that nobody serves. What a method writes is one commit, durable when it returns."""

    async def begin(self, alias: str) -> None:
        """Take in the city of that alias, or go on with it. Raises Conflict for a store that holds anything else."""
        ...

    async def adopt(self, wholes: Sequence[Whole], gone: Collection[Id]) -> list[int]:
        """Put these entities in the place of what is here; take others away.

        What a change wrote is forgotten here when an instance that it left is not among those adopted: the seq of these.
        """
        ...

    async def tell(self, changes: Sequence[Told]) -> None:
        """Add these to the order of changes, or put them in the place of those of the same seq."""
        ...

    async def keep(
        self, documents: Sequence[Document], dropped: Sequence[Document], tenants: Sequence[str]
    ) -> None:
        """Keep documents as they are numbered, drop others; note tenants."""
        ...

    async def owe(self, rows: Sequence[Owed], settled: Sequence[int]) -> None:
        """Owe what is owed there, forget what is not."""
        ...

    async def log(self, leaves: Sequence[Leaf]) -> None:
        """Add these to the ledger, as they are numbered: its log is the same one."""
        ...

    async def finish(self, high: int) -> None:
        """It is the city from now on: all numbers that it gives are above `high`."""
        ...
