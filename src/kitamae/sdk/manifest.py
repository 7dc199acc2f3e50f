"""A service's papers: `manifest.toml`, read and checked.

id = "places"                                   # the folder's name, and the first part of its address
name = { ja = "…", ja_Hira = "…", en = "…" }    # zh and ko from the release with Trust on
summary = { ja = "…", ja_Hira = "…", en = "…" } # one sentence: what a person gets from it
reads = ["PublicToilet"]                        # entity types, as the city's @context names them
writes = []                                     # those it may create or change
hot = ["controlledAsset"]                       # attributes that it asks for by value: they get an index
requires = []                                   # services that must be there
personal = []                                   # or [[personal]] with purpose, basis, fields, retention
pia = "pia/places.md"                           # the published privacy impact assessment, inside the folder
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Language = Literal["ja", "ja_Hira", "en", "zh", "ko"]
LANGUAGES: tuple[Language, ...] = ("ja", "ja_Hira", "en", "zh", "ko")
REQUIRED_LANGUAGES: tuple[Language, ...] = ("ja", "ja_Hira", "en")
"""Those that every text must have today; all five from Trust on."""

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
    icon: str = "service"  # a symbol of web/static/icons.svg
    finds: bool = False  # its page takes `?text=`: search boxes lead there
    order: int = 100  # place in menus; lower comes first

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
