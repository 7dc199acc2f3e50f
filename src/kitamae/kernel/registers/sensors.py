"""The sensor register: every sensor and camera that the city lets write, and those of others that stand in the city.

An entry's `said`:

    name              {"ja": ..., "en": ...}: by language; Japanese at least
    kind              sensor | camera
    accountable       who answers for it; "" is 不明 and said so
    contact           where to ask; "" is 不明
    operator          who runs it day by day, where that is another one
    purpose, technology, data, process, storage, access    elements of `dtpr.CHAIN`; [] is 不明
    identifies        no | de_identified | yes | "" (不明): whether persons can be told apart
    retention_days    0: nothing is kept; None: 不明; -1: for ever
    observes          ids of the entities that it writes
    types             short names of entity types that it may write
    place             where it is, in words
    longitude, latitude   WGS84 degrees as decimal text, "" where it moves
    since             YYYY-MM-DD or ""
    source            where all this is known from
    law               on what it rests, for a camera above all

States: planned, installed, suspended, removed. Only what is installed may write (`demand_installed`).
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel import days
from kitamae.kernel.problems import BadRequest, Forbidden
from kitamae.kernel.registers import dtpr
from kitamae.kernel.registers.register import TENANT, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from kitamae.kernel.context.entity import Attributes
    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.registers.entry import Entry

TYPE: Final = "RegisteredSensor"
STATES: Final = {"planned": "予定", "installed": "動いている", "suspended": "休止中", "removed": "撤去ずみ"}
KINDS: Final = {"sensor": "センサー", "camera": "カメラ"}
_LANGUAGES: Final = ("ja", "ja_Hira", "en", "zh", "ko")
_TEXTS: Final = ("accountable", "contact", "operator", "place", "source", "law")
_LONGEST: Final = 500
_LISTED: Final = 50
_DECIMAL: Final = re.compile(r"-?\d{1,3}(?:\.\d{1,9})?", re.ASCII)
_TYPE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}", re.ASCII)


class NotRegistered(Forbidden):
    """What is not in the public sensor register, or stands there as not installed, writes nothing."""

    type = "https://kitamae.example/problems/not-registered"
    title = "The sensor is not in the public sensor register"


class Sensors:
    """The sensor register of a city."""

    def __init__(
        self, store: Store, expand: Callable[[str], str], *, tenant: str = "", publish: bool = True
    ) -> None:
        self.register = Register(store, "sensors", TYPE, expand, tenant=tenant, publish=publish)
        self._expand = expand

    async def put(
        self, tx: Transaction, id: str, state: str, said: Mapping[str, Any], by: str, *, who: str = ""
    ) -> Entry:
        """A new entry, or what it says from now on. Raises BadRequest, HoldsMyNumber."""
        if state not in STATES:
            raise BadRequest(f"state: expected one of {', '.join(STATES)}, got {state!r:.40}")
        read = checked(said)
        _demand_possible(read["since"], state, days.of(self.register.now()))
        before = await self.register.current(tx, id)
        what = state if before is None or before["state"] != state else "changed"
        about = self._about(read)
        return await self.register.write(tx, id, state, read, what, by, who=who, about=about)

    async def demand_installed(self, tx: Transaction, id: str) -> Entry:
        """Asked inside the transaction that binds a device's key to the entry, or that writes in its name. Raises NotRegistered."""
        entry = await self.register.current(tx, id)
        if entry is None:
            raise NotRegistered(f"the public sensor register has no entry {id!r:.80}")
        if entry["state"] != "installed":
            raise NotRegistered(
                f"the public sensor register says that {id} is {entry['state']}, not installed"
            )
        return entry

    async def load(self, path: Path) -> int:
        """Enter what a city's `sensors.toml` says, where that changed since it was loaded last; how many changed.

        What the desk changed since stays until the file says something else of that entry. What was loaded and is in the file no
        more (or the file is gone) is suspended: it writes nothing, until the file or the desk says that it may. Raises BadSensorsError.
        """
        wanted = _in_file(path)
        known = {entry["id"]: entry for entry in await self.register.entries()}
        changed = 0
        for id, (state, said) in wanted.items():
            loaded = await self.register.store.get(TENANT, _LOADED, id)
            now = {"state": state, "said": said}
            if id in known and loaded == now:
                continue

            async def work(
                tx: Transaction, id: str = id, state: str = state, said: dict[str, Any] = said
            ) -> None:
                await self.put(tx, id, state, said, "city")
                await tx.put(TENANT, _LOADED, id, {"state": state, "said": said})

            await self.register.store.transact(work)
            changed += 1
        for _, id, _ in await self.register.store.documents(TENANT, _LOADED):
            if id not in wanted:
                changed += await self.register.store.transact(partial(self._taken_out, id))
        return changed

    async def _taken_out(self, id: str, tx: Transaction) -> bool:
        """Whether that changed what the entry says."""
        await tx.drop(TENANT, _LOADED, id)
        entry = await self.register.current(tx, id)
        if entry is None or entry["state"] not in ("planned", "installed"):
            return False
        await self.put(tx, id, "suspended", entry["said"], "city")
        return True

    def _about(self, said: Mapping[str, Any]) -> Attributes:
        about: Attributes = {}
        if said["longitude"]:
            point = {"type": "Point", "coordinates": [float(said["longitude"]), float(said["latitude"])]}
            about[self._expand("location")] = [{"kind": "GeoProperty", "v": point}]
        if said["observes"]:
            about[self._expand("observes")] = [{"kind": "ListRelationship", "v": list(said["observes"])}]
        if said["types"]:
            about[self._expand("types")] = [{"kind": "ListProperty", "v": list(said["types"])}]
        return about


