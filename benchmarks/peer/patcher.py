"""PATCHes one attribute so many times a second, whatever the server does, and says when each was due.

python -m benchmarks.peer.patcher PORT RATE SECONDS ENTITIES [FILE], with the token that it sends, if any, in TOKEN: prints one line for each,
`<number> <entity> <monotonic seconds when it was due> <seconds until its answer> <status>`. `number` is the value that it wrote. An entity is not
written to again before its last answer, so that the order of its values is known. FILE has the ids of shelters, a line each: then the
number, as `people` bounds it, is how many people are there.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import deque
from pathlib import Path

import uvloop

from benchmarks import population
from benchmarks.peer.connection import Connection, connect, request

CONNECTIONS = 32
TOKEN = os.environ.get("TOKEN", "")


def people(number: int) -> int:
    """How many a shelter is said to have: a city believes no count of more than 5,000."""
    return number % 5_000


def patch(number: int, entity: int, shelters: list[str]) -> bytes:
    """A PATCH that writes `number`."""
    if shelters:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        said = {"避難者数": {"type": "Property", "value": people(number), "observedAt": at}}
        return request(
            "PATCH", f"/ngsi-ld/v1/entities/{shelters[entity]}/attrs", json.dumps(said).encode(), TOKEN
        )
    body = b'{"level":{"type":"Property","value":%d,"unitCode":"MTR"}}' % number
    return request("PATCH", f"/ngsi-ld/v1/entities/{population.id_of(entity)}/attrs", body, TOKEN)


async def main(port: int, rate: int, seconds: int, entities: int, shelters: list[str]) -> None:
    """Send them, then print."""
    idle: asyncio.Queue[Connection] = (
        asyncio.Queue()
    )  # in turn, so that none is idle until the server closes it
    for _ in range(CONNECTIONS):
        idle.put_nowait(await connect(port))
    turns = deque(range(entities))
    lines: list[str] = []

    async def one(number: int, due: float) -> None:
        connection = await idle.get()
        entity = turns.popleft()
        status, _ = await connection.ask(patch(number, entity, shelters))
        turns.append(entity)
        idle.put_nowait(connection)
        lines.append(f"{number} {entity} {due:.6f} {time.monotonic() - due:.6f} {status}")

    begin = time.monotonic() + 0.1
    async with asyncio.TaskGroup() as group:
        for number in range(rate * seconds):
            due = begin + number / rate
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            group.create_task(one(number, due))
    print("\n".join(lines))


if __name__ == "__main__":
    ids = Path(sys.argv[5]).read_text().split() if len(sys.argv) > 5 else []
    uvloop.run(main(*map(int, sys.argv[1:5]), ids))
