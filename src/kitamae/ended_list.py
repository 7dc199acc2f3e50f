"""The list of what was ended (`kernel/people/apart.py`) of a city that is served: opened at the start, or as soon as it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from kitamae import personal
from kitamae.kernel.people.apart import Apart
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.directory.layout import Layout
    from kitamae.kernel.context.store import Store
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.vault.keystore import KeyStore
    from kitamae.settings import Settings

_log = structlog.get_logger("kitamae")


class EndedList:
    """`open` it before anybody is let in. Where that fails, what had come back with a restore counts until `run` has it open: `trouble` says so."""

    def __init__(
        self, settings: Settings, layout: Layout, store: Store, people: People, now: Callable[[], int]
    ) -> None:
        self._settings, self._layout = settings, layout
        self._store, self._people, self._now = store, people, now
        self._apart: Apart | None = None
        self._own: KeyStore | None = None
        self._why = ""

    async def open(self, keys: personal.Keys | Problem) -> None:
        """`keys`: as the vault has them, or why it has none. Never raises Problem."""
        try:
            if isinstance(keys, Problem):
                raise keys
            self._apart = await Apart.open(self._store, keys.store, self._people, self._now)
        except Problem as problem:
            self._why = problem.detail or problem.title
            if personal.wanted(self._settings):
                _log.error("what was ended is not carried into this state yet", why=self._why)

    async def run(self, keys: personal.Keys | Problem) -> None:
        """Until it is cancelled. Raises Problem where it still cannot be opened: call it again."""
        if self._apart is None:
            if isinstance(keys, Problem) and self._own is None:
                self._own = (await personal.open_keys(self._settings, self._layout)).store
            there = self._own if isinstance(keys, Problem) else keys.store
            assert there is not None
            self._apart = await Apart.open(self._store, there, self._people, self._now)
            self._why = ""
            _log.info("what was ended is carried into this state")
        await self._apart.run()

    def trouble(self) -> str:
        """For `/health`; "": all that was ended stays so."""
        if self._apart is not None:
            return self._apart.trouble
        return f"what was ended before a restore counts again until the list of it can be read: {self._why}"

    async def close(self) -> None:
        """Let go of keys that were opened for this alone."""
        if self._own is not None:
            await self._own.close()
