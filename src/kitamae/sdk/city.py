"""A city is data: `city.toml` in its folder names it, its @context, its entity types and the files that hold its facts.

Another city copies `cities/kaga`, changes what is in it, and starts `kitamae up --city` on the copy.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kitamae.intake.device import BadDeviceError, Device
from kitamae.intake.layout import BadLayoutError, known
from kitamae.intake.reading import Reading
from kitamae.intake.row import Refusal, UnreadableFileError
from kitamae.kernel.municipality import check_digit
from kitamae.kernel.people.access_log.entry import Class
from kitamae.kernel.people.office_papers import Paper
from kitamae.sdk.congesting import Congesting
from kitamae.sdk.links import KindOfLink
from kitamae.sdk.manifest import DataClasses, Language, Personal, Words
from kitamae.sdk.providers import Providing
from kitamae.sdk.sheltering import Sheltering

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kitamae.intake.deliver import Delivery

_STRICT = ConfigDict(extra="forbid", frozen=True)


class BadCityError(ValueError):
    """The city's folder is not in order; the message names the file, the place in it, and what was expected."""


class Centre(BaseModel):
    """Where a map opens. Degrees in WGS84; `zoom` as in MapLibre."""

    model_config = _STRICT
    longitude: Annotated[float, Field(ge=-180, le=180)]
    latitude: Annotated[float, Field(ge=-90, le=90)]
    zoom: Annotated[float, Field(ge=0, le=22)] = 11


class DataFile(BaseModel):
    """One file of facts: its layout (`as`, an id of kitamae/intake/layouts) and where the facts come from."""

    model_config = _STRICT
    file: str
    layout: Annotated[str, Field(alias="as")]
    source: Annotated[str, Field(min_length=1)]


class Duty(BaseModel):
    """What somebody of the staff does (担当): which desks' work, and for what purposes he reads personal data.

    `second`: nobody is given it by one person alone; not said: so where it has purposes. The desks `staff` and `privacy` are
    always so.
    """

    model_config = _STRICT
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    name: Words
    desks: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")], ...] = ()
    purposes: tuple[str, ...] = ()
    second: bool | None = None


class Held(Personal):
    """What the city itself holds about persons. `papers`: the assessment that is about it; "": the one with the purpose's name."""

    papers: str = ""


class Assessed(BaseModel):
    """A privacy impact assessment of what the city itself holds: its text (`pia`, inside the folder), and until when it holds."""

    model_config = _STRICT
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    name: Words
    pia: str
    pia_until: dt.date | None = None


class AlertArea(BaseModel):
    """An area of a warning's code list in which this city lies. `of`: the list's name, as 気象庁防災情報XML writes it; `until`: the last
    day on which that code meant it, where the list has another one now.
    """

    model_config = _STRICT
    of: Annotated[str, Field(min_length=1)]
    code: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)]
    until: dt.date | None = None


class Evacuating(BaseModel):
    """For what evacuation orders are given: `districts` is the entity type of the city's data whose things they are."""

    model_config = _STRICT
    districts: str = "Town"


class Handling(BaseModel):
    """Who deals with requests about personal data. `head`: who decides (加賀市長); `days`: what the city's 条例 sets, by kind of request,
    where it is fewer than the law's; `closed`: the turn of the year on which the town hall is closed, from and to.
    """

    model_config = _STRICT
    head: str = ""
    office: str = ""
    address: str = ""
    phone: str = ""
    days: dict[
        Literal["complaint", "question", "disclosure", "correction", "suspension"],
        Annotated[int, Field(gt=0)],
    ] = {}
    closed: tuple[tuple[int, int], tuple[int, int]] = ((12, 29), (1, 3))


class Notifying(BaseModel):
    """How persons are told what concerns them. `rehearsal`: nothing is sent, and pages say so; `a_minute`: letters by e-mail at most;
    `tries`: after so many failures a notice goes by letter; `area_a_minute`: e-mails about the city's orders and alerts at most; `push_hosts`:
    push services that are believed, those of the browsers that people use (`*.` before a name: all below it).
    """

    model_config = _STRICT
    rehearsal: bool = False
    a_minute: Annotated[int, Field(ge=1, le=10_000)] = 60
    tries: Annotated[int, Field(ge=1, le=100)] = 12
    area_a_minute: Annotated[int, Field(ge=1, le=100_000)] = 600
    push_hosts: tuple[Annotated[str, Field(pattern=r"^(\*\.)?[a-z0-9.-]+$")], ...] = (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "web.push.apple.com",
        "*.notify.windows.com",
    )


