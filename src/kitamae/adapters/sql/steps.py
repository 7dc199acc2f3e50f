"""Numbered steps of a schema, each with a way back: `migrations/0001_name.up.sql` and `.down.sql`."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final, NamedTuple

_FILE: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.(up|down)\.sql")


class Step(NamedTuple):
    """One version up (`up`) and back again (`down`), as SQL scripts."""

    number: int
    name: str
    up: str
    down: str


def read(package: str) -> list[Step]:
    """All of a package, in order. Raises ValueError where a number or a way back is missing."""
    scripts: dict[int, dict[str, tuple[str, str]]] = {}
    for file in files(package).joinpath("migrations").iterdir():
        if match := _FILE.fullmatch(file.name):
            number, name, way = int(match[1]), match[2], match[3]
            scripts.setdefault(number, {})[way] = (name, file.read_text("utf-8"))
    found = []
    for expected, number in enumerate(sorted(scripts), start=1):
        ways = scripts[number]
        if number != expected or ways.keys() != {"up", "down"} or ways["up"][0] != ways["down"][0]:
            raise ValueError(f"migration {expected:04} needs one .up.sql and one .down.sql of the same name")
        found.append(Step(number, ways["up"][0], ways["up"][1], ways["down"][1]))
    return found
