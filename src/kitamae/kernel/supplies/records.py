"""What is kept of supplies, as documents of the store. Times are RFC 3339 UTC.

`supply` by number:  {shelter, item, amount, unit, late, steps}: who asked is its first step; what came of it are the others, in the order in
which they were written. How much was sent and arrived follows from them; nothing is counted twice over.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, NotRequired, TypedDict

from kitamae.kernel.context import clock, observed
from kitamae.kernel.people import mynumber
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.entity import Entity

KIND: Final = "supply"
MOST: Final = 100_000
"""Of one thing, in its unit: more is a mistake."""
_ITEM: Final = 60
_UNIT: Final = 10

Did = Literal["asked", "sent", "arrived", "declined", "withdrawn"]
State = Literal["asked", "part", "sent", "arrived", "declined", "withdrawn", "late"]
"""`part`: some of it was sent; `sent`: all of it, but not all has arrived; `late`: asked for before the shelter was closed, and told after."""


@dataclass(frozen=True, slots=True)
class Shelters:
    """What a shelter is here. `type` and `status` expanded; `closed`: its status when nobody is there any more."""

    tenant: str
    type: str
    status: str
    closed: str

    def closed_since(self, known: Entity, at: int) -> bool:
        """Whether it was closed at that moment (microseconds UTC) or later, and not opened again."""
        one = observed.values(known, [self.status]).get(self.status)
        if one is None or one["v"] != self.closed or "observedAt" not in one:
            return False
        return clock.micros(one["observedAt"]) >= at


class Wish(NamedTuple):
    """So many (`amount`) of what (`item`), counted in which `unit`."""

    item: str
    amount: int
    unit: str

    @classmethod
    def read(cls, told: Mapping[str, object]) -> Wish:
        """From a form or a phone's queue: {item, amount, unit}. Raises BadRequest, HoldsMyNumber."""
        item, unit = (_text(told.get(name)) for name in ("item", "unit"))
        if not item or not unit:
            raise BadRequest("this must be filled in: what is needed, and in which unit it is counted")
        if len(item) > _ITEM or len(unit) > _UNIT:
            raise BadRequest(f"item, unit: expected at most {_ITEM} and {_UNIT} letters")
        mynumber.demand_none({"item": item, "unit": unit})
        return cls(item, amount(told.get("amount")), unit)


class Undone(TypedDict):
    """Who took a step back, and when."""

    at: str
    by: str


class Step(TypedDict):
    """`form`: the number of the form that said it, by which a repetition is known. `observedAt`: when it was so; `at`: when it was written."""

    form: str
    at: str
    by: str
    what: Did
    amount: int
    said: str
    observedAt: str
    leaf: int
    salt: str
    undone: NotRequired[Undone]


class Supply(TypedDict):
    """One thing that one shelter asked for."""

    shelter: str
    item: str
    amount: int
    unit: str
    late: bool
    steps: list[Step]


def amount(told: object) -> int:
    """Raises BadRequest."""
    plain = _text(told).replace(",", "") if isinstance(told, str) else told
    number = int(plain) if isinstance(plain, str) and plain.isdecimal() and len(plain) < 8 else plain
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST:
        raise BadRequest(f"amount: expected a whole number from 1 to {MOST}, got {told!r:.40}")
    return number


def standing(one: Supply) -> list[Step]:
    """The steps that nobody took back."""
    return [step for step in one["steps"] if "undone" not in step]


def counted(one: Supply, what: Did) -> int:
    """How many were sent, or arrived."""
    return sum(step["amount"] for step in standing(one) if step["what"] == what)


def left(one: Supply) -> int:
    """How many nobody has sent yet."""
    return max(0, one["amount"] - max(counted(one, "sent"), counted(one, "arrived")))


def state(one: Supply) -> State:
    """Where it stands."""
    if one["late"]:
        return "late"
    done = {step["what"] for step in standing(one)}
    if "withdrawn" in done:
        return "withdrawn"
    if "declined" in done:
        return "declined"
    if counted(one, "arrived") >= one["amount"]:
        return "arrived"
    if not left(one):
        return "sent"
    return "part" if done & {"sent", "arrived"} else "asked"


def is_open(one: Supply) -> bool:
    """Whether somebody still has something to do about it."""
    return state(one) in ("asked", "part", "sent")


def _text(told: object) -> str:
    return unicodedata.normalize("NFKC", told).strip() if isinstance(told, str) else ""
