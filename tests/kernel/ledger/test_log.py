"""The sequencer: what is committed is published, whatever stops it, and a log never becomes shorter."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_cities import ORIGIN, append, checked, copied, everything, opened, place
from small_logs import mth

from kitamae.adapters import sqlite
from kitamae.kernel.ledger import log as sequencer
from kitamae.kernel.ledger import merkle
from kitamae.kernel.ledger.checkpoint import opened as opened_checkpoint
from kitamae.kernel.ledger.files import Folder
from kitamae.kernel.ledger.note import Note, Signer
from kitamae.kernel.ledger.refusals import Malformed
from kitamae.kernel.problems import NotFound


def some(start: int, end: int) -> list[bytes]:
    return [b"entry %d" % n for n in range(start, end)]


async def test_a_log_without_entries_has_a_checkpoint_of_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, log):
        assert await everything(store, log) == []
        assert (log.origin, log.head.checkpoint.root) == (ORIGIN, merkle.EMPTY)
        assert (tmp_path / "ledger.key").stat().st_mode & 0o777 == 0o600


async def test_what_is_committed_is_published_and_has_its_index_and_its_proof(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, log):
        numbers = await append(store, some(0, 300))
        assert await store.index(numbers[0]) is None
        with pytest.raises(NotFound):
            await log.proof(0)
        assert await everything(store, log) == some(0, 300)
        for at in (0, 255, 256, 299):
            assert await store.index(numbers[at]) == at
            assert await log.entry(at) == b"entry %d" % at
            (await log.proof(at)).verify(b"entry %d" % at, log.keys, origin=ORIGIN)
        for none in (-1, 300):
            with pytest.raises(NotFound):
                await log.proof(none)


def test_however_the_entries_come_the_files_are_those_of_the_definition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sequencer, "STEP", 100)
    monkeypatch.setattr(sequencer, "AT_ONCE", 3)

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.integers(0, 300), st.booleans()), max_size=6))
    def run(parts: list[tuple[int, bool]]) -> None:
        with tempfile.TemporaryDirectory() as root:
            asyncio.run(grown(Path(root), parts))

    run()


async def grown(root: Path, parts: list[tuple[int, bool]]) -> None:
    size = 0
    for count, publish in parts:
        async with opened(root) as (store, log):
            numbers = await append(store, some(size, size + count))
            size += count
            if publish:
                await log.publish()
            heads = log.head.checkpoint
            for number in numbers[: heads.size]:
                index = await store.index(number)
                assert index is None or await log.entry(index) == b"entry %d" % index
    async with opened(root) as (store, log):
        assert await everything(store, log) == some(0, size)
        if size:
            assert await store.index((await store.leaves(0, 1))[0].number) == 0


class Stop(OSError):
    """The disk went."""


@pytest.mark.parametrize("where", ["tiles", "checkpoint", "place"])
async def test_whatever_stops_in_the_midst_is_taken_up(tmp_path: Path, where: str, monkeypatch: Any) -> None:
    async with opened(tmp_path) as (store, log):
        await append(store, some(0, 10))
        await log.publish()
        await append(store, some(10, 600))
        stopped = iter([True])

        def stop(original: Any) -> Any:
            def once(*given: Any, **named: Any) -> Any:
                done = original(*given, **named) if where != "place" else None
                if next(stopped, False):
                    raise Stop("no space")
                return done if where != "place" else original(*given, **named)

            return once

        on, name = {
            "tiles": (log.folder, "write"),
            "checkpoint": (log.folder, "publish"),
            "place": (store, "place"),
        }[where]
        with monkeypatch.context() as patch:
            patch.setattr(on, name, stop(getattr(on, name)))
            with pytest.raises(Stop):
                await log.publish()
        log._number = None  # as `run` does
        assert await everything(store, log) == some(0, 600)
    async with opened(tmp_path) as (store, log):
        assert await everything(store, log) == some(0, 600)


async def test_files_that_are_lost_are_made_again_and_the_log_is_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, log):
        await append(store, some(0, 700))
        await everything(store, log)
        root = log.head.checkpoint.root
    shutil.rmtree(tmp_path / "ledger")
    async with opened(tmp_path) as (store, log):
        assert await everything(store, log) == some(0, 700)
        assert (log.origin, log.head.checkpoint.root) == (ORIGIN, root)


@pytest.mark.parametrize("path", ["tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/002.p/188"])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
async def test_a_tile_that_is_damaged_is_made_again(tmp_path: Path, path: str, damage: str) -> None:
    async with opened(tmp_path) as (store, log):
        await append(store, some(0, 700))
        await everything(store, log)
    file = tmp_path / "ledger" / path
    data = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(data[:-1] if damage == "cut" else data[:-1] + bytes([data[-1] ^ 1]))
    async with opened(tmp_path) as (store, log):
        assert log.origin == ORIGIN
        assert await everything(store, log) == some(0, 700)


# --- after a restore
async def test_a_store_of_yesterday_takes_back_what_its_log_has_published_since(tmp_path: Path) -> None:
    city = tmp_path / "city"
    async with opened(city) as (store, log):
        await append(store, some(0, 300))
        await everything(store, log)
        await store.backup(str(tmp_path / "yesterday.db"))
        await append(store, some(300, 2_000))
        await everything(store, log)
        root = log.head.checkpoint.root
    restored(city, tmp_path / "yesterday.db")
    async with opened(city) as (store, log):
        assert (log.origin, log.head.checkpoint.size, log.head.checkpoint.root) == (ORIGIN, 2_000, root)
        assert [one.data for one in await store.leaves(0, 10_000)] == some(0, 2_000)
        assert await store.placed() == (2_000, (await store.leaves(0, 10_000))[-1].number)
        await append(store, some(2_000, 2_001))
        assert await everything(store, log) == some(0, 2_001)


async def test_a_restore_that_puts_the_longer_log_aside_goes_on_with_the_longer_one(tmp_path: Path) -> None:
    city, aside = tmp_path / "city", tmp_path / "aside"
    async with opened(city) as (store, log):
        await append(store, some(0, 10))
        await everything(store, log)
    month = copied(city, tmp_path / "month")
    async with opened(city) as (store, log):
        await append(store, some(10, 400))
        await everything(store, log)
    (city / "ledger").rename(aside)
    shutil.copytree(month / "ledger", city / "ledger")
    restored(city, month / "kitamae.db")
    async with opened(city, aside) as (store, log):
        assert log.origin == ORIGIN
        assert await everything(store, log) == some(0, 400)


async def test_rows_that_were_written_anew_begin_a_new_log_and_the_old_one_stays_readable(
    tmp_path: Path,
) -> None:
    city = tmp_path / "city"
    async with opened(city) as (store, log):
        await append(store, some(0, 5))
        await everything(store, log)
        await store.backup(str(tmp_path / "yesterday.db"))
        await append(store, some(5, 300))
        await everything(store, log)
        old, before = log.keys, log.head.checkpoint
    restored(city, tmp_path / "yesterday.db")
    store = await sqlite.open(city / "kitamae.db")
    await append(store, [b"another history"])
    await store.close()
    async with opened(city) as (store, log):
        assert log.origin == f"{ORIGIN}/2"
        assert log.keys != old
        entries = await everything(store, log)
        assert entries[:6] == [*some(0, 5), b"another history"]
        said = orjson.loads(entries[6])["statement"]
        assert said["began"] == "anew"
        assert said["before"] == {"origin": ORIGIN, "size": 300, "root": before.root.hex()}
        assert "other leaves than the log" in said["why"]
        earlier = Folder(city / "ledger" / "earlier" / "1")
        assert opened_checkpoint(earlier.get("checkpoint") or b"", old, ORIGIN)[0] == before
    async with opened(city) as (store, log):
        assert log.origin == f"{ORIGIN}/2"
        assert await everything(store, log) == entries


async def test_on_another_machine_without_the_key_a_new_log_begins(tmp_path: Path) -> None:
    city = tmp_path / "city"
    async with opened(city) as (store, log):
        await append(store, some(0, 5))
        await everything(store, log)
        old = log.keys
    there = copied(city, tmp_path / "there")
    async with opened(there) as (store, log):
        assert log.origin == f"{ORIGIN}/2"
        assert log.keys != old
        entries = await everything(store, log)
        assert entries[:5] == some(0, 5)
        assert "secret key is not here" in orjson.loads(entries[5])["statement"]["why"]


async def test_with_the_key_another_machine_goes_on_with_the_same_log(tmp_path: Path) -> None:
    city = tmp_path / "city"
    async with opened(city) as (store, log):
        await append(store, some(0, 5))
        await everything(store, log)
        old = log.keys
    there = copied(city, tmp_path / "there")
    shutil.copy2(city / "ledger.key", there)
    async with opened(there) as (store, log):
        assert (log.origin, log.keys) == (ORIGIN, old)
        assert await everything(store, log) == some(0, 5)


async def test_a_key_that_others_may_read_or_that_is_none_is_refused_and_nothing_is_touched(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as (store, log):
        await append(store, some(0, 5))
        await everything(store, log)
    key = tmp_path / "ledger.key"
    text = key.read_text()
    key.chmod(0o644)
    with pytest.raises(Malformed, match="chmod 600"):
        place(tmp_path).find()
    key.write_text("nothing\n")
    key.chmod(0o600)
    with pytest.raises(Malformed):
        place(tmp_path).find()
    key.write_text(text)
    assert place(tmp_path).find().head.size == 5


async def test_while_a_key_is_changed_both_sign(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, log):
        await append(store, some(0, 5))
        await everything(store, log)
        (old,) = log.keys
    new = Signer.generate(ORIGIN)
    with (tmp_path / "ledger.key").open("a") as file:
        file.write(new.text)
    async with opened(tmp_path) as (store, log):
        await append(store, some(5, 6))
        assert await everything(store, log) == some(0, 6)
        note = Note.parse(log.served())
        assert {key for key, _ in note.signed_by([old, new.key])} == {old, new.key}
    (tmp_path / "ledger.key").write_text(new.text)
    async with opened(tmp_path) as (store, log):
        await append(store, some(6, 7))
        assert (log.origin, log.keys) == (ORIGIN, [new.key])
        assert await everything(store, log) == some(0, 7)


def restored(city: Path, db: Path) -> None:
    for beside in ("", "-wal", "-shm"):
        (city / f"kitamae.db{beside}").unlink(missing_ok=True)
    shutil.copy2(db, city / "kitamae.db")


# --- killed
SERVED = """
import asyncio, sys
from pathlib import Path
sys.path[:0] = [sys.argv[2]]
from log_cities import append, opened

