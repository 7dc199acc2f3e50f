"""How long history is kept, by entity type: what is older goes by itself, a little at a time.

An entity of several types is kept as long as the one that is kept longest; a type that nobody named is kept for ever.
Its present state is never touched.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import orjson
import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.context.query.tree import EntityQuery, TypeQ
from kitamae.kernel.context.store import InstanceQuery
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.context.store import Store

DAY: Final = 86_400_000_000  # microseconds
PAGE: Final = 100  # entities that are looked at together
PIECE: Final = 1_000  # instances that one commit forgets
BREATH: Final = 0.05  # seconds between two such commits, for everybody else's writes
EVERY: Final = 3_600.0  # seconds

_log = structlog.get_logger("kitamae")


class Retention:
    """Of one city. `days`: expanded entity type -> days."""

    def __init__(self, store: Store, days: Mapping[str, int], now: Callable[[], int] = clock.now) -> None:
        self._store = store
        self._days = days
        self._now = now
        self.gone = 0  # instances, since the start
        self.looked: int | None = None  # when everything was last gone through, microseconds UTC

    async def run(self) -> None:
        """Every hour, until cancelled."""
        while self._days:
            try:
                await self.once()
            except Problem as problem:
                _log.warning("old history could not be forgotten; it is tried again", why=str(problem))
            await asyncio.sleep(EVERY)

    async def once(self) -> int:
        """Go through everything; how many instances went. Raises what the store raises."""
        before = self.gone
        for tenant in await self._store.tenants():
            await self._tenant(tenant)
        self.looked = self._now()
        if self.gone > before:
            _log.info("history was forgotten as the city profile says", instances=self.gone - before)
        return self.gone - before

    def report(self) -> str:
        """One line for `kitamae status`."""
        if not self._days:
            return "kept for ever"
        last = (
            "not looked through yet" if self.looked is None else f"last looked at {clock.text(self.looked)}"
        )
        return f"{len(self._days)} types kept for a time; {self.gone} instances gone since the start, {last}"

    async def _tenant(self, tenant: str) -> None:
        wanted = EntityQuery(tenant, types=TypeQ(tuple((type,) for type in self._days)), limit=PAGE)
        after: str | None = None
        while True:
            found = await self._store.remembered(wanted, InstanceQuery(tenant, ()), after)
            for row in found.rows:
                await self._entity(row.key, orjson.loads(row.doc)["type"])
            if len(found.rows) < PAGE:
                return
            after = orjson.loads(found.rows[-1].doc)["id"]

    async def _entity(self, key: int, types: list[str]) -> None:
        days = [self._days.get(type) for type in types]
        kept = [one for one in days if one is not None]
        if len(kept) < len(days):
            return
        limit = self._now() - max(kept) * DAY
        while went := await self._store.retire(key, limit, PIECE):
            self.gone += went
            await asyncio.sleep(BREATH)
