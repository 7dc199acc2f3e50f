"""The writer: one connection, one queue. Writes that arrive together commit together.

What is decided and written is done on the event loop, a few commands at a time; the commit, and whatever may take long, in
one thread beside it. A commit hardly needs Python's lock: two threads that both want it take a third of the processor from
each other. While one commit is on its way to the disk, the next writes gather.

Commands that wait together share a savepoint for as long as nothing goes wrong; otherwise each is tried in its own, so
that one failure fails alone. If the commit itself fails (a full disk), all of them fail and nothing of them is there.
Answers leave after the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import apsw
import structlog

from kitamae.adapters.sqlite import database
from kitamae.adapters.sqlite.transaction import SqliteTransaction, drive
from kitamae.adapters.sqlite.writing import Writing
from kitamae.kernel.context.store import Owed
from kitamae.kernel.problems import Problem, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kitamae.adapters.sqlite.recall import Ahead
    from kitamae.kernel.context.operations.command import Command, Effect
    from kitamae.kernel.context.store import Change, Transaction

GATHER: Final = 0.02  # seconds that a group commit takes in more writes at most
SHARED: Final = 512  # commands that share a savepoint, and the time of which is not looked at
WAITING: Final = 20_000  # writes that may wait before further ones are sent away

T = TypeVar("T")

log = structlog.get_logger(__name__)

Work: TypeAlias = "Callable[[Transaction], Awaitable[Any]]"
Watch: TypeAlias = "Callable[[Transaction, Change, Effect], Awaitable[None]]"


@dataclass(slots=True, eq=False)
class Job:
    """Something to write, and who waits for it (None: nobody): commands, or else whatever `do` does, in the thread."""

    commands: Sequence[Command]
    do: Callable[[], Any] | None
    answer: asyncio.Future[Any] | None
    result: Any = None
    error: BaseException | None = field(default=None)


class Writer:
    """Owns the writing connection, which is used by the loop or by the thread, never by both."""

    def __init__(
        self,
        db: apsw.Connection,
        now: Callable[[], int],
        deliver: Callable[[list[Change], list[Owed]], None],
    ) -> None:
        self._db = db
        self._loop = asyncio.get_running_loop()
        self._heard = deliver
        self._jobs: deque[Job] = deque()
        self._rung = asyncio.Event()
        self._watches: list[Watch] = []
        self.writing = Writing(db, now, self._watch)
        self.transaction = SqliteTransaction(self.writing)
        self._closing = False
        self._forgotten = False  # what is remembered beside the disk is not true any more
        self._disk = ThreadPoolExecutor(1, "kitamae-writer")
        self._task = self._loop.create_task(self._run(), name="kitamae writer")

    def watch(self, watch: Watch) -> None:
        """Call it inside the transaction for every change."""
        self._watches.append(watch)

    def _watch(self, change: Change, effect: Effect) -> None:
        for watch in self._watches:
            drive(watch(self.transaction, change, effect))  # type: ignore[arg-type]  # a coroutine function's

    # --- what is asked for
    def submit(self, do: Callable[[], Any]) -> asyncio.Future[Any]:
        """Put `do` into the next group commit. Raises Unavailable when too many writes wait or the store closes."""
        return self._put((), do)

    def apply(self, commands: Sequence[Command]) -> asyncio.Future[list[Effect | Problem]]:
        """The same for commands: each as if in a savepoint of its own."""
        return self._put(commands, None)

    def _put(self, commands: Sequence[Command], do: Callable[[], Any] | None) -> asyncio.Future[Any]:
        if self._closing:
            raise Unavailable("the store is closing")
        if len(self._jobs) > WAITING:
            raise Unavailable("too many writes are waiting for the disk; try again in a moment")
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._jobs.append(Job(commands, do, answer))
        self._rung.set()
        return answer

    def post(self, do: Callable[[], Any]) -> None:
        """The same without waiting for it: what is lost with a crash is done again."""
        if not self._closing:
            self._jobs.append(Job((), do, None))
            self._rung.set()

    async def close(self) -> None:
        """Write what was asked for, then stop. The connection is left to `release`, after those that read."""
        self._closing = True
        self._rung.set()
        await self._task
        self._disk.shutdown()

    def release(self) -> None:
        """Close the connection. The last one to go folds the WAL back, and a reader may not."""
        self._db.close()

    # --- one group commit after the other
    async def _run(self) -> None:
        while self._jobs or not self._closing:
            if self._jobs:
                await self._commit()
            else:
                self._rung.clear()
                await self._rung.wait()

    async def _commit(self) -> None:
        """One group commit. Never raises: what goes wrong is the answer."""
        together = self._gather()
        done = together.copy()
        try:
            if self._forgotten:
                self.writing.begin()
                self._forgotten = False
            self._db.execute("BEGIN IMMEDIATE")
            await self._together(together)
            until = time.monotonic() + GATHER
            await asyncio.sleep(0)  # who waits for the loop goes first, and may ask for more
            while self._jobs and time.monotonic() < until:
                together = self._gather()
                done += together
                await self._together(together)
                await asyncio.sleep(0)
            self.writing.finish()
            await self._in_thread(lambda: self._db.execute("COMMIT"))
            self.writing.memory.committed()
        except Exception as error:
            self._give_up(error, done)
        changes, owed = self.writing.changes, [Owed(*row) for row in self.writing.owed]
        self.writing.reset()
        self._deliver(done, changes, owed)

    def _in_thread(self, do: Callable[[], T]) -> asyncio.Future[T]:
        return self._loop.run_in_executor(self._disk, do)

    def _deliver(self, jobs: list[Job], changes: list[Change], owed: list[Owed]) -> None:
        if changes or owed:
            self._heard(changes, owed)
        for job in jobs:
            answer = job.answer
            if answer is None or answer.done():
                continue
            if job.error is not None:
                answer.set_exception(job.error)
            else:
                answer.set_result(job.result)

    def _gather(self) -> list[Job]:
        """The first one, and those behind it that can share its savepoint."""
        jobs = self._jobs
        together = [jobs.popleft()]
        count = len(together[0].commands)
        while count and jobs and jobs[0].commands and count + len(jobs[0].commands) <= SHARED:
            together.append(jobs.popleft())
            count += len(together[-1].commands)
        return together

    async def _together(self, jobs: list[Job]) -> None:
        """Raises only what concerns the whole commit."""
        if len(jobs) > 1:
            try:
                answers = iter(await self.writing.apply_all([one for job in jobs for one in job.commands]))
            except Exception as error:
                self._demand_alone(error)
            else:
                for job in jobs:
                    job.result = list(islice(answers, len(job.commands)))
                return
        for job in jobs:
            await self._alone(job)

    async def _alone(self, job: Job) -> None:
        """Raises only what concerns the whole commit."""
        try:
            job.result = await (self._apply(job.commands) if job.do is None else self._in_thread(job.do))
        except apsw.Error as error:
            if self._fatal(error):
                raise
            job.error = database.problem(error)
        except Exception as error:
            if not self._db.in_transaction:
                raise
            job.error = error

    async def _apply(self, commands: Sequence[Command]) -> list[Effect | Problem]:
        if len(commands) > 1:
            try:
                return await self.writing.apply_all(commands)
            except Exception as error:
                self._demand_alone(error)
        answers: list[Effect | Problem] = []
        for command in commands:
            try:
                answers.append(self.writing.apply(command))
            except Problem as problem:
                answers.append(problem)
            except apsw.Error as error:
                if self._fatal(error):
                    raise
                answers.append(database.problem(error))
        return answers

    def _demand_alone(self, error: Exception) -> None:
        """It failed one of many, so each is tried on its own. Raises what failed all of them."""
        if not self._db.in_transaction or (isinstance(error, apsw.Error) and self._fatal(error)):
            raise error
        log.info("writes that shared a savepoint are tried one by one", error=str(error))

    def _fatal(self, error: apsw.Error) -> bool:
        """It concerns the disk, not the one write."""
        return not self._db.in_transaction or isinstance(
            error, apsw.FullError | apsw.IOError | apsw.CorruptError | apsw.NoMemError
        )

    def _give_up(self, error: Exception, done: Sequence[Job]) -> None:
        """Nothing of this commit is there; say so to everybody in it. The next one begins with what is on the disk."""
        told = database.problem(error) if isinstance(error, apsw.Error) else error
        log.error("group commit failed", error=str(error), writes=len(done))
        for job in done:
            job.error = told
        self._forgotten = True
        self.writing.reset()
        if self._db.in_transaction:
            with contextlib.suppress(apsw.Error):  # SQLite gives everything up all the same
                self._db.execute("ROLLBACK")

    # --- what jobs do
    def transact(self, work: Work, ahead: Ahead) -> Any:
        """All or nothing. `ahead`: what it may use of files. Raises Unread for what is not in it."""
        with self.writing.whole(), self.writing.memory.reading(ahead):
            return drive(work(self.transaction))  # type: ignore[arg-type]  # a coroutine function's
