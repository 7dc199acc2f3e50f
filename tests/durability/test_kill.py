"""`kill -9` at any moment loses nothing that was acknowledged, and leaves nothing by halves."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import orjson
from loaded import QUEUE, VALUE, id_of

from kitamae.adapters import sqlite
from kitamae.kernel.context.store import InstanceQuery

WORKERS = 20
KILLS = 12


def run_until_killed(place: Path, seconds: float) -> list[tuple[int, int]]:
    """(worker, number) of every write that was acknowledged before the kill."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("loaded.py")), str(place), str(WORKERS)],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        told = process.stdout.readline()  # it is at work
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        told += process.stdout.read()
        assert process.wait() == -signal.SIGKILL
    whole = told[: told.rfind(b"\n") + 1].decode().splitlines()  # the last line may be cut off
    return [(int(worker), int(number)) for worker, number in (line.split() for line in whole)]


async def test_every_acknowledged_write_its_history_and_its_owed_row_are_there_after_kill_9(
    tmp_path: Path,
) -> None:
    draw = random.Random(2026)
    acknowledged: defaultdict[int, set[int]] = defaultdict(set)
    for _ in range(KILLS):
        told = await asyncio.to_thread(run_until_killed, tmp_path, draw.uniform(0.0, 0.6))
        for worker, number in told:
            assert number not in acknowledged[worker], "a write that was acknowledged was taken back"
            acknowledged[worker].add(number)
    assert sum(map(len, acknowledged.values())) > KILLS * WORKERS

    store = await sqlite.open(tmp_path / "kitamae.db", check=True)
    changed: defaultdict[str, list[int]] = defaultdict(list)
    seqs: dict[int, tuple[str, int]] = {}
    for change in await store.changes(0, 10_000_000):
        (one,) = change.touched
        assert one.after
        changed[change.entity].append(one.after["v"])
        seqs[change.seq] = (change.entity, one.after["v"])
    owed = {one.seq: tuple(orjson.loads(one.payload)) for one in await store.owed(QUEUE, 0, 10_000_000)}
    assert owed == seqs
    for worker in range(WORKERS):
        id = id_of(worker)
        numbers = changed[id]
        assert numbers == list(range(len(numbers))), "the order of changes has a hole"
        assert acknowledged[worker] <= set(numbers)
        history = await store.instances(InstanceQuery("", (id,), (VALUE,)))
        assert [one.attribute["v"] for one in history] == numbers
        row = await store.row("", id)
        assert row
        assert orjson.loads(row.doc)["attrs"][VALUE][0]["v"] == numbers[-1]
    await store.close()
