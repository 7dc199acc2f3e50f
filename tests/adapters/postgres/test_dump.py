"""What docs/operate/backup.md says of pg_dump and pg_restore."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

import postgres_server
from kitamae.adapters import postgres
from kitamae.kernel.context.operations.command import Command
from kitamae.kernel.context.operations.create import Upsert
from kitamae.kernel.context.store import InstanceQuery

V = "https://example.org/v"
IDS = [f"urn:ngsi-ld:T:{n}" for n in range(30)]


def upsert(id: str, value: int) -> Command:
    made: Any = {
        "id": id,
        "type": ["https://example.org/T"],
        "attrs": {V: [{"kind": "Property", "v": value}]},
    }
    return Command("", id, Upsert(made))


async def test_a_dump_that_was_taken_while_the_city_is_written_is_a_city_of_one_moment(
    tmp_path: Path,
) -> None:
    server = postgres_server.cluster()
    where = ["-h", str(server.folder), "-p", str(server.port), "-U", "kitamae"]
    file = str(server.folder / "city.dump")
    store = await postgres.open(postgres_server.dsn("dumped"))
    await store.apply([upsert(id, 0) for id in IDS])
    server.run("pg_dump", *where, "--format=custom", "--schema=dumped", f"--file={file}", "postgres")
    await store.apply([upsert(id, 1) for id in IDS])
    server.run("createdb", *where, "restored")
    server.run("psql", *where, "-q", "-d", "restored", "-c", "CREATE EXTENSION postgis")
    server.run("pg_restore", *where, "--exit-on-error", "--dbname=restored", file)
    await store.close()

    address = server.dsn.replace("/postgres?", "/restored?") + "&search_path=dumped,public"
    store = await postgres.open(address)
    values = [one.attribute["v"] for one in await store.instances(InstanceQuery("", tuple(IDS)))]
    assert values == [0] * len(IDS)
    told = await store.apply([upsert(IDS[0], 2)])
    assert not isinstance(told[0], Exception)
    changes = await store.changes(0, 100)
    assert [one.seq for one in changes] == sorted({one.seq for one in changes})
    assert (len(changes), changes[-1].entity) == (len(IDS) + 1, IDS[0])
    row = await store.row("", IDS[0])
    assert row
    assert orjson.loads(row.doc)["attrs"][V][0]["v"] == 2
    await store.close()
