"""Of a message, what concerns this city: `Alert` entities, one for each phenomenon (of each river, of each sender of CAP), with what it is
now and since when.

An entity stays when the alert ends: its 状態 says so, and its history tells when it began, rose and ended. What is older than what
the city knows changes nothing; 訓練 and 試験 raise nothing. A message of an area whose code is no code of it (any more) says so.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from kitamae.sdk.context import told
from kitamae.services.disaster.alerts.message import IN_FORCE, LIFTED, WITHDRAWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping, Sequence
    from datetime import date

    from kitamae.sdk.city import AlertArea
    from kitamae.services.disaster.alerts.message import Message, Statement

TYPE: Final = "Alert"
_ZONE: Final = ZoneInfo("Asia/Tokyo")
ORDER: Final = "EvacuationOrder"
"""What the city itself orders (避難情報): the same attributes, written by the desk that orders alone."""

PHENOMENA: Final = {
    "大雨": "rain",
    "土砂災害": "landslide",
    "洪水": "flood",
    "氾濫": "river-flood",
    "高潮": "surge",
    "暴風": "storm",
    "暴風雪": "snowstorm",
    "強風": "wind",
    "風雪": "wind-and-snow",
    "大雪": "snow",
    "波浪": "waves",
    "雷": "thunder",
    "濃霧": "fog",
    "乾燥": "dry-air",
    "なだれ": "avalanche",
    "低温": "cold",
    "霜": "frost",
    "着氷": "icing",
    "着雪": "snow-accretion",
    "融雪": "snowmelt",
    "大津波": "tsunami",
    "津波": "tsunami",
    "竜巻": "tornado",
    "記録的短時間大雨": "record-rain",
    "緊急地震": "earthquake-early-warning",
    "震度": "earthquake",
    "噴火": "eruption",
}
"""What is warned of, and how its entity is called. What is not here (a typhoon's number, a forecast of ash) is no alert."""

_CALLED: Final = frozenset(PHENOMENA.values())
_PLAIN: Final = re.compile("[0-9A-Za-z-]{1,40}")

_NAMED: Final = re.compile(
    r"^(?:レベル[１-５])?(?P<what>.+?)"
    r"(?:特別警報|危険警報|警報|注意報|警戒情報|危険情報|発生情報|注意情報|速報|情報|[０-９])"
)
_RIVER: Final = "指定河川洪水予報"
_WEATHER: Final = frozenset({"気象情報／府県予報区・細分区域等"})
_FORGOTTEN: Final = timedelta(days=60)
_SCHEME_OF_2026: Final = "（Ｒ０６）"
_LANDSLIDE: Final = "土砂災害警戒情報"  # its kinds are called 警戒 and 解除: the product's name says of what


def concerned(message: Message, areas: Sequence[AlertArea]) -> dict[str, Statement]:
    """Phenomenon -> what the message says of it for this city: for the first of `areas` that it names. Also what has ended."""
    found: dict[str, Statement] = {}
    rank: dict[str, int] = {}
    order = _ours(message, areas)
    for one in _said(message):
        place = order.get((one.area.scheme, one.area.code))
        what = _phenomenon(one, message)
        if place is None or what is None:
            continue
        if place < rank.get(what, len(order)) or (place == rank[what] and _heavier(one, found[what])):
            found[what], rank[what] = one, place
    return found


def changed(
    message: Message, areas: Sequence[AlertArea], city: str, present: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The Alert entities as they are after this message; nothing where it is older, of a rehearsal, or of elsewhere.

    `city`: 標準地域コード (five digits), for the ids; `present`: the city's Alert entities by id, normalized, with short names.
    """
    if message.status != "actual":
        return []
    if message.action == "cancellation":
        withdrawn = [one for one in _of_family(message, present.values()) if _same_event(message, one)]
        return [_ended(one, WITHDRAWN, message) for one in withdrawn if not _older(message, one)]
    found = {
        f"urn:ngsi-ld:{TYPE}:{city}:{what}{_voice(message)}": one
        for what, one in concerned(message, areas).items()
    }
    news = []
    for id, one in found.items():
        there = present.get(id)
        if there is not None and _older(message, there):
            continue
        if one.in_force:
            news.append(_entity(id, one, message))
        elif there is not None and value(there, "状態") == IN_FORCE and _of_family(message, [there]):
            news.append(_ended(there, LIFTED, message))
    river = message.bulletin == _RIVER
    if speaks_of(message, areas) or river:
        for there in _of_family(message, present.values()):
            if river and not _same_event(message, there):
                continue
            if there["id"] not in found and value(there, "状態") == IN_FORCE and not _older(message, there):
                news.append(_ended(there, LIFTED, message))
    return news


def strange(message: Message, areas: Sequence[AlertArea]) -> list[str]:
    """Areas of this city, by name, that the message calls by a code that is not theirs: one that has ended, or one that the city's
    profile does not know for an area of that name in that list.
    """
    known = {(area.of, area.code): area for area in areas}
    named = {(area.of, area.name): area for area in areas if area.until is None}
    found = {}
    for said in dict.fromkeys(one.area for one in message.statements):
        area = known.get((said.scheme, said.code))
        if area is not None and area.until is not None and _day(message) > area.until:
            found[said] = f"{area.name} ({said.code}, {area.of}): this code ended on {area.until}"
        elif area is None and (ours := named.get((said.scheme, said.name))) is not None:
            found[said] = f"{said.name} ({said.code}, {said.scheme}): here its code is {ours.code}"
    return list(found.values())


def speaks_of(message: Message, areas: Sequence[AlertArea]) -> bool:
    """Whether it names one of the city's areas by a code that holds."""
    ours = _ours(message, areas)
    return any((one.area.scheme, one.area.code) in ours for one in _said(message))


def superseded(message: Message, heard: Mapping[str, str]) -> bool:
    """Whether a newer message of the same kind and office said already how things stand, or this one's event was withdrawn.
    `heard`: of `hear`.
    """
    at = _stamp(message)
    return heard.get(_key(message), "") > at or heard.get(_key(message, withdrawn=True), "") >= at


def hear(message: Message, areas: Sequence[AlertArea], heard: MutableMapping[str, str]) -> None:
    """Note of a message that counts which others it makes void, whatever order they come in; what is months old is forgotten."""
    if message.status != "actual":
        return
    withdrawn = message.action == "cancellation"
    if withdrawn or speaks_of(message, areas):
        key = _key(message, withdrawn=withdrawn)
        heard[key] = max(heard.get(key, ""), _stamp(message))
    oldest = _text(message.reported - _FORGOTTEN)
    for key in [key for key, at in heard.items() if at < oldest]:
        del heard[key]


def family(message: Message) -> str:
    """Whose messages replace each other: those of the old scheme come in three forms at once, those of 2026 one by phenomenon."""
    if message.bulletin.startswith("気象") and "警報・注意報" in message.bulletin:
        return message.bulletin if _SCHEME_OF_2026 in message.bulletin else "気象警報・注意報"
    return message.bulletin


def label(one: Statement, message: Message) -> str:
    """What people call it."""
    return _LANDSLIDE if message.bulletin == _LANDSLIDE else one.kind


def _said(message: Message) -> list[Statement]:
    """Of each area what is said. A river's flood concerns those whom it reaches, not the whole prefecture in whose warning it stands."""
    if message.bulletin != _RIVER:
        return list(message.statements)
    at_river = [one for one in message.statements if one.area.scheme not in _WEATHER]
    kinds = {one.kind: one for one in at_river}
    return [*at_river, *(replace(one, area=area) for one in kinds.values() for area in message.reach)]


def _voice(message: Message) -> str:
    """Whose warnings stand beside those of others, and never end them: each river's, by its event, and each sender's of CAP."""
    if message.format == "cap":
        key = message.office
    elif message.bulletin == _RIVER:
        key = message.series or message.office
    else:
        return ""
    return f".{key if _PLAIN.fullmatch(key) else sha256(key.encode()).hexdigest()[:12]}"


def phenomenon(id: str) -> str:
    """Of an entity's id, what it warns of: one of PHENOMENA's for each river and sender; else all that stands after its city."""
    last = id.rpartition(":")[2]
    what = last.partition(".")[0]
    return what if what in _CALLED else last


def _ours(message: Message, areas: Sequence[AlertArea]) -> dict[tuple[str, str], int]:
    """(code list, code) of those of the city's areas whose code held when the message was made -> its rank."""
    day = _day(message)
    return {
        (area.of, area.code): n for n, area in enumerate(areas) if area.until is None or day <= area.until
    }


def _day(message: Message) -> date:
    """On which it was made, in Japan: so days are meant where a code has its last one."""
    return message.reported.astimezone(_ZONE).date()


def _key(message: Message, *, withdrawn: bool = False) -> str:
    """Messages with a number are of one event, and say nothing of another."""
    return "\n".join([family(message), message.office, message.series, "取消" if withdrawn else ""])


def _stamp(message: Message) -> str:
    """In the order of time as text: when it was reported, and of two of one moment when it was sent."""
    return f"{_text(message.reported)} {_text(message.sent)}"


def _phenomenon(one: Statement, message: Message) -> str | None:
    """Of what 気象庁 says and we do not know, nothing is made; whom the city lets send CAP, it believes in any words."""
    named = _NAMED.match(label(one, message))
    known = PHENOMENA.get(named["what"]) if named else None
    if known or message.format == "jma" or not one.kind:
        return known
    return f"cap-{sha256(one.kind.encode()).hexdigest()[:12]}"


def _heavier(one: Statement, other: Statement) -> bool:
    """A warning upgraded within one message is listed with what it replaces."""
    return (one.in_force, one.level or 0) > (other.in_force, other.level or 0)


def _entity(id: str, one: Statement, message: Message) -> dict[str, Any]:
    at = _text(message.reported)
    said = {
        "名称": label(one, message),
        "警戒レベル": one.level or 0,
        "状態": IN_FORCE,
        "見出し": message.headline,
        "対象地域": one.area.name,
        "発表者": message.office,
        "電文": family(message),
        "電文番号": " ".join(dict.fromkeys([message.series, *message.numbers])),
        "有効期限": _text(message.valid_until) if message.valid_until else "",
    }
    return {
        "id": id,
        "type": TYPE,
        **{name: {"type": "Property", "value": value, "observedAt": at} for name, value in said.items()},
    }


def _ended(there: Mapping[str, Any], how: str, message: Message) -> dict[str, Any]:
    return {
        "id": there["id"],
        "type": TYPE,
        "状態": {"type": "Property", "value": how, "observedAt": _text(message.reported)},
    }


def _of_family(message: Message, present: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What messages of this kind said; of CAP, what this sender said."""
    return [
        one
        for one in present
        if value(one, "電文") == family(message)
        and (message.format != "cap" or value(one, "発表者") == message.office)
    ]


def _same_event(message: Message, there: Mapping[str, Any]) -> bool:
    """A message without a number of its event takes back what its office said last."""
    if message.series:
        numbers = str(value(there, "電文番号") or "").split()
        return not {*message.series.split(), *message.refers}.isdisjoint(numbers)
    return bool(value(there, "発表者") == message.office)


def _older(message: Message, there: Mapping[str, Any]) -> bool:
    known = told(there, "状態").get("observedAt", "")
    return bool(known) and message.reported < datetime.fromisoformat(known).astimezone(UTC)


def value(entity: Mapping[str, Any], name: str) -> Any:
    """Of a normalized entity's Property; None where it has none."""
    return told(entity, name).get("value")


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
