"""Old history goes by itself, and nothing else does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson

from kitamae.kernel.context import clock
from kitamae.kernel.context.operations.command import Command, Operation
from kitamae.kernel.context.operations.create import Create
from kitamae.kernel.context.operations.delete import Delete
from kitamae.kernel.context.operations.update import Update
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.context.store import InstanceQuery, Store
from kitamae.kernel.context.temporal import retention
from kitamae.kernel.context.temporal.retention import DAY, Retention
from kitamae.kernel.problems import Problem

Opener = Callable[..., Awaitable[Store]]

GAUGE, PLACE = "https://example.org/Gauge", "https://example.org/Place"
LEVEL = "https://example.org/水位"
NOW = clock.micros("2026-11-21T00:00:00Z")


async def write(store: Store, id: str, operation: Operation) -> None:
    (told,) = await store.apply([Command("", id, operation, "tester")])
    assert not isinstance(told, Problem), told


async def gauge(store: Store, id: str, *types: str, days: int = 10) -> None:
    """Created ten days ago, with a reading of each day since."""
    await write(store, id, Create({"id": id, "type": list(types), "attrs": {}}))
    for day in range(days, 0, -1):
        level: Any = {"kind": "Property", "v": day, "observedAt": clock.text(NOW - day * DAY)}
        operation = Update({"attrs": {LEVEL: [level]}})
        await write(store, id, operation)


async def levels(store: Store, id: str) -> list[Any]:
    query = InstanceQuery("", (id,), (LEVEL,), timerel="after", at=0)
    return [one.attribute["v"] for one in await store.instances(query)]


async def test_what_is_older_than_its_type_is_kept_goes_and_the_present_stays(
    store: Store, monkeypatch: Any
) -> None:
    monkeypatch.setattr(retention, "PIECE", 2)
    await gauge(store, "urn:g", GAUGE)
    await gauge(store, "urn:p", PLACE)
    await gauge(store, "urn:both", GAUGE, PLACE)
    keeping = Retention(store, {GAUGE: 3}, lambda: NOW)
    assert await keeping.once() == 7
    assert await levels(store, "urn:g") == [3, 2, 1]
    assert await levels(store, "urn:p") == list(range(10, 0, -1))
    assert await levels(store, "urn:both") == list(range(10, 0, -1))
    row = await store.row("", "urn:g")
    assert row
    assert orjson.loads(row.doc)["attrs"][LEVEL][0]["v"] == 1
    assert await keeping.once() == 0
    assert keeping.report().startswith("1 types kept for a time; 7 instances gone")


async def test_an_entity_of_several_types_is_kept_as_long_as_the_one_that_is_kept_longest(
    store: Store,
) -> None:
    await gauge(store, "urn:both", GAUGE, PLACE)
    await Retention(store, {GAUGE: 3, PLACE: 5}, lambda: NOW).once()
    assert await levels(store, "urn:both") == [5, 4, 3, 2, 1]


async def test_what_a_change_wrote_is_forgotten_with_the_instance_and_that_it_was_made_is_not(
    store: Store,
) -> None:
    await gauge(store, "urn:g", GAUGE)
    before = await store.changes(0, 100)
    await Retention(store, {GAUGE: 3}, lambda: NOW).once()
    after = await store.changes(0, 100)
    assert [(one.seq, one.verb, one.entity) for one in after] == [
        (one.seq, one.verb, one.entity) for one in before
    ]
    told = [one.touched[0].after["v"] for one in after if one.touched and one.touched[0].after]
    assert told == [3, 2, 1]


async def test_a_deleted_entity_is_forgotten_with_the_last_of_its_history(
    opener: Opener, tmp_path: Path
) -> None:
    store = await opener(tmp_path, now=lambda: NOW)
    await gauge(store, "urn:g", GAUGE)
    await write(store, "urn:g", Delete())
    await Retention(store, {GAUGE: 3}, lambda: NOW + 2 * DAY).once()
    assert len((await store.remembered(EntityQuery(), InstanceQuery("", ()))).rows) == 1
    await Retention(store, {GAUGE: 3}, lambda: NOW + 4 * DAY).once()
    assert (await store.remembered(EntityQuery(), InstanceQuery("", ()))).rows == []
    await gauge(store, "urn:g", GAUGE, days=1)
    assert await levels(store, "urn:g") == [1]
    await store.close()