class City(BaseModel):
    """A city's profile. `context` is the document {"@context": …} with the short names of its models."""

    model_config = _STRICT
    folder: Path
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    code: Annotated[str, Field(pattern=r"^\d{6}$")]
    code5: Annotated[str, Field(pattern=r"^\d{5}$")]
    name: Words
    platform: Words
    prefecture: Words
    timezone: str
    languages: tuple[Language, ...]
    bbox: tuple[float, float, float, float]
    centre: Centre
    tenant: str = ""
    tenants: tuple[str, ...] = ()
    context: dict[str, Any]
    hot: tuple[str, ...] = ()
    types: tuple[str, ...]
    history_days: dict[str, Annotated[int, Field(ge=1)]] = {}
    access_log_days: dict[Class, Annotated[int, Field(ge=1)]] = {}
    office_days: dict[Paper, Annotated[int, Field(ge=365)]] = {}  # 文書保存: what is not said is an example
    data: tuple[DataFile, ...] = ()
    classes: tuple[DataClasses, ...] = ()
    personal: tuple[Held, ...] = ()
    papers: tuple[Assessed, ...] = ()
    duties: tuple[Duty, ...] = ()
    links: tuple[KindOfLink, ...] = ()
    requests: Handling = Handling()
    notices: Notifying = Notifying()
    shelters: Sheltering = Sheltering()
    congestion: Congesting = Congesting()
    providers: Providing = Providing()
    evacuation: Evacuating = Evacuating()
    cap_senders: tuple[str, ...] = ()  # whose CAP messages it takes, by their `sender`
    alerts: tuple[AlertArea, ...] = ()  # the smallest first: of two that a message names, it counts
    alert_offices: tuple[
        str, ...
    ] = ()  # of a feed only what these publish is fetched, by a part of the name; none: all of it

    @field_validator("timezone")
    @classmethod
    def _a_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError("expected a time zone such as Asia/Tokyo")
        return zone

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        west, south, east, north = self.bbox
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise ValueError("bbox: expected west, south, east, north in degrees")
        if check_digit(self.code5) != self.code[5] or not self.code.startswith(self.code5):
            raise ValueError(
                f"code: expected {self.code5}{check_digit(self.code5)}, {self.code5} and its check digit"
            )
        for type in self.history_days:
            if type not in self.types:
                raise ValueError(f"history_days: {type} is not among types")
        if self.duties and not any("staff" in duty.desks for duty in self.duties):
            raise ValueError("duties: one of them must have the desk staff, or nobody could give any")
        if len({duty.id for duty in self.duties} | {"account"}) <= len(self.duties):
            raise ValueError("duties: each needs an id of its own, and `account` is none")
        known_papers = {one.id for one in self.papers}
        if len(known_papers) < len(self.papers):
            raise ValueError("papers: each needs an id of its own")
        for held in self.personal:
            if held.papers and held.papers not in known_papers:
                raise ValueError(f"personal: {held.purpose}: its papers {held.papers} are not among papers")
        for link in self.links:
            if link.type not in self.types:
                raise ValueError(f"links: {link.id}: its type {link.type} is not among types")
        for one in self.classes:
            if one.type not in self.types:
                raise ValueError(f"classes: {one.type} is not among types")
        for data in self.data:
            if data.layout not in known():
                raise ValueError(f"data: {data.file}: no layout is called {data.layout}")
            if known()[data.layout].type not in self.types:
                raise ValueError(
                    f"data: {data.file}: its type {known()[data.layout].type} is not among types"
                )
            if not (self.folder / data.file).resolve().is_relative_to(self.folder.resolve()):
                raise ValueError(f"data: {data.file} lies outside the folder")
        return self

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The profile in `folder`/city.toml, with its @context. Raises BadCityError."""
        path = folder / "city.toml"
        try:
            profile = tomllib.loads(path.read_text("utf-8"))
            path = folder / str(profile.get("context", "context.jsonld"))
            profile["context"] = json.loads(path.read_text("utf-8"))
            path = folder / "city.toml"
            return cls.model_validate({**profile, "folder": folder})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole file"
            raise BadCityError(f"{path}: {where}: {first['msg']}") from error
        except OSError as error:
            raise BadCityError(f"{path}: cannot be read: {error.strerror or error}") from error
        except (UnicodeDecodeError, ValueError, BadLayoutError) as error:
            raise BadCityError(f"{path}: {error}") from error

    def entities(self) -> Iterator[dict[str, Any]]:
        """Every fact as a normalized NGSI-LD entity with short names. Raises BadCityError for a row that is none."""
        for data in self.data:
            path = self.folder / data.file
            try:
                with Reading(path, city=self.code, layout=data.layout, source=data.source) as rows:
                    for row in rows:
                        if isinstance(row, Refusal):
                            raise BadCityError(
                                f"{path}:{row.line}: {row.column}: expected {row.expected}, got {row.value!r}"
                            )
                        yield row.entity
            except OSError as error:
                raise BadCityError(f"{path}: cannot be read: {error.strerror or error}") from error
            except UnreadableFileError as error:
                raise BadCityError(f"{path}: {error}") from error

    def devices(self) -> list[Device]:
        """The kinds of device that speak to this city: its `devices/*.toml`. Raises BadCityError."""
        try:
            return [Device.load(path) for path in sorted((self.folder / "devices").glob("*.toml"))]
        except BadDeviceError as error:
            raise BadCityError(str(error)) from error

    def digest(self) -> str:
        """SHA-256 over everything that the loaded entities depend on: the profile's files and the layouts."""
        hashed = hashlib.sha256()
        for data in self.data:
            hashed.update(data.model_dump_json().encode())
            hashed.update(known()[data.layout].model_dump_json().encode())
            path = self.folder / data.file
            try:
                hashed.update(hashlib.sha256(path.read_bytes()).digest())
            except OSError as error:
                raise BadCityError(f"{path}: {error}") from error
        hashed.update(self.code.encode() + json.dumps(self.context, sort_keys=True).encode())
        return hashed.hexdigest()


