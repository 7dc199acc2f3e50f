"""Months that have long ended leave the database for files: every hour, or when asked. See `compaction.py` for how.

The write-ahead log is emptied every hour too, so that it holds nothing for long that was deleted.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import structlog

from kitamae.adapters.sqlite import compaction
from kitamae.kernel.context import clock
from kitamae.kernel.problems import BadRequest, Conflict, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.adapters.sqlite.compaction import Due
    from kitamae.adapters.sqlite.store import SqliteStore

EVERY: Final = 3_600.0  # seconds
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
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
        self._asked: asyncio.Task[None] | None = None
        self._told: dict[str, Any] = {"state": "idle"}

    async def run(self) -> None:
        """Every hour, until cancelled."""
        while True:
            try:
                if self._months and (moved := await self._store.compact(closed(self._now(), self._months))):
                    _log.info("closed months of history stand in files", months=moved)
                if not await self._store.fold():
                    _log.info("the write-ahead log was in use and is emptied with the next round")
            except (Problem, OSError) as error:
                _log.warning(
                    "closed months could not be compacted, or the log not emptied; it is tried again",
                    why=str(error),
                )
            await asyncio.sleep(EVERY)

    async def report(self) -> str:
        """One line for `kitamae status`."""
        files = {
            name: path.stat().st_size for name, path in (await self._store.closed()).items() if path.exists()
        }
        said = f"{len(files)} months in files"
        if files:
            said += f" ({min(files)} to {max(files)}), {sum(files.values()) / 1e6:,.1f} MB"
        return f"{said}; {self._store.moving} is on its way" if self._store.moving else said

    # --- when asked
    async def due(self, until: str | None) -> list[Due]:
        """What would move, up to that month (`2025-03`), or as the settings say. Raises BadRequest, Conflict."""
        return await self._store.due(self._before(until))

    async def begin(self, until: str | None) -> None:
        """Move it; `told` says how it goes. Raises as `due`, and Conflict while that goes on."""
        if self._asked is not None and not self._asked.done():
            raise Conflict("closed months are being compacted already")
        before = self._before(until)
        self._told = {"state": "compacting", "months": 0, "of": len(await self._store.due(before)), "rows": 0}
        self._asked = asyncio.create_task(self._go(before))

    def told(self) -> dict[str, Any]:
        """How it goes: state (idle, compacting, done, failed), month, months, of, rows, why."""
        return {**self._told, "month": self._store.moving}

    async def stop(self) -> None:
        """Leave it off: what stands in files already stays there."""
        if self._asked is not None:
            self._asked.cancel()
            await asyncio.gather(self._asked, return_exceptions=True)

    async def _go(self, before: int) -> None:
        def moved(rows: int) -> None:
            self._told["months"] += 1
            self._told["rows"] += rows

        try:
            await self._store.compact(before, moved)
        except (Problem, OSError) as error:
            self._told |= {"state": "failed", "why": str(error)}
        except BaseException:
            self._told |= {"state": "failed", "why": "it was left off; the next time goes on from there"}
            raise
        else:
            self._told["state"] = "done"

    def _before(self, until: str | None) -> int:
        if until is None:
            if not self._months:
                raise Conflict(
                    "KITAMAE_HISTORY_MONTHS=0 keeps every month in the database; --until names one that moves"
                )
            return closed(self._now(), self._months)
        if not _MONTH.fullmatch(until) or until < "0001":
            raise BadRequest(f"--until: expected a month such as 2025-03, got {until!r:.40}")
        before = compaction.bounds(until)[1]
        if before > self._now():
            raise BadRequest(f"--until: {until} has not ended yet (by UTC)")
        return before
