"""Backups while everything goes on, and whether one is whole."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from pathlib import Path

import apsw
import pytest
from sensors import FILE, create, done, level, opened

from kitamae.adapters import sqlite
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.problems import StoreDamaged, StoreFull, StoreTooNew, StoreUnknown


async def test_a_backup_under_load_is_one_moment_between_two_commits(tmp_path: Path) -> None:
    """Every write moves all ten entities together: in a copy of one moment they agree."""
    store = await opened(tmp_path)
    await done(store, *(create(n, "x" * 2_000) for n in range(10)), *(level(n, 0) for n in range(10)))
    going = True

    async def write() -> int:
        value = 0
        while going:
            value += 1

            async def move(tx: sqlite.SqliteTransaction, value: int = value) -> None:
                for n in range(10):
                    await tx.apply(level(n, value))

            await store.transact(move)  # type: ignore[arg-type]  # the store's own transaction
        return value

    writing = asyncio.create_task(write())
    for n in range(5):
        await store.backup(str(tmp_path / f"{n}.backup"))
        await asyncio.sleep(0.02)
    going = False
    last = await writing
    await store.close()
    seen = []
    for n in range(5):
        place = tmp_path / f"restored{n}"
        sqlite.verify(tmp_path / f"{n}.backup")
        place.mkdir()
        (tmp_path / f"{n}.backup").rename(place / FILE)
        copy = await opened(place, check=True)
        found = await copy.find(EntityQuery(limit=100))
        values = {row.doc.partition(b'"v":')[2].partition(b",")[0] for row in found.rows}
        assert len(found.rows) == 10
        assert len(values) == 1
        seen.append(len(await copy.changes(0, 100_000)))
        await copy.close()
    assert seen == sorted(seen)
    assert 20 < seen[-1] <= 20 + 10 * last
    assert not list(tmp_path.glob("*.part"))


async def test_a_damaged_or_foreign_file_is_no_state(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await done(store, *(create(n, "y" * 3_000) for n in range(200)))
    await store.backup(str(tmp_path / "good"))
    await store.close()
    whole = bytearray((tmp_path / "good").read_bytes())
    for page in range(10, len(whole) // 4096):
        whole[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    (tmp_path / "bad").write_bytes(whole)
    (tmp_path / "text").write_text("not a database, however long it is " * 100)
    with contextlib.closing(apsw.Connection(str(tmp_path / "another"))) as db:
        db.execute("CREATE TABLE song (title TEXT); INSERT INTO song VALUES ('ハイヤ節')")
    shutil.copy(tmp_path / "good", tmp_path / "newer")
    with contextlib.closing(apsw.Connection(str(tmp_path / "newer"))) as db:
        db.execute(f"PRAGMA user_version = {int(db.execute('PRAGMA user_version').get) + 1}")
    for name, problem in (
        ("bad", StoreDamaged), ("text", StoreDamaged), ("nowhere", StoreUnknown), ("another", StoreUnknown), ("newer", StoreTooNew),
    ):  # fmt: skip
        with pytest.raises(problem):
            sqlite.verify(tmp_path / name)


async def test_a_backup_that_cannot_be_written_says_so_and_the_store_goes_on(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await done(store, create(1))
    with pytest.raises(StoreFull, match="nowhere"):
        await store.backup(str(tmp_path / "nowhere" / "x.backup"))
    await done(store, create(2))
    await store.close()
