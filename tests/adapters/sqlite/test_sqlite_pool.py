from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from kitamae.adapters.sqlite import pool

if TYPE_CHECKING:
    from pathlib import Path


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
