"""気象庁防災情報XML (http://xml.kishou.go.jp/): every product, as far as it says that something is in force somewhere.

Which kinds are in force where stands in the body's `Warning` (with what becomes of each: 発表, 継続, 解除), for tsunamis in its
`Tsunami/Forecast`; where the body has neither, in the headline's `Information` (so with 指定河川洪水予報, whose body lists what would be
under water: `Message.reach`). What has none of them (a forecast, a chart, a
text) is a message without statements, and no error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from kitamae.sdk.xml import BadMessageError, moment, parse, text
from kitamae.services.disaster.alerts.levels import level
from kitamae.services.disaster.alerts.message import Action, Area, Message, Statement, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml import etree

_REPORT: Final = "{http://xml.kishou.go.jp/jmaxml1/}"
_HEAD: Final = "{http://xml.kishou.go.jp/jmaxml1/informationBasis1/}"
_STATUS: Final[dict[str, Status]] = {"通常": "actual", "訓練": "exercise", "試験": "test"}
_ACTION: Final[dict[str, Action]] = {
    "発表": "issue",
    "訂正": "correction",
    "取消": "cancellation",
    "遅延": "issue",  # the same news, late
}
T = TypeVar("T")

MUNICIPALITIES: Final = "気象・地震・火山情報／市町村等"
FORECAST_AREAS: Final = "気象情報／府県予報区・細分区域等"
TSUNAMI_AREAS: Final = "津波予報区"
_LISTS: Final = {7: MUNICIPALITIES, 6: FORECAST_AREAS}
"""The body does not name the code list of its areas; the headline of the same message does, and the length tells."""

_REACHED: Final = "対象地域"
"""What is said of 浸水想定地区, which is no warning but a list of places."""

_LANDSLIDE: Final = (
    "土砂災害警戒情報"  # its kinds are called 警戒, 解除, なし: the product's name says of what
)


def read(content: bytes) -> Message:
    """One message. Raises BadMessageError."""
    root = parse(content)
    if root.tag != f"{_REPORT}Report":
        raise BadMessageError(f"the root is {root.tag!r:.80}: expected Report of 気象庁防災情報XML")
    control, head = root.find(f"{_REPORT}Control"), root.find(f"{_HEAD}Head")
    if control is None or head is None:
        raise BadMessageError(f"there is no {'Control' if control is None else 'Head'}")
    sent, reported = moment(control, f"{_REPORT}DateTime"), moment(head, f"{_HEAD}ReportDateTime")
    if sent is None or reported is None:
        raise BadMessageError(f"there is no {'Control/DateTime' if sent is None else 'Head/ReportDateTime'}")
    bulletin = text(control, f"{_REPORT}Title")
    return Message(
        format="jma",
        bulletin=bulletin,
        title=text(head, f"{_HEAD}Title"),
        office=text(control, f"{_REPORT}EditorialOffice"),
        status=_known(_STATUS, text(control, f"{_REPORT}Status"), "Control/Status"),
        action=_known(_ACTION, text(head, f"{_HEAD}InfoType"), "Head/InfoType"),
        series=text(head, f"{_HEAD}EventID"),
        serial=text(head, f"{_HEAD}Serial"),
        sent=sent,
        reported=reported,
        target=moment(head, f"{_HEAD}TargetDateTime"),
        valid_until=moment(head, f"{_HEAD}ValidDateTime"),
        headline=text(head, f"{_HEAD}Headline/{_HEAD}Text"),
        statements=tuple(_statements(root, head, bulletin)),
        reach=tuple(dict.fromkeys(_reach(root))),
    )


def _known(names: dict[str, T], said: str, where: str) -> T:
    if said not in names:
        raise BadMessageError(f"{where}: {said!r:.40}: expected {', '.join(names)}")
    return names[said]


def _statements(root: etree._Element, head: etree._Element, bulletin: str) -> Iterator[Statement]:
    body = next((part for part in root if str(part.tag).endswith("}Body")), None)
    told = [] if body is None else [*_warnings(body, bulletin), *_tsunami(body)]
    yield from told or _headline(head, bulletin)


def _warnings(body: etree._Element, bulletin: str) -> Iterator[Statement]:
    """Of each item its kinds, each with what becomes of it, for its areas. A kind without a name says that there is none."""
    for warning in body.iterfind("{*}Warning"):
        for item in warning.iterfind("{*}Item"):
            areas = [
                Area(one.code, one.name, one.scheme or _LISTS.get(len(one.code), "")) for one in _areas(item)
            ]
            for kind in item.iterfind("{*}Kind"):
                name, state = text(kind, "{*}Name"), text(kind, "{*}Status")
                if state == _REACHED or (
                    not name and state not in {"発表警報・注意報はなし", "海上警報なし"}
                ):
                    continue  # a flood forecast's text, and what it reaches: the headline names its kind
                for area in areas:
                    yield _statement(
                        name, text(kind, "{*}Code"), state, area, warning.get("type", ""), bulletin
                    )


def _reach(root: etree._Element) -> Iterator[Area]:
    """浸水想定地区: the municipalities that a flood would reach."""
    for kind in root.iterfind("{*}Body/{*}Warning/{*}Item/{*}Kind[{*}Status]"):
        item = kind.getparent()
        if item is not None and text(kind, "{*}Status") == _REACHED:
            for area in item.iterfind(".//{*}Area"):
                if code := text(area, "{*}CityCode"):
                    yield Area(code, text(area, "{*}City"), MUNICIPALITIES)


def _tsunami(body: etree._Element) -> Iterator[Statement]:
    for item in body.iterfind("{*}Tsunami/{*}Forecast/{*}Item"):
        kind = item.find("{*}Category/{*}Kind")
        for area in _areas(item):
            place = Area(area.code, area.name, TSUNAMI_AREAS)
            yield Statement(text(kind, "{*}Name"), text(kind, "{*}Code"), "", None, place, TSUNAMI_AREAS)


def _headline(head: etree._Element, bulletin: str) -> Iterator[Statement]:
    for information in head.iterfind("{*}Headline/{*}Information"):
        for item in information.iterfind("{*}Item"):
            areas = list(_areas(item))
            for kind in item.iterfind("{*}Kind"):
                for area in areas:
                    yield _statement(
                        text(kind, "{*}Name"),
                        text(kind, "{*}Code"),
                        text(kind, "{*}Condition"),
                        area,
                        information.get("type", ""),
                        bulletin,
                    )


def _statement(name: str, code: str, state: str, area: Area, layer: str, bulletin: str) -> Statement:
    full = bulletin if bulletin == _LANDSLIDE and name == "警戒" else name
    return Statement(name, code, state, level(full), area, layer)


def _areas(item: etree._Element) -> Iterator[Area]:
    """`Area`, or `Areas` with several."""
    for group in (item, *item.iterfind("{*}Areas")):
        scheme = group.get("codeType", "")
        for area in group.iterfind("{*}Area"):
            yield Area(text(area, "{*}Code"), text(area, "{*}Name"), area.get("codeType", scheme))
