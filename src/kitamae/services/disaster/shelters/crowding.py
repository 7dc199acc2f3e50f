"""How full shelters are: bands by the city's thresholds, totals, and what somebody should look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from kitamae.sdk.sheltering import Sheltering
    from kitamae.services.disaster.shelters.shelter import Count, Shelter

Band = Literal["free", "busy", "crowded", "full", "unknown"]
"""空き, やや混雑, 混雑, 満; `unknown` where the count or the room is not known: never free."""
BANDS: Final[tuple[Band, ...]] = ("free", "busy", "crowded", "full")
Concern = Literal["over", "stale", "unlikely", "agreement-over", "agreement-ends"]
_SOON: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the shelters that are open. `people`: of those that were counted; `uncounted`: how many were not; `at` of the newest report."""

    open: int
    people: int
    uncounted: int
    over: int
    kinds: Counter[str]
    at: datetime | None


def band(count: Count, rules: Sheltering) -> Band:
    """In which band so many people of so much room are."""
    if count.people is None or not count.room:
        return "unknown"
    share = 100 * count.people
    return BANDS[sum(share >= bound * count.room for bound in rules.bands)]


def indoors(one: Shelter) -> Count:
    """What its band is about: everybody, without those who are counted outdoors where there is room indoors."""
    outside = one.spaces.get("屋外")
    if one.count.people is None or outside is None or outside.people is None or not _room(one, "屋内"):
        return one.count
    return type(one.count)(max(0, one.count.people - outside.people), one.count.at, one.count.room)


def current(one: Shelter, rules: Sheltering, now: datetime) -> Shelter:
    """As everybody is told of it: a count of before the present opening, or older than `stale_hours`, says nothing of now, and one of
    more than `most` (programs write too) is not believed. `now` in UTC.
    """
    oldest = now - timedelta(hours=rules.stale_hours)
    if begun := one.opened or one.since:
        oldest = max(oldest, begun)

    def fresh(count: Count) -> Count:
        believed = count.people is not None and count.people <= rules.most
        return count if believed and count.at and count.at >= oldest else replace(count, people=None, at=None)

    spaces = {name: fresh(count) for name, count in one.spaces.items()}
    needs = {name: fresh(count) for name, count in one.needs.items()}
    return replace(
        one,
        count=fresh(one.count),
        spaces={name: count for name, count in spaces.items() if (count.people, count.room) != (None, None)},
        needs={name: count for name, count in needs.items() if count.people is not None},
    )


def over(one: Shelter) -> bool:
    """More people than there is room for."""
    count = indoors(one)
    return count.people is not None and bool(count.room) and count.people > (count.room or 0)


def totals(shelters: Iterable[Shelter]) -> Totals:
    """Of all, closed ones too, as they are `current`."""
    opened = [one for one in shelters if one.is_open]
    return Totals(
        open=len(opened),
        people=sum(one.count.people or 0 for one in opened),
        uncounted=sum(one.count.people is None for one in opened),
        over=sum(over(one) for one in opened),
        kinds=Counter(one.kind for one in opened),
        at=max((one.at for one in opened if one.at), default=None),
    )


def concerns(one: Shelter, rules: Sheltering, now: datetime, today: date) -> list[Concern]:
    """Why the desk should look at it, from all that was reported of it. `now` in UTC, `today` in the city."""
    found: list[Concern] = []
    told = current(one, rules, now)
    if one.is_open and over(told):
        found.append("over")
    if one.is_open and one.count.people is not None and told.count.people is None:
        found.append("stale" if one.count.people <= rules.most else "unlikely")
    if one.until is not None and one.is_open:
        if one.until < today:
            found.append("agreement-over")
        elif one.until <= today + _SOON:
            found.append("agreement-ends")
    return found


def in_order(shelters: Iterable[Shelter], rules: Sheltering) -> list[Shelter]:
    """As they are `current`: the open ones first, those with room before those without; then by name."""
    rank = {one: n for n, one in enumerate((*BANDS[:3], "unknown", "full"))}
    return sorted(shelters, key=lambda one: (not one.is_open, rank[band(indoors(one), rules)], one.name))


def found(shelters: Sequence[Shelter], text: str) -> list[Shelter]:
    """Those whose name holds the text."""
    wanted = text.strip().casefold()
    return [one for one in shelters if wanted in one.name.casefold()]


def _room(one: Shelter, space: str) -> int | None:
    known = one.spaces.get(space)
    return known.room if known else None
