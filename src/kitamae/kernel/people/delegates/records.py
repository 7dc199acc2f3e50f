"""What is kept of mandates, as documents of the store; persons stand there by reference alone. Times are RFC 3339 UTC.

`mandate`          by number:              see `Mandate`
`mandates`         by a person's reference: the numbers of those that he gave or holds
`mandate-offer`    by the code's digest:    {number, expiresAt}
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final, Literal, NotRequired, TypedDict

from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Transaction

KIND: Final = "mandate"
INDEX: Final = "mandates"
OFFER: Final = "mandate-offer"
ALL: Final = "*"
"""Among the classes of a mandate: every one."""

Sort = Literal["parent", "guardian", "appointed"]
"""親権者, 成年後見人 (both 法定代理人), 任意代理人."""
Act = Literal["read", "write"]
ACTS: Final[tuple[Act, ...]] = ("read", "write")
"""Erasing is nobody's but the person's own."""


class Said(TypedDict):
    """Who did something, and when."""

    at: str
    by: str


class Event(Said):
    """What was told to the ledger, and the salt that proves it."""

    what: str
    leaf: int
    salt: str


class Mandate(TypedDict):
    """`of` is the person (本人), `by` the delegate ("" until somebody accepted). `actions` and `classes` (retention classes of the
    vault, or ALL) are its scope. `document`: what was shown at the counter (戸籍全部事項証明書). It holds once it is `agreed`: by the delegate, or by
    the second person at the counter.
    """

    number: str
    of: str
    by: str
    sort: Sort
    actions: list[Act]
    classes: list[str]
    document: str
    begins: str
    ends: str
    made: Said
    agreed: NotRequired[Said]
    ended: NotRequired[Said]
    events: list[Event]


async def keep(tx: Transaction, mandate: Mandate, at: str, by: str, what: str) -> Mandate:
    """Write it with what happened to it; the leaf is a commitment to the whole of it."""
    said: dict[str, Any] = {name: value for name, value in mandate.items() if name != "events"}
    salt = commitment.salt()
    leaf = commitment.commit(salt, commitment.canonical({"mandate": said, "at": at, "by": by, "what": what}))
    event: Event = {
        "at": at, "by": by, "what": what, "leaf": await tx.log(leaf), "salt": base64.b64encode(salt).decode(),
    }  # fmt: skip
    kept: Mandate = {**mandate, "events": [*mandate["events"], event]}
    await tx.put(TENANT, KIND, mandate["number"], kept)
    for person in {mandate["of"], mandate["by"]} - {""}:
        numbers: Any = await tx.get(TENANT, INDEX, person) or []
        if mandate["number"] not in numbers:
            await tx.put(TENANT, INDEX, person, [*numbers, mandate["number"]])
    return kept
