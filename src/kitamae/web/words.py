"""How kinds of things, their attributes and units are called in the reader's language.

`words.toml` beside this file knows the names of the data models that Japanese cities share; a city's own file adds
to it or overrides it. A name that nobody explained is shown as it is, which for a Japanese attribute name is right.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from kitamae.sdk.context import short
from kitamae.web.languages import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.sdk.manifest import Language

Vocabulary: TypeAlias = "Mapping[str, Mapping[str, str]]"


@dataclass(frozen=True)
class Words:
    """Each maps a short name (or a UN/CEFACT unit code) to its words by language."""

    types: Vocabulary = field(default_factory=dict)
    attributes: Vocabulary = field(default_factory=dict)
    units: Vocabulary = field(default_factory=dict)
    values: Vocabulary = field(default_factory=dict)

    @classmethod
    def load(cls, *more: Path) -> Words:
        """Ours, then each further file; the last one that has a name decides. Raises OSError, TOMLDecodeError."""
        merged: dict[str, dict[str, Mapping[str, str]]] = {}
        for path in (Path(__file__).with_name("words.toml"), *more):
            for table, entries in tomllib.loads(path.read_text("utf-8")).items():
                merged.setdefault(table, {}).update(entries)
        return cls(
            merged.get("type", {}),
            merged.get("attribute", {}),
            merged.get("unit", {}),
            merged.get("value", {}),
        )

    @classmethod
    def of_city(cls, folder: Path | None) -> Words:
        """Ours and those of the city's `words.toml`, where it has one. Raises TOMLDecodeError."""
        own = [folder / "words.toml"] if folder else []
        return cls.load(*(path for path in own if path.is_file()))

    def kind(self, type_: str, language: Language) -> str:
        """`PublicToilet` -> 公共トイレ. An expanded name is shortened to what follows its last # or /."""
        return _of(self.types, type_, language)

    def one(self, type_: str, language: Language) -> str:
        """A single thing of a kind: `River gauge`, where `kind` says `River gauges`."""
        alone = self.types.get(short(type_), {}).get(f"{language}_one")
        return alone or self.kind(type_, language)

    def attribute(self, name: str, language: Language) -> str:
        """`nameKana` -> 読み."""
        return _of(self.attributes, name, language)

    def unit(self, code: str, language: Language) -> str:
        """`MTR` -> m."""
        return _of(self.units, code, language) if code else ""

    def value(self, value: str, language: Language) -> str:
        """A code that stands for something, `open` -> 開いています."""
        return say(self.values[value], language) if value in self.values else value

    def icon(self, type_: str) -> str:
        """The symbol of static/icons.svg for things of this kind."""
        return self.types.get(short(type_), {}).get("icon", "pin")


def _of(vocabulary: Vocabulary, name: str, language: Language) -> str:
    """Names of the Japanese data models are Japanese already: they need no entry of their own in that language."""
    plain = short(name)
    return say({"ja": plain, **vocabulary.get(plain, {})}, language, plain)
