"""A service's papers: `manifest.toml`, read and checked.

id = "places"                                   # the folder's name, and the first part of its address
name = { ja = "…", ja_Hira = "…", en = "…", zh = "…", ko = "…" }    # in all five languages
summary = { ja = "…", ja_Hira = "…", en = "…", zh = "…", ko = "…" } # one sentence: what a person gets from it
reads = ["PublicToilet"]                        # entity types, as the city's @context names them
writes = []                                     # those it may create or change
hot = ["controlledAsset"]                       # attributes that it asks for by value: they get an index
requires = []                                   # services that must be there
personal = []                                   # or [[personal]] with purpose, basis, fields, retention
pia = "pia/places.md"                           # the privacy impact assessment, inside the folder
pia_until = 2027-11-30                          # until when it holds; a year from its acceptance where nothing is said
security = 1                                    # 1: only what is public; 2: also what is limited; 3: data about persons
classes = []                                    # or [[classes]] with type, class (open, limited, closed) and attributes
suppliers = []                                  # or [[suppliers]] with name, does, under, where: down to the last subcontractor
desk = { id = "shelters", name = { … } }         # where staff do its work: /staff/shelters; left out where there is none
boundaries = []                                 # [[boundaries]] with of, part, who, call: who answers for what, whom to call (責任分界点)
"""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kitamae.kernel.responsibility import Party
from kitamae.sdk.personal_file import PersonalFile

Language = Literal["ja", "ja_Hira", "en", "zh", "ko"]
LANGUAGES: tuple[Language, ...] = ("ja", "ja_Hira", "en", "zh", "ko")
REQUIRED_LANGUAGES = LANGUAGES
"""Those that every text must have: all, since Trust."""

SOURCE_LANGUAGE: Language = "ja"
"""The one that templates are written in."""

Words = dict[Language, Annotated[str, Field(min_length=1, max_length=400)]]


class BadManifestError(ValueError):
    """The papers are not in order; the message names the file, the line of the table, and what was expected."""


class Personal(BaseModel):
    """One use of data about persons. Its legal basis is a purpose that the person or the law allows."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    purpose: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    basis: Literal["consent", "law", "contract", "vital-interest"]
    law: str = ""  # the article, in Japanese, where the basis is a law
    fields: tuple[str, ...]
    identifiers: tuple[
        str, ...
    ] = ()  # of these fields, those that hold a number of something else (a permit, a meter)
    also: tuple[str, ...] = ()  # purposes whose data may be read for this one too
    retention_days: Annotated[int, Field(gt=0)]
    receipt_days: Annotated[int, Field(ge=365, le=3650)] = 1095  # how long what says who read for it is kept
    title: Words = {}  # what the person reads on My page: its name, ...
    use: Words = {}  # ... what is done with the data, in a sentence, ...
    by: Words = {}  # ... and by whom. Without all three nobody is asked to agree to it
    entered: tuple[str, ...] = ()  # of the fields, those that the person himself enters and corrects
    agreed_days: Annotated[int, Field(gt=0, le=1095)] = (
        730  # how long a consent lasts; then it is asked for again
    )
    file: PersonalFile | None = None  # what 個人情報ファイル簿 says of it


class DataClasses(BaseModel):
    """Of one entity type: what of it is not open. Without an entry all of a declared type is."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    type: str
    of_all: Annotated[Literal["open", "limited", "closed"], Field(alias="class")] = "open"
    attributes: dict[str, Literal["limited", "closed"]] = {}


class Supplier(BaseModel):
    """Who else works on it (委託先). `under`: the supplier whose subcontractor (再委託先) it is; "": the city's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(min_length=1, max_length=200)]
    does: Words
    under: str = ""
    where: str = ""  # the country where it works, in Japanese; "": not said


class Boundary(BaseModel):
    """For what somebody answers (責任分界点), who that is, and whom to call when it is that which does not work."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    of: Party
    part: Words
    who: Words
    call: Words


class DeskOf(BaseModel):
    """Where staff do its work: `/staff/<id>`, for whose duty the desk is."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    name: Words


class Manifest(BaseModel):
    """What a service says about itself before it is served."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    name: Words
    summary: Words
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    hot: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    personal: tuple[Personal, ...] = ()
    pia: str
    pia_until: dt.date | None = None
    security: Annotated[int, Field(ge=1, le=3)] = 1
    classes: tuple[DataClasses, ...] = ()
    suppliers: tuple[Supplier, ...] = ()
    boundaries: tuple[Boundary, ...] = ()
    desk: DeskOf | None = None
    icon: str = "service"  # a symbol of web/static/icons.svg
    finds: bool = False  # its page takes `?text=`: search boxes lead there
    order: int = 100  # place in menus; lower comes first

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        names = {one.name for one in self.suppliers}
        for one in self.suppliers:
            if one.under and (one.under not in names or one.under == one.name):
                raise ValueError(
                    f"suppliers: {one.name} stands under {one.under}, which is no other supplier"
                )
        for kind in self.classes:
            if kind.type not in (*self.reads, *self.writes):
                raise ValueError(f"classes: {kind.type} is neither read nor written by this service")
        if self.classes and self.security < 2:
            raise ValueError("security: what handles data that is not open is of level 2 at least")
        if self.personal and self.security < 3:
            raise ValueError("security: what holds data about persons is of level 3")
        return self

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Raises BadManifestError."""
        try:
            return cls.model_validate(tomllib.loads(path.read_text("utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadManifestError(f"{path}: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole file"
            raise BadManifestError(f"{path}: {where}: {first['msg']} (got {first['input']!r:.80})") from error
