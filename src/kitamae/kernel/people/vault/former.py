"""What stood in a record before somebody else corrected it: sealed in the record itself, under the person's key of its class.

So it is kept as long as the record, goes with it, and is told to nobody but the person. What the person writes himself, and what
the city's machinery writes for him, leaves nothing here.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from kitamae.kernel.people.vault.problems import Refused
from kitamae.kernel.people.vault.seal import Place, unseal
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.people.vault.keyring import PersonKeys
    from kitamae.kernel.people.vault.rows import Sealed

FIELD: Final = "@former"
"""Under this name it is sealed; no declared field begins with that sign."""
MOST_BYTES: Final = 1_000_000


class Former(NamedTuple):
    """One correction. `number`: of its receipt; `at` in microseconds UTC. `fields`: what stood there; `added`: where nothing stood."""

    at: int
    by: str
    number: int
    fields: Mapping[str, object]
    added: Sequence[str]


class Change(NamedTuple):
    """From what stood there (None: a new record) to what will; both name -> the value as JSON."""

    before: Mapping[str, bytes] | None
    after: Mapping[str, bytes]

    def names(self) -> list[str]:
        """Fields that are not what they were; where none is, all: it was written all the same."""
        before = self.before or {}
        names = {*before, *self.after}
        return sorted(one for one in names if before.get(one) != self.after.get(one)) or sorted(names)

    def former(self, at: int, by: str, number: int) -> Former:
        """What to remember of it."""
        before = self.before or {}
        changed = [one for one in self.names() if before.get(one) != self.after.get(one)]
        return Former(
            *(at, by, number),
            {one: orjson.loads(before[one]) for one in changed if one in before},
            [one for one in changed if one not in before],
        )


def plain(row: Sealed, keys: PersonKeys, *, alone: bool = False) -> tuple[dict[str, bytes], bytes]:
    """A record's fields as JSON, and its former ones likewise (b"": none); `alone`: only these are opened.

    Raises Refused for a key that is to be asked for again, Tampered.
    """
    key = keys.get(row.klass, row.version)
    if key is None:
        raise Refused(row.person, row.version)
    found = {
        name: unseal(
            key,
            base64.b64decode(sealed),
            Place(row.tenant, row.person, row.id, name, row.klass, row.version),
        )
        for name, sealed in orjson.loads(row.fields).items()
        if name == FIELD or not alone
    }
    return found, found.pop(FIELD, b"")


def with_(before: bytes, one: Former) -> bytes:
    """That one too. Raises BadRequest where a record was corrected so often that no more is to be remembered."""
    whole: bytes = orjson.dumps([each._asdict() for each in (*read(before), one)])
    if len(whole) > MOST_BYTES:
        raise BadRequest(
            "so much was corrected in this record that no more can be remembered: write a new one"
        )
    return whole


def read(told: bytes) -> list[Former]:
    """Oldest first."""
    return [Former(**one) for one in orjson.loads(told)] if told else []
