"""Who may open the file, and what is said when something is wrong with it or its disk."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from sensors import FILE, LEVEL, TYPE, create, done, id_of, level, opened

from kitamae.adapters.sqlite import hot
from kitamae.kernel.context.query.tree import Compare, EntityQuery, Op, OrderBy, TypeQ
from kitamae.kernel.context.query.tree import Path as QPath
from kitamae.kernel.problems import Problem, StoreDamaged, StoreFull, StoreInUse, TooComplex, Unavailable

OPEN = """
import asyncio, pathlib, sys
from kitamae.adapters import sqlite
asyncio.run(sqlite.open(pathlib.Path(sys.argv[1])))
"""


async def test_a_second_server_on_the_same_directory_is_told_which_process_has_it(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    with pytest.raises(StoreInUse, match=f"process {os.getpid()}"):
        await opened(tmp_path)
    other = subprocess.run(
        [
            sys.executable,
            "-c",
            OPEN,
            str(tmp_path / FILE),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert other.returncode == 1
    assert f"StoreInUse: {tmp_path} is served by process {os.getpid()} already" in other.stderr
    await done(store, create(1))
    await store.close()
    store = await opened(tmp_path)
    await store.close()


async def test_only_the_owner_reads_the_file_and_its_copies_whoever_made_the_directory(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o755)
    store = await opened(tmp_path)
    await done(store, create(1))
    await store.backup(str(tmp_path / "copy.db"))
    files = [file for file in tmp_path.iterdir() if file.is_file()]
    assert {FILE, FILE + "-wal", "copy.db"} <= {file.name for file in files}
    assert {file.name: oct(file.stat().st_mode & 0o077) for file in files} == {f.name: "0o0" for f in files}
    await store.close()


async def test_a_file_that_others_could_read_is_closed_to_them_when_it_is_opened(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await done(store, create(1))
    await store.close()
    (tmp_path / FILE).chmod(0o644)
    store = await opened(tmp_path)
    await done(store, create(2))
    assert {file.stat().st_mode & 0o077 for file in tmp_path.iterdir()} == {0}
    await store.close()


async def test_a_lock_that_a_dead_process_left_behind_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "kitamae.lock").write_text("1\n")
    store = await opened(tmp_path)
    assert (tmp_path / "kitamae.lock").read_text() == f"{os.getpid()}\n"
    await store.close()


async def test_a_damaged_file_is_named_when_it_is_asked_for(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await done(store, *(create(n, "z" * 3_000) for n in range(100)))
    await store.close()
    whole = bytearray((tmp_path / FILE).read_bytes())
    whole[-4096 * 40 : -4096 * 2] = b"\0" * (4096 * 38)
    (tmp_path / FILE).write_bytes(whole)
    with pytest.raises(StoreDamaged, match="restore the last backup"):
        await opened(tmp_path, check=True)
    (tmp_path / FILE).write_bytes(b"not a database at all" * 1000)
    with pytest.raises(StoreDamaged):
        await opened(tmp_path)


async def fill(place: Path, **options: int) -> None:
    """Write until the disk is full; then everything acknowledged is there, and room brings it back to work."""
    store = await opened(place, **options)
    heard: list[int] = []
    store.on_commit(lambda changes: heard.extend(one.seq for one in changes))
    acknowledged = []
    refused: Problem | None = None
    for n in range(5_000):
        try:
            (answer,) = await store.apply([create(n, "水" * 3_000)])
        except StoreFull as full:
            refused = full
            break
        assert not isinstance(answer, Problem)
        acknowledged.append(n)
    assert refused is not None
    assert refused.status == 507
    assert len(acknowledged) > 20
    for _ in range(3):
        with pytest.raises(StoreFull):
            await store.apply([create(9_000 + n, "水" * 30_000) for n in range(60)])
    for n in acknowledged:
        assert await store.row("", id_of(n))
    assert await store.row("", id_of(len(acknowledged))) is None
    changes = await store.changes(0, 10_000)
    assert len(changes) == len(acknowledged)
    assert heard == [one.seq for one in changes]
    assert (await store.find(EntityQuery(types=TypeQ(((TYPE,),)), count=True, limit=1))).count == len(
        acknowledged
    )
    assert await store.types("") == {TYPE: len(acknowledged)}
    await store.close()


async def test_at_its_limit_the_store_refuses_writes_whole_and_serves_reads(tmp_path: Path) -> None:
    await fill(tmp_path, most_bytes=2_000_000)
    store = await opened(tmp_path, check=True)  # more room
    await done(store, create(9_999), level(1, 5))
    await store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("a small disk can only be mounted by root (the limit of the file is tested instead)")
    try:
        yield place
    finally:  # lazily, so that a failed test that still holds it open leaves no mount behind
        subprocess.run(["umount", "-l", str(place)], check=True)


async def test_on_a_full_disk_nothing_is_half_written_and_room_brings_it_back(small_disk: Path) -> None:
    await fill(small_disk)
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    store = await opened(small_disk, check=True)
    await done(store, create(9_999), level(1, 5))
    await store.close()


async def test_a_disk_with_room_again_takes_writes_without_a_restart(small_disk: Path) -> None:
    store = await opened(small_disk)
    stuff = small_disk / "stuff"
    await done(store, create(1))
    stuff.write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * 4096 - 64 * 1024))
    with pytest.raises(StoreFull):
        await store.apply([create(n, "x" * 3_000) for n in range(2, 500)])
    there = (await store.find(EntityQuery(count=True))).count
    stuff.unlink()
    await done(store, create(2_000))
    assert (await store.find(EntityQuery(count=True))).count == (there or 0) + 1
    await store.close()


async def test_hot_indexes_follow_what_is_declared_and_are_used(tmp_path: Path) -> None:
    def names() -> set[str]:
        db = apsw.Connection(str(tmp_path / FILE), flags=apsw.SQLITE_OPEN_READONLY)
        found = {str(r[0]) for r in db.execute("SELECT name FROM sqlite_schema WHERE name GLOB 'hot_*'")}
        db.close()
        return found

    query = EntityQuery(q=Compare(QPath((LEVEL,)), Op.EQUAL, (3,)))
    for declared in ((), (LEVEL, "https://example.org/b"), (LEVEL,), ()):
        store = await opened(tmp_path, hot=declared)
        if not await store.row("", id_of(3)):
            await done(store, *(create(n) for n in range(5)))
        assert len((await store.find(query)).rows) == 1
        await store.close()
        assert names() == {hot.index(name) for name in declared}


async def test_a_query_that_takes_too_long_is_refused_and_the_next_one_is_answered(tmp_path: Path) -> None:
    store = await opened(tmp_path, time_limit=0.0)
    for start in range(0, 4_000, 500):
        await done(store, *(create(n) for n in range(start, start + 500)))
    with pytest.raises(TooComplex, match="narrow it"):
        await store.find(EntityQuery(order=(OrderBy(QPath((LEVEL,))),)))
    assert len((await store.find(EntityQuery(ids=(id_of(7),)))).rows) == 1
    await store.close()


async def test_what_was_asked_before_closing_is_written_and_what_comes_after_is_refused(
    tmp_path: Path,
) -> None:
    store = await opened(tmp_path)
    asked = asyncio.gather(*(store.apply([create(n)]) for n in range(100)))
    await asyncio.sleep(0)
    await store.close()
    assert len(await asked) == 100
    with pytest.raises(Unavailable):
        await store.apply([create(101)])
    store = await opened(tmp_path)
    assert (await store.find(EntityQuery(count=True))).count == 100
    await store.close()


async def test_a_commit_that_cannot_begin_answers_those_who_wait_and_the_next_one_is_made(
    tmp_path: Path,
) -> None:
    store = await opened(tmp_path)
    await done(store, create(1))
    store._writer._db.set_busy_timeout(1)
    other = apsw.Connection(str(tmp_path / FILE))
    other.execute("BEGIN IMMEDIATE")
    both = await asyncio.wait_for(
        asyncio.gather(
            store.apply([create(2)]),
            store.transact(lambda tx: tx.apply(create(3))),
            return_exceptions=True,
        ),
        10,
    )
    assert all(isinstance(answer, Problem) for answer in both), both
    other.execute("ROLLBACK")
    other.close()
    await done(store, create(2), level(1, 5), create(3))
    assert [one.seq for one in await store.changes(0, 10)] == [1, 2, 3, 4]
    await store.close()
