"""Money: whole yen, and one rounding rule. A fraction of a yen is dropped (端数切り捨て, towards zero), once per line and once for the tax
of a statement, so that a statement and its correction by the same amounts come to nothing.

The fee plan is the city's (`[[providers.plans]]` in city.toml): サービス利用料 (a base per month, a free allowance, a price per 1,000
requests above it) and 協議会負担金 (yearly, by the kind of provider, in so many equal parts).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kitamae.kernel.people.providers.records import Counts, Line, Sort

_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Plan:
    """Yen without tax. `counts`: which kinds of use are charged. `prorated`: the base of a month in which the contract holds only for
    some days is that part of it. `tax`: consumption tax in percent. `council`: a year's 協議会負担金 by kind of provider, paid in `parts`
    equal parts beginning with the month `council_from`; `council_taxed`: whether tax is on it.
    """

    id: str
    name: Mapping[str, str] = field(default_factory=dict)
    base: int = 0
    free: int = 0
    per_thousand: int = 0
    counts: tuple[str, ...] = ("read", "write")
    prorated: bool = True
    tax: int = 0
    council: Mapping[str, int] = field(default_factory=dict)
    parts: int = 1
    council_from: int = 4
    council_taxed: bool = False

    def as_json(self) -> dict[str, Any]:
        """For a statement, which keeps the plan that it was made by."""
        return {**asdict(self), "counts": list(self.counts)}


class Sum(NamedTuple):
    """Yen: without tax, the tax, both."""

    net: int
    tax: int
    total: int


def charged(plan: Plan, used: Counts) -> int:
    """Requests that are paid for: what the city answered with an error of its own is none of them."""
    asked = sum(int(used[one]) for one in ("read", "write", "notification") if one in plan.counts)
    return max(0, asked - (used["failed"] if {"read", "write"} & set(plan.counts) else 0))


def lines(plan: Plan, used: Counts, days: int, of_days: int) -> list[Line]:
    """サービス利用料 of one contract for a month of `of_days` days, on `days` of which it was in force."""
    found: list[Line] = []
    if plan.base:
        part = days if plan.prorated else of_days
        told: dict[str, Any] = {"base": plan.base, "days": part, "ofDays": of_days}
        found.append({"what": "base", "yen": dropped(plan.base * part, of_days), "taxed": True, "told": told})
    if plan.per_thousand:
        requests = charged(plan, used)
        above = max(0, requests - plan.free)
        told = {"requests": requests, "free": plan.free, "above": above, "perThousand": plan.per_thousand}
        found.append(
            {"what": "usage", "yen": dropped(above * plan.per_thousand, 1_000), "taxed": True, "told": told}
        )
    return found


def council(plan: Plan, sort: Sort, month: int) -> list[Line]:
    """協議会負担金 that falls due in that month (1 to 12); none in most, unless it is paid monthly."""
    year = plan.council.get(sort, 0)
    step = _MONTHS // plan.parts
    since = (month - plan.council_from) % _MONTHS
    if not year or since % step:
        return []
    part = since // step
    told: dict[str, Any] = {"year": year, "part": part + 1, "parts": plan.parts}
    return [
        {
            "what": "council",
            "yen": instalment(year, plan.parts, part),
            "taxed": plan.council_taxed,
            "told": told,
        }
    ]


def instalment(year: int, parts: int, part: int) -> int:
    """The part with that number (from 0): all parts together are the year's sum, to the yen."""
    return dropped(year * (part + 1), parts) - dropped(year * part, parts)


def total(found: Iterable[Line], tax: int) -> Sum:
    """The tax is worked out once, on what is taxed together."""
    kept = list(found)
    net = sum(one["yen"] for one in kept)
    due = dropped(sum(one["yen"] for one in kept if one["taxed"]) * tax, 100)
    return Sum(net, due, net + due)


def dropped(numerator: int, denominator: int) -> int:
    """The quotient without its fraction, towards zero. `denominator` is above zero."""
    whole = abs(numerator) // denominator
    return whole if numerator >= 0 else -whole
