"""What `kitamae check` looks at in a service folder; every finding is one sentence with its place.

A checker compares what a service says (its manifest) with what it does (its imports and words), so that a reviewer
reads the manifest and may believe it.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kitamae.intake.reading import Reading
from kitamae.intake.row import Refusal, Taken, UnreadableFileError
from kitamae.kernel.people import mynumber
from kitamae.kernel.registers import sensors
from kitamae.kernel.registers.assessments import LONGEST, PLATFORM, SHORTEST
from kitamae.sdk import belonging, said
from kitamae.sdk.city import BadCityError, City
from kitamae.sdk.manifest import LANGUAGES, Manifest, Personal
from kitamae.sdk.said import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from kitamae.intake.device import Device
    from kitamae.sdk.service import Service


_KNOWN = {"__init__", "models", "logic", "ingest", "api", "pages", "jobs", "desk"}
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
    yield from _unregistered(f"{service.id}/manifest.toml", manifest.personal)
    for module in sorted(folder.rglob("*.py")):
        yield from _imports(service, module)
    yield from said.in_catalogs(folder)


def web(folder: Path) -> Iterator[Finding]:
    """All findings about the words of the shell in `folder` and of the areas in it (folders with templates of their own), and about
    the easy Japanese of the package around it.
    """
    yield from said.in_catalogs(folder)
    yield from said.in_vocabulary(folder / "words.toml")
    for area in sorted(one.parent for one in folder.glob("*/templates")):
        yield from said.in_catalogs(area, shared=folder)
    yield from said.in_easy_japanese(folder.parent)


def city(folder: Path) -> tuple[City | None, list[Finding]]:
    """The profile where it can be read, and all findings in a city's folder: rows, whose they are, devices, names without a term."""
    findings: list[Finding] = []
    try:
        profile = City.read(folder)
        devices = profile.devices()
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
    findings += _told("city.toml", profile.personal)
    findings += [Finding(where, why) for where, why in belonging.strangers(profile, taken)]
    findings += [
        Finding(file, f"{name} has no term in the city's @context")
        for name, file in unnamed.items()
        if name not in ("id", "type", "location")
    ]
    findings += _unregistered("city.toml", profile.personal)
    findings += _assessed(profile)
    findings += [
        Finding("city.toml", f"the type {name} has no term in the city's @context")
        for name in profile.types
        if name not in terms
    ]
    findings += _words(profile, devices)
    findings += said.in_easy_japanese(folder)
    return profile, findings


def _words(profile: City, devices: Sequence[Device]) -> Iterator[Finding]:
    """The city's own names in every language, and every language offered."""
    for title, words in (
        ("name", profile.name),
        ("platform", profile.platform),
        ("prefecture", profile.prefecture),
    ):
        yield from said.in_names("city.toml", title, words)
    if missing := [language for language in LANGUAGES if language not in profile.languages]:
        yield Finding(
            "city.toml", f"languages: expected all of {', '.join(LANGUAGES)}; {', '.join(missing)} missing"
        )
    for device in devices:
        yield from said.in_names(f"devices/{device.kind}.toml", "name", device.name)
    if (own := profile.folder / "words.toml").is_file():
        yield from said.in_vocabulary(own)


def _told(where: str, personal: Iterable[Personal]) -> Iterator[Finding]:
    """What persons are told of each purpose is there in every language; nobody can agree to what nobody wrote down."""
    for one in personal:
        for title, words in (("title", one.title), ("use", one.use), ("by", one.by)):
            if words or one.basis == "consent":
                yield from said.in_names(where, f"the purpose {one.purpose}: {title}", words)
        if unknown := sorted(set(one.entered) - set(one.fields)):
            yield Finding(where, f"the purpose {one.purpose}: {unknown[0]} is entered and is no field of it")


def _unregistered(where: str, personal: Iterable[Personal]) -> Iterator[Finding]:
    """What is collected and says nothing for 個人情報ファイル簿."""
    for one in personal:
        if one.fields and one.file is None:
            why = "has no [personal.file]: 個人情報ファイル簿 must say what it is, of whom, and how collected"
            yield Finding(where, f"personal {one.purpose} {why}")


def _papers(manifest: Manifest, folder: Path) -> Iterator[Finding]:
    where = f"{folder.name}/manifest.toml"
    for title, words in (("name", manifest.name), ("summary", manifest.summary)):
        yield from said.in_names(where, title, words)
    if (manifest.desk is None) == (folder / "desk.py").is_file():
        yield Finding(
            where, "desk: expected [desk] in the manifest where there is a desk.py, and nowhere else"
        )
    if manifest.desk:
        yield from said.in_names(where, "desk: name", manifest.desk.name)
    yield from _told(where, manifest.personal)
    yield from _boundaries(where, manifest)
    yield from _assessment(where, folder, manifest.pia)
    if not (folder / "README.md").is_file():
        yield Finding(folder.name, "README.md is missing: who is it for, and what does it need?")


def _assessment(where: str, folder: Path, name: str) -> Iterator[Finding]:
    pia = (folder / name).resolve()
    if not pia.is_relative_to(folder.resolve()):
        yield Finding(where, f"pia {name} lies outside the folder")
    elif not pia.is_file() or len(pia.read_text("utf-8").strip()) < SHORTEST:
        yield Finding(where, f"pia {name} is missing or says nothing: no service without its papers")
    elif len(text := pia.read_text("utf-8")) > LONGEST:
        yield Finding(where, f"pia {name} is longer than {LONGEST:,} letters: the register does not take it")
    elif mynumber.find(text):
        yield Finding(where, f"pia {name} holds what may be a My Number: the register does not take it")


def _assessed(profile: City) -> Iterator[Finding]:
    """Each purpose of the city rests on an assessment, and each assessment is there and about something."""
    wanted = {one.papers or one.purpose: one.purpose for one in profile.personal}
    written = {one.id for one in profile.papers}
    for id, purpose in wanted.items():
        if id not in written:
            yield Finding(
                "city.toml", f"the purpose {purpose} has no [[papers]]: nothing is read or kept for it"
            )
    for one in profile.papers:
        yield from _assessment("city.toml", profile.folder, one.pia)
        yield from said.in_names("city.toml", f"papers {one.id}: name", one.name)
        if one.id not in wanted and one.id != PLATFORM:
            yield Finding("city.toml", f"papers {one.id}: no purpose rests on them")


def _boundaries(where: str, manifest: Manifest) -> Iterator[Finding]:
    """責任分界点 leaves nobody out: the city and the user in any case, suppliers where there are any and only then."""
    told = {one.of for one in manifest.boundaries}
    for party in ("city", "user", *(["supplier"] if manifest.suppliers else [])):
        if party not in told:
            yield Finding(where, f'boundaries: nothing says for what the {party} answers (of = "{party}")')
    if "supplier" in told and not manifest.suppliers:
        yield Finding(where, "boundaries: a supplier answers for something, and suppliers names none")
    for number, one in enumerate(manifest.boundaries, start=1):
        for title, words in (("part", one.part), ("who", one.who), ("call", one.call)):
            yield from said.in_names(where, f"boundaries {number}: {title}", words)


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
