"""`kill -9` at any moment loses nothing that was acknowledged, and leaves nothing by halves."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import orjson
from loaded import QUEUE, VALUE, id_of, opened

import postgres_server
from kitamae.kernel.context.store import InstanceQuery, Store

WORKERS = 20
KILLS = 12


def run_until_killed(
    place: str, seconds: float, crash: Callable[[], None] | None = None
) -> list[tuple[int, int]]:
    """(worker, number) of every write that was acknowledged before the kill, or before the database's `crash`."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("loaded.py")), place, str(WORKERS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout
        told = process.stdout.readline()  # it is at work
        time.sleep(seconds)
        if crash is None:
            process.send_signal(signal.SIGKILL)
        else:
            crash()  # what is not acknowledged by now ends the process
        told += process.stdout.read()
        assert process.wait() == (-signal.SIGKILL if crash is None else 1)
    whole = told[: told.rfind(b"\n") + 1].decode().splitlines()  # the last line may be cut off
    return [(int(worker), int(number)) for worker, number in (line.split() for line in whole)]


async def test_every_acknowledged_write_its_history_and_its_owed_row_are_there_after_kill_9(
    tmp_path: Path,
) -> None:
    draw = random.Random(2026)
    acknowledged: defaultdict[int, set[int]] = defaultdict(set)
    for _ in range(KILLS):
        told = await asyncio.to_thread(run_until_killed, str(tmp_path), draw.uniform(0.0, 0.6))
        for worker, number in told:
            assert number not in acknowledged[worker], "a write that was acknowledged was taken back"
            acknowledged[worker].add(number)
    assert sum(map(len, acknowledged.values())) > KILLS * WORKERS

    await demand_all(await opened(str(tmp_path)), acknowledged)


async def test_killed_workers_and_a_killed_database_lose_nothing_that_was_acknowledged() -> None:
    draw = random.Random(2026)
    acknowledged: defaultdict[int, set[int]] = defaultdict(set)
    cluster = postgres_server.Cluster(postgres_server.folder())

    def crash() -> None:
        cluster.stop(signal.SIGQUIT)

    try:
        place = postgres_server.dsn("city", cluster)
        for turn in range(4):
            if cluster.process.poll() is not None:
                cluster.start()
            told = await asyncio.to_thread(
                run_until_killed, place, draw.uniform(0.0, 0.6), crash if turn % 2 else None
            )
            for worker, number in told:
                assert number not in acknowledged[worker], "a write that was acknowledged was taken back"
                acknowledged[worker].add(number)
        assert sum(map(len, acknowledged.values())) > 4 * WORKERS
        cluster.start()
        await demand_all(await opened(place), acknowledged)
    finally:
        cluster.remove()


async def demand_all(store: Store, acknowledged: dict[int, set[int]]) -> None:
    """Every write is there with its change, its history and what it owes; closes the store."""
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
