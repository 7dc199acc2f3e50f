"""Whether persons' keys may be copied to where some are already: only half a copy of the same city's."""

from __future__ import annotations

from hashlib import sha256

from kitamae.kernel.context.moving.tables import MOVING
from kitamae.kernel.problems import Conflict


def half_of(alias: str, mark: int | None, *, anything: bool) -> tuple[str, int]:
    """The mark that half a copy of that city's keys bears. `mark`: what is there; `anything`: whether any keys are. Raises Conflict."""
    city = int.from_bytes(sha256(alias.encode()).digest()[:7])
    if mark is None and anything:
        raise Conflict("there are persons' keys already where they should go: nothing was changed there")
    if mark not in (None, city):
        raise Conflict("there is half a copy of another city's keys: nothing was changed there")
    return MOVING, city