async def main() -> None:
    async with opened(Path(sys.argv[1])) as (store, log):
        async def publish() -> None:
            while True:
                await log.publish()
        task = asyncio.create_task(publish())
        for n in range(100_000):
            await append(store, [b"%d.%d" % (n, part) for part in range(7)])
            print(n, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 40, 150])
async def test_nothing_that_was_acknowledged_is_missing_after_a_kill_and_no_checkpoint_is_taken_back(
    tmp_path: Path, after: int
) -> None:
    root = tmp_path / "city"
    for _ in range(2):
        command = [sys.executable, "-c", SERVED, str(root), str(Path(__file__).parent)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        acknowledged = 0
        for line in process.stdout:
            acknowledged = int(line) + 1
            if acknowledged >= after:
                break
        process.send_signal(signal.SIGKILL)
        process.communicate()
        signed = place(root).folder.get("checkpoint")
        async with opened(root) as (store, log):
            entries = await everything(store, log)
            assert log.origin == ORIGIN
            assert entries[-7 * acknowledged :] or not acknowledged
            assert entries.count(b"%d.6" % (acknowledged - 1)) >= 1
            if signed is not None:
                before, _ = opened_checkpoint(signed, log.keys, ORIGIN)
                assert mth(entries[: before.size]) == before.root


async def test_partial_tiles_go_some_time_after_the_full_one_has_come(
    tmp_path: Path, monkeypatch: Any
) -> None:
    async with opened(tmp_path) as (store, log):
        await append(store, some(0, 3))
        await log.publish()
        partial = tmp_path / "ledger" / "tile" / "0" / "000.p" / "3"
        data = partial.read_bytes()
        await append(store, some(3, 256))
        await log.publish()
        await log.publish()
        assert partial.exists()
        monkeypatch.setattr(sequencer, "KEPT_PARTIAL", -1.0)
        await log.publish()
        assert not partial.parent.exists()
        assert log.folder.read(sequencer.Tile(0, 0, 3)) == data
        checked(log.folder, log, some(0, 256))
        partial.parent.mkdir()
        log.folder.prune_all()
        assert not partial.parent.exists()
        checked(log.folder, log, some(0, 256))


async def test_run_publishes_by_itself_and_says_what_is_wrong_until_it_is_not(
    tmp_path: Path, monkeypatch: Any
) -> None:
    async with opened(tmp_path) as (store, log):
        monkeypatch.setattr(sequencer, "EVERY", 0.01)
        real = log.folder.write

        def full(_: Any) -> None:
            raise OSError("no space left")

        monkeypatch.setattr(log.folder, "write", full)
        task = asyncio.create_task(log.run())
        await append(store, some(0, 3))
        while not log.trouble:
            await asyncio.sleep(0.01)
        assert "no space left" in log.trouble
        assert log.head.checkpoint.size == 0
        monkeypatch.setattr(log.folder, "write", real)
        while log.trouble or log.head.checkpoint.size < 3:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        checked(log.folder, log, some(0, 3))
