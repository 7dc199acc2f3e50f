"""What the policy hears of a member of staff: which desks and purposes are his duty now, and which he took in an emergency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people.duties import steps
from kitamae.kernel.people.duties.records import EMERGENCY, FOUNDED, Founded, Taken
from kitamae.kernel.people.person import EVERYWHERE, HOME
from kitamae.kernel.people.records import TENANT, Person

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kitamae.kernel.context.store import Reader
    from kitamae.kernel.people.duties.plan import Plan


@dataclass(frozen=True, slots=True)
class Standing:
    """`covers` and `emergency`: (tenant, or EVERYWHERE, `desk:…` or `purpose:…`). `founder`: the first account, which does every
    desk's work until two persons were given the staff desk where he is. `again`: when this changes by itself, microseconds UTC.
    """

    covers: frozenset[tuple[str, str]] = frozenset()
    emergency: frozenset[tuple[str, str]] = frozenset()
    left: bool = False
    founder: bool = False
    again: int | None = None

    def does(self, desk: str, tenants: Iterable[str]) -> bool:
        """Whether that desk's work is his in each of these tenants."""
        what = f"desk:{desk}"
        return all((one, what) in self.covers or (EVERYWHERE, what) in self.covers for one in tenants)


async def standing(store: Reader, plan: Plan, ref: str, now: int) -> Standing:
    """Of the member of staff with this reference, at `now`. Inside a transaction it is what holds there."""
    kept = cast("steps.Kept | None", await store.get(TENANT, steps.KIND, ref))
    at = steps.state(kept["steps"] if kept else (), now)
    if at.left:
        return Standing(left=True, again=at.again)
    covers = {
        (tenant, what)
        for one in at.held
        if (duty := plan.get(one.duty))
        for what in duty.covers()
        for tenant in one.tenants
    }
    taken: Any = await store.get(TENANT, EMERGENCY, ref)
    open_ = running(taken["taken"] if taken else (), now)
    founder, founded = await _founder(store, ref, now)
    if founder:
        covers |= {(EVERYWHERE, f"desk:{desk}") for desk in plan.desks}
    moments = [at.again, founded, *(clock.micros(one["until"]) for one in open_)]
    return Standing(
        frozenset(covers),
        frozenset((one["tenant"], one["what"]) for one in open_),
        founder=founder,
        again=min((one for one in moments if one is not None), default=None),
    )


def running(taken: Sequence[Taken], now: int) -> list[Taken]:
    """Those that nobody ended and that have not ended by themselves."""
    return [one for one in taken if one["ended"] is None and clock.micros(one["until"]) > now]


async def _founder(store: Reader, ref: str, now: int) -> tuple[bool, int | None]:
    """Whether he is the founder, and until when, where that is decided."""
    person = cast("Person | None", await store.get(TENANT, "person", ref))
    if person is None or not person.get("first"):
        return False, None
    founded = cast("Founded | None", await store.get(TENANT, *FOUNDED))
    at = founded_at(founded, person.get("tenants", [HOME]))
    return (True, at) if at is None or at > now else (False, None)


def founded_at(founded: Founded | None, tenants: Iterable[str]) -> int | None:
    """From when on two persons were given the staff desk in one of the founder's `tenants`, microseconds UTC: then they decide for
    each other. None: not yet; who has that desk elsewhere decides nothing here.
    """
    first: dict[str, int] = {}
    for one in founded["given"] if founded else ():
        if not {EVERYWHERE, *tenants}.isdisjoint(one.get("tenants", [HOME])):
            first[one["person"]] = min(clock.micros(one["at"]), first.get(one["person"], 1 << 62))
    return sorted(first.values())[1] if len(first) > 1 else None
