"""What a device's messages mean, as data: one TOML file per kind of device, in a city's `devices/` folder.

name = { ja = "危機管理型水位計", en = "River gauge" }
topic = "kaga/river-gauges/{code}/level"   # MQTT; {…} is one level, and may stand in for a field
type = "RiverGauge"
id = "urn:ngsi-ld:RiverGauge:{municipality}:{code}"

[fields]                                   # what the id is made of
code = { path = "code" }
municipality = { path = "townCode", as = "municipality" }

[time]                                     # when it was observed
path = "obsTime"

[[attribute]]
name = "水位"
path = "level"                             # a.b[0].c or a['odd.name'] inside the message
kind = "number"
unit = "MTR"

A LoRaWAN gateway's message is only deeper: path = "uplink_message.decoded_payload.level".
"""

from __future__ import annotations

import math
import re
import tomllib
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from kitamae.intake.cell import EAST, NORTH
from kitamae.kernel import municipality

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

_STRICT = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
_STEP: Final = re.compile(r"\.?([^.\[\]'\"]+)|\[(\d{1,4})\]|\['([^']+)'\]")
_HOLE: Final = re.compile(r"\{(\w+)\}")
LARGEST: Final = 64 * 1024
"""Bytes of one message; a reading is small."""


class BadDeviceError(ValueError):
    """A device file that is not in order; the message names the file and the place in it."""


class BadReadingError(ValueError):
    """A message that is no reading of this kind of device: says where, what was found and what was expected."""


def _steps(path: str) -> str:
    steps(path)
    return path


@cache
def steps(path: str) -> tuple[str | int, ...]:
    """`a.b[0]['c']` -> ("a", "b", 0, "c"). Raises ValueError."""
    found: list[str | int] = []
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if not step:
            raise ValueError(f"{path!r}: expected a path such as uplink.level or values[0]['a b']")
        name, number, quoted = step.groups()
        found.append(int(number) if number is not None else name or quoted)
        at = step.end()
    return tuple(found)


Path_ = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_steps)]


class FieldOf(BaseModel):
    """A part of the id: from the message, or from the topic where the path is empty."""

    model_config = _STRICT
    path: Path_ | None = None
    kind: Annotated[Literal["text", "municipality"], Field(alias="as")] = "text"


class Time(BaseModel):
    """When it was observed: RFC 3339, or seconds or milliseconds since 1970. `zone` for times that name none."""

    model_config = _STRICT
    path: Path_
    form: Literal["iso", "seconds", "milliseconds"] = "iso"
    zone: str = "UTC"


class AttributeOf(BaseModel):
    """One attribute. `observed` False: it describes the device (a name, a threshold), the time is not its own."""

    model_config = _STRICT
    name: str
    path: Path_
    kind: Literal["number", "text", "boolean"] = "number"
    unit: str = ""
    observed: bool = True
    required: bool = False
    least: float | None = None
    most: float | None = None


class PlaceOf(BaseModel):
    """Where the device is; degrees in WGS84."""

    model_config = _STRICT
    latitude: Path_
    longitude: Path_


