"""Connections that read: one for the event loop's own quick reads, some for the threads that run the longer ones."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

import apsw

from kitamae.adapters.sqlite import database
from kitamae.kernel.fairness import Places
from kitamae.kernel.problems import TooComplex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

THREADS: Final = 3
QUICK: Final = (
    15_000  # steps of SQLite's machine; the event loop waits for at least so many, and less than twice that
)
PATIENCE: Final = (
    6  # times the limit that a read may take by the clock on the wall: others use the machine too
)
STEPS: Final = (
    50_000  # between two looks at the clock, some 0.5 ms: each look takes Python's lock from somebody
)
QUICK_CACHE: Final = 24_000  # kB: the inner pages and the indexes of 100,000 entities
CACHE: Final = 6_000  # kB for each of the others: a year of one series' numbers


class TooLong(Exception):
    """A read that was tried on the event loop is not a quick one."""


@contextmanager
def _snapshot(db: apsw.Connection, stop: Callable[[], bool], steps: int) -> Iterator[apsw.Connection]:
    """All statements inside see the same commit; every so many steps `stop` says whether they end.

    SQLite counts a prepared statement's steps over all its runs, so BEGIN and ROLLBACK, which are prepared once, would
    one day be stopped too, and leave the transaction open for good: `stop` is asked only between them.
    """
    db.execute("BEGIN")
    db.set_progress_handler(stop, steps)
    try:
        yield db
    finally:
        db.set_progress_handler(None)
        if db.in_transaction:
            db.execute("ROLLBACK")


class Pool:
    """`quick` for the event loop's thread only; `run` for anything longer."""

    def __init__(self, path: Path, time_limit: float) -> None:
        """`time_limit`: seconds of work that one read in a thread may take; waiting for its turn does not count."""
        self._limit = time_limit
        self.here = database.reader(path, QUICK_CACHE)
        self._idle = [database.reader(path, CACHE) for _ in range(THREADS)]
        self._places = Places(THREADS, THREADS - 1)  # one is left for whoever comes next
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="kitamae-read")

    @contextmanager
    def quick(self) -> Iterator[apsw.Connection]:
        """The event loop's connection. Raises TooLong when the read turns out not to be quick."""
        looks = iter((False,))  # the first look may come at once: steps of earlier runs are counted too
        try:
            with _snapshot(self.here, lambda: next(looks, True), QUICK) as db:
                yield db
        except apsw.InterruptError:
            raise TooLong from None
        except apsw.Error as error:
            raise database.problem(error) from error

    async def run(self, read: Callable[[apsw.Connection], T]) -> T:
        """In a thread, in turn with others. Raises TooComplex when it takes longer than the limit, TooManyRequests."""
        async with self._places.one():
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, read)

    def _read(self, read: Callable[[apsw.Connection], T]) -> T:
        db = self._idle.pop()
        began, until = time.monotonic(), time.thread_time() + self._limit

        def stop() -> bool:
            """Less work than time went by, and a thread's own clock is a call of the system."""
            passed = time.monotonic() - began
            return passed > self._limit and (time.thread_time() > until or passed > self._limit * PATIENCE)

        try:
            with _snapshot(db, stop, STEPS):
                return read(db)
        except apsw.InterruptError:
            raise TooComplex(
                f"the query took longer than {self._limit:g} s; narrow it by type, id, place or a declared attribute"
            ) from None
        except apsw.Error as error:
            raise database.problem(error) from error
        finally:
            self._idle.append(db)

    async def close(self) -> None:
        """Wait for the reads that are under way."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
        for db in (self.here, *self._idle):
            db.close()
