"""Every hour: months that have long ended leave the database for files. See `compaction.py` for how."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.adapters.sqlite.store import SqliteStore

EVERY: Final = 3_600.0  # seconds
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_log = structlog.get_logger("kitamae")


def closed(now: int, months: int) -> int:
    """Before when (microseconds UTC) a month must have ended, so that `months` whole ones stay beside the present one."""
    moment = datetime.fromtimestamp(now / 1e6, UTC)
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    return int((datetime(year, month + 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) * 1_000_000


class Closing:
    """Of one store. `months`: whole months that stay in the database; 0: all of them."""

    def __init__(self, store: SqliteStore, months: int, now: Callable[[], int] = clock.now) -> None:
        self._store, self._months, self._now = store, months, now

    async def run(self) -> None:
        """Every hour, until cancelled."""
        while self._months:
            try:
                if moved := await self._store.compact(closed(self._now(), self._months)):
                    _log.info("closed months of history stand in files", months=moved)
            except (Problem, OSError) as error:
                _log.warning("closed months could not be compacted; it is tried again", why=str(error))
            await asyncio.sleep(EVERY)

    def report(self) -> str:
        """One line for `kitamae status`."""
        files = [path.stat().st_size for path in (self._store.path.parent / "history").glob("*.parquet")]
        said = f"{len(files)} months in files, {sum(files) / 1e6:,.1f} MB"
        return f"{said}; {self._store.moving} is on its way" if self._store.moving else said
