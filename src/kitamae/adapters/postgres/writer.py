"""The writer: one connection, one queue. Writes that arrive together commit together.

While one commit is on its way the next writes gather. Any number of workers do this at the same time on one database:
the rows of a group are locked in one order, and a group that another worker got in the way of (a deadlock, a later
number, an entity made meanwhile) begins again. Nobody is told of that; work that was run is run again, on the state
as it is then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg
import structlog

from kitamae.adapters.postgres import connect
from kitamae.adapters.postgres.group import Group, Overtaken
from kitamae.adapters.postgres.known import Known
from kitamae.adapters.postgres.session import Session
from kitamae.adapters.postgres.transaction import PostgresTransaction, drive
from kitamae.kernel.problems import Problem, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from asyncpg import Connection

    from kitamae.kernel.context.operations.command import Command, Effect
    from kitamae.kernel.context.store import Change, Transaction

WAITING: Final = 20_000  # writes that may wait before further ones are sent away
TOGETHER: Final = 1_000  # commands that one commit takes in, and the piece of work that goes beyond
AGAIN: Final = 50  # times that a group begins again before it is told so

log = structlog.get_logger(__name__)

Work: TypeAlias = "Callable[[Transaction], Awaitable[Any]]"
Watch: TypeAlias = "Callable[[Transaction, Change, Effect], Awaitable[None]]"


@dataclass(slots=True, eq=False)
class Job:
    """Something to write, and who waits for it: commands, or work."""

    answer: asyncio.Future[Any]
    commands: Sequence[Command] = ()
    work: Work | None = None
    result: Any = None
    error: BaseException | None = field(default=None)


class Writer:
    """Owns the writing connection. `committed` hears of each group on the event loop, before its answers leave.

    `refresh(epoch)`: called inside a transaction, before anything is decided, with the epoch of documents that it sees.
    """

    def __init__(
        self,
        dsn: str,
        db: Connection,
        known: Known,
        now: Callable[[], int],
        base: int,
        schema: int,
        last: int,
        refresh: Callable[[int], Awaitable[None]],
        committed: Callable[[Group], None],
    ) -> None:
        self._dsn, self._db, self._known, self._now = dsn, db, known, now
        self._base, self._schema, self._last = base, schema, last
        self._refresh, self._committed = refresh, committed
        self._queue: deque[Job] = deque()
        self._watches: list[Watch] = []
        self._closing = False
        self._running: asyncio.Task[None] | None = None

    def watch(self, watch: Watch) -> None:
        """Call it inside the transaction for every change."""
        self._watches.append(watch)

    def submit(self, commands: Sequence[Command] = (), work: Work | None = None) -> asyncio.Future[Any]:
        """Put it into the next group commit. Raises Unavailable when too many writes wait or the store closes."""
        if self._closing:
            raise Unavailable("the store is closing")
        if len(self._queue) > WAITING:
            raise Unavailable(
                "too many writes are waiting for the database; try again in a moment", retryAfter=1
            )
        job = Job(asyncio.get_running_loop().create_future(), commands, work)
        self._queue.append(job)
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="kitamae writer")
        return job.answer

    async def close(self) -> None:
        """Write what was asked for, then stop."""
        self._closing = True
        if self._running is not None:
            await self._running
        await self._db.close()

    async def _run(self) -> None:
        try:
            while self._queue:
                jobs = [self._queue.popleft()]
                size = len(jobs[0].commands)
                while self._queue and size + len(self._queue[0].commands) <= TOGETHER:
                    jobs.append(self._queue.popleft())
                    size += len(jobs[-1].commands) or 1
                group = await self._commit(jobs)
                if group is not None:
                    self._last = group.at
                    self._committed(group)
                for job in jobs:
                    if job.answer.done():
                        continue
                    if job.error is not None:
                        job.answer.set_exception(job.error)
                    else:
                        job.answer.set_result(job.result)
        finally:
            self._running = None

    async def _commit(self, jobs: list[Job]) -> Group | None:
        """One group commit; None: nothing was written. Never raises: what goes wrong is the answer."""
        carefully = False
        try:
            for _ in range(AGAIN):
                if self._db.is_closed():
                    self._known.forget()
                    self._db = await connect.writer(self._dsn)
                try:
                    return await self._once(jobs, carefully)
                except (Overtaken, asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                    continue
                except asyncpg.PostgresError as error:
                    if carefully or isinstance(connect.problem(error), Unavailable):
                        raise
                    carefully = True  # something cannot be written: find out whose it is
            raise Unavailable("other workers kept changing the same entities; try again", retryAfter=1)
        except Exception as error:
            told = connect.problem(error) if isinstance(error, connect.FAILURES) else error
            log.error("group commit failed", error=str(error), writes=len(jobs))
            for job in jobs:
                job.error = told
        return None

    async def _once(self, jobs: list[Job], carefully: bool) -> Group | None:
        group = Group(self._now, self._last, self._told)
        session = Session(self._db, group, self._known, self._base, self._schema)
        self._transaction = PostgresTransaction(session)
        transaction = self._db.transaction(isolation="read_committed")
        await transaction.start()
        try:
            ids = {(one.tenant, one.id, one.variant) for job in jobs for one in job.commands}
            await self._refresh(await session.begin(ids))
            for job in jobs:
                await self._do(session, job, carefully)
            await session.flush(group.mark())
            if session.wrote:
                await transaction.commit()
            else:
                await transaction.rollback()
        except BaseException:
            self._known.undone()
            try:
                await transaction.rollback()
            except connect.FAILURES:
                self._db.terminate()  # the server gives up what it knows of it
            raise
        self._known.committed()
        return group if session.wrote else None

    async def _do(self, session: Session, job: Job, carefully: bool) -> None:
        """What goes wrong with one job is its answer; what the database raises concerns them all."""
        job.result = job.error = None
        if job.work is None:
            job.result = [await self._command(session, one, carefully) for one in job.commands]
            return
        try:
            job.result = await self._whole(session, job.work(self._transaction), carefully)
        except (Overtaken, *connect.FAILURES):
            raise
        except Exception as error:
            job.error = error

    async def _command(self, session: Session, command: Command, carefully: bool) -> Effect | Problem:
        work = session.group.apply(command)
        try:
            effect: Effect = await (self._whole(session, work, True) if carefully else drive(work))
        except Problem as problem:
            return problem
        return effect

    async def _whole(self, session: Session, work: Awaitable[Any], carefully: bool) -> Any:
        """All or nothing. `carefully`: it is written at once, behind a savepoint, so that what cannot be written fails alone."""
        try:
            async with session.whole():
                result: Any = await drive(work)  # type: ignore[arg-type]  # a coroutine function's
                if carefully:
                    await session.written()
        except asyncpg.PostgresError as error:
            if carefully and not isinstance(problem := connect.problem(error), Unavailable):
                raise problem from error
            raise
        return result

    async def _told(self, change: Change, effect: Effect) -> None:
        for watch in self._watches:
            await watch(self._transaction, change, effect)
