"""`kill -9` while closed months go into files."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from compacting import CLOSED, ENTITY, LEVEL

from kitamae.adapters import sqlite
from kitamae.kernel.context.store import InstanceQuery

KILLS = 4


def compact_until_killed(place: Path, seconds: float) -> list[tuple[str, int]]:
    """("+" or "-", day) of every write that was acknowledged before the kill."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("compacting.py")), str(place)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        told = process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        told += process.stdout.read()
        assert process.wait() == -signal.SIGKILL
    whole = told[: told.rfind(b"\n") + 1].decode().splitlines()
    return [(sign, int(day)) for sign, day in (line.split() for line in whole)]


async def test_kill_9_while_closed_months_go_into_files_loses_and_doubles_nothing(tmp_path: Path) -> None:
    draw = random.Random(2026)
    for _ in range(KILLS):
        before = await days_of(tmp_path)
        told = await asyncio.to_thread(compact_until_killed, tmp_path, draw.uniform(0.0, 0.8))
        expected = set(before)
        for sign, day in told:
            (expected.add if sign == "+" else expected.remove)(day)
        left = await days_of(tmp_path)
        assert len(left) == len(set(left)), "an instance stands twice"
        assert len(expected ^ set(left)) <= 1, "more differs than the write that was not acknowledged yet"
    store = await sqlite.open(tmp_path / "kitamae.db", check=True)
    await store.compact(CLOSED)
    await store.close()
    assert await days_of(tmp_path) == left


async def days_of(place: Path) -> list[int]:
    store = await sqlite.open(place / "kitamae.db")
    found = await store.instances(InstanceQuery("", (ENTITY,), (LEVEL,)))
    await store.close()
    return [one.attribute["v"] for one in found]
