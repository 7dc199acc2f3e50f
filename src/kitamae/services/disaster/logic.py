"""From Alert entities to what a page says: what is in force, the most urgent first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from kitamae.sdk.context import told
from kitamae.services.disaster.alerts.city import phenomenon, value
from kitamae.services.disaster.alerts.message import IN_FORCE, LIFTED, LOST, WITHDRAWN
from kitamae.services.disaster.models import Alert

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EVENTS: Final = frozenset({"earthquake", "earthquake-early-warning", "record-rain", "tornado", "eruption"})
"""They happen and are never lifted: shown for a day, or until their own end."""
DAY: Final = timedelta(days=1)


def alert(entity: Mapping[str, Any]) -> Alert:
    """From a normalized entity with the city's short names. What nobody said has ended is in force, whatever else its state says; of which
    no time is known is of now.
    """
    state = told(entity, "状態")
    said, at = state.get("value"), _since(entity, state)
    level = value(entity, "警戒レベル")
    return Alert(
        id=str(entity["id"]),
        phenomenon=phenomenon(str(entity["id"])),
        name=str(value(entity, "名称") or ""),
        level=level
        if isinstance(level, int) and level in range(1, 6) and not isinstance(level, bool)
        else None,
        in_force=said not in (LIFTED, WITHDRAWN),
        withdrawn=said == WITHDRAWN,
        area=str(value(entity, "対象地域") or ""),
        office=str(value(entity, "発表者") or ""),
        headline=str(value(entity, "見出し") or ""),
        since=at,
        issued=_moment(told(entity, "名称").get("observedAt")) or at,
        until=_moment(value(entity, "有効期限")),
        lost=said == LOST,
        hazards=_texts(value(entity, "災害の種類")),
        odd=said not in (IN_FORCE, LOST, LIFTED, WITHDRAWN),
    )


def now(entities: Iterable[Mapping[str, Any]], at: datetime) -> tuple[list[Alert], list[Alert]]:
    """(in force, ended within the last day), each the most urgent first. `at` in UTC."""
    known = [alert(one) for one in entities]
    force = [one for one in known if one.in_force and not _over(one, at)]
    ended = [one for one in known if one not in force and at - DAY <= one.since]
    return _in_order(force), _in_order(ended)


def highest(alerts: Iterable[Alert]) -> int | None:
    """The highest 警戒レベル of them."""
    return max((one.level for one in alerts if one.level is not None), default=None)


def _over(one: Alert, at: datetime) -> bool:
    if one.until is not None:
        return one.until < at
    return one.phenomenon in EVENTS and one.since < at - DAY


def _in_order(alerts: Iterable[Alert]) -> list[Alert]:
    return sorted(alerts, key=lambda one: (-_urgent(one), -one.since.timestamp(), one.name))


def _urgent(one: Alert) -> int:
    """What the city orders comes first. A gauge's alert has no 警戒レベル: it stands among those at which everybody leaves."""
    if one.ordered:
        return 10 + (one.level or 0)
    return 4 if one.gauge else one.level or 0


def _texts(said: object) -> tuple[str, ...]:
    many = said if isinstance(said, list) else [said]
    return tuple(one for one in many if isinstance(one, str) and one)


def _since(entity: Mapping[str, Any], state: Mapping[str, Any]) -> datetime:
    """Of its state; else when that was written, by the broker's clock."""
    times = (state.get("observedAt"), state.get("modifiedAt"), entity.get("modifiedAt"))
    return next((at for one in times if (at := _moment(one))), datetime.now(UTC))


def _moment(said: object) -> datetime | None:
    if not isinstance(said, str) or not said:
        return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None
