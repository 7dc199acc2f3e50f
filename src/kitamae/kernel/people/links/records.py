"""What is kept of links, as documents of the store. Times are RFC 3339 UTC.

`capability`           by number:           {terms, note, madeBy, ended?, used, events}
`link-use:<number>`    by the update's id:  {at, observedAt, entity, values, outcome, digest, salt, number of the leaf}

A leaf of the ledger is a salted commitment to an event; its salt stands with the event, and goes with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NotRequired, TypedDict

from kitamae.kernel.ledger import commitment

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Transaction

KIND: Final = "capability"
USES: Final = "link-use:"


class Area(TypedDict):
    """A place: WGS84 degrees in millionths, so that they can be committed to, and metres around it."""

    longitude: int
    latitude: int
    metres: int


class Terms(TypedDict):
    """What a link is for. It never changes, and the mark in the address stands for all of it.

    `kind`: of the city's kinds of link. `type` is expanded; `things` are ids of that type; `fields` the attributes that may be written.
    `also`: what else it is for (`kinds.Also`); a link that was given out before there was more is for nothing else.
    """

    number: str
    kind: str
    tenant: str
    type: str
    things: list[str]
    fields: list[str]
    area: Area | None
    begins: str
    ends: str
    lateHours: int
    uses: int
    also: NotRequired[list[str]]


Why = Literal["ended", "lost"]
"""`ended`: the work is done, and what was said before still arrives. `lost`: nothing more is believed, whatever its time."""


class Ended(TypedDict):
    """Who took it back."""

    at: str
    by: str
    why: Why


class Event(TypedDict):
    """What was told to the ledger, and the salt that proves it."""

    at: str
    by: str
    what: str
    leaf: int
    salt: str


class Capability(TypedDict):
    """A link that was given out."""

    terms: Terms
    note: str
    madeBy: str
    madeAt: str
    ended: NotRequired[Ended]
    used: int
    events: list[Event]


async def told(tx: Transaction, at: str, by: str, what: str, record: dict[str, Any]) -> Event:
    """Log an event in this transaction: `record` and the event itself are what the leaf commits to."""
    number, salt = await commitment.log(tx, {**record, "at": at, "by": by, "what": what})
    return {"at": at, "by": by, "what": what, "leaf": number, "salt": salt}
