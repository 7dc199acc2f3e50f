"""Is it alive, and can it serve? In the form of `application/health+json`, which monitors read."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from kitamae import __version__
from kitamae.kernel.context import clock
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kitamae.kernel.context.store import Store, Transaction

Verdict = Literal["pass", "warn", "fail"]
_FRESH = 5.0  # a monitor that asks more often gets the same answer, and costs no commit
_QUEUES = 50


@dataclass(slots=True)
class Health:
    """`loading` says what is still being loaded, or nothing. `also`: what else may be troubled, and then warns."""

    store: Store
    directory: Path
    min_free_mb: int
    max_owed_minutes: int
    loading: Callable[[], str]
    also: dict[str, Callable[[], str]] = field(default_factory=dict)
    _at: float = field(default=-_FRESH)
    _last: dict[str, Any] = field(default_factory=dict)

    async def ready(self) -> tuple[int, dict[str, Any]]:
        """HTTP status and report: 503 when the city cannot be served as it should be."""
        if time.monotonic() - self._at >= _FRESH:
            checks = {
                "store:writable": await self._writable(),
                "disk:free": self._free(),
                "notifications:oldest": await self._lag(),
                "city:loaded": self._loaded(),
                **{name: _warns(trouble()) for name, trouble in self.also.items()},
            }
            verdicts = {check["status"] for check in checks.values()}
            overall: Verdict = "fail" if "fail" in verdicts else "warn" if "warn" in verdicts else "pass"
            self._last = {
                "status": overall,
                "version": __version__,
                "checks": {k: [v] for k, v in checks.items()},
            }
            self._at = time.monotonic()
        return (503 if self._last["status"] == "fail" else 200), self._last

    async def _writable(self) -> dict[str, Any]:
        async def touch(transaction: Transaction) -> None:
            await transaction.put("", "health", "last", {"at": clock.text(clock.now())})

        began = time.perf_counter()
        try:
            await self.store.transact(touch)
        except Problem as problem:
            return {"status": "fail", "output": str(problem)}
        taken = round((time.perf_counter() - began) * 1000, 3)
        return {"status": "pass", "observedValue": taken, "observedUnit": "ms"}

    def _free(self) -> dict[str, Any]:
        free = shutil.disk_usage(self.directory).free // 1_000_000
        verdict: Verdict = "pass" if free >= self.min_free_mb else "fail"
        return {"status": verdict, "observedValue": free, "observedUnit": "MB"}

    async def _lag(self) -> dict[str, Any]:
        """A receiver that is down is not our failure: it warns."""
        oldest = now = clock.now()
        for _, queue, _ in (await self.store.queues())[:_QUEUES]:
            for owed in await self.store.owed(queue, 0, 1):
                oldest = min(oldest, owed.at)
        seconds = (now - oldest) // 1_000_000
        verdict: Verdict = "pass" if seconds <= self.max_owed_minutes * 60 else "warn"
        return {"status": verdict, "observedValue": seconds, "observedUnit": "s"}

    def _loaded(self) -> dict[str, Any]:
        what = self.loading()
        return {"status": "fail", "output": what} if what else {"status": "pass"}


def _warns(trouble: str) -> dict[str, Any]:
    return {"status": "warn", "output": trouble} if trouble else {"status": "pass"}
