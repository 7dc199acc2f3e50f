"""Whether persons' keys may be copied to where some are already (only a copy of the same city's), and opened (only when nothing is missing)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from kitamae.kernel.context.moving.tables import MOVING, WHOLE
from kitamae.kernel.problems import Conflict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def half_of(alias: str, marks: Mapping[str, int], *, anything: bool) -> tuple[str, int]:
    """The mark that half a copy of that city's keys bears. `marks`: what is there; `anything`: whether any keys are. Raises Conflict."""
    mark = marks.get(MOVING, marks.get(WHOLE))
    city = int.from_bytes(sha256(alias.encode()).digest()[:7])
    if mark is None and anything:
        raise Conflict("there are persons' keys already where they should go: nothing was changed there")
    if mark not in (None, city):
        raise Conflict("there is half a copy of another city's keys: nothing was changed there")
    return MOVING, city


def demand_whole(marks: Collection[str]) -> None:
    """Of keys that are opened. Raises Conflict for half a copy."""
    if MOVING in marks:
        raise Conflict(
            "these are half a copy of persons' keys: move the city again (kitamae migrate, with the same target), or say where"
            " the whole ones are"
        )
