"""What is stored of persons with the city's state, in the kernel's one transaction: sealed records and receipts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Sealed(NamedTuple):
    """A record. `klass` and `version` name the person's key; `fields` is JSON: name -> base64 of what `seal` made.

    Times in microseconds UTC; `due`: when its retention ends.
    """

    tenant: str
    id: str
    person: str
    klass: str
    kind: str
    version: int
    created: int
    modified: int
    due: int
    fields: bytes


class Noted(NamedTuple):
    """A receipt. `number` is that of its leaf in the ledger; `version` that of the person's key of receipts, which sealed the fields and the salt."""

    number: int
    tenant: str
    person: str
    at: int
    who: str
    purpose: str
    basis: str
    session: str
    version: int
    sealed: bytes


class Look(NamedTuple):
    """The outer part of a receipt. `person` "": erased since. `own`: at what is held about oneself."""

    number: int
    tenant: str
    person: str
    at: int
    who: str
    purpose: str
    basis: str
    own: bool


class VaultRows(Protocol):
    """As `Transaction.vault`: inside one savepoint of the group commit."""

    async def put(self, record: Sealed) -> bool:
        """Keep it in the place of what has its id. False: its key was destroyed meanwhile; nothing was written."""
        ...

    async def get(self, tenant: str, id: str) -> Sealed | None:
        """One record."""
        ...

    async def of(
        self,
        tenant: str,
        person: str,
        kinds: Sequence[str] = (),
        classes: Sequence[str] = (),
        after: str = "",
        most: int = 1_000,
    ) -> list[Sealed]:
        """A person's records by id, behind `after`; `kinds`, `classes` empty: whatever they are."""
        ...

    async def drop(self, records: Sequence[Sealed]) -> int:
        """Delete those that still have that version; how many."""
        ...

    async def holds(self, person: str, klass: str) -> bool:
        """Whether any record of that person and class is left, in whatever tenant."""
        ...

    async def due(self, at: int, most: int) -> list[Sealed]:
        """Records whose retention ended by then, in the order in which it ended."""
        ...

    async def due_classes(self, at: int) -> int:
        """Of how many persons and classes that is so."""
        ...

    async def older(self, person: str, klass: str, version: int, most: int) -> list[Sealed]:
        """Records that an older version of the key sealed."""
        ...

    async def note(self, receipt: Noted) -> bool:
        """Write a receipt. False: the key that sealed it was destroyed meanwhile; nothing was written."""
        ...

    async def noted(self, tenant: str, person: str, before: int, most: int) -> list[Noted]:
        """Receipts, newest first, with numbers below `before`."""
        ...

    async def noted_in(self, tenant: str, person: str, session: str) -> bool:
        """Whether there is a receipt of that session."""
        ...

    async def looks(self, after: int, upto: int) -> list[Look]:
        """Of everybody, in the order of their numbers: behind `after`, and up to `upto`."""
        ...

    async def looks_at(self, tenant: str, person: str, before: int, most: int) -> list[Look]:
        """At one person, newest first, with numbers below `before`."""
        ...

    async def numbered(self, numbers: Sequence[int]) -> list[Look]:
        """These, in the order of their numbers."""
        ...

    async def noted_older(self, person: str, version: int, most: int) -> list[Noted]:
        """Receipts that an older version of the key sealed."""
        ...

    async def reseal(self, receipt: Noted) -> None:
        """The same receipt, sealed by another version."""
        ...

    async def forget_receipts(
        self, before: int, most: int, purposes: Sequence[str], *, of_these: bool, but: Sequence[int] = ()
    ) -> int:
        """Delete receipts of before that moment (microseconds UTC), of these purposes or else of all others, without those
        of the numbers `but`; how many.
        """
        ...

    async def erase(self, person: str, klass: str, upto: int) -> int:
        """What keys up to that version sealed goes, and none of them may seal again; how many records went.

        Receipts (the class `classes.RECEIPTS`) lose the person, the fields and the salt, and keep when somebody looked and why.
        """
        ...

    async def erased(self) -> list[tuple[str, str, int]]:
        """(person, class, version) up to which nothing may be sealed any more."""
        ...

    async def persons(self) -> int:
        """How many persons have records."""
        ...
