"""A case as it is kept, and every step that it can take, as pure functions: what the law does not allow is refused here.

    received ── take ──> taken ── answer ──> answered ── reply ──> taken       (苦情・相談)
        │                  │ └─── decide ──> decided                           (開示・訂正・利用停止)
        └── ask ──> stopped ── correct ──> taken                               補正: those days do not count
    taken also: identify, extend, special; ── transfer ──> transferred         事案の移送
    open: withdraw ──> withdrawn           answered, decided: close ──> closed

A case holds states and dates alone. Days are days in Japan; `at` is RFC 3339 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, Literal, NotRequired, TypedDict

from kitamae.kernel import days
from kitamae.kernel.people.requests import deadline, kinds
from kitamae.kernel.people.requests.kinds import (
    EXTENSION,
    IDENTITY,
    KINDS,
    OUTCOMES,
    Kind,
)
from kitamae.kernel.problems import BadRequest, Conflict

if TYPE_CHECKING:
    from kitamae.kernel.calendar import Calendar
    from kitamae.kernel.people.requests.deadline import Deadline

State = Literal["received", "taken", "stopped", "answered", "decided", "transferred", "withdrawn", "closed"]
OPEN: Final = frozenset({"received", "taken", "stopped"})
"""States in which the town hall owes something, or waits."""

CARRIED: Final = "carry"
"""The step that no form takes: two have done at the orders' desk what was decided."""
MOST_STEPS: Final = 500
_SPECIAL_YEARS: Final = 5
_BY_PERSON: Final = frozenset({"file", "reply", "correct", "withdraw"})
_FROM: Final[dict[str, frozenset[str]]] = {
    "take": frozenset({"received", "taken", "stopped"}),
    "ask": frozenset({"received", "taken"}),
    "correct": frozenset({"stopped"}),
    "identify": OPEN,
    "extend": frozenset({"received", "taken"}),
    "special": frozenset({"received", "taken"}),
    "answer": frozenset({"received", "taken"}),
    "reply": frozenset({"received", "taken", "answered"}),
    "decide": frozenset({"received", "taken"}),
    "transfer": frozenset({"received", "taken"}),
    "withdraw": OPEN,
    "close": frozenset({"answered", "decided"}),
}
_TO: Final[dict[str, State]] = {
    "ask": "stopped",
    "correct": "taken",
    "answer": "answered",
    "decide": "decided",
    "transfer": "transferred",
    "withdraw": "withdrawn",
    "close": "closed",
}
_STATUTORY: Final = frozenset({"ask", "correct", "identify", "special", "decide", "transfer"})
_TOLD: Final = frozenset({"ask", "extend", "special", "answer", "reply", "transfer"})
"""Steps that say something: a text is needed."""


class Step(TypedDict):
    """`leaf`: the number of its leaf in the ledger, by which the vault's record of what was said is known too."""

    step: str
    at: str
    by: str
    leaf: int


class Case(TypedDict):
    """`person`: whose case it is, an opaque reference. `about`: `receipt:<number>`, `purpose:<name>` or "". `filed`, `decided`: days. `stops`: from, to."""

    kind: str
    person: str
    capacity: str
    about: str
    via: Literal["self", "counter"]
    filed: str
    days: int
    state: State
    holder: str
    identity: str
    stops: list[list[str | None]]
    extended: int
    special: str
    outcome: str
    decided: str
    steps: NotRequired[list[Step]]


@dataclass(frozen=True, slots=True)
class Move:
    """One step. `days`: of an extension; `until`: of the special rule; `outcome`, `identity`: see kinds.py."""

    step: str
    text: str = ""
    reason: str = ""
    days: int = 0
    until: date | None = None
    outcome: str = ""
    identity: str = ""


def begun(
    kind: str,
    person: str,
    capacity: str,
    today: date,
    *,
    about: str,
    via: str,
    identity: str,
    days: int,
) -> Case:
    """A case that was filed today. `days`: what the municipality set, 0: what the law or the platform sets. Raises BadRequest."""
    if kind not in KINDS:
        raise BadRequest(f"kind: expected one of {', '.join(KINDS)}, got {kind!r:.40}")
    if capacity not in ("self", "legal", "agent"):
        raise BadRequest(f"capacity: expected self, legal or agent, got {capacity!r:.40}")
    return {
        "kind": kind,
        "person": person,
        "capacity": capacity,
        "about": about,
        "via": "counter" if via == "counter" else "self",
        "filed": today.isoformat(),
        "days": kinds.period(kind, days),
        "state": "received",
        "holder": "",
        "identity": identity,
        "stops": [],
        "extended": 0,
        "special": "",
        "outcome": "",
        "decided": "",
    }


def carried(case: Case, at: str, by: str, leaf: int) -> Case:
    """With the step that what was decided has been done (第92条): by whom, and the number of the receipt that tells it to the person."""
    done: Step = {"step": CARRIED, "at": at, "by": by, "leaf": leaf}
    return {**case, "steps": [*case.get("steps", []), done]}


def due(case: Case, calendar: Calendar) -> Deadline | None:
    """Until when it must be answered; None while a correction is awaited, or when nothing is owed any more."""
    return None if case["state"] not in ("received", "taken") else term(case, calendar, case["extended"])


