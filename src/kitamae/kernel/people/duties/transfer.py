"""A change of duties: one person's, or 人事異動 of the whole town hall, of which all counts from one moment on, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypedDict, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import approval
from kitamae.kernel.people.duties.steps import ACCOUNT, Approved, Kept, Step, state
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.people.duties.plan import Plan
    from kitamae.kernel.people.duties.records import Leaf

MOST: Final = 2_000
"""Steps of one change."""
YEAR: Final = 366 * 86_400_000_000
_TITLE: Final = 200

Stands = Literal["asked", "refused", "expired", "withdrawn", "planned", "counts"]


class Transfer(TypedDict):
    """As it is kept. `effective`: the moment that was planned, None: as soon as it is approved; `counts`: from when on it
    does, None while it is not approved. `sections`: old and new 所属 by person. `second`: it needs a second person.
    `alone`: the founder, or whoever owns the data directory, did it without one. `gone`: who withdrew it after it was approved.
    """

    title: str
    by: str
    at: str
    effective: str | None
    steps: list[Step]
    sections: dict[str, list[str]]
    second: bool
    alone: bool
    undoes: str | None
    counts: str | None
    gone: str | None
    ledger: list[Leaf]


@dataclass(frozen=True, slots=True)
class Line:
    """What a change does to one person. `nothing`: steps that would change nothing, such as taking what is not held."""

    person: str
    sections: tuple[str, str]
    gives: tuple[Step, ...]
    takes: tuple[Step, ...]
    keeps: tuple[str, ...]
    nothing: tuple[Step, ...]


def stands(transfer: Transfer, asked: approval.Approval | None, now: int) -> Stands:
    """Where it stands at `now`, microseconds UTC."""
    if transfer["gone"]:
        return "withdrawn"
    if transfer["counts"] is not None:
        return "planned" if clock.micros(transfer["counts"]) > now else "counts"
    word = approval.word(asked, now) if asked else "withdrawn"
    return "asked" if word == "approved" else word


def check(plan: Plan, transfer: Transfer, now: int) -> None:
    """Raises BadRequest for a change that is none, or that nobody can mean."""
    steps, effective = transfer["steps"], transfer["effective"]
    if not 1 <= len(steps) <= MOST:
        raise BadRequest(f"a change of duties has 1 to {MOST:,} steps, this one {len(steps):,}")
    moment = clock.micros(effective, "effective") if effective else now
    if not now <= moment <= now + YEAR:
        raise BadRequest("effective: expected a moment from now on, within a year")
    seen: set[tuple[str, str]] = set()
    for step in steps:
        if step["duty"] != ACCOUNT:
            plan.demand(step["duty"])
        if (key := (step["person"], step["duty"])) in seen:
            raise BadRequest(f"{step['person']}: {step['duty']} is there twice in one change")
        seen.add(key)
        if not step["tenants"]:
            raise BadRequest(f"{step['person']}: a duty is for one tenant at least")
        if step["until"] is not None and clock.micros(step["until"], "until") <= moment:
            raise BadRequest(f"{step['person']}: {step['duty']} would end before it begins")


def needs_second(plan: Plan, transfer: Transfer) -> bool:
    """A powerful duty, several persons, or somebody's own duties: never by one alone."""
    persons = {step["person"] for step in transfer["steps"]}
    powerful = any(
        step["duty"] == ACCOUNT or (duty := plan.get(step["duty"])) is None or duty.powerful
        for step in transfer["steps"]
    )
    return powerful or len(persons) > 1 or transfer["by"] in persons


def diff(transfer: Transfer, kept: Mapping[str, Kept | None], now: int) -> list[Line]:
    """Person by person, as it is before the change and after it: what a second person is shown."""
    moment = clock.micros(transfer["counts"] or transfer["effective"] or clock.text(now))
    of: dict[str, list[Step]] = {}
    for step in transfer["steps"]:
        of.setdefault(step["person"], []).append(step)
    return [_line(transfer, person, some, kept.get(person), moment) for person, some in of.items()]


def _line(transfer: Transfer, person: str, steps: Sequence[Step], kept: Kept | None, moment: int) -> Line:
    before = state(kept["steps"] if kept else (), moment - 1)
    held = {one.duty: one for one in before.held}
    gives: list[Step] = []
    takes: list[Step] = []
    nothing: list[Step] = []
    for step in steps:
        is_there = not before.left if step["duty"] == ACCOUNT else step["duty"] in held
        if not step["gives"]:
            (takes if is_there else nothing).append(step)
        elif step["duty"] == ACCOUNT and is_there:
            nothing.append(step)
        else:
            gives.append(step)
    touched = {step["duty"] for step in (*gives, *takes)}
    old, new = transfer["sections"].get(person, ["", ""])
    keeps = tuple(duty for duty in held if duty not in touched)
    return Line(person, (old, new), tuple(gives), tuple(takes), keeps, tuple(nothing))


def approved(id: str, transfer: Transfer, second: str, counts: str, decided: str) -> list[Approved]:
    """Its steps as they are kept with each person."""
    mark = {"transfer": id, "at": counts, "decided": decided, "by": transfer["by"], "second": second}
    return [cast("Approved", {**step, **mark}) for step in transfer["steps"]]
