"""Written beside the requests, in batches; read by days.

A batch is a document of its class and day, which nothing changes any more. Days are those of UTC in which it was written down;
`upkeep.py` closes them.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final, TypedDict, cast

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.people.access_log.entry import CLASSES, Class, Entry
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from kitamae.kernel.context.store import Store, Transaction

TENANT: Final = ""
DAY_KIND: Final = "access-log-day"
DAY: Final = 86_400_000_000
SOON: Final = 1.0
"""Seconds after which what concerns security is written down."""
LATER: Final = 30.0
"""And everything else."""
MOST: Final = 5_000
"""Lines that wait; what comes beyond is counted together, without who and from where."""
_log = structlog.get_logger("kitamae")


class Day(TypedDict, total=False):
    """A day of one class: how many lines it has and their SHA-256 once it is closed, and the number of its entry in the ledger."""

    day: str
    kind: Class
    lines: int
    sha256: str
    leaf: int


def kind_of(day: str, kind: Class) -> str:
    """Of the documents that hold that day's batches."""
    return f"access-log/{kind}/{day}"


class AccessLog:
    """One per worker."""

    def __init__(self, store: Store, now: Callable[[], int] = clock.now) -> None:
        self.now = now
        self.trouble = ""
        self._store = store
        self._waiting: dict[tuple[object, ...], Entry] = {}
        self._soon = asyncio.Event()
        self._any = asyncio.Event()
        self._busy = asyncio.Lock()
        self._worker = secrets.token_hex(4)
        self._number = 0

    # --- writing
    def heard(self, entry: Entry) -> None:
        """It is written down in a moment."""
        key: tuple[object, ...] = (
            entry["kind"], entry["who"], entry["network"], entry["what"], entry["about"], entry["status"],
        )  # fmt: skip
        before = self._waiting.get(key)
        if before is None and len(self._waiting) >= MOST:
            entry = {**entry, "who": "", "role": "", "network": "", "about": ""}
            key = (entry["kind"], "", "", entry["what"], "", entry["status"])
            before = self._waiting.get(key)
        if before is None:
            self._waiting[key] = entry
        else:
            before["times"] += entry["times"]
            before["until"] = max(before["until"], entry["until"])
        self._any.set()
        if entry["kind"] == "security":
            self._soon.set()

    async def run(self) -> None:
        """Until it is cancelled. What cannot be written now waits; `trouble` says so meanwhile."""
        while True:
            await self._any.wait()
            try:
                async with asyncio.timeout(LATER):
                    await self._soon.wait()
                await asyncio.sleep(SOON)
            except TimeoutError:
                pass
            try:
                await self.write()
            except (Problem, OSError) as problem:
                if not self.trouble:
                    _log.error("the access log is not written; it is tried again", why=str(problem))
                self.trouble = str(problem)
                await asyncio.sleep(SOON)

    async def write(self) -> None:
        """What waits, now. Raises what the store raises; then it waits on."""
        async with self._busy:
            waiting, self._waiting = self._waiting, {}
            self._any.clear()
            self._soon.clear()
            if not waiting:
                return
            entries = list(waiting.values())
            try:
                await self._store.transact(lambda tx: self._put(tx, entries))
            except BaseException:
                self._waiting, meanwhile = waiting, self._waiting
                for entry in meanwhile.values():
                    self.heard(entry)
                self._any.set()
                self._soon.set()
                raise
            self.trouble = ""

    async def _put(self, tx: Transaction, entries: Sequence[Entry]) -> None:
        at = self.now()
        for kind in CLASSES:
            some = [one for one in entries if one["kind"] == kind]
            if not some:
                continue
            day = await self._open_day(tx, at, kind)
            self._number += 1
            id = f"{at:017}-{self._worker}-{self._number:08}"
            await tx.put(TENANT, kind_of(day, kind), id, {"entries": cast("list[object]", some)})

    async def _open_day(self, tx: Transaction, at: int, kind: Class) -> str:
        """Today, or the next one that is not closed: a clock that was set back adds nothing to a closed day."""
        while True:
            day = clock.text(at)[:10]
            known = await tx.get(TENANT, DAY_KIND, f"{day}/{kind}")
            if known is None:
                await tx.put(TENANT, DAY_KIND, f"{day}/{kind}", {"day": day, "kind": kind})
                return day
            if "sha256" not in known:
                return day
            at += DAY

    # --- reading
    async def days(self, kinds: Collection[Class] = CLASSES) -> list[Day]:
        """That there are, the earliest first."""
        kept = [cast("Day", doc) for _, _, doc in await self._store.documents(TENANT, DAY_KIND)]
        return sorted(
            (one for one in kept if one["kind"] in kinds), key=lambda one: (one["day"], one["kind"])
        )

    async def of_day(self, day: str, kind: Class) -> list[Entry]:
        """In the order in which they were written down."""
        batches = await self._store.documents(TENANT, kind_of(day, kind))
        return [
            entry
            for _, _, doc in sorted(batches, key=lambda one: one[1])
            for entry in cast("list[Entry]", doc["entries"])
        ]

    async def between(self, since: int, until: int, kinds: Collection[Class] = CLASSES) -> list[Entry]:
        """Lines that begin in that time (microseconds UTC, `until` is not in it), by their time; what waits is written down first."""
        await self.write()
        first, last = clock.text(since)[:10], clock.text(until + DAY)[:10]
        found: list[Entry] = []
        for one in await self.days(kinds):
            if first <= one["day"] <= last:  # what waited over midnight stands in the day after
                found += [
                    entry
                    for entry in await self.of_day(one["day"], one["kind"])
                    if since <= clock.micros(entry["at"]) < until
                ]
        return sorted(found, key=lambda one: clock.micros(one["at"]))

    # --- a restore
    async def held(self, since: str) -> list[tuple[str, str, dict[str, object]]]:
        """Documents (kind, id, document) of that day and later, before a backup of that day takes the state's place."""
        await self.write()
        kept: list[tuple[str, str, dict[str, object]]] = []
        for one in await self.days():
            if one["day"] >= since:
                kept.append((DAY_KIND, f"{one['day']}/{one['kind']}", dict(one)))
                kind = kind_of(one["day"], one["kind"])
                kept += [(kind, id, doc) for _, id, doc in await self._store.documents(TENANT, kind)]
        return kept

    async def restored(self, held: Sequence[tuple[str, str, dict[str, object]]]) -> None:
        """Afterwards: a backup of last month takes away nothing that was written since."""

        async def work(tx: Transaction) -> None:
            for kind, id, doc in held:
                await tx.put(TENANT, kind, id, doc)

        if held:
            await self._store.transact(work)
