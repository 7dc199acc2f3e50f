"""A breach of personal data (漏えい・滅失・毀損, or the fear of one) and its clock, as pure functions.

個人情報の保護に関する法律 第68条, 施行規則 第43条 to 第45条. The Commission counts the day on which the town hall learnt of it as the
first day (ガイドライン（行政機関等編）, as for businesses): 速報 promptly, which it reads as within 3 to 5 days, 確報 within 30 days, 60
where a wrongful purpose is feared; where the last day is one on which offices are closed, the next open day (行政機関の休日に関する
法律第2条). For 速報 no such rule is stated, so a day off does not move it here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NotRequired, TypedDict, cast

from kitamae.kernel import days
from kitamae.kernel.people.requests import deadline
from kitamae.kernel.problems import BadRequest, Conflict

if TYPE_CHECKING:
    from kitamae.kernel.calendar import Calendar
    from kitamae.kernel.context.entity import Json

REASONS: Final = {
    "sensitive": "要配慮個人情報が含まれる（規則第43条第1号）",
    "property": "不正に利用されると財産的被害が生じるおそれがある（同条第2号）",
    "wrongful": "不正の目的をもって行われたおそれがある行為による（同条第3号）",
    "many": "本人の数が100人を超える（同条第4号）",
    "ordinance": "条例要配慮個人情報が含まれる（同条第5号）",
}
"""What makes it one that must be reported; none of them: it is recorded here, and no report is due."""
MANY: Final = 100
PROMPT_DAYS: Final = (3, 5)
FULL_DAYS: Final = 30
FULL_DAYS_WRONGFUL: Final = 60

PARTS: Final = {
    "summary": "概要",
    "items": "漏えい等が発生し、又は発生したおそれがある保有個人情報の項目",
    "cause": "原因",
    "harm": "二次被害又はそのおそれの有無及びその内容",
    "persons_done": "本人への対応の実施状況",
    "published": "公表の実施状況",
    "prevention": "再発防止のための措置",
    "other": "その他参考となる事項",
}
"""What a report says (規則第44条第1項), beside how many persons it is about."""
TO_PERSONS: Final = ("summary", "items", "cause", "harm", "other")
"""What persons are told (規則第45条)."""

TELL: Final = "tell"
"""The event of giving notice to some of the persons; `notify` is said by hand, once all were told."""
STEPS: Final = ("amend", "prompt", "full", "notify", "publish", "close")


class Event(TypedDict):
    """`learnt`, `persons`, `reasons`: as they stand after the step. `salt` in base64: with it and the rest anybody can make the
    leaf again (`committed`). Nobody is named in it. `given`: to how many persons notice was given with it.
    """

    step: str
    at: str
    by: str
    day: str
    learnt: str
    persons: int
    reasons: list[str]
    told: dict[str, str]
    given: NotRequired[int]
    salt: str
    leaf: int


class Breach(TypedDict):
    """`learnt`: the day on which the town hall learnt of it. `done`: step -> the day. `told`: of `PARTS`, as it stands."""

    learnt: str
    reasons: list[str]
    persons: int
    told: dict[str, str]
    done: dict[str, str]
    events: list[Event]


@dataclass(frozen=True, slots=True)
class Due:
    """What is owed: `step`, from when on one should be done and by when at the latest. `done`: the day on which it was, or None."""

    step: str
    soon: date
    last: date
    done: date | None

    def late(self, today: date) -> bool:
        """Was it done after its last day, or is it over by now?"""
        return (self.done or today) > self.last


def clock_of(breach: Breach, calendar: Calendar) -> list[Due]:
    """What is due when; nothing where no report is due. Persons are told 速やかに, which has no day: by the full report at the latest."""
    if not breach["reasons"]:
        return []
    learnt = date.fromisoformat(breach["learnt"])
    early, late = (learnt + timedelta(days=days - 1) for days in PROMPT_DAYS)
    wrongful = "wrongful" in breach["reasons"]
    full = deadline.ends_from_first(learnt, FULL_DAYS_WRONGFUL if wrongful else FULL_DAYS, calendar)
    return [
        Due("prompt", early, late, _day(breach, "prompt")),
        Due("notify", late, full.last, _day(breach, "notify")),
        Due("full", full.safe, full.last, _day(breach, "full")),
    ]


def _day(breach: Breach, step: str) -> date | None:
    day = breach["done"].get(step)
    return date.fromisoformat(day) if day else None


def committed(number: str, event: Event) -> Json:
    """What the leaf of that event commits to, for the breach of that number."""
    said = {name: value for name, value in event.items() if name not in ("salt", "leaf")}
    return cast("Json", {**said, "breach": number})


def begun(learnt: date, today: date, reasons: list[str], persons: int, told: dict[str, str]) -> Breach:
    """A breach that is entered today. Raises BadRequest."""
    days.demand_past("learnt", learnt, today)
    if persons < 0:
        raise BadRequest("persons: expected how many, 0 where it is not known yet")
    if not told.get("summary"):
        raise BadRequest("summary: what happened must be said")
    return {
        "learnt": learnt.isoformat(),
        "reasons": _reasons(reasons, persons),
        "persons": persons,
        "told": _told(told),
        "done": {},
        "events": [],
    }


def moved(
    breach: Breach,
    step: str,
    day: date,
    today: date,
    told: dict[str, str],
    persons: int | None,
    reasons: list[str] | None = None,
) -> Breach:
    """The breach after a step that was taken on `day`. `persons`, `reasons` None: as they were.

    Raises BadRequest, Conflict.
    """
    if step not in STEPS:
        raise BadRequest(f"step: expected one of {', '.join(STEPS)}, got {step!r:.40}")
    if "close" in breach["done"]:
        raise Conflict("this breach is closed")
    if day > today or day.isoformat() < breach["learnt"]:
        raise BadRequest(f"day: expected one from {breach['learnt']} to today")
    if step != "amend" and step in breach["done"]:
        raise Conflict(f"{step} was done on {breach['done'][step]} already; what changed since is amended")
    counted = breach["persons"] if persons is None else persons
    now = _reasons(breach["reasons"] if reasons is None else reasons, counted)
    owed = [one for one in ("prompt", "full", "notify") if one not in breach["done"]]
    if step == "close" and now and owed:
        raise Conflict(f"it is closed when nothing is owed any more; still owed: {', '.join(owed)}")
    return {
        **breach,
        "persons": counted,
        "reasons": now,
        "told": {**breach["told"], **_told(told)},
        "done": breach["done"] if step == "amend" else {**breach["done"], step: day.isoformat()},
    }


def _reasons(given: list[str], persons: int) -> list[str]:
    """In the order of the rule. That they are many follows from the count, and is somebody's word only while there is none."""
    if unknown := sorted(set(given) - REASONS.keys()):
        raise BadRequest(f"reasons: expected some of {', '.join(REASONS)}, got {unknown[0]!r:.40}")
    wanted = set(given)
    if persons:
        wanted = wanted - {"many"} | ({"many"} if persons > MANY else set())
    return [one for one in REASONS if one in wanted]


def _told(told: dict[str, str]) -> dict[str, str]:
    if unknown := sorted(told.keys() - PARTS.keys()):
        raise BadRequest(f"{unknown[0]!r:.40}: a report has no such part")
    return {name: value.strip() for name, value in told.items() if value.strip()}
