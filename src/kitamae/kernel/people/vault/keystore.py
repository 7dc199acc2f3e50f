"""What a store of keys must do: `adapters/sqlite` (keys.db, a file of its own) and `adapters/postgres` (a database or schema of its own).

The blind indexes lie here and not with the records: a tag in an old backup of the state would still say, to whoever
holds the city's key, that somebody of that name was here. What is in this store has only short-lived backups, so a
person's tags are gone wherever the person's keys are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Wrapped(NamedTuple):
    """One data key. `person` "" for keys of the city itself; `city` is the id of the key that wrapped it; `made` in microseconds UTC."""

    person: str
    klass: str
    version: int
    made: int
    city: str
    key: bytes


class Tag(NamedTuple):
    """Where a value is found: a keyed hash of it, and whose record holds it."""

    tenant: str
    field: str
    tag: bytes
    person: str
    klass: str
    record: str


class Erasure(NamedTuple):
    """Keys of a person and class up to that version were destroyed. Times in microseconds UTC; `until`: see `Vault.erase`."""

    person: str
    klass: str
    upto: int
    at: int
    until: int


class Over(NamedTuple):
    """A document (JSON) of what was taken back or has ended (`kernel/people/ended.py`). `until`: a restore could bring it back until
    then, microseconds UTC; 0: for ever.
    """

    kind: str
    id: str
    until: int
    doc: bytes


WITHDRAWN: Final = "withdrawn:"
"""Before a purpose, as the class of an erasure: no key goes, but the person agrees to it no more, whatever state is restored."""
ENDED: Final = "account:"
"""As the class of an erasure: no key goes, but what let the person in before then does, whatever state is restored (`accounts.py`)."""
NO_KEY: Final = (WITHDRAWN, ENDED)
"""How the classes begin of what is on the list of erasures and destroys no key."""


class KeyStore(Protocol):
    """Durable when an awaited write returns. Raises Problem."""

    async def of(self, person: str) -> list[Wrapped]:
        """All keys of a person, by class and version."""
        ...

    async def add(self, keys: Sequence[Wrapped]) -> None:
        """Those that are there already stay as they are. One of a version that was destroyed is refused silently."""
        ...

    async def destroyed(self, person: str) -> dict[str, int]:
        """Class -> the highest version that was destroyed."""
        ...

    async def destroy(self, gone: Sequence[Erasure]) -> None:
        """Delete keys and tags, and remember that: no restore brings them back."""
        ...

    async def erasures(self, after: int = 0) -> list[Erasure]:
        """All since a moment (`at` > after), oldest first."""
        ...

    async def wrapped_otherwise(self, city: str, most: int) -> list[Wrapped]:
        """Keys that another city key wrapped."""
        ...

    async def rewrap(self, keys: Sequence[Wrapped]) -> None:
        """The same keys, wrapped anew; one that is gone meanwhile stays gone."""
        ...

    async def cities(self) -> list[str]:
        """The ids of the city keys that wrapped anything here."""
        ...

    async def older(self, made: int, most: int) -> list[tuple[str, str]]:
        """(person, class) of which there is a key that was made before that moment; not of the city's own."""
        ...

    async def rotating(self, made: int | None = None) -> int:
        """Before when a key was made that is to be replaced, microseconds UTC; 0: none is. Given: set it."""
        ...

    async def count(self) -> int:
        """How many data keys there are."""
        ...

    async def tag(self, add: Sequence[Tag], records: Sequence[tuple[str, str]] = ()) -> None:
        """In one commit: forget all tags of these records (tenant, record), then add."""
        ...

    async def tagged(self, tenant: str, field: str, tag: bytes, most: int) -> list[Tag]:
        """Whose records hold that value."""
        ...

    async def tags_of(self, person: str) -> list[Tag]:
        """All marks by which a person is found."""
        ...

    async def latest(self, at: int = 0) -> int:
        """The latest time that was ever noted here, microseconds UTC; `at` is noted where it is later."""
        ...

    async def confirm(self, at: int) -> None:
        """From now on that is the latest time, even where it is earlier than what was noted."""
        ...

    async def ended(self) -> list[Over]:
        """All that was taken back or has ended and that a restore could bring back."""
        ...

    async def note_ended(self, over: Sequence[Over], gone: Sequence[tuple[str, str]] = ()) -> None:
        """In one commit: forget these (kind, id), then note the others in the place of what has their kind and id."""
        ...

    async def forget_ended(self, at: int) -> None:
        """What no restore brings back any more at that moment, microseconds UTC."""
        ...

    async def backup(self, to: str) -> None:
        """A consistent copy in a file. Raises Unprocessable where the database's own means are the right ones."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...
