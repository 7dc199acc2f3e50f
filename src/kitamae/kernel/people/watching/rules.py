"""What is wrong or odd in one day of one person by itself, before anybody asks what is usual. A reason has a score.

A score of `FLAGS` alone is worth the privacy officer's time; smaller ones add up. Rules are for persons: a program reads
many at night because it was made for that, and is judged by its habit, and by consent and purpose, alone.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from kitamae.kernel.people.watching import hours
from kitamae.kernel.people.watching.sight import STAFF

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.calendar import Calendar
    from kitamae.kernel.people.watching.sight import Relation, Sight

Kind = Literal[
    "no-consent", "off-purpose", "new-purpose", "off-hours", "volume", "pace", "oneself", "household", "neighbour",
    "family-name", "sequence", "returns", "crowd", "drift",
]  # fmt: skip
FLAGS: Final = 3.5
RELATED: Final[Mapping[Relation, float]] = {
    "oneself": 6.0, "household": 6.0, "neighbour": 2.5, "family-name": 1.5,
}  # fmt: skip
"""Neighbours come to the counter in a small city, and so do namesakes: that alone is no reason."""
AGAIN: Final = 1.2
"""For every further look at the same one that day."""
MANY: Final = 80
"""Persons in a day that are a lot at any desk."""
QUICK: Final = 60_000_000
"""Microseconds between two persons that are one right after another."""
LONG_RUN: Final = 15
OFTEN: Final = 4
CROWD: Final = 5
"""Others who looked at the same person within a week."""
_KEPT: Final = 500  # numbers of receipts that a reason names


class Reason(NamedTuple):
    """`numbers`: of the receipts that it rests on; `figures`: what its sentence says."""

    kind: Kind
    score: float
    numbers: tuple[int, ...]
    figures: Mapping[str, int]


@dataclass(slots=True)
class Today:
    """One day of somebody as far as it has come."""

    who: str
    day: int
    calendar: Calendar = hours.USUAL
    numbers: list[int] = field(default_factory=list)
    persons: set[str] = field(default_factory=set)
    purposes: Counter[str] = field(default_factory=Counter)
    hour: int = -1
    this_hour: set[str] = field(default_factory=set)
    busiest: int = 0
    last: tuple[int, str] = (0, "")  # when, whom
    run: list[int] = field(default_factory=list)
    longest: int = 0
    beside: int = 0
    returns: int = 0
    off: list[int] = field(default_factory=list)
    off_persons: set[str] = field(default_factory=set)
    related: dict[str, set[int]] = field(default_factory=dict)  # whom of his own he looked at, and when
    found: dict[Kind, Reason] = field(default_factory=dict)

    def add(self, sight: Sight) -> bool:
        """Count it; whether the person is a new one today."""
        new = sight.person not in self.persons
        self.numbers.append(sight.number)
        self.purposes[sight.purpose] += 1
        self.returns = max(self.returns, sight.returned)
        hour = sight.at // hours.HOUR
        if hour != self.hour:
            self.hour, self.this_hour = hour, set()
        self.this_hour.add(sight.person)
        self.busiest = max(self.busiest, len(self.this_hour))
        if hours.off(sight.at, self.calendar):
            self.off.append(sight.number)
            self.off_persons.add(sight.person)
        at, person = self.last
        if sight.at != at and sight.person != person:  # what one search found at once is one step
            if not new or sight.at - at > QUICK:
                self.run, self.beside = [], 0
            self.run.append(sight.number)
            self.beside += sight.beside
            self.longest = max(self.longest, len(self.run))
        self.last = (sight.at, sight.person)
        self.persons.add(sight.person)
        return new

    def note(self, kind: Kind, score: float, numbers: list[int], **figures: int) -> None:
        """The strongest of its kind stands; what it rests on adds up."""
        if score <= 0:
            return
        before, numbers = self.found.get(kind), numbers[-_KEPT:]
        if before and before.numbers[-1:] != tuple(numbers[-1:]):
            numbers = sorted({*before.numbers, *numbers})[-_KEPT:]
        self.found[kind] = Reason(kind, max(score, before.score if before else 0.0), tuple(numbers), figures)

    @property
    def purpose(self) -> str:
        """The one that most looks were for."""
        return self.purposes.most_common(1)[0][0]


def judge(sight: Sight, today: Today, new: bool) -> None:
    """What the rules say of this look, behind `today.add`."""
    if not sight.agreed:
        today.note("no-consent", 10.0, [sight.number], count=_count(today, "no-consent", sight))
    if sight.duties is not None and sight.purpose not in sight.duties:
        today.note("off-purpose", 5.0, [sight.number], count=_count(today, "off-purpose", sight))
    if not sight.who.startswith(STAFF):
        return
    if sight.related:
        times = today.related.setdefault(sight.person, set())
        times.add(sight.at)  # what one search found at once is one look
        for relation in sight.related:
            score = RELATED[relation] + AGAIN * (len(times) - 1)
            today.note(relation, score, [sight.number], count=_count(today, relation, sight))
    if today.off and today.off[-1] == sight.number:
        persons = len(today.off_persons)
        today.note("off-hours", 2.5 + 0.8 * math.log2(persons), today.off, persons=persons)
    if new and len(today.persons) > MANY:
        persons = len(today.persons)
        today.note("volume", 2.0 + 4.0 * math.log2(persons / MANY), today.numbers, persons=persons)
    if len(today.run) >= LONG_RUN:
        score = 2.5 + 2.0 * math.log2(len(today.run) / LONG_RUN)
        today.note("sequence", score, today.run, persons=len(today.run), beside=today.beside)
    if sight.returned >= OFTEN and not sight.others:
        today.note("returns", 1.0 + 0.5 * (sight.returned - OFTEN), [sight.number], days=sight.returned + 1)
    if sight.others >= CROWD:
        today.note("crowd", 3.0 + 0.8 * (sight.others - CROWD), [sight.number], others=sight.others)


def _count(today: Today, kind: Kind, sight: Sight) -> int:
    before = today.found.get(kind)
    return len({*before.numbers, sight.number}) if before else 1
