"""What a person holds at a moment, worked out from the steps that were approved for him: given, taken, each from when.

A step counts from its moment on by itself: nobody has to be awake at midnight, a server that was down then knows it when it
is asked, and every worker sees the same. A change that is withdrawn takes its steps with it, and what was before is there.

Kept as a document `duties` by the person's reference: {steps: [...]}. Times are RFC 3339 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict

from kitamae.kernel.context import clock

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

KIND: Final = "duties"
ACCOUNT: Final = "account"
"""Stands where a duty's id does: taken, the person is no member of staff any more (退職); every member has it from the start."""


class Step(TypedDict):
    """One duty of one person, given or taken. `until`: when it ends by itself; None: not of itself."""

    person: str
    duty: str
    gives: bool
    tenants: list[str]
    until: str | None


class Approved(Step):
    """A step that counts from `at` on, by which change, and who asked for it and approved it ("": nobody had to)."""

    transfer: str
    at: str
    decided: str
    by: str
    second: str


class Kept(TypedDict):
    """The document."""

    steps: list[Approved]


@dataclass(frozen=True, slots=True)
class Held:
    """A duty that somebody holds. `since` and `until` in microseconds UTC."""

    duty: str
    tenants: tuple[str, ...]
    since: int
    until: int | None
    by: str
    second: str
    transfer: str


@dataclass(frozen=True, slots=True)
class State:
    """At one moment. `left`: no member of staff any more. `again`: the next moment at which this changes by itself."""

    held: tuple[Held, ...]
    left: bool
    again: int | None


def state(steps: Sequence[Approved], now: int) -> State:
    """What these steps come to at `now` (microseconds UTC). Of two that count from the same moment, the one that was approved
    later is the last word.
    """
    held: dict[str, Held] = {}
    again: list[int] = []
    left = False
    for step in sorted(steps, key=lambda one: (clock.micros(one["at"]), clock.micros(one["decided"]))):
        at = clock.micros(step["at"])
        until = clock.micros(step["until"]) if step["until"] else None
        if at > now:
            again.append(at)
        elif step["duty"] == ACCOUNT:
            left = not step["gives"]
        elif step["gives"]:
            held[step["duty"]] = Held(
                step["duty"], tuple(step["tenants"]), at, until, step["by"], step["second"], step["transfer"]
            )
        else:
            held.pop(step["duty"], None)
    here = tuple(one for one in held.values() if one.until is None or one.until > now)
    again += [one.until for one in here if one.until is not None]
    return State(() if left else here, left, min(again, default=None))


def without(steps: Sequence[Approved], transfers: Container[str]) -> list[Approved]:
    """As if these changes had never been approved."""
    return [one for one in steps if one["transfer"] not in transfers]


def carried(now: Sequence[Approved], then: Sequence[Approved]) -> list[Approved]:
    """The steps of a backup (`then`) and those of `now` that its restore may not undo: every one that takes, and all that came
    about a duty which the backup gives. So nobody holds after it what he did not hold before it, unless he was given it in the
    backup alone, and whoever was given back what was taken has it.
    """
    there = {(one["transfer"], one["duty"]) for one in then}
    gave = {one["duty"] for one in then if one["gives"]} | {ACCOUNT}
    return [
        *then,
        *(
            one
            for one in now
            if (one["transfer"], one["duty"]) not in there and (not one["gives"] or one["duty"] in gave)
        ),
    ]


def back(steps: Sequence[Approved], undone: Step, transfer: str, at: int) -> Step:
    """The step that makes of this duty what it would be at `at` (microseconds UTC) if that change had never been approved: what
    others changed at its very moment, or later, stays, and what would have ended by itself has ended.
    """
    otherwise = state(without(steps, (transfer,)), at)
    if undone["duty"] == ACCOUNT:
        return {**undone, "gives": not otherwise.left, "until": None}
    was = next((one for one in otherwise.held if one.duty == undone["duty"]), None)
    if was is None:
        return {**undone, "gives": False, "until": None}
    until = clock.text(was.until) if was.until is not None else None
    return {**undone, "gives": True, "tenants": list(was.tenants), "until": until}