def term(case: Case, calendar: Calendar, extended: int) -> Deadline | None:
    """The time limit with so many days more; under the special rule, the day that was told. None: it stands still."""
    stops: list[tuple[date, date]] = []
    for start, end in case["stops"]:
        if start is None or end is None:
            return None
        stops.append((date.fromisoformat(start), date.fromisoformat(end)))
    if case["special"]:
        told = date.fromisoformat(case["special"])
        return deadline.Deadline(told, told, calendar.last_open(told))
    return deadline.ends(date.fromisoformat(case["filed"]), case["days"] + extended, calendar, stops)


def moved(case: Case, move: Move, by: str, today: date, calendar: Calendar) -> Case:
    """The case after a step. `by`: who does it, by reference. Raises Conflict where it cannot take that step, BadRequest."""
    kind = KINDS[case["kind"]]
    allowed = _FROM.get(move.step)
    if allowed is None or (move.step in _STATUTORY and not kind.statutory):
        raise BadRequest(f"step: a case of this kind knows no {move.step!r:.40}")
    if move.step in ("answer", "reply") and kind.statutory:
        raise BadRequest("step: a statutory request is decided, not answered")
    if by == case["person"] and move.step not in _BY_PERSON:
        raise BadRequest(
            f"step: {move.step} is the town hall's to do, and nobody does it in a case of his own"
        )
    if len(case.get("steps", [])) >= MOST_STEPS and move.step in ("reply", "take", "identify"):
        raise Conflict(f"this case has {MOST_STEPS} steps: what is new is a new case")
    if case["state"] not in allowed:
        raise Conflict(f"a case that is {case['state']} cannot take the step {move.step}")
    if move.step in _TOLD and not move.text.strip():
        raise BadRequest("text: say it in words; it is sent to the person")
    after: Case = {**case, "state": _TO.get(move.step, case["state"])}
    _set(after, case, move, by, today, calendar, kind)
    return after


def possible(case: Case) -> tuple[str, ...]:
    """The steps that a case can take now, in the order in which they are offered."""
    kind = KINDS[case["kind"]]
    steps = [one for one, allowed in _FROM.items() if case["state"] in allowed]
    if not kind.statutory:
        return tuple(one for one in steps if one not in _STATUTORY)
    over = {"answer", "reply"}
    if case["extended"] or case["special"]:
        over |= {"extend", "special"}
    if not kind.articles[6]:
        over.add("transfer")
    return tuple(one for one in steps if one not in over)


def _set(after: Case, case: Case, move: Move, by: str, today: date, calendar: Calendar, kind: Kind) -> None:
    match move.step:
        case "take":
            after["holder"] = by
            after["state"] = "taken" if case["state"] == "received" else case["state"]
        case "ask":
            after["stops"] = [*case["stops"], [today.isoformat(), None]]
        case "correct":
            (*done, (start, _)) = case["stops"]
            after["stops"] = [*done, [start, today.isoformat()]]
        case "reply":
            after["state"] = "taken" if case["state"] == "answered" else case["state"]
        case "identify":
            if move.identity not in IDENTITY:
                raise BadRequest(f"identity: expected one of {', '.join(IDENTITY)}")
            after["identity"] = move.identity
        case "extend":
            _extend(after, case, move, today, calendar, kind)
        case "special":
            _special(after, case, move, today, calendar)
        case "transfer" if not kind.articles[6]:
            raise BadRequest("step: the Act knows no transfer of a 利用停止請求")
        case "decide":
            if move.outcome not in OUTCOMES:
                raise BadRequest(f"outcome: expected one of {', '.join(OUTCOMES)}")
            if move.outcome != "whole" and not move.reason.strip():
                raise BadRequest(
                    "reason: a decision that is not wholly what was asked for says why (行政手続法第8条)"
                )
            if move.outcome != "refusal" and not case["identity"]:
                raise Conflict("it was not made sure yet who asks: record that first (第77条第2項)")
            after["outcome"], after["decided"] = move.outcome, today.isoformat()


def _extend(after: Case, case: Case, move: Move, today: date, calendar: Calendar, kind: Kind) -> None:
    if case["special"] or (kind.statutory and case["extended"]):
        raise Conflict("it was extended already: the Act allows it once")
    if not 1 <= move.days <= EXTENSION:
        raise BadRequest(f"days: an extension is of 1 to {EXTENSION} days")
    _demand_in_time(case, today, calendar)
    after["extended"] = case["extended"] + move.days


def _special(after: Case, case: Case, move: Move, today: date, calendar: Calendar) -> None:
    """第84条: a fair part within 60 days, the rest until the day that is told; 第95条, 第103条: until the day that is told."""
    if case["extended"] or case["special"]:
        raise Conflict("the special rule is told instead of an extension, within the first period")
    _demand_in_time(case, today, calendar)
    usual = term(case, calendar, EXTENSION)
    if move.until is None or usual is None or move.until <= usual.counted:
        raise BadRequest(
            f"until: a day after {usual.counted if usual else '—'}; before it, an extension is enough"
        )
    days.demand_within("until", move.until, today, _SPECIAL_YEARS)
    after["special"] = move.until.isoformat()


def _demand_in_time(case: Case, today: date, calendar: Calendar) -> None:
    now = term(case, calendar, 0 if KINDS[case["kind"]].statutory else case["extended"])
    if now is not None and now.late(today):
        raise Conflict(f"the period ended on {now.last}: what is over is not extended any more")
