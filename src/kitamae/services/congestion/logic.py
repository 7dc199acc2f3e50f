"""From entities to places, from a place to what is said of it now. What is not known is never few."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from kitamae.sdk.context import told
from kitamae.sdk.desk import undoing
from kitamae.services.congestion.counting import quality
from kitamae.services.congestion.counting.slots import DAY, slot
from kitamae.services.congestion.models import Hours, Place
from kitamae.services.congestion.outlook.forecast import Expected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from zoneinfo import ZoneInfo

    from kitamae.sdk.congesting import Congesting
    from kitamae.sdk.context import Reading
    from kitamae.sdk.desk import Act
    from kitamae.services.congestion.models import Compared, State
    from kitamae.services.congestion.outlook.usual import Slot

TYPE: Final = "CrowdFlowObserved"
FACILITY: Final = "PublicFacility"
COUNT: Final = "人数"
PUBLIC: Final = "人数_公開"
VERDICT: Final = "人数の検査"
OUTLOOK: Final = "混雑の見通し"
PERIOD: Final = "計測間隔"
AT: Final = "施設"
OPENS: Final = ("利用可能曜日", "開始時間", "終了時間")
REMARK: Final = "利用可能日時特記事項"
PERIODS: Final = (0, 5, 10, 15, 20, 30, 60, DAY)
"""Minutes that a count may cover. Of others no hour can be put together, so they are as if it were not said."""
STALE_DAYS: Final = timedelta(days=2)
GAP: Final = ""
"""Nobody reported."""
_UNDER: Final = "<"
_PARTS: Final = ("usual", "low", "middle", "high")
_WEEK: Final = "月火水木金土日"
_RANGE: Final = re.compile(f"([{_WEEK}])曜?日?[~〜～-]([{_WEEK}])")
_EVERY: Final = ("毎日", "年中", "全日")
_LESS, _MORE = 0.75, 1.25
_ORDER: Final[tuple[State, ...]] = ("counted", "few", "doubt", "old", "silent", "closed")


def place(entity: Mapping[str, Any], zone: ZoneInfo, facility: Mapping[str, Any] | None = None) -> Place:
    """From a normalized entity with the city's short names, and the facility that it names, for what it does not say itself."""
    base = {**(facility or {}), **entity}
    seen, verdict = told(entity, PUBLIC), told(entity, VERDICT)
    at, value = _moment(verdict.get("observedAt")), seen.get("value")
    current = (
        value if at is not None and _moment(seen.get("observedAt")) == at and _is_number(value) else None
    )
    where = told(base, "location").get("value", {})
    point = where.get("coordinates", ()) if where.get("type") == "Point" else ()
    outlook = told(entity, OUTLOOK)
    made = _moment(outlook.get("observedAt"))
    period = told(entity, PERIOD).get("value")
    return Place(
        id=str(entity["id"]),
        code=str(entity["id"]).rpartition(":")[2],
        name=_text(base, "名称") or str(entity["id"]),
        reading=_text(base, "名称_カナ"),
        address=_text(base, "住所"),
        period=period if isinstance(period, int) and period in PERIODS else 0,
        zone=zone,
        hours=hours(*(_text(base, name) for name in OPENS)),
        remark=_text(base, REMARK),
        people=None if current is None else int(current),
        at=at,
        verdict=str(verdict.get("value", "")),
        outlook=dict(_slots(outlook.get("value"))),
        made=made.astimezone(zone).date() if made else None,
        longitude=point[0] if point else None,
        latitude=point[1] if point else None,
    )


def facility_of(entity: Mapping[str, Any]) -> str:
    """The id of the facility in which it counts, as a Relationship or as a text; "": it names none."""
    said = told(entity, AT)
    found = said.get("object", said.get("value", ""))
    return found if isinstance(found, str) else ""


