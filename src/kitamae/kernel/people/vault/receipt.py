"""A receipt: who looked at, wrote or erased what of a person, when, for what purpose, on what basis. Its leaf in the ledger is a
commitment.

The leaf is a salted commitment to the receipt's canonical JSON (`kernel.ledger.commitment`). The salt and the fields
lie in the vault under the person's key of receipts: while it lives the person can prove what the leaf says, and once it
is destroyed the leaf says nothing to anybody, while every proof over the log stays valid.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.vault.classes import RECEIPTS
from kitamae.kernel.people.vault.problems import Refused
from kitamae.kernel.people.vault.rows import Noted
from kitamae.kernel.people.vault.seal import Place, seal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.vault.keyring import PersonKeys

Act = Literal["read", "wrote", "erased"]
BROKEN: Final = "break-glass"
"""The basis in a receipt of whoever looked or wrote in an emergency (`kernel/people/duties/emergency.py`)."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """`fields`: kind of record -> the fields that were shown, written or erased. `at` in microseconds UTC. `number`: of its leaf.

    `said`: what else there is to say: `why`, `second` (whose word it needed), `case`.
    """

    number: int
    tenant: str
    person: str
    at: int
    who: str
    purpose: str
    basis: str
    fields: Mapping[str, Sequence[str]]
    salt: bytes
    act: Act = "read"
    said: Mapping[str, str] = field(default_factory=dict)

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
            **self._more(),
        }
        return commitment.canonical(told)

    def _more(self) -> dict[str, Any]:
        """A look says it by saying nothing of it."""
        return {"act": self.act, "said": dict(self.said)} if self.act != "read" else {}

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
        salt = base64.b64encode(self.salt).decode()
        inner = orjson.dumps({"fields": self.fields, "salt": salt, **self._more()})
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
        told.get("act", "read"),
        told.get("said", {}),
    )


async def leave(tx: Transaction, made: Receipt, keys: PersonKeys, session: str = "") -> int:
    """Its leaf and its row, in the transaction of what it tells of; its number. Raises Refused."""
    version, key = keys.newest(RECEIPTS)
    number = await tx.log(made.leaf())
    if not await tx.vault.note(made.noted(number, session, version, key)):
        raise Refused(made.person, version, RECEIPTS)
    return number
