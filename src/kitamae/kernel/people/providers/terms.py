"""What may stand in a contract of this city, and what somebody typed, checked against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from kitamae.kernel.people.approval import plain
from kitamae.kernel.problems import BadRequest
from kitamae.kernel.responsibility import PARTIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kitamae.kernel.people.providers.fees import Plan
    from kitamae.kernel.people.providers.records import Boundary, Said, Subcontractor, Version

LONGEST: Final = 5 * 366
"""Days of one version of a contract."""
MOST_MINUTE: Final = 100_000
MOST_DAY: Final = 100_000_000
_MANY: Final = 50
_One = TypeVar("_One")


@dataclass(frozen=True, slots=True)
class Terms:
    """`services`: id -> name by language; `purposes`: those for which a provider may read personal data, name -> title by language; `types`:
    entity types as the city's @context names them, `written` those that may be written; `expand` makes them IRIs. `plans`: fee plans; none: no fee is set.
    """

    services: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    purposes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    types: Sequence[str] = ()
    written: Sequence[str] = ()
    plans: Mapping[str, Plan] = field(default_factory=dict)
    expand: Callable[[str], str] = str

    def scopes(self, version: Version) -> frozenset[str]:
        """All that a key under this version may be for, as the policy compares it."""
        return (
            self.open(version, writes=True)
            | frozenset(f"read:person:{purpose}" for purpose in version["purposes"])
        )  # fmt: skip

    def open(self, version: Version, *, writes: bool) -> frozenset[str]:
        """Of what is about no person: reading what is limited, being notified, and writing."""
        found = {f"read:entity:{self.expand(one)}" for one in version["reads"]} | {"subscribe:subscription"}
        if writes:
            found |= {f"write:entity:{self.expand(one)}" for one in version["writes"]}
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the desk typed. `starts`, `ends`: dates (YYYY-MM-DD), both included. `minute`, `day`: requests."""

    title: str
    starts: str
    ends: str
    minute: int
    day: int
    security: str
    service: str = ""
    purposes: Sequence[str] = ()
    reads: Sequence[str] = ()
    writes: Sequence[str] = ()
    plan: str = ""
    subcontractors: Sequence[Subcontractor] = ()
    boundaries: Sequence[Boundary] = ()


def version(wish: Wish, terms: Terms, number: int, prepared: Said, today: date) -> Version:
    """Raises BadRequest naming what is wrong, HoldsMyNumber."""
    starts, ends = day(wish.starts, "starts"), day(wish.ends, "ends")
    if not today <= starts <= today + timedelta(LONGEST):
        raise BadRequest("starts: a contract begins today at the earliest, and within five years")
    if not starts <= ends <= starts + timedelta(LONGEST):
        raise BadRequest(f"ends: expected a day from {starts} on, and within five years of it")
    if wish.service and wish.service not in terms.services:
        raise BadRequest(f"service: expected one of {', '.join(terms.services)}, or none")
    if wish.plan not in terms.plans and (wish.plan or terms.plans):
        raise BadRequest(
            f"plan: expected one of {', '.join(terms.plans) or 'none: this city has set no fee'}"
        )
    if not 1 <= wish.minute <= MOST_MINUTE or not 1 <= wish.day <= MOST_DAY or wish.minute > wish.day:
        raise BadRequest(
            f"quota: expected 1 to {MOST_MINUTE:,} requests a minute, and as many to {MOST_DAY:,} a day"
        )
    return {
        "version": number,
        "title": plain("title", wish.title, 1, 200),
        "service": wish.service,
        "purposes": _some("purposes", wish.purposes, terms.purposes),
        "reads": _some("reads", wish.reads, terms.types),
        "writes": _some("writes", wish.writes, terms.written),
        "starts": starts.isoformat(),
        "ends": ends.isoformat(),
        "subcontractors": _subcontractors(wish.subcontractors),
        "boundaries": [_boundary(one) for one in _few("boundaries", wish.boundaries)],
        "minute": wish.minute,
        "day": wish.day,
        "plan": wish.plan,
        "security": plain("security", wish.security, 1, 200),
        "prepared": prepared,
    }


def day(text: str, name: str) -> date:
    """Raises BadRequest."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise BadRequest(f"{name}: expected a day such as 2027-04-01, got {text!r:.40}")


def _some(name: str, chosen: Sequence[str], known: Iterable[str]) -> list[str]:
    allowed = list(known)
    if beyond := sorted(set(chosen) - set(allowed)):
        raise BadRequest(
            f"{name}: {beyond[0]!r:.60} is none of {', '.join(allowed) or 'those that there are'}"
        )
    return sorted(set(chosen))


def _few(name: str, found: Sequence[_One]) -> Sequence[_One]:
    if len(found) > _MANY:
        raise BadRequest(f"{name}: at most {_MANY}")
    return found


def _subcontractors(told: Sequence[Subcontractor]) -> list[Subcontractor]:
    found: list[Subcontractor] = []
    for one in _few("subcontractors", told):
        under = plain("subcontractors", one["under"], most=200)
        if under and under not in [before["name"] for before in found]:
            raise BadRequest(
                f"subcontractors: {under!r:.60} is not named before, and so nobody stands under it"
            )
        found.append(
            {
                "name": plain("subcontractors", one["name"], 1, 200),
                "does": plain("subcontractors", one["does"], 1, 400),
                "under": under,
                "where": plain("subcontractors", one["where"], most=100),
            }
        )
    return found


def _boundary(one: Boundary) -> Boundary:
    party = one.get("of", "provider")
    if party not in PARTIES:
        raise BadRequest(f"boundaries: expected one of {', '.join(PARTIES)}, got {party!r:.40}")
    made: Boundary = {
        "of": party,
        "part": plain("boundaries", one["part"], 1, 200),
        "who": plain("boundaries", one["who"], 1, 200),
    }
    call = plain("boundaries", one.get("call", ""), most=400)
    return {**made, "call": call} if call else made
