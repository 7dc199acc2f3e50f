"""From what is believed of a gauge's water to its Alert entity: one for each gauge, which stays when the alert ends.

A gauge reports only above 観測開始水位, and a broken one not at all: whoever fell silent in danger is never called safe. Its alert is
then 途絶: nobody knows.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from kitamae.sdk.context import told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kitamae.services.rivers.models import Gauge
    from kitamae.services.rivers.watch.quality import Height, Judged

TYPE: Final = "Alert"
IN_FORCE, LIFTED, WITHDRAWN, LOST = "発表中", "解除", "取消", "途絶"
SILENT: Final = timedelta(hours=24)
"""After so long without a reading that is believed, an alert says nothing of now."""
ISSUER: Final = "水位計（自動）"
_NAMES: Final[dict[Height, str]] = {"danger": "危険水位", "flood": "氾濫開始水位"}


def urn(gauge: Gauge) -> str:
    """Of a gauge's alert: under the city's five-digit code, as those of the weather."""
    return f"urn:ngsi-ld:{TYPE}:{gauge.municipality[:5]}:gauge-{gauge.code}"


def steps(
    judged: Iterable[Judged], gauge: Gauge, present: Mapping[str, Any] | None, after: datetime | None
) -> Iterator[dict[str, Any]]:
    """What each reading after `after` (None: each), in its order, makes of the alert; nothing where nothing changes. Those before only
    say what was believed until then; they need not go back to the last that was, so none that is doubted ends an alert. `present`: the
    Alert entity as the city knows it, normalized.
    """
    state, name, since = _value(present, "状態"), _value(present, "名称"), _since(present)
    good: datetime | None = None
    unsure: datetime | None = None
    for one in judged:
        if after is None or one.at > after:
            if state == IN_FORCE and good is not None and one.at - good > SILENT:
                state, since = LOST, good + SILENT
                yield _ended(gauge, LOST, since)
            if one.height == "calm" and one.doubt is None and state in (IN_FORCE, LOST):
                state = WITHDRAWN if unsure is not None and unsure == since else LIFTED
                since = one.at
                yield _ended(gauge, state, one.at)
            elif one.raises and (state, name) != (IN_FORCE, _called(gauge, one.height)):
                state, name, since = IN_FORCE, _called(gauge, one.height), one.at
                yield _raised(gauge, one)
        good, unsure = one.good or good, one.at if one.unsure else None


def lost(gauge: Gauge, present: Mapping[str, Any], good: datetime, now: datetime) -> dict[str, Any] | None:
    """An alert in force whose gauge has said nothing that is believed for a day; None for every other."""
    if _value(present, "状態") != IN_FORCE or now - good <= SILENT:
        return None
    return _ended(gauge, LOST, good + SILENT)


def _raised(gauge: Gauge, one: Judged) -> dict[str, Any]:
    mark = _NAMES[one.height]
    metres = f"（{one.mark:.2f} m）" if one.mark is not None else ""
    sure = "急に上がったため、値を確かめています。" if one.unsure else ""
    said = {
        "名称": _called(gauge, one.height),
        "警戒レベル": 0,
        "状態": IN_FORCE,
        "見出し": f"{gauge.name}の水位が{mark}{metres}以上になりました。{one.level:.2f} m。{sure}",
        "対象地域": gauge.name,
        "発表者": ISSUER,
        "電文": "水位計",
        "電文番号": gauge.code,
        "有効期限": "",
    }
    at = _text(one.at)
    return {
        "id": urn(gauge),
        "type": TYPE,
        **{name: {"type": "Property", "value": value, "observedAt": at} for name, value in said.items()},
    }


def _ended(gauge: Gauge, how: str, at: datetime) -> dict[str, Any]:
    said = {"type": "Property", "value": how, "observedAt": _text(at)}
    return {"id": urn(gauge), "type": TYPE, "状態": said}


def _called(gauge: Gauge, height: Height) -> str:
    return f"{gauge.name}の水位（{_NAMES[height]}以上）"


def _value(entity: Mapping[str, Any] | None, name: str) -> Any:
    return told(entity, name).get("value")


def _since(entity: Mapping[str, Any] | None) -> datetime | None:
    said = told(entity, "状態").get("observedAt")
    return datetime.fromisoformat(said) if said else None


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
