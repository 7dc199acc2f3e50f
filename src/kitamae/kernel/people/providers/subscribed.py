"""Subscriptions that were made with a provider's key: what is delivered is counted, and nothing is delivered once the key, and whatever took
its place, works no more.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.providers.keys import Keys
    from kitamae.kernel.people.providers.meter import Meter
    from kitamae.kernel.people.providers.records import Key


class Subscribed:
    """For whoever delivers notifications (`subscription.deliver.Makers`)."""

    def __init__(self, people: People, keys: Keys, meter: Meter) -> None:
        self._people, self._keys, self._meter = people, keys, meter
        self._counting: set[asyncio.Task[None]] = set()

    async def heeded(self, by: str) -> bool:
        """Whether somebody is still to be told whose subscription was made by this reference. Everybody but a provider whose keys have ended."""
        key = self._keys.known(by)
        return key is None or await self._works(key) is not None

    def delivered(self, by: str) -> None:
        """One notification went out."""
        key = self._keys.known(by)
        if key is not None:
            task = asyncio.create_task(self._count(key))
            self._counting.add(task)
            task.add_done_callback(self._counting.discard)

    async def _count(self, key: Key) -> None:
        counted = await self._works(key) or key
        await self._meter.notified(counted["contract"], counted["number"])

    async def _works(self, key: Key | None) -> Key | None:
        """That key or the one that took its place."""
        while key is not None:
            if (await self._people.who(key["token"])).metered is not None:
                return key
            key = self._keys.known(f"token-{key['next']}") if "next" in key else None
        return None
