"""CAP 1.2 (OASIS Common Alerting Protocol), in and out.

In: of several `info` the one in Japanese, else the first; an area counts by its geocodes, one by one. Who may send is the city's to
say (`city.toml`: `cap_senders`), not the message's. Out: an Alert entity as a message of the city's: Alert when an event begins, Update when
it goes on otherwise, Cancel when it is lifted or withdrawn, each with what was said before of that event; what the city does not know (how
certain, how urgent) it calls Unknown. A city that only shows says Test. A rehearsal is no entity, so none goes out (no Exercise).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from kitamae.sdk.xml import BadMessageError, moment, parse, text
from kitamae.services.disaster.alerts.levels import level
from kitamae.services.disaster.alerts.message import (
    LIFTED,
    WITHDRAWN,
    Action,
    Area,
    Message,
    Statement,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kitamae.services.disaster.models import Alert

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE: Final = "application/cap+xml"
LEVEL: Final = "警戒レベル"
"""A `parameter` of that name carries it."""

_IN: Final = f"{{{NAMESPACE}}}"
_STATUS: Final[dict[str, Status]] = {
    "Actual": "actual",
    "Exercise": "exercise",
    "Test": "test",
    "System": "test",
    "Draft": "test",
}
_ACTION: Final[dict[str, Action]] = {"Alert": "issue", "Update": "correction", "Cancel": "cancellation"}
_SEVERITY: Final = {5: "Extreme", 4: "Severe", 3: "Severe", 2: "Moderate", 1: "Minor"}
_RESPONSE: Final = {3: "Prepare", 4: "Evacuate", 5: "Shelter"}
"""What the city orders at each level. At 3 those who need time leave and all others prepare; at 5 it is too late to leave."""
_CATEGORY: Final = {
    "tsunami": "Geo",
    "earthquake": "Geo",
    "earthquake-early-warning": "Geo",
    "eruption": "Geo",
    "landslide": "Geo",
}


def read(content: bytes) -> Message:
    """One message. Raises BadMessageError."""
    root = parse(content)
    if root.tag != f"{_IN}alert":
        raise BadMessageError(f"the root is {root.tag!r:.80}: expected alert of {NAMESPACE}")
    said = {
        name: text(root, _IN + name).strip()
        for name in ("identifier", "sender", "status", "msgType", "references")
    }
    for name in ("identifier", "sender", "status", "msgType"):
        if not said[name]:
            raise BadMessageError(f"there is no {name}")
    sent = moment(root, f"{_IN}sent")
    if sent is None:
        raise BadMessageError("there is no sent")
    if said["status"] not in _STATUS:
        raise BadMessageError(f"status: {said['status']!r:.40}: expected {', '.join(_STATUS)}")
    if said["msgType"] not in _ACTION:
        raise BadMessageError(f"msgType: {said['msgType']!r:.40}: expected {', '.join(_ACTION)}")
    infos = root.findall(f"{_IN}info")
    info = next(
        (one for one in infos if text(one, f"{_IN}language").lower().startswith("ja")),
        infos[0] if infos else None,
    )
    named = [
        one.split(",") for one in said["references"].split()
    ]  # sender,identifier,sent: the earliest first
    refers = tuple(one[1] for one in named if len(one) == 3)
    return Message(
        format="cap",
        bulletin=text(info, f"{_IN}event").strip(),
        title=text(info, f"{_IN}headline").strip() or text(info, f"{_IN}event").strip(),
        office=said["sender"],
        status=_STATUS[said["status"]],
        action=_ACTION[said["msgType"]],
        series=refers[0] if refers else said["identifier"],
        serial=said["identifier"],
        sent=sent,
        reported=sent,
        target=moment(info, f"{_IN}onset") or moment(info, f"{_IN}effective"),
        valid_until=moment(info, f"{_IN}expires"),
        headline=text(info, f"{_IN}headline").strip() or text(info, f"{_IN}description").strip(),
        statements=() if info is None else tuple(_statements(info)),
        refers=refers,
    )


def _statements(info: etree._Element) -> Iterator[Statement]:
    event = text(info, f"{_IN}event").strip()
    over = text(info, f"{_IN}responseType") == "AllClear"
    told = {
        text(one, f"{_IN}valueName"): text(one, f"{_IN}value") for one in info.iterfind(f"{_IN}parameter")
    }
    said = told.get(LEVEL, "")
    height = int(said) if said in {"1", "2", "3", "4", "5"} else level(event)
    code = text(info, f"{_IN}eventCode/{_IN}value")
    for area in info.iterfind(f"{_IN}area"):
        name = text(area, f"{_IN}areaDesc").strip()
        codes = [
            (text(one, f"{_IN}valueName"), text(one, f"{_IN}value")) for one in area.iterfind(f"{_IN}geocode")
        ]
        for scheme, value in codes or [("", "")]:
            yield Statement(event, code, "解除" if over else "", height, Area(value, name, scheme), "")


def write(
    alert: Alert,
    earlier: Sequence[str],
    number: int = 0,
    *,
    sender: str,
    place: str,
    geocode: tuple[str, str] | None,
    web: str,
    real: bool = True,
) -> bytes:
    """`earlier`, `number`: of `course`; `sender`: an address of the city's without spaces; `place`: its name; `geocode`: (code list,
    code), None for what has no code of a list; `web`: the page about it; `real` False: nobody is to act on it (Test).
    """
    root = etree.Element(f"{_IN}alert", nsmap={None: NAMESPACE})  # type: ignore[dict-item]  # the stubs know no default namespace
    status = "Actual" if real else "Test"
    _add(root, identifier=_identifier(alert, alert.since, number), sender=sender, sent=_text(alert.since))
    _add(root, status=status, msgType=_type(alert, earlier), source=alert.office, scope="Public")
    if alert.withdrawn:
        _add(root, note=WITHDRAWN)
    if earlier:
        _add(root, references=" ".join(f"{sender},{one}" for one in earlier))
    info = etree.SubElement(root, f"{_IN}info")
    _add(
        info,
        language="ja-JP",
        category="Safety" if alert.ordered else _CATEGORY.get(alert.phenomenon, "Met"),
        event=alert.name,
    )
    if not alert.in_force:
        _add(info, responseType="AllClear")
    elif alert.ordered:
        _add(info, responseType=_RESPONSE.get(alert.level or 0, "Execute"))
    _add(
        info,
        urgency="Unknown" if alert.in_force else "Past",
        severity=_SEVERITY.get(alert.level or 0, "Unknown"),
        certainty="Unknown",
    )
    if alert.until is not None:
        _add(info, expires=_text(alert.until))
    _add(info, senderName=alert.office, headline=alert.headline or alert.name, web=web)
    if alert.level is not None:
        _add(etree.SubElement(info, f"{_IN}parameter"), valueName=LEVEL, value=str(alert.level))
    area = etree.SubElement(info, f"{_IN}area")
    _add(area, areaDesc=place)
    if geocode is not None:
        _add(etree.SubElement(area, f"{_IN}geocode"), valueName=geocode[0], value=geocode[1])
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written


def course(alert: Alert, said: Sequence[tuple[datetime, str]]) -> tuple[list[str], int]:
    """What was said before of the same event, from its beginning (`identifier,sent` of each), and the how many-th of its second the
    last message is. `said`: when each 状態 was observed, oldest first; the last of them is what `alert` is now.

    An event begins with the first message after an end; a second end (取消 after 解除) belongs to the event that ended.
    """
    ended = [state in (LIFTED, WITHDRAWN) for _, state in said]
    last = len(said) - 1
    while last >= 0 and ended[last]:
        last -= 1
    first = last
    while first > 0 and not ended[first - 1]:
        first -= 1
    numbers: dict[str, int] = {}
    told = []
    for at, _ in said[max(first, 0) :]:
        number = numbers.get(_text(at), 0)
        numbers[_text(at)] = number + 1
        told.append((f"{_identifier(alert, at, number)},{_text(at)}", number))
    if not told:
        return [], 0
    return [one for one, _ in told[:-1]], told[-1][1]


def _type(alert: Alert, earlier: Sequence[str]) -> str:
    if not alert.in_force:
        return "Cancel"
    return "Update" if earlier else "Alert"


def _identifier(alert: Alert, at: datetime, number: int) -> str:
    """Two messages of one second (a correction of the same moment) are two."""
    return f"{alert.id}:{at.astimezone(UTC):%Y%m%dT%H%M%SZ}" + (f"-{number + 1}" if number else "")


def _add(parent: etree._Element, **texts: Any) -> None:
    for name, value in texts.items():
        etree.SubElement(parent, _IN + name).text = value


def _text(at: datetime) -> str:
    """As the schema's pattern wants it: with an offset in digits."""
    return at.astimezone(UTC).isoformat(timespec="seconds")
