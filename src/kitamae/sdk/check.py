"""What `kitamae check` looks at in a service folder; every finding is one sentence with its place.

A checker compares what a service says (its manifest) with what it does (its imports and words), so that a reviewer
reads the manifest and may believe it.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from babel.messages.extract import extract
from babel.messages.pofile import read_po

from kitamae.intake.reading import Reading
from kitamae.intake.row import Refusal, Taken, UnreadableFileError
from kitamae.kernel.registers import sensors
from kitamae.sdk import belonging
from kitamae.sdk.city import BadCityError, City
from kitamae.sdk.manifest import REQUIRED_LANGUAGES, SOURCE_LANGUAGE, Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kitamae.sdk.service import Service


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not in order."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


_KNOWN = {"__init__", "models", "logic", "ingest", "api", "pages", "jobs"}
_DRIVERS = {"apsw", "sqlite3", "asyncpg", "psycopg", "nats", "aiohttp", "duckdb"}
_NOT_IN_LOGIC = {"starlette", "fastapi", "httpx2", "jinja2"} | _DRIVERS


def service(service: Service, known_types: Callable[[str], bool]) -> Iterator[Finding]:
    """All findings for one service. `known_types` says whether the city's data models have an entity type."""
    manifest, folder = service.manifest, service.folder
    yield from _papers(manifest, folder)
    for kind in (*manifest.reads, *manifest.writes):
        if not known_types(kind):
            yield Finding(
                f"{service.id}/manifest.toml", f"entity type {kind} is in no data model of the city"
            )
    for module in sorted(folder.rglob("*.py")):
        yield from _imports(service, module)
    yield from _words(folder)


def city(folder: Path) -> tuple[City | None, list[Finding]]:
    """The profile where it can be read, and all findings in a city's folder: rows, whose they are, devices, names without a term."""
    findings: list[Finding] = []
    try:
        profile = City.read(folder)
        profile.devices()
        if (folder / "sensors.toml").is_file():
            sensors.read(folder / "sensors.toml")
    except (BadCityError, sensors.BadSensorsError) as error:
        return None, [Finding(folder.name, str(error))]
    terms = profile.context.get("@context", {})
    unnamed: dict[str, str] = {}
    taken: list[tuple[str, Taken]] = []
    for data in profile.data:
        try:
            with Reading(
                folder / data.file, city=profile.code, layout=data.layout, source=data.source
            ) as rows:
                for row in rows:
                    if isinstance(row, Refusal):
                        where = f"{data.file}:{row.line}"
                        findings.append(
                            Finding(where, f"{row.column}: expected {row.expected}, got {row.value!r}")
                        )
                    else:
                        taken.append((data.file, row))
                        unnamed |= {name: data.file for name in row.entity if name not in terms}
        except (OSError, UnreadableFileError) as error:
            findings.append(Finding(data.file, str(error)))
    findings += [Finding(where, why) for where, why in belonging.strangers(profile, taken)]
    findings += [
        Finding(file, f"{name} has no term in the city's @context")
        for name, file in unnamed.items()
        if name not in ("id", "type", "location")
    ]
    findings += [
        Finding("city.toml", f"the type {name} has no term in the city's @context")
        for name in profile.types
        if name not in terms
    ]
    return profile, findings


def _papers(manifest: Manifest, folder: Path) -> Iterator[Finding]:
    where = f"{folder.name}/manifest.toml"
    for title, words in (("name", manifest.name), ("summary", manifest.summary)):
        for language in REQUIRED_LANGUAGES:
            if language not in words:
                yield Finding(where, f"{title} has no {language}")
    pia = (folder / manifest.pia).resolve()
    if not pia.is_relative_to(folder.resolve()):
        yield Finding(where, f"pia {manifest.pia} lies outside the folder")
    elif not pia.is_file() or len(pia.read_text("utf-8").strip()) < 200:
        yield Finding(where, f"pia {manifest.pia} is missing or says nothing: no service without its papers")
    if not (folder / "README.md").is_file():
        yield Finding(folder.name, "README.md is missing: who is it for, and what does it need?")


def _imports(service: Service, module: Path) -> Iterator[Finding]:
    where = f"{service.id}/{module.relative_to(service.folder)}"
    if module.parent == service.folder and module.stem not in _KNOWN:
        yield Finding(where, f"modules are found by name; expected one of {', '.join(sorted(_KNOWN))}")
    siblings = service.package.rpartition(".")[0] + "."
    for name in _imported(ast.parse(module.read_text("utf-8"), str(module))):
        root = name.partition(".")[0]
        if name.startswith(siblings) and not (name + ".").startswith(service.package + "."):
            yield Finding(where, f"imports {name}: services meet in the broker, never each other")
        elif name.startswith(("kitamae.kernel", "kitamae.adapters", "kitamae.app")):
            yield Finding(where, f"imports {name}: a service knows kitamae.sdk and its own folder")
        elif root in _DRIVERS:
            yield Finding(where, f"imports the driver {root}")
        elif module.stem in ("logic", "models") and root in _NOT_IN_LOGIC:
            yield Finding(where, f"imports {root}: {module.stem} knows no HTTP and no SQL")


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _words(folder: Path) -> Iterator[Finding]:
    """Every message of the templates and pages is translated into every language but the one it is written in."""
    said = _messages(folder)
    for language in REQUIRED_LANGUAGES:
        if language == SOURCE_LANGUAGE or not said:
            continue
        path = folder / "locales" / f"{language}.po"
        where = f"{folder.name}/locales/{path.name}"
        if not path.is_file():
            yield Finding(where, "this language is missing")
            continue
        with path.open("rb") as file:
            catalog = read_po(file)
        for message, place in said.items():
            found = catalog.get(message)
            if found is None or not found.string or found.fuzzy:
                yield Finding(where, f"not translated: {message:.60} ({place})")


def _messages(folder: Path) -> dict[str, str]:
    """Message -> where it is said first. Raises nothing: a template that cannot be read has no messages."""
    said: dict[str, str] = {}
    for pattern, method in (("templates/**/*.html", "jinja2.ext.babel_extract"), ("*.py", "python")):
        for path in sorted(folder.glob(pattern)):
            with path.open("rb") as file:
                for line, message, *_ in extract(method, file, options={"encoding": "utf-8"}):
                    word = message if isinstance(message, str) else message[0]
                    said.setdefault(word, f"{path.name}:{line}")
    return said
