"""A kind of finding, with its words: English, and the key of the Japanese in `commands/locales/ja.po`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

Level: TypeAlias = Literal["bad", "warn", "note"]
"""bad: people or data are in danger now. warn: they will be. note: somebody should know."""

Found: TypeAlias = dict[str, Any]
"""{id, level, what, why, do, values}: as the server tells it; `{name}` in the texts stands for a value."""

ALL: Final[dict[str, Kind]] = {}
"""Every kind that there is, by its id."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`id` stays the same for whoever watches the JSON. `what` is so, `why` it matters, what to `do`."""

    id: str
    level: Level
    what: str
    why: str
    do: str

    def __post_init__(self) -> None:
        ALL[self.id] = self

    def found(self, level: Level | None = None, **values: Any) -> Found:
        """It is so here. `level`: where it is worse or better than usual."""
        told = {
            "id": self.id,
            "level": level or self.level,
            "what": self.what,
            "why": self.why,
            "do": self.do,
        }
        return {**told, "values": values}
