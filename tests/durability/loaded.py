"""A process that writes as fast as it can and says what was acknowledged, until it is killed.

python loaded.py DIRECTORY|ADDRESS WORKERS: prints `<worker> <number>` after each acknowledged write, one line each.
"""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

import orjson
import structlog

from kitamae.adapters import postgres, sqlite
from kitamae.kernel.context.operations.append import Append
from kitamae.kernel.context.operations.command import Command, Effect
from kitamae.kernel.context.operations.create import Create
from kitamae.kernel.context.store import Change, Store, Transaction

TYPE = "https://example.org/Worker"
VALUE = "https://example.org/value"
QUEUE = "urn:ngsi-ld:Subscription:all"


def id_of(worker: int) -> str:
    return f"urn:ngsi-ld:Worker:{worker}"


async def owe(tx: Transaction, change: Change, effect: Effect) -> None:
    """A notification for every change, as a subscription would."""
    assert effect.after
    value = effect.after["attrs"][VALUE][0]["v"]
    await tx.owe(change.tenant, QUEUE, change.seq, orjson.dumps([change.entity, value]))


async def opened(place: str) -> Store:
    """A directory, or the address of a PostgreSQL."""
    if place.startswith("postgresql://"):
        return await postgres.open(place)
    return await sqlite.open(Path(place) / "kitamae.db", check=True)


async def write(store: Store, worker: int) -> None:
    id = id_of(worker)
    row = await store.row("", id)
    start = orjson.loads(row.doc)["attrs"][VALUE][0]["v"] + 1 if row else 0
    for number in count(start):
        one = {"kind": "Property", "v": number}
        operation = (
            Append({"attrs": {VALUE: [one]}})
            if number
            else Create({"id": id, "type": [TYPE], "attrs": {VALUE: [one]}})  # type: ignore[list-item,typeddict-item]
        )
        (answer,) = await store.apply([Command("", id, operation)])
        if not isinstance(answer, Effect):
            raise answer
        os.write(1, b"%d %d\n" % (worker, number))


async def main() -> None:
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )  # what is acknowledged goes to stdout
    store = await opened(sys.argv[1])
    store.on_change(owe)
    await asyncio.gather(*(write(store, worker) for worker in range(int(sys.argv[2]))))


if __name__ == "__main__":
    asyncio.run(main())
