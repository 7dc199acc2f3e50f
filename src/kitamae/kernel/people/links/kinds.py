"""The kinds of link that a city gives out: what may be said through them, of what type of thing, for how long."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

Also = Literal["supplies", "people"]
"""What such a link is for besides: to ask for supplies, to write down who came to the shelter."""
_WORDS: Final = {"yes": True, "no": False, "true": True, "false": False}
_LONGEST: Final = 400  # characters of a text


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute that may be written. `least`, `most` for numbers; `choices`: value -> its name in each language."""

    name: str
    label: Mapping[str, str]
    kind: Literal["number", "choice", "boolean", "text"] = "number"
    least: int = 0
    most: int = 0
    unit: str = ""
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def read(self, value: object) -> str | int | bool:
        """What a form or a program sent for it. Raises BadRequest naming the field."""
        match self.kind:
            case "number":
                number = _number(value)
                if number is None or not self.least <= number <= self.most:
                    raise BadRequest(
                        f"{self.name}: expected a whole number from {self.least} to {self.most}, got {value!r:.60}"
                    )
                return number
            case "choice":
                if not isinstance(value, str) or value not in self.choices:
                    raise BadRequest(
                        f"{self.name}: expected one of {', '.join(self.choices)}, got {value!r:.60}"
                    )
                return value
            case "boolean":
                said = _WORDS.get(value, value) if isinstance(value, str) else value
                if not isinstance(said, bool):
                    raise BadRequest(f"{self.name}: expected true or false, got {value!r:.60}")
                return said
            case _:
                if not isinstance(value, str) or not 0 < len(value.strip()) <= _LONGEST:
                    raise BadRequest(f"{self.name}: expected a text of at most {_LONGEST} characters")
                return value.strip()


@dataclass(frozen=True, slots=True)
class Kind:
    """`type`: as the city's @context names it. `hours`: how long such a link lasts unless told; `late_hours`: how long afterwards,
    and after its own time, an update may still arrive from a phone that had no connection.
    """

    id: str
    name: Mapping[str, str]
    type: str
    fields: tuple[Field, ...]
    hours: int = 72
    late_hours: int = 48
    uses: int = 1_000
    also: tuple[Also, ...] = ()

    def read(self, sent: Mapping[str, Any]) -> dict[str, str | int | bool]:
        """Values by attribute. Raises BadRequest for none, and for one that such a link does not write."""
        known = {one.name: one for one in self.fields}
        if beyond := sorted(sent.keys() - known.keys()):
            raise BadRequest(f"{beyond[0]!r:.60}: such a link writes {', '.join(known)} and nothing else")
        if not sent:
            raise BadRequest(f"nothing was sent: a value for one of {', '.join(known)} is expected")
        return {name: known[name].read(value) for name, value in sent.items()}


def _number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.removeprefix("-").isdecimal() and len(text) < 10 else None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else None
    return value if isinstance(value, int) else None