class Device(BaseModel):
    """A kind of device. `read` is pure."""

    model_config = _STRICT
    kind: str
    name: dict[str, str]
    topic: Annotated[str, Field(pattern=r"^[^#+]+$")]
    qos: Literal[0, 1, 2] = 1
    type: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")]
    id: Annotated[str, Field(pattern=r"^urn:")]
    fields: dict[str, FieldOf]
    time: Time
    attribute: tuple[AttributeOf, ...]
    location: PlaceOf | None = None
    facts: dict[str, str] = Field(default_factory=dict)  # attributes that each device of this kind has

    @model_validator(mode="after")
    def _whole(self) -> Self:
        holes = set(_HOLE.findall(self.topic))
        for name, field in self.fields.items():
            if field.path is None and name not in holes:
                raise ValueError(f"fields.{name}: has no path and is not in the topic")
        for name in set(_HOLE.findall(self.id)) | holes:
            if name not in self.fields:
                raise ValueError(f"{{{name}}} is not among fields")
        ZoneInfo(self.time.zone)
        return self

    @classmethod
    def load(cls, path: Path) -> Self:
        """From its file; the file's name is the kind. Raises BadDeviceError."""
        try:
            return cls.model_validate({"kind": path.stem, **tomllib.loads(path.read_text("utf-8"))})
        except (OSError, ValueError, KeyError, ValidationError) as error:
            raise BadDeviceError(f"{path}: {error}") from error

    @property
    def filter(self) -> str:
        """What to subscribe to: the topic with `+` for each {…}."""
        return _HOLE.sub("+", self.topic)

    def hears(self, topic: str) -> Mapping[str, str] | None:
        """The topic's {…}, or None where it is another kind's."""
        pattern = "".join(
            f"(?P<{part}>[^/]+)" if place % 2 else re.escape(part)
            for place, part in enumerate(_HOLE.split(self.topic))
        )
        found = re.fullmatch(pattern, topic)
        return found.groupdict() if found else None

    def speaks(self, payload: bytes) -> str:
        """The topic that a device would send this message on. Raises BadReadingError."""
        fields = self._fields(self._parsed(payload), {})
        return _HOLE.sub(lambda hole: fields[hole[1]], self.topic)

    def read(self, payload: bytes, topic: str = "") -> dict[str, Any]:
        """The message as a normalized entity with the city's short names. Raises BadReadingError."""
        told = self._parsed(payload)
        fields = self._fields(told, (self.hears(topic) or {}) if topic else {})
        urn = _HOLE.sub(lambda hole: quote(fields[hole[1]], safe="-._~"), self.id)
        at = self._time(told)
        entity: dict[str, Any] = {"id": urn, "type": self.type}
        for name, value in self.facts.items():
            entity[name] = {"type": "Property", "value": value}
        for one in self.attribute:
            value = _found(told, one.path)
            if value is None or value == "":
                if one.required:
                    raise BadReadingError(
                        f"{one.path}: nothing is there; expected a {one.kind} for {one.name}"
                    )
                continue
            entity[one.name] = {"type": "Property", "value": _value(one, value)}
            if one.unit:
                entity[one.name]["unitCode"] = one.unit
            if one.observed:
                entity[one.name]["observedAt"] = at
        if self.location:
            entity["location"] = {"type": "GeoProperty", "value": self._place(told, self.location)}
        return entity

    @staticmethod
    def _parsed(payload: bytes) -> Any:
        if len(payload) > LARGEST:
            raise BadReadingError(f"the message has {len(payload):,} bytes; expected at most {LARGEST:,}")
        try:
            told = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise BadReadingError(f"expected a JSON object ({error}), got {_said(payload)}") from error
        if not isinstance(told, dict):
            raise BadReadingError(f"expected a JSON object, got {_said(payload)}")
        return told

    def _fields(self, told: Any, heard: Mapping[str, str]) -> dict[str, str]:
        fields: dict[str, str] = {}
        for name, field in self.fields.items():
            value = _found(told, field.path) if field.path else heard.get(name)
            if not isinstance(value, str | int) or isinstance(value, bool) or not str(value).strip():
                raise BadReadingError(f"{field.path or name}: expected a text or a number, got {value!r:.60}")
            text = str(value).strip()
            if len(text) > 100 or any(char in text for char in "/+#\0"):
                raise BadReadingError(
                    f"{field.path or name}: expected a short text without / + #, got {text!r:.60}"
                )
            try:
                fields[name] = municipality.whole(text) if field.kind == "municipality" else text
            except ValueError as error:
                raise BadReadingError(f"{field.path or name}: {error}, got {text!r:.60}") from error
        return fields

    def _time(self, told: Any) -> str:
        value, how = _found(told, self.time.path), self.time
        try:
            if how.form == "iso":
                if not isinstance(value, str):
                    raise ValueError
                moment = datetime.fromisoformat(value)
                if moment.tzinfo is None:
                    moment = moment.replace(tzinfo=ZoneInfo(how.zone))
                moment = moment.astimezone(UTC)
            else:
                if isinstance(value, bool) or not isinstance(value, int | float):
                    raise ValueError
                moment = datetime.fromtimestamp(value / (1000 if how.form == "milliseconds" else 1), UTC)
        except (ValueError, OverflowError, OSError):
            wanted = (
                "a date and time such as 2026-11-21T16:00:00+09:00"
                if how.form == "iso"
                else f"{how.form} since 1970"
            )
            raise BadReadingError(f"{how.path}: expected {wanted}, got {value!r:.60}") from None
        text = moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds")
        return text.replace("+00:00", "Z")

    @staticmethod
    def _place(told: Any, place: PlaceOf) -> dict[str, Any]:
        degrees = []
        for path, (least, most) in ((place.longitude, EAST), (place.latitude, NORTH)):
            value = _found(told, path)
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
                raise BadReadingError(
                    f"{path}: expected degrees in Japan, {least:.0f} to {most:.0f}, got {value!r:.60}"
                )
            degrees.append(value)
        return {"type": "Point", "coordinates": degrees}


def _found(told: Any, path: str) -> Any:
    for step in steps(path):
        if isinstance(step, int) and isinstance(told, list):
            told = told[step] if step < len(told) else None
        elif isinstance(told, dict):
            told = told.get(str(step))
        else:
            return None
    return told


def _value(one: AttributeOf, value: Any) -> Any:
    match one.kind:
        case "number":
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise BadReadingError(f"{one.path}: expected a number for {one.name}, got {value!r:.60}")
            if (one.least is not None and value < one.least) or (one.most is not None and value > one.most):
                raise BadReadingError(
                    f"{one.path}: expected {one.least} to {one.most} for {one.name}, got {value}"
                )
        case "boolean":
            if not isinstance(value, bool):
                raise BadReadingError(f"{one.path}: expected true or false for {one.name}, got {value!r:.60}")
        case "text":
            if not isinstance(value, str) or len(value) > 1000:
                raise BadReadingError(f"{one.path}: expected a text for {one.name}, got {value!r:.60}")
    return value


def _said(payload: bytes) -> str:
    """The beginning of a message, for people."""
    return repr(payload[:120].decode("utf-8", "replace")[:40])
