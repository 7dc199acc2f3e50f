"""From an entity to a gauge, from a gauge to its state. A silent gauge is never a low river."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from kitamae.sdk.context import told
from kitamae.services.rivers.models import Gauge, State

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from kitamae.sdk.context import Reading

LEVEL: Final = "水位"
VERDICT: Final = "水位の検査"
FINE: Final = "正常"
SUDDEN: Final = "急変"
"""A step that water does not make. Where it is a rise into danger, it counts until the next report says otherwise."""
STALE: Final = timedelta(minutes=30)
"""A gauge that has begun to report does so every five or ten minutes; after three missed reports we do not know."""
_RISE: Final = (timedelta(minutes=20), timedelta(hours=2))
_NO_RIVER: Final = 10_000.0  # metres: what is more than that is no level
_ENDS: Final = datetime(9999, 12, 31, tzinfo=UTC)  # somebody's word for "never"
ORDER: Final[tuple[State, ...]] = ("flood", "danger", "doubt", "watch", "old", "silent", "below")
"""What people must see first comes first; what we do not know comes before what is low."""


def gauge(entity: dict[str, Any]) -> Gauge:
    """From a normalized entity with the city's short names."""
    parts = str(entity["id"]).split(":")
    observed = told(entity, LEVEL).get("observedAt")
    value = _metres(entity, LEVEL)
    place: dict[str, Any] = told(entity, "location").get("value", {})
    longitude, latitude = place["coordinates"][:2] if place.get("type") == "Point" else (None, None)
    return Gauge(
        id=str(entity["id"]),
        code=parts[-1],
        name=str(told(entity, "名称").get("value", parts[-1])),
        reading=str(told(entity, "名称_カナ").get("value", "")),
        municipality=parts[-2] if len(parts) > 4 else "",
        level=value if observed else None,
        at=datetime.fromisoformat(observed).astimezone(UTC) if observed and value is not None else None,
        start=_metres(entity, "観測開始水位"),
        danger=_metres(entity, "危険水位"),
        flood=_metres(entity, "氾濫開始水位"),
        longitude=longitude,
        latitude=latitude,
        doubt=_doubt(entity, observed),
    )


def _doubt(entity: dict[str, Any], observed: object) -> str:
    """Of the present reading: a verdict of another moment says nothing of it."""
    verdict = told(entity, VERDICT)
    said = str(verdict.get("value", ""))
    return said if observed and verdict.get("observedAt") == observed and said != FINE else ""


def _metres(entity: dict[str, Any], name: str) -> float | None:
    value = told(entity, name).get("value")
    return value if is_level(value) else None


def is_level(value: Any) -> TypeGuard[int | float]:
    """Metres that a river can have: whoever may write a gauge can write anything in their place."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _NO_RIVER


def levels(readings: Iterable[Reading]) -> list[Reading]:
    """Those that are levels, of times that a chart can show in Japan's time."""
    return [one for one in readings if is_level(one.value) and one.at < _ENDS]


def height(one: Gauge) -> State:
    """Of the last level that it reported, whenever that was; silent where there is none."""
    if one.level is None:
        return "silent"
    if one.flood is not None and one.level >= one.flood:
        return "flood"
    if one.danger is not None and one.level >= one.danger:
        return "danger"
    return "below" if one.start is not None and one.level < one.start else "watch"


def state(one: Gauge, now: datetime) -> State:
    """Of now. `now` in UTC. A report from the future says no more of now than an old one: a clock is wrong."""
    if one.at is None:
        return "silent"
    if not fresh(one.at, now):
        return "old"
    said = height(one)
    believed = not one.doubt or (one.doubt == SUDDEN and said in ("flood", "danger"))
    return said if believed else "doubt"


def fresh(at: datetime | None, now: datetime) -> bool:
    """Whether a report of then says something of now."""
    return at is not None and abs(now - at) <= STALE


def rise(readings: Sequence[Reading], doubtful: Container[datetime]) -> float | None:
    """Metres in an hour, up or down, as the last two believed reports tell that lie 20 minutes to two hours apart; None: not known.
    `readings` oldest first.
    """
    believed = [one for one in readings if one.at not in doubtful]
    if not believed:
        return None
    last = believed[-1]
    near = [one for one in believed if _RISE[0] <= last.at - one.at <= _RISE[1]]
    if not near:
        return None
    before = min(near, key=lambda one: abs(last.at - one.at - timedelta(hours=1)))
    return float((last.value - before.value) / ((last.at - before.at) / timedelta(hours=1)))


def in_order(gauges: Iterable[Gauge], now: datetime) -> list[Gauge]:
    """The most urgent first; those in the same state by name."""
    return sorted(gauges, key=lambda one: (ORDER.index(state(one, now)), one.reading or one.name))


def scale(one: Gauge) -> tuple[float, float]:
    """The ends of a bar that shows this gauge: a little below what it reports at all, a little above the flood."""
    levels = [metres for _, metres in one.marks] + ([one.level] if one.level is not None else [])
    if not levels:
        return 0.0, 1.0
    room = max(max(levels) - min(levels), 0.5) * 0.15
    return min(levels) - room, max(levels) + room
