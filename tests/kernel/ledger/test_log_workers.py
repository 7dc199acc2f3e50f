"""Several workers on one PostgreSQL: one leads, and all of them serve the same log."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from pathlib import Path
from typing import Any

from log_cities import ORIGIN, append, checked, place

import postgres_server
from kitamae.adapters import postgres
from kitamae.kernel.ledger.log import LEADER, Log


async def worker(root: Path, city: Path) -> tuple[Any, Log]:
    name = hashlib.blake2s(str(city).encode(), digest_size=8).hexdigest()
    store: Any = await postgres.open(postgres_server.dsn(f"t{name}"))

    async def served() -> None:
        """As whoever does something alone asks to be told."""

    store.on_serving(served)
    return store, await Log.open(store, place(root))


async def leads(store: Any) -> None:
    while not store.serves(LEADER):
        await asyncio.sleep(0.02)


async def published(log: Log, size: int) -> None:
    while log.head.checkpoint.size < size:
        await log.publish()
        await asyncio.sleep(0.02)


async def test_whichever_worker_leads_all_serve_one_log_and_another_goes_on_when_it_dies(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    store, log = await worker(first, tmp_path)
    await leads(store)
    await append(store, [b"a%d" % n for n in range(300)])
    await published(log, 300)
    second.mkdir()
    shutil.copy2(first / "ledger.key", second)
    other, followed = await worker(second, tmp_path)
    await published(followed, 300)
    assert followed.head.checkpoint == log.head.checkpoint
    numbers = await append(other, [b"b%d" % n for n in range(200)])
    leader, follower = (log, followed) if store.serves(LEADER) else (followed, log)
    for _ in range(50):
        await follower.publish()
    assert follower.head.checkpoint.size == 300  # nobody has said yet which are published
    await published(leader, 500)
    await published(follower, 500)
    assert followed.head.checkpoint == log.head.checkpoint
    assert await other.index(numbers[-1]) == 499
    await store.close()  # whoever led: the other one takes it up
    await leads(other)
    await append(other, [b"c"])
    await published(followed, 501)
    entries = [one.data for one in await other.leaves(0, 1_000)]
    assert followed.origin == ORIGIN
    checked(followed.folder, followed, entries)
    await other.close()


async def test_a_worker_whose_files_are_gone_makes_the_same_ones(tmp_path: Path) -> None:
    city = tmp_path / "city"
    store, log = await worker(city, tmp_path)
    await leads(store)
    await append(store, [b"%d" % n for n in range(700)])
    await published(log, 700)
    root = log.head.checkpoint
    await store.close()
    shutil.rmtree(city / "ledger")
    store, log = await worker(city, tmp_path)
    await published(log, 700)
    assert log.head.checkpoint == root
    checked(log.folder, log, [b"%d" % n for n in range(700)])
    await store.close()
