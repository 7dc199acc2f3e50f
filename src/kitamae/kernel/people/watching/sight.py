"""A look as it is judged: the outer part of its receipt, and what is known about the two persons, without opening anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

Relation = Literal["oneself", "household", "neighbour", "family-name"]
"""What whoever looks and whoever is looked at have in common, by keyed marks alone: name and address; the address; the
block of the address; a family name that few in the city have.
"""
WEEK: Final = 7
MONTH: Final = 28
"""Days over which the looks of others at a person are counted, and his own."""
STAFF: Final = "staff-"
"""How the reference of a member of staff begins; that of a program: `token-`."""


class Sight(NamedTuple):
    """`number`: of the receipt's leaf; `at` in microseconds UTC, ascending from one to the next.

    `agreed`: where the purpose rests on consent, whether the person agreed then. `duties`: the purposes that are part of the work
    of whoever looks; None: not known. `returned`: on how many earlier days of the last four weeks he looked at this person.
    `others`: how many others of the staff did in the last week. `beside`: the person lives in the same block as the one whom he
    looked at before, and not at the same address.
    """

    number: int
    at: int
    who: str
    person: str
    purpose: str
    agreed: bool = True
    duties: frozenset[str] | None = None
    related: frozenset[Relation] = frozenset()
    returned: int = 0
    others: int = 0
    beside: bool = False


def attention(earlier: Iterable[tuple[int, str]], who: str, day: int) -> tuple[int, int]:
    """(`returned`, `others`) of a Sight on that day. `earlier`: (day, who) of looks at the same person before this one."""
    days: set[int] = set()
    others: set[str] = set()
    for then, one in earlier:
        if one == who:
            if day - MONTH <= then < day:
                days.add(then)
        elif then > day - WEEK and one.startswith(STAFF):
            others.add(one)
    return len(days), len(others)
