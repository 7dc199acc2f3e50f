"""What becomes of a row: an entity (`Taken`), or a `Refusal`; what was odd and is kept as it is: a `Remark`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias


class UnreadableFileError(ValueError):
    """Nothing in the file can be read: the message says what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Odd, reported, kept as it is. `line` counts from 1; for GeoJSON it is the feature's place in the file."""

    line: int
    column: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not taken. `column` is empty where the row as a whole is at fault; `value` is cut to 200 characters."""

    line: int
    column: str
    value: str
    expected: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A normalized NGSI-LD entity with the city's short names, and what was odd about the row."""

    line: int
    entity: dict[str, Any]
    remarks: tuple[Remark, ...] = ()


Outcome: TypeAlias = Taken | Refusal


def shown(value: object) -> str:
    """A cell as a report shows it: one line, printable, at most 200 characters."""
    text = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in str(value)[:201])
    return text if len(text) <= 200 else text[:199] + "…"
