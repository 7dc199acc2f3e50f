"""How many people find room (想定収容人数): municipalities write it as they like, 「屋内191人／屋外0人(面積の1/2)」 for one."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

MOST: Final = 1_000_000
"""More is no shelter, but a mistake."""
_NUMBER: Final = r"(?P<n>\d{1,3}(?:,\d{3})+|\d+)"
_SIDE: Final = {
    side: re.compile(rf"{word}\s*[:約]?\s*{_NUMBER}(?![\d,./m㎡])")
    for side, word in (("indoor", "屋内"), ("outdoor", "屋外"))
}
_ALONE: Final = re.compile(rf"約?\s*{_NUMBER}\s*(?:人|名)?(?:\s*\([^()]*\))?")


@dataclass(frozen=True, slots=True)
class Capacity:
    """Persons; None: not known, which is not 0."""

    indoor: int | None = None
    outdoor: int | None = None

    @property
    def people(self) -> int | None:
        """For whom there is room for a night: indoors; where nobody can be indoors, outdoors."""
        return self.indoor or self.outdoor


def read(text: str) -> Capacity:
    """What the text says of indoors and outdoors; a number alone is of indoors. What cannot be told apart is not known."""
    plain = unicodedata.normalize("NFKC", text).strip()
    sides = {side: _persons(found["n"]) for side, one in _SIDE.items() if (found := one.search(plain))}
    if sides:
        return Capacity(sides.get("indoor"), sides.get("outdoor"))
    alone = _ALONE.fullmatch(plain)
    return Capacity(_persons(alone["n"])) if alone else Capacity()


def _persons(digits: str) -> int | None:
    number = int(digits.replace(",", "")) if len(digits) < 12 else MOST + 1
    return number if number <= MOST else None
