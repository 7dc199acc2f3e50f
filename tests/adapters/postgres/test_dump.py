"""What docs/operate/backup.md says of pg_dump and pg_restore."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pyrage

import postgres_server
from kitamae.adapters import postgres
from kitamae.kernel.context.operations.command import Command
from kitamae.kernel.context.operations.create import Upsert
from kitamae.kernel.context.store import InstanceQuery

V = "https://example.org/v"
IDS = [f"urn:ngsi-ld:T:{n}" for n in range(30)]


def upsert(id: str, value: int | str) -> Command:
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


ENCRYPTED = """set -o pipefail; umask 077
pg_dump --format=custom "$FROM" | kitamae encrypt --to "$TO" > city.dump.age.part && mv city.dump.age.part city.dump.age"""
DECRYPTED = """set -o pipefail
kitamae decrypt --identity identity.txt < "$FILE" | pg_restore --dbname="$INTO" --single-transaction"""


async def test_an_encrypted_dump_comes_back_and_one_that_was_cut_off_leaves_the_database_empty(
    tmp_path: Path,
) -> None:
    server = postgres_server.cluster()
    made = pyrage.x25519.Identity.generate()
    (tmp_path / "identity.txt").write_text(f"{made}\n")

    def bash(script: str, **given: str) -> int:
        path = f"{server.bin}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        run = ["bash", "-c", script]
        return subprocess.run(
            run, cwd=tmp_path, env={**os.environ, **given, "PATH": path}, check=False
        ).returncode

    with (
        postgres_server.database("sealed", server) as source,
        postgres_server.database("unsealed", server) as target,
    ):
        store = await postgres.open(source)
        long = [os.urandom(5_000).hex() for _ in IDS]  # so that the file is one of several pieces
        await store.apply([upsert(id, value) for id, value in zip(IDS, long, strict=True)])
        await store.close()
        nowhere = source.replace("/sealed?", "/nowhere?")
        assert bash(ENCRYPTED, FROM=nowhere, TO=str(made.to_public())) != 0
        assert not (tmp_path / "city.dump.age").exists()
        assert bash(ENCRYPTED, FROM=source, TO=str(made.to_public())) == 0
        whole = tmp_path / "city.dump.age"
        assert whole.stat().st_mode & 0o077 == 0
        assert b"PGDMP" not in whole.read_bytes()
        (tmp_path / "cut.age").write_bytes(whole.read_bytes()[:-100])
        assert whole.stat().st_size > 3 * 65_536
        assert bash(DECRYPTED, FILE="cut.age", INTO=target) != 0
        assert (
            bash(DECRYPTED, FILE="city.dump.age", INTO=target) == 0
        )  # it would not, had the other left something
        store = await postgres.open(target)
        values = [one.attribute["v"] for one in await store.instances(InstanceQuery("", tuple(IDS)))]
        await store.close()
    assert sorted(map(str, values)) == sorted(long)
