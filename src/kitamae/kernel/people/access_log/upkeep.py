"""A day that is over is closed: its digest goes into the ledger, so that nobody rewrites it. What is past its days goes, with an entry.

Both are statements in the register `access-log` that everybody may read: the day, the class, how many lines, their SHA-256
(of `entry.lines` of the day).
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any, Final, cast

import orjson
import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import statements
from kitamae.kernel.people.access_log.entry import DAYS, lines
from kitamae.kernel.people.access_log.log import DAY, DAY_KIND, TENANT, kind_of
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.access_log.entry import Class
    from kitamae.kernel.people.access_log.log import AccessLog, Day

REGISTER: Final = "access-log"
_GRACE: Final = 600_000_000
"""A day is closed ten minutes after its end: another worker may still be writing its last lines."""
_EVERY: Final = 600.0
_log = structlog.get_logger("kitamae")


class Upkeep:
    """For one worker at a time (`Alone`). `days`: of the classes that the city keeps otherwise; `doubtful()` says why the clock is not
    believed, "" where it is: by such a clock nothing is destroyed.
    """

    def __init__(
        self,
        store: Store,
        log: AccessLog,
        days: Mapping[Class, int],
        doubtful: Callable[[], str] = lambda: "",
    ) -> None:
        self.days: dict[Class, int] = {**DAYS, **days}
        self._store, self._kept, self._doubtful = store, log, doubtful

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.close()
                await self.sweep()
            except Problem as problem:
                _log.error("the access log is not closed and swept; it is tried again", why=str(problem))
            await asyncio.sleep(_EVERY)

    async def close(self) -> None:
        """Every day that is over. Raises what the store raises."""
        over = clock.text(self._kept.now() - _GRACE)[:10]
        for one in await self._kept.days():
            if one["day"] < over and "sha256" not in one:
                await self._close(one)

    async def _close(self, one: Day) -> None:
        day, kind = one["day"], one["kind"]
        entries = await self._kept.of_day(day, kind)
        digest = hashlib.sha256(lines(entries)).hexdigest()

        async def work(tx: Transaction) -> None:
            known = await tx.get(TENANT, DAY_KIND, f"{day}/{kind}")
            if known is None or "sha256" in known:
                return
            told = {"class": kind, "day": day, "lines": len(entries), "sha256": digest}
            leaf = await self._tell(tx, told)
            closed = {"day": day, "kind": kind, "lines": len(entries), "sha256": digest, "leaf": leaf}
            await tx.put(TENANT, DAY_KIND, f"{day}/{kind}", closed)

        await self._store.transact(work)

    async def sweep(self) -> int:
        """Closed days that are past those of their class; how many days went. Raises what the store raises."""
        if self._doubtful():
            return 0
        gone = 0
        for one in await self._kept.days():
            last = clock.text(max(0, self._kept.now() - self.days[one["kind"]] * DAY))[:10]
            if one["day"] < last and "sha256" in one:
                await self._drop(one)
                gone += 1
        return gone

    async def _drop(self, one: Day) -> None:
        day, kind = one["day"], one["kind"]
        batches = [id for _, id, _ in await self._store.documents(TENANT, kind_of(day, kind))]

        async def work(tx: Transaction) -> None:
            for id in batches:
                await tx.drop(TENANT, kind_of(day, kind), id)
            await tx.drop(TENANT, DAY_KIND, f"{day}/{kind}")
            await self._tell(
                tx, {"class": kind, "day": day, "destroyed": one["lines"], "sha256": one["sha256"]}
            )

        await self._store.transact(work)

    async def _tell(self, tx: Transaction, told: dict[str, Any]) -> int:
        sent = {"register": REGISTER, "statement": told}
        [entry] = statements.entries(sent, REGISTER, self._kept.now, own=True)
        return await tx.log(entry)

    async def check(self) -> list[dict[str, Any]]:
        """Every closed day, with what is wrong with it: "" where its lines are those that the ledger's entry commits to."""
        return [
            {**one, "wrong": await self._wrong(one)} for one in await self._kept.days() if "sha256" in one
        ]

    async def _wrong(self, one: Day) -> str:
        digest = hashlib.sha256(lines(await self._kept.of_day(one["day"], one["kind"]))).hexdigest()
        if digest != one["sha256"]:
            return "its lines are not those that were there when the day was closed"
        leaves = await self._store.leaves(one["leaf"] - 1, 1)
        told = orjson.loads(leaves[0].data) if leaves and leaves[0].data.startswith(b"{") else {}
        said = cast("dict[str, Any]", told).get("statement", {})
        if told.get("register") != REGISTER or said.get("sha256") != digest or said.get("day") != one["day"]:
            return "the ledger's entry says something else"
        return ""
