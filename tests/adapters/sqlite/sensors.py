"""A few entities and commands for the tests of this store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kitamae.adapters import sqlite
from kitamae.kernel.context.entity import Entity
from kitamae.kernel.context.operations.command import Command, Effect
from kitamae.kernel.context.operations.create import Create
from kitamae.kernel.context.operations.update import Update
from kitamae.kernel.problems import Problem

TYPE = "https://example.org/Sensor"
LEVEL = "https://example.org/水位"
FILE = "kitamae.db"


def id_of(number: int) -> str:
    return f"urn:ngsi-ld:Sensor:{number:05}"


def create(number: int, note: str = "") -> Command:
    made: Entity = {
        "id": id_of(number),
        "type": [TYPE],
        "attrs": {LEVEL: [{"kind": "Property", "v": number}]},
    }
    if note:
        made["attrs"]["https://example.org/note"] = [{"kind": "Property", "v": note}]
    return Command("", made["id"], Create(made))


def level(number: int, value: Any) -> Command:
    return Command("", id_of(number), Update({"attrs": {LEVEL: [{"kind": "Property", "v": value}]}}))


async def done(store: sqlite.SqliteStore, *commands: Command) -> list[Effect]:
    """All of them; none may fail."""
    answers = await store.apply(commands)
    assert not [one for one in answers if isinstance(one, Problem)], answers
    return [one for one in answers if isinstance(one, Effect)]


async def opened(place: Path, **options: Any) -> sqlite.SqliteStore:
    return await sqlite.open(place / FILE, **options)
