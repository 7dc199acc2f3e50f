"""A process that compacts closed months while it writes into them and deletes from them, until it is killed.

python compacting.py DIRECTORY: prints `+ <day>` or `- <day>` after each acknowledged write.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path
from typing import Any

from kitamae.adapters import sqlite
from kitamae.adapters.parquet import month
from kitamae.adapters.sqlite import compaction
from kitamae.kernel.context import clock
from kitamae.kernel.context.store import Instance, InstanceQuery, Transaction

ENTITY, LEVEL = "urn:ngsi-ld:Gauge:1", "https://example.org/level"
START, DAY = clock.micros("2025-01-01T00:00:00Z"), 86_400_000_000
CLOSED = clock.micros("2025-04-01T00:00:00Z")
DAYS = 90


def day(number: int) -> InstanceQuery:
    at = START + number * DAY
    return InstanceQuery("", (ENTITY,), (LEVEL,), timerel="between", at=at, end=at + DAY)


async def write(store: sqlite.SqliteStore) -> None:
    draw = random.Random(os.getpid())
    while True:
        number = draw.randrange(DAYS)
        there = bool(await store.instances(day(number)))

        async def work(tx: Transaction, number: int = number, there: bool = there) -> None:
            if there:
                assert await tx.drop_instances(day(number)) == 1
                return
            at = START + number * DAY
            attribute: Any = {"kind": "Property", "v": number, "observedAt": clock.text(at)}
            await tx.remember("", {"id": ENTITY, "type": ["https://example.org/Gauge"], "attrs": {}})
            await tx.add_instances("", ENTITY, [Instance(ENTITY, LEVEL, "", attribute, at, at, at, None)])

        await store.transact(work)
        os.write(1, f"{'-' if there else '+'} {number}\n".encode())


async def main() -> None:
    compaction.LATE, compaction.GRACE, month.PIECE = 1, 0.0, 3  # type: ignore[misc]  # so that there is always something on its way
    store = await sqlite.open(Path(sys.argv[1]) / "kitamae.db")
    writing = asyncio.create_task(write(store))
    while not writing.done():
        await store.compact(CLOSED)
    await writing


if __name__ == "__main__":
    asyncio.run(main())
