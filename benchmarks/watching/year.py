"""A year of proper work: who looks at whom, when and why. Times in microseconds UTC; days are Japan's."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from benchmarks.watching.town import Town
from kitamae.kernel.calendar import Calendar

SECOND = 1_000_000
FIRST = date(2025, 4, 1)
DAYS = 365
_CALENDAR = Calendar()


class Look(NamedTuple):
    """`incident`: the number of the misuse that it is part of, -1 for proper work. `duty`: whether the purpose is part of his work."""

    at: int
    who: str
    person: int
    purpose: str
    agreed: bool = True
    duty: bool = True
    incident: int = -1


@dataclass
class Role:
    """`a_day`: persons or cases; `way`: how they are worked on; `season`: month -> how much more."""

    purpose: str
    staff: int
    a_day: float
    way: str
    season: dict[int, float] = field(default_factory=dict)
    consent: bool = False


ROLES = {
    "市民課": Role("residence", 24, 30, "counter", {3: 1.8, 4: 1.7}),
    "税務課": Role("tax", 18, 22, "list", {2: 2.4, 3: 2.2, 6: 1.5}),
    "保険年金課": Role("insurance", 12, 24, "mixed", {4: 1.3, 7: 1.6}),
    "福祉課": Role("welfare", 16, 9, "cases"),
    "長寿課": Role("care", 10, 11, "cases"),
    "子育て課": Role("childcare", 10, 13, "counter", {10: 1.3, 11: 1.8, 4: 1.3}),
    "健康課": Role("health", 8, 12, "list", {5: 1.6, 6: 1.9, 10: 1.7}, consent=True),
    "支所": Role("residence", 12, 14, "counter", {3: 1.5, 4: 1.5}),
}


@dataclass
class Clerk:
    """`home`: the person that he is, None where he lives elsewhere. `clients`: whom he looks after."""

    ref: str
    role: str
    home: int | None
    pace: float
    late: float  # how often he stays late
    clients: list[int]


@dataclass
class Year:
    """Everything that happened. `kinds`: of incidents, by number."""

    town: Town
    clerks: list[Clerk] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    floods: list[int] = field(default_factory=list)  # days


def moment(day: int, seconds: float) -> int:
    """Microseconds UTC of seconds after midnight in Japan on a day of the year."""
    midnight = (FIRST - date(1970, 1, 1)).days * 86_400 - 9 * 3_600
    return int((midnight + day * 86_400 + seconds) * SECOND)


def month(day: int) -> int:
    """1 to 12."""
    return (FIRST + timedelta(days=day)).month


def open_on(day: int) -> bool:
    """Whether the counters are."""
    return not _CALENDAR.off(FIRST + timedelta(days=day))


def poisson(random: Random, mean: float) -> int:
    """A count around `mean`."""
    return max(0, round(random.gauss(mean, math.sqrt(mean)))) if mean > 0 else 0


def work(town: Town, random: Random) -> Year:
    """The proper part of a year, not yet in order."""
    year = Year(town)
    for name, role in ROLES.items():
        for _ in range(role.staff):
            year.clerks.append(_clerk(len(year.clerks), name, town, random))
    for _ in range(2):
        first = random.randrange(60, 240)
        year.floods += range(first, first + random.randint(4, 9))
    night = random.sample(year.clerks, 30)
    helped: dict[str, tuple[int, int]] = {}
    for day in range(DAYS):
        if day in (0, 183):
            _transfer(year, town, random, 0.15 if day == 0 else 0.04)
        if open_on(day):
            if month(day) in (2, 3) and random.random() < 0.05:
                someone = random.choice([one for one in year.clerks if one.role != "税務課"])
                helped[someone.ref] = (day, day + random.randint(5, 15))
            for clerk in year.clerks:
                if random.random() < 0.92:  # else on leave, or on a course
                    _at_work(year, clerk, day, helped.get(clerk.ref), random)
        _at_night(year, random.choice(night), day, random)
        if day in year.floods:
            _flood(year, day, random)
        _programs(year, day, random)
    return year


def _clerk(number: int, role: str, town: Town, random: Random) -> Clerk:
    home = random.randrange(len(town.household)) if random.random() < 0.85 else None
    clients = random.sample(range(len(town.household)), random.randint(45, 85))
    return Clerk(
        f"staff-{number:03}", role, home, random.lognormvariate(0, 0.25), random.random() ** 3, clients
    )


def _transfer(year: Year, town: Town, random: Random, share: float) -> None:
    for clerk in random.sample(year.clerks, int(len(year.clerks) * share)):
        clerk.role = random.choice(list(ROLES))
        clerk.clients = random.sample(range(len(town.household)), random.randint(45, 85))


def _at_work(year: Year, clerk: Clerk, day: int, helps: tuple[int, int] | None, random: Random) -> None:
    role = ROLES[clerk.role]
    busy = role.season.get(month(day), 1.0)
    monday = 1.25 if (FIRST + timedelta(days=day)).weekday() == 0 else 1.0
    count = poisson(random, role.a_day * clerk.pace * busy * monday)
    way = random.choice(("counter", "list")) if role.way == "mixed" else role.way
    if way == "counter":
        _counter(year, clerk, day, count, random)
    elif way == "list":
        _list(year, clerk, day, count, role, random)
    else:
        _cases(year, clerk, day, count, random)
    if (
        helps and helps[0] <= day <= helps[1]
    ):  # 応援: the work of another office; the list of duties is often late
        known = day - helps[0] >= 2
        start = random.uniform(13, 15) * 3_600
        _run(year, clerk, day, start, poisson(random, 18), "tax", random, duty=known)
    if random.random() < 0.02 + 0.25 * clerk.late * (busy > 1.3) + 0.04 * clerk.late:  # stays late
        start = random.uniform(17.5, 20) * 3_600
        _run(year, clerk, day, start, poisson(random, count / 4), role.purpose, random)
    if busy > 2 and clerk.late > 0.5 and random.random() < 0.1:  # and comes on the free day that follows
        start = random.uniform(9, 14) * 3_600
        _run(year, clerk, day + 1, start, poisson(random, count / 2), role.purpose, random)


def _counter(year: Year, clerk: Clerk, day: int, count: int, random: Random) -> None:
    """People come, often for the whole household; a search finds namesakes as well; now and then somebody knows his own clerk."""
    town, purpose = year.town, ROLES[clerk.role].purpose
    done = 0
    while done < count:
        at = moment(day, random.triangular(8.5, 17.3, 10.5) * 3_600)
        person = random.randrange(len(town.household))
        if clerk.home is not None and random.random() < 0.0006:
            person = random.choice(town.streets[town.block[clerk.home]])
        if random.random() < 0.25:
            same = town.named[town.family[person]]
            for one in random.sample(same, min(len(same), random.randint(1, 5))):
                year.looks.append(Look(at, clerk.ref, one, purpose))
        home = town.homes[town.household[person]]
        those = home if random.random() < 0.2 else [person]
        for one in those:
            year.looks.append(Look(at, clerk.ref, one, purpose))
            at += int(random.uniform(8, 120) * SECOND)
        if random.random() < 0.1:  # comes back with what was missing
            later = at + int(random.uniform(0.5, 4) * 3_600 * SECOND)
            year.looks.append(Look(later, clerk.ref, person, purpose))
        done += len(those)


def _list(year: Year, clerk: Clerk, day: int, count: int, role: Role, random: Random) -> None:
    """Applications and returns are worked off, mostly in no order, at times street by street."""
    for hour in (9, 13) if count > 12 else (random.choice((9, 10, 13, 14)),):
        start = (hour + random.random()) * 3_600
        share = count // 2 if count > 12 else count
        _run(year, clerk, day, start, share, role.purpose, random, streets=random.random() < 0.15)


def _run(
    year: Year, clerk: Clerk, day: int, start: float, count: int, purpose: str, random: Random,
    *, duty: bool = True, streets: bool = False,
) -> None:  # fmt: skip
    town, seconds = year.town, start
    some = _along(town, random, count) if streets else random.choices(range(len(town.household)), k=count)
    for person in some:
        year.looks.append(Look(moment(day, seconds), clerk.ref, person, purpose, duty=duty))
        seconds += random.lognormvariate(math.log(110), 0.8)


def _along(town: Town, random: Random, count: int) -> list[int]:
    """Persons as they live beside each other."""
    first = random.randrange(len(town.household) - 1)
    return [(first + step) % len(town.household) for step in range(count)]


def _cases(year: Year, clerk: Clerk, day: int, count: int, random: Random) -> None:
    """The same clients again and again, some much more often than others, with those who live with them."""
    town, purpose = year.town, ROLES[clerk.role].purpose
    weights = [1 / (rank + 4) for rank in range(len(clerk.clients))]
    for person in random.choices(clerk.clients, weights, k=count):
        at = moment(day, random.uniform(8.6, 17.2) * 3_600)
        year.looks.append(Look(at, clerk.ref, person, purpose))
        if random.random() < 0.3:
            for one in town.homes[town.household[person]]:
                at += int(random.uniform(15, 200) * SECOND)
                year.looks.append(Look(at, clerk.ref, one, purpose))
    if random.random() < 0.01:  # a client goes, another comes
        clerk.clients[random.randrange(len(clerk.clients))] = random.randrange(len(town.household))


def _at_night(year: Year, clerk: Clerk, day: int, random: Random) -> None:
    """Night duty: deaths, births, somebody who is lost."""
    for _ in range(poisson(random, 1.2)):
        at = moment(day, 19.5 * 3_600 + random.uniform(0, 11) * 3_600)
        year.looks.append(Look(at, clerk.ref, random.randrange(len(year.town.household)), "residence"))


def _flood(year: Year, day: int, random: Random) -> None:
    """Who is safe? Many of all offices, at all hours."""
    for clerk in random.sample(year.clerks, 35):
        start = random.uniform(0, 22) * 3_600
        _run(year, clerk, day, start, poisson(random, 35), "disaster", random, streets=random.random() < 0.6)


def _programs(year: Year, day: int, random: Random) -> None:
    """What runs by itself each night."""
    for name, purpose in (("token-a", "insurance"), ("token-b", "tax")):
        many = poisson(random, 90 if name == "token-a" else 40 if day % 30 else 600)
        at = moment(day, 2 * 3_600)
        for person in random.choices(range(len(year.town.household)), k=many):
            year.looks.append(Look(at, name, person, purpose))
            at += 200_000
