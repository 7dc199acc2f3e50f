"""What should not have been done: each kind as people are known to do it, on ordinary days, between their proper work."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from random import Random

from benchmarks.watching.year import DAYS, ROLES, SECOND, Clerk, Look, Year, moment, open_on

EACH = 12
"""Incidents of each kind in the year."""
_BEGIN = 45
"""A detector that learns has seen six weeks of the year by then."""


def plant(year: Year, random: Random) -> None:
    """Add incidents of every kind to the year."""
    for kind, how in KINDS.items():
        done = 0
        while done < EACH:
            clerk, day = random.choice(year.clerks), random.randrange(_BEGIN, DAYS - 30)
            if open_on(day) and (looks := list(how(year, clerk, day, random))):
                number = len(year.kinds)
                year.kinds.append(kind)
                year.looks += [one._replace(incident=number) for one in looks]
                done += 1


def _anybody(year: Year, random: Random) -> int:
    return random.randrange(len(year.town.household))


def _in_hours(day: int, random: Random) -> int:
    return moment(day, random.uniform(8.7, 17.0) * 3_600)


def _look(clerk: Clerk, at: int, person: int, **more: object) -> Look:
    return Look(at, clerk.ref, person, ROLES[clerk.role].purpose)._replace(**more)


def no_consent(year: Year, clerk: Clerk, day: int, random: Random) -> Iterable[Look]:
    """The person had withdrawn it."""
    for _ in range(random.randint(1, 3)):
        at = _in_hours(day, random)
        yield Look(at, clerk.ref, _anybody(year, random), "health", agreed=False)


def off_purpose(year: Year, clerk: Clerk, day: int, random: Random) -> Iterable[Look]:
    """What another office is for: out of curiosity, or for a favour."""
    other = random.choice([one.purpose for one in ROLES.values() if one.purpose != ROLES[clerk.role].purpose])
    for _ in range(random.randint(1, 5)):
        yield Look(_in_hours(day, random), clerk.ref, _anybody(year, random), other, duty=False)


def off_hours(year: Year, clerk: Clerk, day: int, random: Random) -> Iterable[Look]:
    """Before the counters open or after they close, from the hour on at which others stay late for their work."""
    start = random.choice((random.uniform(17.5, 23.5), random.uniform(5, 8.3))) * 3_600
    for _ in range(random.randint(2, 25)):
        yield _look(clerk, moment(day, start), _anybody(year, random))
        start += random.uniform(15, 240)


def volume(year: Year, clerk: Clerk, day: int, random: Random) -> Iterable[Look]:
    """A list to sell, taken between the day's work."""
    for _ in range(int(math.exp(random.uniform(math.log(40), math.log(500))))):
        yield _look(clerk, _in_hours(day, random), _anybody(year, random))


def _of_own(choose: Callable[[Year, int, Random], list[int]]) -> Callable[..., Iterable[Look]]:
    def how(year: Year, clerk: Clerk, day: int, random: Random) -> Iterable[Look]:
        """One to four looks at somebody of his own."""
        if clerk.home is None or not (some := choose(year, clerk.home, random)):
            return
        person = random.choice(some)
        for _ in range(random.randint(1, 4)):
            yield _look(clerk, _in_hours(day, random), person)

    return how


def _family(year: Year, home: int, random: Random) -> list[int]:
    return year.town.homes[year.town.household[home]]


def _relatives(year: Year, home: int, random: Random) -> list[int]:
    """They bear the name and live elsewhere; in a large family half of them would not be known to anybody."""
    town = year.town
    some = [one for one in town.named[town.family[home]] if town.household[one] != town.household[home]]
    return some if len(some) < 200 else []


def _neighbours(year: Year, home: int, random: Random) -> list[int]:
    town = year.town
    return [one for one in town.streets[town.block[home]] if town.household[one] != town.household[home]]


def sequence(year: Year, clerk: Clerk, day: int, random: Random) -> Iterable[Look]:
    """Turns the pages of a street."""
    at, first = _in_hours(day, random), _anybody(year, random)
    for step in range(random.randint(12, 60)):
        yield _look(clerk, at, (first + step) % len(year.town.household))
        at += int(random.uniform(4, 35) * SECOND)


def stalking(year: Year, clerk: Clerk, day: int, random: Random) -> Iterable[Look]:
    """The same person again and again, whom nobody asked him to look after."""
    person = _anybody(year, random)
    for _ in range(random.randint(4, 15)):
        while not open_on(day % DAYS):
            day += 1
        if day >= DAYS:
            return
        yield _look(clerk, _in_hours(day, random), person)
        day += random.randint(1, 3)


def in_the_news(year: Year, clerk: Clerk, day: int, random: Random) -> Iterable[Look]:
    """Somebody whom everybody talks about."""
    person = _anybody(year, random)
    for one in random.sample(year.clerks, random.randint(4, 14)):
        then = day + random.choice((0, 0, 1, 2))
        while not open_on(then):
            then += 1
        yield _look(one, _in_hours(then, random), person)


def slowly(year: Year, clerk: Clerk, day: int, random: Random) -> Iterable[Look]:
    """A few more persons each day, for weeks."""
    for later in range(random.randint(10, 30)):
        if open_on(min(day + later, DAYS - 1)) and day + later < DAYS:
            for _ in range(random.randint(5, 14)):
                yield _look(clerk, _in_hours(day + later, random), _anybody(year, random))


KINDS: dict[str, Callable[..., Iterable[Look]]] = {
    "without consent": no_consent,
    "off purpose": off_purpose,
    "off hours": off_hours,
    "volume": volume,
    "own household, or oneself": _of_own(_family),
    "relatives elsewhere": _of_own(_relatives),
    "neighbours": _of_own(_neighbours),
    "one after another": sequence,
    "the same person again and again": stalking,
    "somebody in the news": in_the_news,
    "a few more each day": slowly,
}
