"""Keys of persons in keys.db: who shares a commit shares nothing else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kitamae.adapters.sqlite import keys
from kitamae.kernel.people.vault.keystore import Wrapped


async def test_a_caller_that_goes_away_takes_nothing_from_those_whose_keys_are_in_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is cut off, a server that stops in the middle: the others' keys are kept, and the file is closed after them."""
    store = keys.open(tmp_path / "keys.db")
    began, let = threading.Semaphore(0), threading.Semaphore(0)
    commit: Callable[..., None] = store._commit

    def held(*works: object) -> None:
        began.release()
        assert let.acquire(timeout=60)
        commit(*works)

    monkeypatch.setattr(store, "_commit", held)

    def writing(person: str) -> asyncio.Task[None]:
        return asyncio.create_task(store.add([Wrapped(person, "c", 1, 1_000, "A", b"key")]))

    first = writing("first")
    await asyncio.to_thread(began.acquire)
    away, beside = writing("away"), writing("beside")
    await asyncio.sleep(0)
    let.release()
    await asyncio.to_thread(began.acquire)  # of both
    away.cancel()
    closing = asyncio.create_task(store.close())
    await asyncio.wait([away])
    let.release()
    async with asyncio.timeout(60):
        await asyncio.gather(first, beside, closing)
    store = keys.open(tmp_path / "keys.db")
    assert [len(await store.of(person)) for person in ("first", "away", "beside")] == [1, 1, 1]
    await store.close()
