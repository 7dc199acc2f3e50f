"""What is asked of somebody who comes to a shelter: no more than what helps him, and what helps to find him."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kitamae.kernel.people import mynumber
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

AGES: Final = ("0-5", "6-14", "15-64", "65-74", "75-")
"""Bands of years, inclusive; nobody's day of birth is asked for."""
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Said:
    """`town`: where he lives, as the town is called. `kana`, `age` may be "". `findable`: whoever looks for him may be told."""

    name: str
    kana: str
    town: str
    age: str
    needs: tuple[str, ...]
    findable: bool

    @classmethod
    def read(cls, told: Mapping[str, str], needs: Collection[str], known: Collection[str]) -> Said:
        """From a form; `needs` as ticked, `known` those that there are. Raises BadRequest, HoldsMyNumber."""
        name, kana, town = (plain(told.get(one, "")) for one in ("name", "kana", "town"))
        if not name or not town:
            raise BadRequest("this must be filled in: name and town")
        if max(map(len, (name, kana, town))) > _LONGEST:
            raise BadRequest(f"name, kana, town: expected at most {_LONGEST} letters")
        mynumber.demand_none({"name": name, "kana": kana, "town": town})
        age, findable = told.get("age", ""), told.get("findable", "")
        if age and age not in AGES:
            raise BadRequest(f"age: expected one of {', '.join(AGES)}, got {age!r:.20}")
        if unknown := sorted(set(needs) - set(known)):
            raise BadRequest(f"needs: expected some of {', '.join(known)}, got {unknown[0]!r:.40}")
        if findable not in ("yes", "no"):
            raise BadRequest(
                "this must be filled in: may whoever looks for this person be told? ask the person"
            )
        return cls(name, kana, town, age, tuple(one for one in known if one in needs), findable == "yes")


def plain(text: str) -> str:
    """As it is kept: NFKC, one space between names."""
    return " ".join(unicodedata.normalize("NFKC", text).split())
