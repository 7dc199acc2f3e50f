"""What is kept about duties, as documents of the store, beside `duties` (`steps.py`). Times are RFC 3339 UTC.

`transfer`  by its number:            a change of duties, asked for and what became of it
`emergency` by the person's reference: {taken: [...]} what he took in emergencies, and what was found of it afterwards
`staffing`  by `founded`:             {given: [...]} who was given the staff desk: with the second one the founder's time is over
`approval`  by what it is about:      a second person's word (`kernel/people/approval.py`)

Persons are told by opaque references. Every change leaves a salted commitment in the ledger; what it commits to, and the
salt, stand with the change under `ledger`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NotRequired, TypedDict

from kitamae.kernel.ledger import commitment

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Transaction

TRANSFER: Final = "transfer"
EMERGENCY: Final = "emergency"
FOUNDED: Final = ("staffing", "founded")


class Given(TypedDict):
    """Who was given the staff desk, from when on, by which change, and where (in the default tenant, unless told)."""

    person: str
    at: str
    transfer: str
    tenants: NotRequired[list[str]]


class Founded(TypedDict):
    """All to whom it was given."""

    given: list[Given]


class Leaf(TypedDict):
    """An entry of the ledger: its number, what it commits to, and the salt (base64)."""

    number: int
    told: dict[str, Any]
    salt: str


class Review(TypedDict):
    """What the privacy desk found."""

    by: str
    at: str
    justified: bool
    why: str


class Taken(TypedDict):
    """One emergency access. `what`: `desk:…` or `purpose:…`."""

    id: str
    what: str
    tenant: str
    why: str
    at: str
    until: str
    ended: str | None
    review: Review | None
    ledger: list[Leaf]


async def log(tx: Transaction, told: dict[str, Any]) -> Leaf:
    """Into the ledger, within the transaction of what it tells."""
    number, salt = await commitment.log(tx, told)
    return {"number": number, "told": told, "salt": salt}
