"""What is kept of mandates, as documents of the store; persons stand there by reference alone. Times are RFC 3339 UTC.

`mandate`          by number:              see `Mandate`
`mandates`         by a person's reference: the numbers of those that he gave or holds
`mandate-offer`    by the code's digest:    {number, expiresAt}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NotRequired, TypedDict

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Reader, Transaction

KIND: Final = "mandate"
INDEX: Final = "mandates"
OFFER: Final = "mandate-offer"
ALL: Final = "*"
"""Among the classes of a mandate: every one."""

Sort = Literal["parent", "guardian", "appointed"]
"""親権者, 成年後見人 (both 法定代理人), 任意代理人."""
Act = Literal["read"]
ACTS: Final[tuple[Act, ...]] = ("read",)
"""What a delegate may do. No page lets him correct or apply for another, so no mandate says that he may; erasing is nobody's but the
person's own.
"""


class Said(TypedDict):
    """Who did something, and when."""

    at: str
    by: str


class Event(Said):
    """What was told to the ledger: a leaf for each person concerned, whose salt is in the vault among what is his."""

    what: str
    leaves: list[int]


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


async def keep(
    tx: Transaction, mandate: Mandate, at: str, by: str, what: str
) -> tuple[Mandate, dict[str, dict[str, Any]]]:
    """Write it with what happened to it; each leaf is a commitment to the whole of it. Beside it what the vault keeps, by person
    (`Vault.enter`): whoever of them is erased leaves a leaf that nobody opens.
    """
    said: dict[str, Any] = {name: value for name, value in mandate.items() if name != "events"}
    opening: dict[str, dict[str, Any]] = {}
    for person in sorted({mandate["of"], mandate["by"]} - {""}):
        record = {"mandate": said, "at": at, "by": by, "what": what, "for": person}
        number, salt = await commitment.log(tx, record)
        opening[person] = {"at": at, "event": record, "number": number, "salt": salt}
        numbers: Any = await tx.get(TENANT, INDEX, person) or []
        if mandate["number"] not in numbers:
            await tx.put(TENANT, INDEX, person, [*numbers, mandate["number"]])
    event: Event = {"at": at, "by": by, "what": what, "leaves": [one["number"] for one in opening.values()]}
    kept: Mandate = {**mandate, "events": [*mandate["events"], event]}
    await tx.put(TENANT, KIND, mandate["number"], kept)
    return kept, opening


async def agreed(store: Reader, person: str) -> list[Mandate]:
    """Those that rest on what the person agreed to, given or held, oldest first."""
    numbers: Any = await store.get(TENANT, INDEX, person) or []
    kept: list[Any] = [await store.get(TENANT, KIND, number) for number in numbers]
    return [one for one in kept if one is not None and one["sort"] == "appointed"]


async def forget(tx: Transaction, person: str, before: int | None = None) -> int:
    """The person is erased: what he agreed to in this ends; how many. What a law gave (a parent's, a guardian's mandate) the counter ends.

    `before`: only those that were made before that moment, microseconds UTC.
    """
    gone = [
        one for one in await agreed(tx, person) if before is None or clock.micros(one["made"]["at"]) < before
    ]
    for one in gone:
        await drop(tx, one)
    return len(gone)


async def drop(tx: Transaction, mandate: Mandate) -> None:
    """Out of the store, and out of what says whose it is."""
    await tx.drop(TENANT, KIND, mandate["number"])
    for one in {mandate["of"], mandate["by"]} - {""}:
        left: Any = [n for n in await tx.get(TENANT, INDEX, one) or [] if n != mandate["number"]]
        await (tx.put(TENANT, INDEX, one, left) if left else tx.drop(TENANT, INDEX, one))
