"""The list of what was ended, kept apart from the state: with persons' keys, whose backups are their own.

What this worker ends is on the list before it is acknowledged (`Store.on_kept`). At every start the list is carried into the state: so no
restore, by whatever means, brings back what was ended since the backup, and where something had come back everybody signs in again. What
the list lacks (it is new, or older keys were restored) is added from the state then, and every hour.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self

import structlog

from kitamae.kernel.people import ended
from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.store import Store
    from kitamae.kernel.context.telling import Own
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.vault.keystore import KeyStore, Over

_HOUR_SECONDS: Final = 3600.0
_AGAIN_SECONDS: Final = 10.0
_log = structlog.get_logger("kitamae")


class Apart:
    """See `open`. `trouble`: why something that was ended is not on the list; "": it all is."""

    def __init__(self, store: Store, keys: KeyStore, now: Callable[[], int]) -> None:
        self._store, self._keys, self._now = store, keys, now
        self._waiting: list[tuple[list[Over], list[tuple[str, str]]]] = []
        self._one = asyncio.Lock()
        self.trouble = ""

    @classmethod
    async def open(cls, store: Store, keys: KeyStore, people: People, now: Callable[[], int]) -> Self:
        """Before anybody is let in: what had come back ends again. Raises what reading the list raises."""
        apart = cls(store, keys, now)
        back = await ended.carry(store, ended.listed(await keys.ended(), now()))
        if back:
            _log.warning("what had been ended had come back with a restore, and is ended again", count=back)
        if back or await ended.unfinished(store):
            await people.everybody_out()
        await apart.match()
        store.on_kept(ended.KINDS, apart.heard)
        return apart

    async def match(self) -> None:
        """Add what the state knows and the list does not; forget what is past."""
        async with (
            self._one
        ):  # or what is heard between reading and writing would be overwritten with what it was before
            there = set(await self._keys.ended())
            new = [one for one in ended.rows(await ended.ended(self._store)) if one not in there]
            if new:
                await self._keys.note_ended(new)
            await self._keys.forget_ended(self._now())

    async def heard(self, kept: Sequence[Own]) -> None:
        """Of this worker's own transactions, after their commit. Never raises: what cannot be written now is written later."""
        over: list[Over] = []
        gone: list[tuple[str, str]] = []
        for one in kept:
            row = ended.row(one, self._now()) if one.tenant == TENANT else None
            if row is not None:
                over.append(row)
            elif one.tenant == TENANT and one.kind not in ended.WAYS:
                gone.append((one.kind, one.id))
        if over or gone:
            self._waiting.append((over, gone))
            await self._write()

    async def _write(self) -> None:
        async with self._one:
            while self._waiting:
                try:
                    await self._keys.note_ended(*self._waiting[0])
                except Exception as error:
                    if not self.trouble:
                        _log.exception("the list of what was ended cannot be written")
                    self.trouble = f"what was ended is not on the list that outlives a restore yet: {error}"
                    return
                del self._waiting[0]
            self.trouble = ""

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(_AGAIN_SECONDS if self.trouble else _HOUR_SECONDS)
            try:
                await self._write()
                if not self.trouble:
                    await self.match()
            except Exception:  # the next time
                _log.exception("the list of what was ended is not compared")
