"""A store and its log in a directory."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from small_logs import tiled

from kitamae.adapters import sqlite
from kitamae.kernel.context.store import Transaction
from kitamae.kernel.ledger import checkpoint
from kitamae.kernel.ledger.beginning import Place
from kitamae.kernel.ledger.files import Folder
from kitamae.kernel.ledger.log import Log

ORIGIN = "city.example/ledger"


def place(root: Path, replaced: Path | None = None) -> Place:
    return Place(Folder(root / "ledger"), root / "ledger.key", ORIGIN, replaced)


@asynccontextmanager
async def opened(root: Path, replaced: Path | None = None) -> AsyncIterator[tuple[Any, Log]]:
    store = await sqlite.open(root / "kitamae.db")
    try:
        yield store, await Log.open(store, place(root, replaced))
    finally:
        await store.close()


async def append(store: Any, entries: Sequence[bytes]) -> list[int]:
    async def work(tx: Transaction) -> list[int]:
        return [await tx.log(one) for one in entries]

    done: list[int] = await store.transact(work)
    return done


async def everything(store: Any, log: Log) -> list[bytes]:
    """Publishes what there is, and checks all files against their definition; the entries."""
    while await log.publish():
        pass
    entries = [one.data for one in await store.leaves(0, 1_000_000)]
    checked(log.folder, log, entries)
    return entries


def checked(folder: Folder, log: Log, entries: Sequence[bytes]) -> None:
    signed = folder.get("checkpoint")
    assert signed is not None
    head, _ = checkpoint.opened(signed, log.keys, log.origin)
    assert head == log.head.checkpoint
    assert head.size == len(entries)
    expected = tiled(entries)
    assert {path: (folder.root / path).read_bytes() for path in expected} == expected


def copied(root: Path, to: Path) -> Path:
    """As a backup would have it, without the key."""
    shutil.copytree(root, to, ignore=shutil.ignore_patterns("*.lock", "ledger.key*"))
    return to
