"""The city's key, looked at again where it lies: another worker of the city may have rotated it since."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from kitamae.kernel.people.vault.problems import VaultClosed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.people.vault.citykey import CityKey
    from kitamae.kernel.people.vault.keyplace import KeyPlace

_log = structlog.get_logger("kitamae")


class Followed:
    """Made before the place is read for the first time. Costs a look at the file's times; its content is read where these changed."""

    def __init__(self, place: KeyPlace) -> None:
        self._place, self._seen = place, place.stamp()

    async def __call__(self) -> Sequence[CityKey] | None:
        """What stands there now; None: what stood there the last time, or what cannot be read."""
        stamp = self._place.stamp()
        if stamp == self._seen:
            return None
        try:
            keys = await asyncio.to_thread(self._place.read)
        except VaultClosed as problem:
            _log.error("the city's key was changed, and cannot be read", why=problem.detail)
            return None
        self._seen = stamp
        return keys
