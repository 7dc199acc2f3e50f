"""Is everything that people read there in every language? What `kitamae check` finds out about words.

Texts stand in three forms: messages of templates and modules with a catalog per language (docs/decisions/0050), names
in the papers of services, cities and devices, and the vocabularies (`words.toml`) of kinds, attributes and values.
Easy Japanese is in kana everywhere (docs/decisions/0105).
"""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from babel.messages.extract import extract
from babel.messages.pofile import PoFileError, read_po

from kitamae.sdk.manifest import LANGUAGES, SOURCE_LANGUAGE, Language

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from babel.messages.catalog import Message

_TEMPLATE: Final = "jinja2.ext.babel_extract"
_WRITTEN: Final = (("templates/**/*.html", _TEMPLATE), ("templates/**/*.txt", _TEMPLATE), ("*.py", "python"))
_GAP: Final = re.compile(r"%\((\w+)\)s")
_EASY: Final[Language] = "ja_Hira"
_AS_IT_IS: Final = re.compile("「[^」]*」|やさしい日本語")
"""What is typed so elsewhere, and what the language is called to whoever looks for it."""
_KANJI: Final = re.compile("[㐀-䶿一-鿿々〆]+")
_CODES: Final = ("unit",)
"""Tables of a vocabulary that hold signs, the same in all languages: m, °C."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not in order."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def in_catalogs(folder: Path, shared: Path | None = None) -> Iterator[Finding]:
    """Every message of a folder's templates and modules is translated into every language but the one it is written in.

    `shared` is a folder whose catalogs are asked too, as the shell's are for its areas. A translation fills the same
    gaps as its original.
    """
    said = messages(folder)
    for language in LANGUAGES if said else ():
        if language == SOURCE_LANGUAGE:
            continue
        where = f"{folder.name}/locales/{language}.po"
        elsewhere = _catalog(shared, language) if shared else {}
        try:
            catalog = _catalog(folder, language)
        except (UnicodeDecodeError, PoFileError, ValueError) as error:
            yield Finding(where, f"cannot be read: {error}")
            continue
        lacking = {
            message: place for message, place in said.items() if message not in {**elsewhere, **catalog}
        }
        if lacking and not (folder / "locales" / f"{language}.po").is_file():
            yield Finding(where, "this language is missing")
            continue
        for message, place in lacking.items():
            yield Finding(where, f"not translated: {message:.60} ({place})")
        for message, found in catalog.items():
            yield from _gaps(where, message, found)
            if language == _EASY:
                for text in _every(found.string):
                    yield from _in_kana(where, text)


def in_easy_japanese(folder: Path) -> Iterator[Finding]:
    """Every やさしい日本語 in the TOML files and modules under a folder is in kana; what stands in 「」 is typed as it is."""
    for path in sorted((*folder.rglob("*.toml"), *folder.rglob("*.py"))):
        if _EASY not in (text := path.read_text("utf-8")):
            continue
        try:
            said = _in_tables(tomllib.loads(text)) if path.suffix == ".toml" else _in_module(ast.parse(text))
        except (tomllib.TOMLDecodeError, SyntaxError) as error:
            yield Finding(path.name, f"cannot be read: {error}")
            continue
        for words in said:
            yield from _in_kana(str(path.relative_to(folder)), words)


def _in_kana(where: str, text: str) -> Iterator[Finding]:
    if found := _KANJI.search(_AS_IT_IS.sub("", text)):
        yield Finding(where, f"{_EASY} is in kana; {found[0]} is not: {text:.60}")


def _in_tables(value: object) -> Iterator[str]:
    """What stands under `ja_Hira`, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == _EASY and isinstance(inner, str):
                yield inner
            yield from _in_tables(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _in_tables(inner)


def _in_module(tree: ast.AST) -> Iterator[str]:
    """What its dicts have under `ja_Hira`."""
    for node in ast.walk(tree):
        for name, inner in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
            if isinstance(name, ast.Constant) and name.value == _EASY and isinstance(inner, ast.Constant):
                yield inner.value if isinstance(inner.value, str) else ""


def in_names(where: str, title: str, words: Mapping[Any, str]) -> Iterator[Finding]:
    """A name or a sentence of somebody's papers is there in every language."""
    for language in LANGUAGES:
        if not words.get(language):
            yield Finding(where, f"{title} has no {language}")


def in_vocabulary(path: Path) -> Iterator[Finding]:
    """Every entry of a `words.toml` has every language; a name in Japanese is its own word for Japanese."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        yield Finding(path.name, f"cannot be read: {error}")
        return
    for table, entries in tables.items():
        for name, entry in entries.items() if table not in _CODES else ():
            words = entry if name.isascii() else {SOURCE_LANGUAGE: name, **entry}
            yield from in_names(path.name, f"{table} {name}", words)


def messages(folder: Path) -> dict[str, str]:
    """Message -> where it is said first, as file and line."""
    said: dict[str, str] = {}
    for pattern, method in _WRITTEN:
        for path in sorted(folder.glob(pattern)):
            with path.open("rb") as file:
                for line, message, *_ in extract(method, file, options={"encoding": "utf-8"}):
                    word = message if isinstance(message, str) else message[0]
                    said.setdefault(word, f"{path.name}:{line}")
    return said


def _catalog(folder: Path, language: Language) -> dict[str, Message]:
    """What is translated in it, by its original. Raises ValueError for a file that is no catalog."""
    path = folder / "locales" / f"{language}.po"
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        found = [one for one in read_po(file, abort_invalid=True) if one.id and one.string and not one.fuzzy]
    return {_first(one.id): one for one in found if all(_every(one.string))}


def _first(text: Any) -> str:
    return text if isinstance(text, str) else text[0]


def _every(text: Any) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def _gaps(where: str, message: str, found: Message) -> Iterator[Finding]:
    wanted = set(_GAP.findall(message))
    for text in _every(found.string):
        if set(_GAP.findall(text)) != wanted:
            yield Finding(where, f"other gaps than in the original: {text:.60} for {message:.60}")
