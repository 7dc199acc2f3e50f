"""What concerns several workers: who serves which queues, what others wrote, what is newly owed.

One connection and one task, one thing after the other. A share of the queues belongs to whoever holds its advisory
lock: a worker that dies loses them with its connection, and the others take them within `TURN` seconds. What is owed is
heard from the table, behind the horizon, and not from memory: so the order of a queue is that of the commits, whichever
worker wrote.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING, Any, Final

import structlog

from kitamae.adapters.postgres import changes, connect
from kitamae.adapters.postgres.named import queries
from kitamae.adapters.postgres.numbers import BITS
from kitamae.adapters.postgres.shares import SHARES, share
from kitamae.kernel.context.store import Owed
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from asyncpg import Connection

    from kitamae.adapters.postgres.group import Group
    from kitamae.adapters.postgres.heard import Documents
    from kitamae.kernel.context.store import Change

_SQL = queries("change", "document", "following")

TURN: Final = 0.5  # seconds between two looks when nothing is heard
SOON: Final = 0.002  # and when something is known to come
AT_ONCE: Final = 1_000
FOLDED: Final = 1_000  # rows of the census before they are folded together
TIDY: Final = 60  # turns between two looks at what can be tidied up
REMEMBERED: Final = 1_000_000  # epochs of documents that are kept

log = structlog.get_logger(__name__)


class Following:
    """`begin`, and `close` before the pool is. `schema` tells cities of one database apart."""

    def __init__(self, dsn: str, schema: int, base: int, documents: Documents) -> None:
        self._dsn, self._schema, self._base, self._documents = dsn, schema, base, documents
        self.on_commit: list[Callable[[Sequence[Change]], None]] = []
        self.on_owed: list[Callable[[Sequence[Owed]], None]] = []
        self.on_serving: list[Callable[[], Awaitable[None]]] = []
        self.shares: set[int] = set()
        self._task: asyncio.Task[None] | None = None
        self._rung = asyncio.Event()
        self._own: set[int] = set()  # transactions of this worker above the cursor
        self._told = 0  # the highest number that is known to be there
        self._news = False
        self._serving = False  # and the other workers can see it
        self._changes = self._owed = 0  # cursors

    def begin(self) -> None:
        """Follow from here on."""
        self._task = asyncio.create_task(self._run(), name="kitamae following")

    def serves(self, name: str) -> bool:
        """See `Store.serves`."""
        return share(name) in self.shares

    def committed(self, group: Group) -> None:
        """Something was written here: its changes were heard already, the others are told."""
        first = group.numbers.first
        self._own.add(first >> BITS)
        self._told = max(self._told, first)
        self._news = True
        self._rung.set()

    async def close(self) -> None:
        """Let go of everything that is served."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self.shares.clear()

    async def _run(self) -> None:
        """For ever; whatever goes wrong, it begins again with a new connection."""
        while True:
            try:
                db = await connect.connect(self._dsn, self._role("follow"), statement_timeout="20s")
                try:
                    await self._follow(db)
                finally:
                    db.terminate()
            except (*connect.FAILURES, Problem) as error:
                log.warning("following is interrupted", why=str(error))
                await self._lost()
                await asyncio.sleep(TURN)

    async def _follow(self, db: Connection) -> None:
        self._serving = False
        channel = f"kitamae_{self._schema & 0xFFFFFFFF:x}"
        await db.add_listener(channel, self._notified)
        if not self._changes:
            self._changes = self._owed = await self._horizon(db) - 1
        turns, last = 0, 0.0
        loop = asyncio.get_running_loop()
        while True:
            self._rung.clear()
            if loop.time() - last >= TURN:
                last = loop.time()
                alone = await self._balance(db)
                if turns % TIDY == 0:
                    await self._tidy(db)
                turns += 1
            if self._news and not alone:
                await db.execute("SELECT pg_notify($1, $2)", channel, str(self._told))
            self._news = False
            await self._documents.catch_up()
            horizon = await self._horizon(db)
            await self._hear_owed(db, horizon)
            await self._hear_changes(db, horizon)
            wait = SOON if self._told >= horizon else TURN
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._rung.wait()

    def _notified(self, _: Any, pid: int, channel: str, number: str) -> None:
        self._told = max(self._told, int(number))
        self._rung.set()

    async def _horizon(self, db: Connection) -> int:
        """Numbers below are all there."""
        return (int(await db.fetchval(_SQL["horizon"])) + self._base) << BITS

    # --- what is new
    async def _hear_owed(self, db: Connection, horizon: int) -> None:
        while self.on_owed and self.shares:
            rows = await db.fetch(_SQL["owed_between"], self._owed, horizon, list(self.shares), AT_ONCE)
            if rows:
                owed = [Owed(*row) for row in rows]
                await self._documents.catch_up()  # whose queue it is may have been kept a moment ago
                for heard in self.on_owed:
                    heard(owed)
                self._owed = owed[-1].number
            if len(rows) < AT_ONCE:
                break
        self._owed = horizon - 1

    async def _hear_changes(self, db: Connection, horizon: int) -> None:
        """Those of other workers; this one's own were heard when they were committed."""
        while self.on_commit:
            found = await changes.others(db, self._changes, horizon, sorted(self._own), AT_ONCE)
            if found:
                for heard in self.on_commit:
                    heard(found)
                self._changes = found[-1].seq
            if len(found) < AT_ONCE:
                break
        self._changes = horizon - 1
        self._own = {one for one in self._own if one << BITS >= horizon}

    # --- who serves what
    def _role(self, does: str) -> str:
        return f"{does} {self._schema:x}"

    async def _balance(self, db: Connection) -> bool:
        """Take this worker's part of the shares, give back what is more than that. True: there is no other worker.

        Whoever only follows has no part: a worker that is still loading its city, or a command.
        """
        names = [f"kitamae {self._role(does)}" for does in ("follow", "serve")]
        if self.on_serving and not self._serving:
            await db.execute("SELECT set_config('application_name', $1, false)", names[1])
            self._serving = True
        following, serving = await db.fetchrow(_SQL["workers"], *names)
        if not self.on_serving:
            return bool(following <= 1)
        fair = math.ceil(SHARES / max(1, serving))
        if len(self.shares) > fair:
            given = sorted(self.shares)[fair:]
            await self._served(self.shares.difference(given))
            await db.execute(_SQL["shares_give"], self._schema, given)
        elif len(self.shares) < fair:
            wanted = [one for one in range(SHARES) if one not in self.shares]
            taken = await db.fetch(_SQL["shares_take"], self._schema, wanted, fair - len(self.shares))
            if taken:
                await self._served(self.shares.union(row[0] for row in taken))
        return bool(following <= 1)

    async def _served(self, shares: set[int]) -> None:
        if shares != self.shares:
            self.shares = shares
            for changed in self.on_serving:
                await changed()

    async def _lost(self) -> None:
        """Nothing is served for now. Whoever is told may ask the database, which may be gone, and is told again."""
        self.shares = set()
        for changed in self.on_serving:
            with contextlib.suppress(*connect.FAILURES, Problem):
                await changed()

    async def _tidy(self, db: Connection) -> None:
        """One worker does it."""
        if self.serves("/tidy"):
            if await db.fetchval(_SQL["census_rows"], FOLDED + 1) > FOLDED:
                await db.execute(_SQL["census_fold"])
            await db.execute(_SQL["document_changes_forget"], REMEMBERED)
