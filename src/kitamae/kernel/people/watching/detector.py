"""The score of somebody's day: rules first, then what is usual for him and for those who do the same work.

What is usual works both ways. It takes weight from a rule where that is the work (night duty, a list that is worked off, a
flood in which everybody is there at night), and adds it where no rule is broken and the day is unlike all others.

Deterministic: the same looks in the same order give the same flags, however they arrive. The state that outlives a day is
`habits`; the day that is going on is made again by feeding its looks once more.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from kitamae.kernel.people.watching import hours, rules
from kitamae.kernel.people.watching.habit import ENOUGH, Feature, Habit, Past, Usual, usual
from kitamae.kernel.people.watching.rules import FLAGS, Kind, Reason, Today
from kitamae.kernel.people.watching.sight import STAFF

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.calendar import Calendar
    from kitamae.kernel.people.watching.sight import Sight

NIGHTS: Final = 3
"""Days at off hours within four weeks that make them somebody's hours."""
TOGETHER: Final = 4
"""Others who are there at the same unusual hours: then something has happened."""
SPAN: Final = 10
"""Days over which a little more each day adds up."""
_FOUR_WEEKS: Final = 28
_PEERS: Final = 3
_RECENT: Final = 6  # past days of each colleague that a newcomer is judged by
_USUAL: Final[dict[Kind, Feature]] = {
    "volume": "persons", "pace": "busiest", "sequence": "run", "returns": "returns",
}  # fmt: skip
_FROM: Final[dict[Kind, float]] = {"volume": 2.8, "pace": 3.5, "sequence": 2.5, "returns": 3.0, "drift": 2.5}
_WEIGHT: Final[dict[Kind, float]] = {
    "volume": 2.0,
    "pace": 1.0,
    "sequence": 1.3,
    "returns": 1.5,
    "drift": 1.5,
}
"""Spreads above the middle from which on it counts, and how much each further one does."""


