"""What providers use: counted in memory, by key and day of the city, put down every few seconds and when the server ends.

After a kill -9 at most those seconds are missing, and never counted twice: in the provider's favour. Each worker adds what it counted
to the same documents, in a transaction, and hears of what others added (`Store.on_documents`).
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import structlog

from kitamae.kernel.people.providers import force
from kitamae.kernel.people.providers.minute import taken
from kitamae.kernel.people.providers.quota import OverQuota, Window
from kitamae.kernel.people.providers.records import USAGE, Counts, add, nothing
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.store import Kept, Transaction
    from kitamae.kernel.people.person import Metered
    from kitamae.kernel.people.providers.ground import Ground
    from kitamae.kernel.people.providers.records import Version

_LATE: Final = 3_600 * 1_000_000
"""How long after its day a request may still go on, microseconds."""
PUT_DOWN: Final = 5.0
"""Seconds between two times that the counts are put down."""
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_ASKED: Final = ("/query", "/search", "/evaluation", "/evaluations", "/entityMaps")
"""How addresses end to which a question is posted."""
_log = structlog.get_logger("kitamae")


class Today(NamedTuple):
    """Requests: used (or taken by other workers for requests to come) and allowed, in this minute and this day."""

    minute: int
    of_minute: int
    day: int
    of_day: int


class Row(NamedTuple):
    """One key on one day (YYYY-MM-DD)."""

    day: str
    key: str
    counts: Counts


class Passage:
    """One request with a provider's key, from its admission to its last byte."""

    __slots__ = ("_held", "_now", "_taken", "_window")

    def __init__(self, window: Window, held: Metered, now: int) -> None:
        self._window, self._held, self._now = window, held, now
        self._taken = False

    def take(self, *, write: bool) -> None:
        """Raises OverQuota."""
        self._window.take(self._held, self._now, write=write)
        self._taken = True

    def begun(self, status: int) -> list[tuple[bytes, bytes]]:
        """The answer has that status: the fields that it carries besides."""
        if status >= 500 and self._taken:
            self._window.of(self._held.key)["failed"] += 1
        return self._window.fields(self._held, self._now)

    def sent(self, size: int) -> None:
        """So many bytes of the body went out."""
        if self._taken:
            self._window.of(self._held.key)["bytes"] += size


class Meter:
    """On the ground of providers; one per process."""

    def __init__(self, ground: Ground) -> None:
        self._on = ground
        self._windows: dict[str, Window] = {}
        self._earlier: list[tuple[str, Window]] = []  # of days that are over; some requests may still go on
        self._putting = asyncio.Lock()
        self.trouble = ""
        ground.store.on_documents(self._others)

    # --- a request
    async def admit(self, held: Metered, method: str, path: str) -> tuple[Passage, OverQuota | None]:
        """Counted before any work is done; the refusal, where it is one too many."""
        now = self._on.now()
        window = self._windows.get(held.contract)
        if window is None or now >= window.day_ends:
            window = await self._open(held.contract, now)
        while not window.ready(held, now):
            await window.minute.take(self._on.store, held.contract, held.minute, now)
        passage = Passage(window, held, now)
        try:
            passage.take(write=method not in _READS and not path.endswith(_ASKED))
        except OverQuota as over:
            return passage, over
        return passage, None

    async def notified(self, contract: str, key: str) -> None:
        """A notification went out for a subscription that this key made. It uses up no quota."""
        now = self._on.now()
        window = self._windows.get(contract)
        if window is None or now >= window.day_ends:
            window = await self._open(contract, now)
        window.of(key)["notification"] += 1

    async def _open(self, contract: str, now: int) -> Window:
        day = force.today(now, self._on.zone)
        rows = await self.month(contract, day.isoformat()[:7])
        known = {row.key: row.counts for row in rows if row.day == day.isoformat()}
        window = self._windows.get(contract)
        if window is not None and now < window.day_ends:  # another request opened it meanwhile
            return window
        if window is not None:
            self._earlier.append((contract, window))
        window = Window(day.isoformat(), force.begins(day + timedelta(1), self._on.zone), known)
        window.count()
        self._windows[contract] = window
        return window

    # --- putting down
    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(PUT_DOWN)
            try:
                await self.put_down()
                self.trouble = ""
            except Problem as problem:
                if not self.trouble:
                    _log.error("what providers used is not put down", why=str(problem))
                self.trouble = str(problem)

    async def put_down(self) -> None:
        """All that was counted and is not in the store yet; durable when it returns. What cannot be written now is tried again."""
        async with self._putting:
            open = [*self._windows.items(), *self._earlier]
            waiting = [(contract, one.day, one.begin()) for contract, one in open if one.pending]
            oldest = self._on.now() - _LATE
            self._earlier = [one for one in self._earlier if one[1].day_ends > oldest]
            if not waiting:
                return
            try:
                written = await self._on.store.transact(lambda tx: _added(tx, waiting))
            except BaseException:
                for _, window in open:
                    window.failed()
                raise
            for _, window in open:
                window.putting = {}
            for contract, day, key, counts in written:
                self._heard(contract, day, key, counts)

    def _heard(self, contract: str, day: str, key: str, counts: Counts) -> None:
        window = self._windows.get(contract)
        if window is None or window.day != day:
            return
        before = window.known.get(key)
        if before is None or before["read"] + before["write"] <= counts["read"] + counts["write"]:
            window.known[key] = counts  # what is older is heard late; a day's counts never grow less
        window.count()

    async def _others(self, kept: Sequence[Kept]) -> None:
        for one in kept:
            if one.kind.startswith(USAGE) and one.doc is not None:
                contract, _, month = one.kind.removeprefix(USAGE).partition("/")
                day, _, key = one.id.partition("/")
                self._heard(contract, f"{month}-{day}", key, one.doc)

    # --- looking
    async def today(self, contract: str, held: Version | None = None) -> Today:
        """`held`: the version in force; None: nothing is allowed."""
        now = self._on.now()
        window = self._windows.get(contract)
        if window is None or now >= window.day_ends:
            window = await self._open(contract, now)
        city, own = await taken(self._on.store, contract, now), window.minute
        minute = city.requests - (own.held - own.used if city.ends == own.ends else 0)
        return Today(minute, held["minute"] if held else 0, window.used, held["day"] if held else 0)

    async def month(self, contract: str, month: str) -> list[Row]:
        """As it was put down, by day and key; `month` is YYYY-MM."""
        found = await self._on.store.documents(TENANT, f"{USAGE}{contract}/{month}")
        rows = [(id.partition("/"), doc) for _, id, doc in found]
        return sorted(Row(f"{month}-{day}", key, cast("Counts", doc)) for (day, _, key), doc in rows)

    async def between(self, contract: str, starts: date, ends: date) -> Counts:
        """All keys together, of days of one month, both included."""
        used = nothing()
        for row in await self.month(contract, starts.isoformat()[:7]):
            if starts.isoformat() <= row.day <= ends.isoformat():
                used = add(used, row.counts)
        return used


async def _added(
    tx: Transaction, waiting: Sequence[tuple[str, str, dict[str, Counts]]]
) -> list[tuple[str, str, str, Counts]]:
    written = []
    for contract, day, pending in waiting:
        for key, counts in pending.items():
            place = (TENANT, f"{USAGE}{contract}/{day[:7]}", f"{day[8:]}/{key}")
            before = cast("Counts | None", await tx.get(*place))
            total = add(before, counts) if before else counts
            await tx.put(*place, total)
            written.append((contract, day, key, total))
    return written
