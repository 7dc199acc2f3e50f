"""What is deleted from history is in no file of the data directory any more, not only in no answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from kitamae.adapters import sqlite
from kitamae.adapters.sqlite import SqliteStore, compaction
from kitamae.kernel.context import clock
from kitamae.kernel.context.operations.command import Command
from kitamae.kernel.context.operations.create import Create
from kitamae.kernel.context.operations.update import Update
from kitamae.kernel.context.store import InstanceQuery
from kitamae.kernel.context.temporal.retention import DAY, Retention
from kitamae.kernel.problems import Problem

NOTE, TYPE, ID = "https://example.org/所感", "https://example.org/Diary", "urn:ngsi-ld:Diary:1"
START = clock.micros("2025-01-01T00:00:00Z")
CLOSED = clock.micros("2025-04-01T00:00:00Z")  # January to March are closed, April is not
LATER = START + 500 * DAY


async def diary(store: SqliteStore) -> None:
    """A secret of each day from January to April; what it says now is none."""
    told: Any = [Create({"id": ID, "type": [TYPE], "attrs": {}})]
    for day in range(120):
        secret = f"himitsu-{day:03}-" + "x" * (6_000 if day % 10 == 0 else 20)  # some on pages of their own
        note: Any = {"kind": "Property", "v": secret, "observedAt": clock.text(START + day * DAY)}
        told.append(Update({"attrs": {NOTE: [note]}}))
    note = {"kind": "Property", "v": "nothing", "observedAt": clock.text(LATER)}
    told.append(Update({"attrs": {NOTE: [note]}}))
    for operation in told:
        (answer,) = await store.apply([Command("", ID, operation)])
        assert not isinstance(answer, Problem)


def found(place: Path) -> dict[str, int]:
    """How often there is a secret, by the kind of file. The text in Parquet is pressed, so it is read as such."""
    counted: dict[str, int] = {}
    for path in (one for one in place.rglob("*") if one.is_file()):
        if path.suffix == ".parquet":
            with duckdb.connect() as db:
                sql = "SELECT count(*) FROM read_parquet($file) WHERE contains(doc, 'himitsu')"
                ((number,),) = db.execute(sql, {"file": str(path)}).fetchall()
        else:
            number = path.read_bytes().count(b"himitsu")
        if number:
            counted[path.suffix] = counted.get(path.suffix, 0) + number
    return counted


async def by_retention(store: SqliteStore) -> None:
    await Retention(store, {TYPE: 10}, lambda: LATER).once()


async def by_the_entitys_name(store: SqliteStore) -> None:
    await store.transact(lambda tx: tx.drop_instances(InstanceQuery("", (ID,))))


async def by_attribute(store: SqliteStore) -> None:
    await store.transact(lambda tx: tx.drop_instances(InstanceQuery("", (ID,), (NOTE,))))


@pytest.mark.parametrize("delete", [by_retention, by_the_entitys_name, by_attribute])
async def test_no_file_holds_what_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delete: Any
) -> None:
    monkeypatch.setattr(compaction, "GRACE", 0.0)
    store = await sqlite.open(tmp_path / "kitamae.db")
    await diary(store)
    await store.compact(CLOSED)
    before = found(tmp_path)
    assert before[".parquet"] == 90
    assert before[".db-wal"] >= 120
    await store.fold()
    assert found(tmp_path)[".db"] >= 30
    await delete(store)
    for _ in range(2):  # two rounds: one writes the files anew, one removes the old ones
        await store.compact(CLOSED)
        assert await store.fold()
    assert found(tmp_path) == {}
    assert (tmp_path / "kitamae.db-wal").stat().st_size == 0
    row = await store.row("", ID)
    assert row
    assert b"nothing" in row.doc
    await store.close()


async def test_the_log_is_emptied_later_when_somebody_reads_all_the_time(tmp_path: Path) -> None:
    store = await sqlite.open(tmp_path / "kitamae.db")
    await diary(store)
    with store._reading._pool.quick() as db:
        assert db.execute("SELECT count(*) FROM instance").get == 121
        assert not await store.fold()
        (told,) = await store.apply(
            [Command("", "urn:b", Create({"id": "urn:b", "type": [TYPE], "attrs": {}}))]
        )
        assert not isinstance(told, Problem)
    assert await store.fold()
    await store.close()
