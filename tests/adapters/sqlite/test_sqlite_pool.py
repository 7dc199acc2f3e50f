from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import apsw
import pytest

from kitamae.adapters.sqlite import pool
from kitamae.kernel.problems import TooComplex

if TYPE_CHECKING:
    from pathlib import Path

COUNTING = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT count(*) FROM n"
)


async def test_a_connection_goes_on_reading_however_often_it_has_read(tmp_path: Path) -> None:
    """SQLite's step counter runs on over all executions of BEGIN and ROLLBACK; it must never stop one of them."""
    writer = apsw.Connection(str(tmp_path / "kitamae.db"))
    writer.execute("CREATE TABLE thing (x)")
    reads = pool.Pool(tmp_path / "kitamae.db", 5.0)
    for _ in range(2 * pool.QUICK):
        with reads.quick() as db:
            assert db.in_transaction
    assert await reads.run(lambda db: db.execute("SELECT 1").fetchone()) == (1,)
    await reads.close()
    writer.close()


async def test_a_quick_read_stays_quick_however_often_it_was_run(tmp_path: Path) -> None:
    """The counter of a prepared statement's steps is near a multiple of the limit again and again."""
    apsw.Connection(str(tmp_path / "kitamae.db")).close()
    reads = pool.Pool(tmp_path / "kitamae.db", 5.0)
    for _ in range(pool.QUICK // 100):
        with reads.quick() as db:
            assert db.execute(COUNTING.format(100)).get == 100
    with pytest.raises(pool.TooLong), reads.quick() as db:
        db.execute(COUNTING.format(pool.QUICK)).fetchall()
    await reads.close()


async def test_a_read_that_waits_for_its_turn_is_not_refused_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apsw.Connection(str(tmp_path / "kitamae.db")).close()
    reads = pool.Pool(tmp_path / "kitamae.db", 5.0)
    on_the_wall = iter(range(0, 1_000_000, 2))  # every look at the clock is two seconds later
    monkeypatch.setattr(
        pool, "time", SimpleNamespace(thread_time=lambda: 0.0, monotonic=lambda: float(next(on_the_wall)))
    )
    steps = pool.STEPS // 5  # some ten looks: 20 seconds on the wall, none of work
    assert await reads.run(lambda db: db.execute(COUNTING.format(steps * 3)).get) == steps * 3
    with pytest.raises(TooComplex):
        await reads.run(lambda db: db.execute(COUNTING.format(steps * 100)).get)
    await reads.close()