class Flagging(NamedTuple):
    """A day of somebody that is to be flagged; told again whenever more is known of it. Reasons: the strongest first."""

    who: str
    day: int
    score: float
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class Detector:
    """`baseline` False: the rules alone. `flags`: the score from which on a day is flagged. `calendar`: when the town hall is closed."""

    baseline: bool = True
    flags: float = FLAGS
    calendar: Calendar = hours.USUAL
    habits: dict[str, Habit] = field(default_factory=lambda: defaultdict(Habit))
    day: int = 0
    changed: set[str] = field(default_factory=set)  # whose habit is not what it was
    _today: dict[str, Today] = field(default_factory=dict)
    _usual: dict[tuple[str, str, Feature], Usual | None] = field(default_factory=dict)
    _shift: dict[tuple[str, Feature], tuple[int, float]] = field(default_factory=dict)
    _late: dict[str, float] = field(default_factory=dict)
    _asked: int = 0

    def feed(self, sight: Sight) -> Flagging | None:
        """One more look; the flag of that day where there is one, or more of one."""
        self.turn(hours.day(sight.at))
        today = self._today.get(sight.who)
        if today is None:
            today = self._today[sight.who] = Today(sight.who, self.day, self.calendar)
        before = today.found.copy()
        new = today.add(sight)
        rules.judge(sight, today, new)
        if self.baseline:
            self._novelty(sight, today)
            self._beyond(sight, today, new)
        if today.found == before:
            return None
        reasons = self._weighed(today) if self.baseline else list(today.found.values())
        score = sum(one.score for one in reasons)
        if score < self.flags:
            return None
        return Flagging(
            sight.who,
            self.day,
            round(score, 1),
            tuple(sorted((one for one in reasons if one.score > 0), key=lambda one: -one.score)),
        )

    def turn(self, day: int) -> None:
        """A new day: those before it become habits. An earlier one (clocks differ a little) counts as today."""
        if day <= self.day:
            return
        beyond = {one.who: round(10 * self._above(one)) for one in self._today.values()}
        for who, today in self._today.items():
            past = Past(
                *(today.day, today.purpose, len(today.persons), today.busiest, today.longest),
                *(today.returns, len(today.off_persons), beyond[who]),
            )
            self.habits[who].add(past, today.purposes)
            self.changed.add(who)
        self.day, self._today = day, {}
        self._usual, self._shift, self._late = {}, {}, {}

    # --- what is usual
    def _novelty(self, sight: Sight, today: Today) -> None:
        """Duties are not known, and in all his days he never looked for that."""
        habit = self.habits.get(sight.who)
        if (
            sight.duties is None
            and habit
            and len(habit.days) >= 2 * ENOUGH
            and not habit.purposes[sight.purpose]
        ):
            today.note("new-purpose", 2.0, [sight.number], count=today.purposes[sight.purpose])

    def _beyond(self, sight: Sight, today: Today, new: bool) -> None:
        """More than he, and those who do the same work, ever do."""
        if new:
            self._compare(today, "volume", len(today.persons), today.numbers)
            self._drifts(today)
            self._compare(today, "pace", today.busiest, today.numbers[-today.busiest :])
            if len(today.run) > 2:
                self._compare(today, "sequence", len(today.run), today.run)
        if sight.returned and sight.returned == today.returns:
            self._compare(today, "returns", sight.returned, [sight.number])

    def _compare(self, today: Today, kind: Kind, count: int, numbers: list[int]) -> None:
        feature = _USUAL[kind]
        found = self._of(today.who, today.purpose, feature)
        if found is None or found.beyond(count) <= _FROM[kind]:
            return
        shift = self._shifted(today.purpose, feature, today.who) if kind in ("volume", "pace") else 0.0
        score = _WEIGHT[kind] * (found.beyond(count, shift) - _FROM[kind])
        usually = round(math.exp(found.middle + shift) - 1)
        figures = {"days": count + 1} if kind == "returns" else {"persons": count, "usual": max(usually, 0)}
        if kind == "sequence":
            figures["beside"] = today.beside
        today.note(kind, score, numbers, **figures)

    def _above(self, today: Today) -> float:
        """How many spreads more persons than usual, when the season is allowed for."""
        found = self._of(today.who, today.purpose, "persons") if self.baseline else None
        if found is None:
            return 0.0
        return found.beyond(len(today.persons), self._shifted(today.purpose, "persons", today.who))

    def _drifts(self, today: Today) -> None:
        """Somewhat more than usual, day after day: no day stands out, and their sum does."""
        habit = self.habits.get(today.who)
        if habit is None or len(habit.days) < 2 * SPAN:
            return
        above = [min(3.0, one.beyond / 10) for one in habit.days[1 - SPAN :]]
        if sum(above) / math.sqrt(SPAN) <= _FROM["drift"] - 1:
            return
        total = (sum(above) + min(3.0, self._above(today))) / math.sqrt(SPAN)
        score = _WEIGHT["drift"] * (total - _FROM["drift"])
        today.note("drift", score, today.numbers, days=SPAN, persons=len(today.persons))

    def _of(self, who: str, purpose: str, feature: Feature) -> Usual | None:
        """His own, else his role's: what those did lately who look for the same purpose."""
        key = (who, purpose, feature)
        if key not in self._usual:
            found = usual(feature, self.habits[who].of(purpose) if who in self.habits else ())
            self._usual[key] = found or self._role(purpose, feature)
        return self._usual[key]

    def _role(self, purpose: str, feature: Feature) -> Usual | None:
        key = ("", purpose, feature)
        if key not in self._usual:
            days = [past for habit in self.habits.values() for past in habit.of(purpose)[-_RECENT:]]
            self._usual[key] = usual(feature, days)
        return self._usual[key]

    def _shifted(self, purpose: str, feature: Feature, but: str) -> float:
        """By how much everybody of that role is above his own middle these days: a season, a disaster."""
        self._asked += 1
        key = (purpose, feature)
        known = self._shift.get(key)
        if known is None or self._asked - known[0] > 50:
            now, lately = [], []
            for who, habit in self.habits.items():
                own = habit.of(purpose)
                found = self._of(who, purpose, feature) if len(own) >= ENOUGH else None
                if found is None or who == but:
                    continue
                lately += [found.beyond(getattr(one, feature)) * found.spread for one in own[-3:]]
                if (today := self._today.get(who)) is not None:
                    count = len(today.persons) if feature == "persons" else today.busiest
                    now.append(found.beyond(count) * found.spread)
            shifts = [median(some) for some in (now, lately) if len(some) >= _PEERS]
            known = self._shift[key] = (self._asked, max([0.0, *shifts]))
        return known[1]

    def _weighed(self, today: Today) -> list[Reason]:
        """The reasons with the weight that they have for him, in his work, today."""
        habit = self.habits.get(today.who) or Habit()
        weighed = []
        for one in today.found.values():
            weight = 1.0
            if one.kind == "off-hours":
                weight = self._at_night(today, habit)
            elif one.kind == "off-purpose" and habit.purposes[today.purpose] and self._helped(today):
                weight = 0.6
            elif one.kind in ("volume", "sequence", "returns"):
                weight = self._ordinary(today, one, habit)
            weighed.append(one._replace(score=one.score * weight))
        return weighed

    def _at_night(self, today: Today, habit: Habit) -> float:
        """Less where these are his hours or his office's, or where something has happened and many are there."""
        if habit.nights(today.day - _FOUR_WEEKS) >= NIGHTS:
            return 0.2
        others = sum(bool(one.off) for one in self._today.values() if one.who.startswith(STAFF)) - 1
        if others >= TOGETHER:
            return 0.25
        colleagues = self._share(today.purpose)
        own = (habit.nights(0) + colleagues * ENOUGH) / (len(habit.days) + ENOUGH)
        return min(1.2, max(0.3, -math.log10(own + 1e-3) / 2))

    def _share(self, purpose: str) -> float:
        """On which share of their days those who do that work looked off hours."""
        if purpose not in self._late:
            days = [past for habit in self.habits.values() for past in habit.of(purpose)]
            self._late[purpose] = (sum(one.off > 0 for one in days) + 1) / (len(days) + 20)
        return self._late[purpose]

    def _helped(self, today: Today) -> bool:
        """Others do that too today although it is not theirs: help was sent."""
        return sum("off-purpose" in one.found for one in self._today.values()) > TOGETHER

    def _ordinary(self, today: Today, reason: Reason, habit: Habit) -> float:
        """A rule's number that is within what he usually does says nothing."""
        feature = _USUAL[reason.kind]
        count = reason.figures["days"] - 1 if reason.kind == "returns" else reason.figures["persons"]
        found = self._of(today.who, today.purpose, feature)
        if found is None:
            return 1.0
        shift = self._shifted(today.purpose, feature, today.who) if reason.kind == "volume" else 0.0
        return 1.0 if found.beyond(count, shift) > _FROM[reason.kind] else 0.2


def kinds(reasons: Iterable[Reason]) -> frozenset[Kind]:
    """Which there are."""
    return frozenset(one.kind for one in reasons)
