"""What is kept about persons' ways in, as documents of the store. Times are RFC 3339 UTC.

`person`   by reference:          {role, tenants, first, createdAt, unopened, name, section, moves, named}; `first`: the first account of the
                                  city's staff; what follows createdAt: what a member of staff is called (`colleagues.py`)
`link`     by the secret's digest: {person, expiresAt}
`session`  by the secret's digest: {person, role, tenants, assurance, partners, createdAt, expiresAt}
`token`    by the secret's digest: {number, name, role, scopes, tenants, asked, createdAt, expiresAt|null}
`revoked`  by the id of one of GIVEN: {at}    what no restore may bring back
`resident` by the reference:      the id of the record in the vault that holds the 基本4情報
`recovery` by the person's reference: {by, at, before} the last time that a colleague let somebody in, and those before it
`spent`    by a digest: {expiresAt}           what works once, and did (`once.py`)
`sealed`   by its purpose: a sealed note      a key of the city's own (`pseudonyms.py`)

`tenants` is missing in what was written before there was a choice: then it is the default tenant alone.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypedDict

DEVICE_KEY: Final = "device-key"
"""By its thumbprint (RFC 7638): see `devices/keys.py`."""

RESIDENT: Final = "resident"
"""Who signed in with his card -> the id of the record of who he is, in the vault."""
REVOKED: Final = "revoked"
PASSKEY: Final = "passkey"
"""See `passkeys.py`."""
GIVEN: Final = ("token", PASSKEY, DEVICE_KEY, "capability", "mandate", "contract", "client")
"""What was given and may be taken back, by the id under which `revoked` then remembers it: no restore brings it back (`ended.py`)."""

TENANT = ""
"""Persons belong to the city, not to one of its data tenants."""


class Move(TypedDict):
    """An office (課・係) from a moment on, by a change of duties."""

    section: str
    at: str
    transfer: str


class Person(TypedDict):
    """Somebody who may sign in. The reference says nothing about who it is. Staff: `name` and `section` as colleagues see them, `moves`
    to other offices, and the entry of the ledger that says who named him. A visitor: `unopened` until somebody opens the link in the letter.
    """

    role: Literal["staff", "visitor"]
    tenants: NotRequired[list[str]]
    first: NotRequired[bool]
    createdAt: str
    unopened: NotRequired[bool]
    name: NotRequired[str]
    section: NotRequired[str]
    moves: NotRequired[list[Move]]
    named: NotRequired[dict[str, Any]]


class Link(TypedDict):
    """A sign-in link that was not used yet."""

    person: str
    expiresAt: str


SignedIn = Literal["staff", "resident", "visitor"]
"""Who can have a session."""


class KnownAs(TypedDict):
    """How a partner calls somebody who went on to it, and that session of his."""

    subject: str
    sid: str


class Session(TypedDict):
    """A browser that is signed in. `partners`: by the client's id, those whom it was taken to."""

    person: str
    role: SignedIn
    tenants: NotRequired[list[str]]
    assurance: int
    acting: NotRequired[str]
    partners: NotRequired[dict[str, KnownAs]]
    createdAt: str
    expiresAt: str


class LetIn(TypedDict):
    """By whom, and when."""

    by: str
    at: str


class Recovery(LetIn):
    """Who let a colleague in again, and when; `before`: those who did in the 30 days before that; `ledger`: the entry that says so;
    `new`: for the first time.
    """

    new: NotRequired[bool]
    before: NotRequired[list[LetIn]]
    ledger: NotRequired[dict[str, Any]]


class Token(TypedDict):
    """A program's way in. `asked` are the scopes as they were typed, `scopes` as the policy compares them. `contract`: of the provider whose
    key it is (`providers/`): it works within that alone.
    """

    number: str
    name: str
    role: Literal["device", "service"]
    scopes: list[str]
    tenants: NotRequired[list[str]]
    asked: list[str]
    key: NotRequired[str]
    contract: NotRequired[str]
    createdAt: str
    expiresAt: str | None