def is_new(entity: Mapping[str, Any]) -> bool:
    """Whether its present count was not judged yet. `entity` normalized."""
    return told(entity, COUNT).get("observedAt") != told(entity, VERDICT).get("observedAt")


def hours(weekdays: str, opens: str, closes: str) -> Hours | None:
    """As 自治体標準オープンデータセット writes them; None for what is not understood: better no hours than wrong ones.

    >>> hours("火水木金土日", "09:00", "17:30").weekdays == frozenset({1, 2, 3, 4, 5, 6})
    True
    """
    try:
        begin, end = time.fromisoformat(opens.strip()), time.fromisoformat(closes.strip())
    except ValueError:
        return None
    days = _weekdays(weekdays)
    return Hours(days, begin, end) if days and begin < end else None


def _weekdays(text: str) -> frozenset[int]:
    if any(word in text for word in _EVERY):
        return frozenset(range(7))
    found: set[int] = set()
    for first, last in _RANGE.findall(text):
        begin, end = _WEEK.index(first), _WEEK.index(last)
        found |= set(range(begin, end + 1)) if begin <= end else {*range(begin, 7), *range(end + 1)}
    rest = re.sub(r"曜日?|祝日?|[\s、,;・/()（）]", "", _RANGE.sub("", text))
    if rest.strip(_WEEK):  # something else is said, such as 休館 or 第3: not for a program to guess
        return frozenset()
    return frozenset(found | {_WEEK.index(one) for one in rest})


def state(one: Place, rules: Congesting, now: datetime) -> State:
    """Of now. `now` in UTC."""
    if one.is_open(slot(now, 0, one.zone)) is False and not one.daily:
        return "closed"
    if one.at is None:
        return "silent"
    fresh = STALE_DAYS if one.daily else timedelta(minutes=rules.stale_minutes)
    if abs(now - one.at) > fresh:
        return "old"
    if one.verdict == quality.FEW:
        return "few"
    return "counted" if one.verdict == quality.FINE and one.people is not None else "doubt"


def expected(one: Place, now: datetime) -> Expected | None:
    """What is usual and forecast for the slot of now. `now` in UTC."""
    day, hour = slot(now, 0, one.zone)
    return one.outlook.get((day, 0 if one.daily else hour))


def compared(one: Place, said: State, rules: Congesting) -> Compared:
    """Of the last count, to what is usual at such an hour."""
    if one.at is None or said not in ("counted", "few"):
        return "unknown"
    known = one.outlook.get(slot(one.at, one.period, one.zone))
    if known is None or known.usual is None or known.usual < rules.hide_under:
        return "unknown"
    if said == "few":
        return "less"
    share = (one.people or 0) / known.usual
    return "less" if share < _LESS else "more" if share > _MORE else "usual"


def coming(one: Place, now: datetime, most: int) -> list[tuple[Slot, Expected]]:
    """The next slots that are forecast, without those in which the facility is closed by its own hours."""
    today, hour = slot(now, 0, one.zone)
    here = (today, 0 if one.daily else hour)
    later = sorted(
        (when, what) for when, what in one.outlook.items() if when > here and what.middle is not None
    )
    return [(when, what) for when, what in later if one.is_open(when) is not False][:most]


def course(
    one: Place, numbers: Mapping[Slot, float], others: Mapping[Slot, str], first: Slot, last: Slot
) -> list[tuple[Slot, Slot, float | None, str]]:
    """What was counted from `first` to `last`, newest first: (from, to, people, why not). Slots of which there is no number for the same
    reason stand together; GAP: nothing was reported. Hours in which it is closed are left out, unless somebody counted.
    """
    found: list[tuple[Slot, Slot, float | None, str]] = []
    at = first
    while at <= last:
        people, why = numbers.get(at), others.get(at, GAP)
        if people is not None:
            found.append((at, at, people, ""))
        elif why != GAP or one.is_open(at) is not False:
            if (
                found
                and found[-1][2] is None
                and found[-1][3] == why
                and _after(found[-1][1], one.daily) == at
            ):
                found[-1] = (found[-1][0], at, None, why)
            else:
                found.append((at, at, None, why))
        at = _after(at, one.daily)
    return found[::-1]


