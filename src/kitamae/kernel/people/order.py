"""An order as it is kept: what one member of staff wants to be done to a person's records, until a second one has decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NotRequired, TypedDict, cast

from kitamae.kernel.people import approval, secret
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.requests.requests import KIND as CASE
from kitamae.kernel.problems import NotFound

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Reader
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.requests.case import Case

KIND: Final = "order"
LAST: Final = "order-last"
"""By `erasing`: the number of the last order that the same be erased, so that no two of them wait at once."""
WAITS: Final = 14 * 86_400_000_000
"""How long an order waits for its second person, microseconds."""
LEAST: Final = 5
"""Characters of a reason."""
State = Literal["asked", "done", "refused", "withdrawn", "expired"]


class Order(TypedDict):
    """`upto`: the version of the key that goes, once it is decided; `done`: RFC 3339 UTC, when the key was gone, or the record was
    corrected. `case`: the number of the request that it follows from, or "". `change`: not there in what was asked for before there was
    another. What is to be corrected stands sealed in the vault (`corrections.py`), and never here.
    """

    person: str
    purpose: str
    why: str
    case: str
    by: str
    at: str
    upto: int
    done: str
    change: NotRequired[Literal["erase", "correct"]]


class Last(TypedDict):
    """See `LAST`."""

    number: str


def is_correction(order: Order) -> bool:
    """Else it erases."""
    return order.get("change") == "correct"


def about(number: str) -> str:
    """What the second person's word is kept under, and the kind of what is sealed for it."""
    return f"{KIND}:{number}"


def erasing(order: Order) -> str:
    """Of whom, and what was collected for what: the same for every order that this be erased."""
    return secret.digest(f"{order['person']} {order['purpose']}")


def shown(order: Order, more: Any = None) -> str:
    """The digest of what a second person sees. `more`: what is sealed of it, with its salt."""
    told: dict[str, Any] = {name: order[name] for name in ("person", "purpose", "why", "case", "by", "at")}
    return approval.shown(told if more is None else {**told, "sealed": more})


def question(who: Principal, order: Order) -> Question:
    """Whose duty it is to ask for it, to see it and to decide it."""
    action: Literal["write", "delete"] = "write" if is_correction(order) else "delete"
    return Question(who, action, f"person:{order['person']}", "", order["purpose"])


async def get(store: Reader, number: str) -> Order:
    """Raises NotFound."""
    found = cast("Order | None", await store.get(TENANT, KIND, number))
    if found is None:
        raise NotFound(f"there is no order {number!r:.40}")
    return found


async def case(store: Reader, number: str) -> Case:
    """The request that an order follows from. Raises NotFound."""
    found = cast("Case | None", await store.get(TENANT, CASE, number))
    if found is None:
        raise NotFound(f"there is no case {number!r:.40}")
    return found
