"""How deliveries went is written down: now and then, a few subscriptions at a time."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.context.subscription.model import Subscription

_EVERY: Final = 2.0  # seconds
_AT_ONCE: Final = 100  # in one transaction: the city's own writes wait for it
_log: Final = structlog.get_logger()


class Written:
    """`tried`: queues of which something was tried since it was written; `find`: the subscription of a queue."""

    def __init__(self, store: Store, tried: set[str], find: Callable[[str], Subscription | None]) -> None:
        self._store, self._tried, self._find = store, tried, find
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._write())

    async def stop(self) -> None:
        """Write no more by itself; `write_now` still does."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            try:
                await self.write_now()
            except Exception:
                _log.exception("how deliveries went is not written down")

    async def write_now(self) -> None:
        """All that was tried."""
        queues = [*self._tried]
        while queues:
            some, queues = queues[:_AT_ONCE], queues[_AT_ONCE:]
            self._tried.difference_update(some)
            now = [(one, asdict(one.record)) for one in map(self._find, some) if one is not None]
            try:
                await self._store.transact(partial(_put, now))
            except BaseException:
                self._tried.update(some)
                raise


async def _put(records: Sequence[tuple[Subscription, dict[str, Any]]], tx: Transaction) -> None:
    for one, record in records:
        doc = await tx.get(one.tenant, one.kind, one.id)
        if doc is not None:
            await tx.put(one.tenant, one.kind, one.id, {**doc, "record": record})