def _after(at: Slot, daily: bool) -> Slot:
    day, hour = at
    return (day, hour + 1) if not daily and hour < 23 else (day + timedelta(days=1), 0)


def in_order(places: Iterable[Place], rules: Congesting, now: datetime) -> list[tuple[Place, State]]:
    """Those of which something is known first; then by name."""
    known = [(one, state(one, rules, now)) for one in places]
    return sorted(known, key=lambda pair: (_ORDER.index(pair[1]), pair[0].reading or pair[0].name))


def written(made: Mapping[Slot, Expected], least: int) -> list[dict[str, Any]]:
    """As it stands in the entity, for everybody: day, hour, usual, low, middle, high, in whole people; what is not known is left out.
    Of what is under `least` nothing stands there but that it is ("<10"): who was counted alone would be read out of it.
    """
    rows = []
    for (day, hour), one in sorted(made.items()):
        parts = {name: getattr(one, name) for name in _PARTS}
        people = {
            name: f"{_UNDER}{least}" if round(value) < least else round(value)
            for name, value in parts.items()
            if value is not None
        }
        rows.append({"day": day.isoformat(), "hour": hour, **people})
    return rows


def _people(said: Any) -> Any:
    """What is only said to be less than a number counts as the most that it may be."""
    few = said.removeprefix(_UNDER) if isinstance(said, str) and said.startswith(_UNDER) else ""
    return int(few) - 1 if few.isascii() and few.isdigit() and 0 < len(few) < 8 and int(few) else said


def _slots(said: object) -> Iterable[tuple[Slot, Expected]]:
    """What cannot be read is left out."""
    for row in said if isinstance(said, list) else ():
        if not isinstance(row, dict) or row.get("hour") not in range(24):
            continue
        numbers = [_people(row.get(name)) for name in _PARTS]
        if not all(one is None or _is_number(one) for one in numbers):
            continue
        forecast = numbers[1:] if None not in numbers[1:] else [None] * 3
        try:
            yield (date.fromisoformat(row["day"]), int(row["hour"])), Expected(numbers[0], *forecast)
        except (KeyError, TypeError, ValueError):
            continue


def known(
    counts: Iterable[Reading], verdicts: Iterable[Reading]
) -> tuple[dict[datetime, float], dict[datetime, str]]:
    """What everybody may know of the last counts: numbers by their moment, and for the other moments why there is none."""
    said, numbers = latest(verdicts), latest(counts)
    fine = {
        at: float(value)
        for at, value in sorted(numbers.items())
        if said.get(at) == quality.FINE and _is_number(value)
    }
    return fine, {at: str(word) for at, word in sorted(said.items()) if at not in fine}


def latest(readings: Iterable[Reading]) -> dict[datetime, Any]:
    """By moment, what was written of it last: that a zero is an outage is known when the next ones are there."""
    ordered = sorted(readings, key=lambda one: one.written or one.at)
    return {one.at: one.value for one in ordered}


def taking_back(form: str, number: str, count: Mapping[str, Any]) -> Act:
    """The act that takes back a count of the desk: what was published of its moment says so, and is not judged again."""
    back = undoing(form, TYPE, number, count)
    return replace(
        back,
        values={**back.values, VERDICT: quality.TAKEN_BACK},
        since={**back.since, VERDICT: count["observedAt"]},
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


def _text(entity: Mapping[str, Any], name: str) -> str:
    said = told(entity, name)
    found = said.get("value", said.get("languageMap", {}).get("ja"))
    return found if isinstance(found, str) else ""


def _moment(said: object) -> datetime | None:
    if not isinstance(said, str) or not said:
        return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None