_LOADED: Final = "sensors-loaded"
_PLANNED_YEARS: Final = 10


class BadSensorsError(ValueError):
    """A city's sensors.toml is not in order; the message names the entry and what was expected."""


def _in_file(path: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    return read(path) if path.is_file() else {}


def read(path: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """A city's `sensors.toml`, `[sensor.<id>]` each: id -> (state, said). Raises BadSensorsError."""
    try:
        sent = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSensorsError(f"{path}: {error}") from error
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for id, told in sent.get("sensor", {}).items():
        said = dict(told)
        state = said.pop("state", "installed")
        try:
            if state not in STATES:
                raise BadRequest(f"state: expected one of {', '.join(STATES)}, got {state!r:.40}")
            found[id] = state, checked(said)
        except BadRequest as error:
            raise BadSensorsError(f"{path}: sensor.{id}: {error.detail}") from error
    return found


def checked(said: Mapping[str, Any]) -> dict[str, Any]:
    """Every field, in order; what is not said is unknown. Raises BadRequest naming the field."""
    if unknown := sorted(said.keys() - _FIELDS):
        raise BadRequest(f"{unknown[0]}: there is no such field; known are {', '.join(sorted(_FIELDS))}")
    made: dict[str, Any] = {"name": _name(said.get("name"))}
    made["kind"] = _one("kind", said.get("kind", "sensor"), KINDS)
    made |= {field: _text(field, said.get(field, "")) for field in _TEXTS}
    for category, elements in dtpr.CHAIN.items():
        chosen = _texts(category, said.get(category, []))
        made[category] = [_one(category, one, elements) for one in chosen]
    identifies = said.get("identifies", "")
    made["identifies"] = identifies and _one("identifies", identifies, dtpr.IDENTIFIES)
    made["retention_days"] = _days(said.get("retention_days"))
    made["observes"] = _texts("observes", said.get("observes", []))
    made["types"] = _texts("types", said.get("types", []))
    for name in made["types"]:
        if not _TYPE_NAME.fullmatch(name):
            raise BadRequest(f"types: expected short names of entity types, got {name!r:.80}")
    made["longitude"], made["latitude"] = _place(said.get("longitude", ""), said.get("latitude", ""))
    made["since"] = _date(said.get("since", ""))
    if made["kind"] == "camera" and not (made["accountable"] and made["purpose"] and made["identifies"]):
        raise BadRequest(
            "camera: nobody enters a camera without saying who is accountable, for what purpose, and whether it identifies persons"
        )
    return made


_FIELDS: Final = frozenset(
    {
        *(
            "name",
            "kind",
            "identifies",
            "retention_days",
            "observes",
            "types",
            "longitude",
            "latitude",
            "since",
        ),
        *_TEXTS,
        *dtpr.CHAIN,
    }
)


def _name(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not value.get("ja") or not set(value) <= set(_LANGUAGES):
        raise BadRequest("name: expected words by language, Japanese (ja) at least")
    return {language: _text("name", word) for language, word in value.items() if word}


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise BadRequest(f"{field}: expected a text of at most {_LONGEST} letters")
    return value.strip()


def _texts(field: str, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > _LISTED:
        raise BadRequest(f"{field}: expected a list of at most {_LISTED}")
    return [_text(field, one) for one in value]


def _one(field: str, value: Any, known: Mapping[str, str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise BadRequest(f"{field}: expected one of {', '.join(known)}, got {value!r:.40}")
    return value


def _days(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not -1 <= value <= 36_525:
        raise BadRequest(
            "retention_days: expected whole days, 0 for nothing kept, -1 for ever; leave it out where unknown"
        )
    return value


def _place(longitude: Any, latitude: Any) -> tuple[str, str]:
    east, north = str(longitude).strip(), str(latitude).strip()
    if not east and not north:
        return "", ""
    fine = _DECIMAL.fullmatch(east) and _DECIMAL.fullmatch(north)
    if not fine or abs(float(east)) > 180 or abs(float(north)) > 90:
        raise BadRequest(
            "longitude, latitude: expected degrees in WGS84 with at most nine decimals, or neither"
        )
    return east, north


def _demand_possible(since: str, state: str, today: dt.date) -> None:
    """What is planned may be to come; what stands there stands there since a day that has been."""
    if since and state == "planned":
        days.demand_within("since", dt.date.fromisoformat(since), today, _PLANNED_YEARS)
    elif since:
        days.demand_past("since", dt.date.fromisoformat(since), today)


def _date(value: Any) -> str:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    if value == "":
        return ""
    try:
        return dt.date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise BadRequest(f"since: expected a day such as 2026-11-21, got {value!r:.40}") from None


def blank() -> dict[str, Any]:
    """An entry that says nothing yet, for a form."""
    return {**checked({"name": {"ja": "-"}}), "name": {}}
