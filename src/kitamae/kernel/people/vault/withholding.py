"""Looks of which a person hears later: for a lawful investigation, until a day that is said beforehand.

That there are such looks, how many, and when each will be shown, the person sees at once. The order itself is a receipt like
any other, logged when it is given, and shown with what it withheld.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypedDict, cast

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import mynumber, notices
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.vault.classes import DAY, RECEIPTS
from kitamae.kernel.people.vault.problems import Erased, Refused
from kitamae.kernel.people.vault.receipt import Receipt, leave
from kitamae.kernel.problems import BadRequest, Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.store import Reader, Store, Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault.inner import Inner
    from kitamae.kernel.people.vault.keyring import PersonKeys

KIND: Final = "withheld"
"""Of the document: by the person's reference, number of a receipt -> `Held`."""
DESK: Final = "desk:privacy"
PURPOSE: Final = "withholding"
"""What the order's own receipt says."""
MOST_DAYS: Final = 366
"""No order lasts longer; another one may follow it, with an entry of its own."""
SHOWN_DAYS: Final = 366
"""So long at least a look stands in the person's log from the day on which it is shown, however old it is by then."""
_STRONG: Final = 2
"""`Principal.assurance`: a passkey."""
_LEAST_LAW: Final = 5  # characters
_MOST_LAW: Final = 300
_TRIES: Final = 3


class Held(TypedDict):
    """`until`: RFC 3339 UTC. `order`: this row is itself the order, and is not counted as a look."""

    until: str
    order: bool


async def kept(store: Reader, person: str) -> Mapping[str, Held]:
    """All that was ever withheld from a person."""
    return cast("Mapping[str, Held]", await store.get(TENANT, KIND, person) or {})


def hidden(rows: Mapping[str, Held], at: int) -> frozenset[int]:
    """Numbers of receipts that are not shown at that moment (microseconds UTC)."""
    return frozenset(int(number) for number, one in rows.items() if clock.micros(one["until"]) > at)


def shown_at(rows: Mapping[str, Held], at: int) -> list[int]:
    """For each look that is withheld at that moment, when it will be shown; soonest first. Microseconds UTC."""
    ends = (clock.micros(one["until"]) for one in rows.values() if not one["order"])
    return sorted(end for end in ends if end > at)


async def shown_from(store: Reader, person: str, numbers: Sequence[int], at: int) -> int:
    """Until when nobody may tell the person of these looks, which is when the first of them is shown; 0: one is shown at that moment
    already. Microseconds UTC.
    """
    rows = await kept(store, person)
    ends = [clock.micros(rows[str(one)]["until"]) if str(one) in rows else at for one in numbers]
    first = min(ends, default=at)
    return first if first > at else 0


async def promised(store: Store, at: int) -> list[int]:
    """Numbers of receipts that are not swept at that moment (microseconds UTC): nobody had the time to see them yet."""
    kept = [cast("Mapping[str, Held]", doc) for _, _, doc in await store.documents(TENANT, KIND)]
    soon = at - SHOWN_DAYS * DAY
    return sorted(int(n) for rows in kept for n, one in rows.items() if clock.micros(one["until"]) > soon)


class Withholding:
    """On the inner parts."""

    def __init__(self, inner: Inner) -> None:
        self._inner = inner

    async def withhold(self, who: Principal, person: str, number: int, law: str, until: int) -> int:
        """From now until then (microseconds UTC) the person does not see that receipt; the number of the order's own.

        `law`: the article that allows it. Asked for again it may be longer or shorter, and is as much an order. Raises NotSignedIn,
        Forbidden, BadRequest, HoldsMyNumber, NotFound.
        """
        inner, at = self._inner, self._inner.at()
        inner.policy.demand(Question(who, "write", DESK))
        if who.assurance < _STRONG:
            raise Forbidden("whoever withholds something from a person signs in with a passkey")
        law = law.strip()
        mynumber.demand_none({"law": law})
        if not _LEAST_LAW <= len(law) <= _MOST_LAW:
            raise BadRequest("law: on what basis? Name the article of the law")
        if not at < until <= at + MOST_DAYS * DAY:
            raise BadRequest(f"until: expected a day in the future, at most {MOST_DAYS} days from now")
        if who.ref == person:
            raise Forbidden("nobody withholds a look from himself")
        for _ in range(_TRIES):
            keys = await inner.keys.of(person, anew=True)
            if RECEIPTS not in keys.current:
                raise NotFound(f"there is no receipt {number} of that person")
            told = {"receipt": [str(number)], "until": [clock.text(until)]}
            made = Receipt(0, "", person, at, who.ref, PURPOSE, law, told, commitment.salt())

            async def work(tx: Transaction, made: Receipt = made, keys: PersonKeys = keys) -> int:
                await inner.policy.demand_again(tx, Question(who, "write", DESK))
                found = await tx.vault.noted("", person, number + 1, 1)
                if not found or found[0].number != number or found[0].purpose == PURPOSE:
                    raise NotFound(f"there is no receipt {number} of that person")
                if found[0].who in (who.ref, person):
                    raise Forbidden("one's own look is withheld by somebody else, and the person's own never")
                own = await leave(tx, made, keys)
                rows: Any = await tx.get(TENANT, KIND, person) or {}
                held: dict[str, Held] = {
                    str(number): {"until": clock.text(until), "order": False},
                    str(own): {"until": clock.text(until), "order": True},
                }
                await tx.put(TENANT, KIND, person, rows | held)
                await notices.postpone(tx, person, at, lambda looks: shown_from(tx, person, looks, at))
                return own

            try:
                return await inner.store.transact(work)
            except Refused as refused:
                await inner.keys.after(person, RECEIPTS, refused.version)
        raise Erased("that person is being erased at this moment; ask again")
