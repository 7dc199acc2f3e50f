"""A receipt: who looked at what of a person, when, for what purpose, on what basis. Its leaf in the ledger is a commitment.

The leaf is a salted commitment to the receipt's canonical JSON (`kernel.ledger.commitment`). The salt and the fields
lie in the vault under the person's key of receipts: while it lives the person can prove what the leaf says, and once it
is destroyed the leaf says nothing to anybody, while every proof over the log stays valid.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.vault.classes import RECEIPTS
from kitamae.kernel.people.vault.rows import Noted
from kitamae.kernel.people.vault.seal import Place, seal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Receipt:
    """`fields`: kind of record -> the fields that were shown. `at` in microseconds UTC. `number`: of its leaf."""

    number: int
    tenant: str
    person: str
    at: int
    who: str
    purpose: str
    basis: str
    fields: Mapping[str, Sequence[str]]
    salt: bytes

    def canonical(self) -> bytes:
        """What the leaf commits to: JSON with sorted names, without the number and the salt."""
        told: dict[str, Any] = {
            "at": self.at,
            "basis": self.basis,
            "fields": {kind: sorted(names) for kind, names in self.fields.items()},
            "person": self.person,
            "purpose": self.purpose,
            "tenant": self.tenant,
            "who": self.who,
        }
        return commitment.canonical(told)

    def leaf(self) -> bytes:
        """32 bytes."""
        return commitment.commit(self.salt, self.canonical())

    def proof(self) -> dict[str, Any]:
        """What a person keeps: with it anybody can make the leaf again."""
        return {
            "number": self.number,
            "receipt": orjson.loads(self.canonical()),
            "salt": base64.b64encode(self.salt).decode(),
            "leaf": base64.b64encode(self.leaf()).decode(),
        }

    def noted(self, number: int, session: str, version: int, key: bytes) -> Noted:
        """As it is stored."""
        inner = orjson.dumps({"fields": self.fields, "salt": base64.b64encode(self.salt).decode()})
        place = Place(self.tenant, self.person, str(number), "receipt", RECEIPTS, version)
        return Noted(
            *(
                number,
                self.tenant,
                self.person,
                self.at,
                self.who,
                self.purpose,
                self.basis,
                session,
                version,
            ),
            seal(key, inner, place),
        )


def place(row: Noted) -> Place:
    """Where its sealed part belongs."""
    return Place(row.tenant, row.person, str(row.number), "receipt", RECEIPTS, row.version)


def opened(row: Noted, inner: bytes) -> Receipt:
    """`inner`: what was sealed."""
    told = orjson.loads(inner)
    return Receipt(
        *(row.number, row.tenant, row.person, row.at, row.who, row.purpose, row.basis, told["fields"]),
        base64.b64decode(told["salt"]),
    )