class Writer(Protocol):
    """The broker's public batch operations, as `intake.deliver.Broker` brings them over HTTP."""

    async def upsert(self, entities: Sequence[dict[str, Any]]) -> Delivery:
        """Batch upsert with options=update (clause 5.6.8) of what differs. Raises Problem."""
        ...

    async def delete(self, ids: Sequence[str]) -> None:
        """Batch delete (clause 5.6.10); one that is not there is no error."""
        ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load left behind, to be kept until the next start: `as_json` and `from_json` are its stored form."""

    digest: str
    ids: tuple[str, ...]
    written: int = 0

    def as_json(self) -> dict[str, Any]:
        """Without `written`, which is about one start only."""
        return {"digest": self.digest, "ids": list(self.ids)}

    @classmethod
    def from_json(cls, kept: dict[str, Any] | None) -> Loaded | None:
        """None where nothing was kept."""
        return cls(str(kept["digest"]), tuple(kept["ids"])) if kept else None


async def load(city: City, write: Writer, before: Loaded | None = None) -> Loaded:
    """Write the city's facts; nothing where `before` says that these very facts are there. Raises BadCityError.

    What an earlier profile held and this one does not is deleted; what anybody else wrote is left alone. Cut off and
    repeated it ends in the same state, because an unchanged value makes no change.
    """
    digest = city.digest()
    if before is not None and before.digest == digest:
        return Loaded(digest, before.ids)
    entities = list(city.entities())  # all of them in order before the first one is written
    delivery = await write.upsert(entities)
    for refused, reason in delivery.refused.items():
        raise BadCityError(f"{city.folder}: the broker refuses {refused}: {reason}")
    ids = tuple(entity["id"] for entity in entities)
    if before is not None and (gone := sorted(set(before.ids) - set(ids))):
        await write.delete(gone)
    return Loaded(digest, ids, len(delivery.created) + len(delivery.changed))
