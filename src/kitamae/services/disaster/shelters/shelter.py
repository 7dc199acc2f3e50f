"""A shelter as pages show it, from an EvacuationShelter entity: 推奨データセット's attributes, and what is reported of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from kitamae.sdk import sheltering
from kitamae.sdk.context import told
from kitamae.services.disaster.shelters import capacity

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE, SITE = sheltering.TYPE, "EvacuationSite"
STATUS, PEOPLE, NATURE = sheltering.STATUS, "避難者数", "指定区分"
OPEN, CLOSED = sheltering.OPEN, sheltering.CLOSED
AGREED, UNDESIGNATED = "協定", "指定なし"
PARTNER, UNTIL = "協定の相手", "協定の期限"
SPACES: Final = sheltering.SPACES
NEEDS: Final = sheltering.NEEDS

Kind = Literal["designated", "agreed", "undesignated"]
_KINDS: Final[dict[object, Kind]] = {AGREED: "agreed", UNDESIGNATED: "undesignated"}


def people_in(space: str) -> str:
    """The attribute: how many are in that space."""
    return f"{PEOPLE}_{space}"


def room_in(space: str) -> str:
    """The attribute: for how many that space has room."""
    return f"定員_{space}"


def needing(need: str) -> str:
    """The desk's note: how many have that need."""
    return f"要配慮者数_{need}"


@dataclass(frozen=True, slots=True)
class Count:
    """`people` at `at` (UTC); None: nobody said. `room`: for how many there is room, None: not known."""

    people: int | None = None
    at: datetime | None = None
    room: int | None = None


@dataclass(frozen=True, slots=True)
class Shelter:
    """`is_open` None: nobody reported. `since` when its status was last reported, `opened` since when it is open where
    that is another moment (`openings.py`), in UTC. `spaces`, `needs` by their Japanese names, only
    those of which something is known. `until`: the last day of its agreement.
    """

    id: str
    name: str
    kind: Kind
    is_open: bool | None
    since: datetime | None
    count: Count
    spaces: Mapping[str, Count]
    needs: Mapping[str, Count]
    partner: str
    until: date | None
    opened: datetime | None = None

    @property
    def at(self) -> datetime | None:
        """Of the newest report about it."""
        return max((one for one in (self.since, self.count.at) if one), default=None)


def shelter(entity: Mapping[str, Any], notes: Mapping[str, Any] | None = None) -> Shelter:
    """From a normalized entity with the city's short names, and the desk's notes of it. What is of a wrong kind counts as not known."""
    entity = {**entity, **(notes or {})}
    stated = capacity.read(_text(entity, "想定収容人数"))
    rooms = {"屋内": stated.indoor, "屋外": stated.outdoor}
    spaces = {}
    for name in SPACES:
        entered = _number(entity, room_in(name))
        one = _count(entity, people_in(name), rooms.get(name) if entered is None else entered)
        if one.people is not None or one.room is not None:
            spaces[name] = one
    status = _value(entity, STATUS)
    inside, outside = (spaces.get(name, Count()).room for name in ("屋内", "屋外"))
    return Shelter(
        id=str(entity["id"]),
        name=_text(entity, "名称") or str(entity["id"]),
        kind=_KINDS.get(_value(entity, NATURE), "designated"),
        is_open=None if status not in (OPEN, CLOSED) else status == OPEN,
        since=_at(entity, STATUS),
        count=_count(entity, PEOPLE, capacity.Capacity(inside, outside).people),
        spaces=spaces,
        needs={
            name: one for name in NEEDS if (one := _count(entity, needing(name), None)).people is not None
        },
        partner=_text(entity, PARTNER),
        until=_day(_value(entity, UNTIL)),
    )


def _count(entity: Mapping[str, Any], name: str, room: int | None) -> Count:
    people = _number(entity, name)
    return Count(people, _at(entity, name) if people is not None else None, room)


def _value(entity: Mapping[str, Any], name: str) -> Any:
    return told(entity, name).get("value")


def _text(entity: Mapping[str, Any], name: str) -> str:
    one = told(entity, name)
    said = one.get("value", one.get("languageMap", {}).get("ja"))
    return said if isinstance(said, str) else ""


def _number(entity: Mapping[str, Any], name: str) -> int | None:
    said = _value(entity, name)
    if isinstance(said, bool) or not isinstance(said, int | float) or said < 0 or said != int(said):
        return None
    return int(said)


def _at(entity: Mapping[str, Any], name: str) -> datetime | None:
    one = told(entity, name)
    said = one.get("observedAt") or one.get("modifiedAt")
    try:
        return datetime.fromisoformat(said).astimezone(UTC) if isinstance(said, str) else None
    except ValueError:
        return None


def _day(said: object) -> date | None:
    try:
        return date.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
