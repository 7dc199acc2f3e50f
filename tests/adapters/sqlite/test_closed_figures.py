"""Figures of which a part stands in files are what the definition makes of all instances, whatever was deleted, late or edited."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kitamae.adapters import sqlite
from kitamae.adapters.sqlite import SqliteStore, compaction, recall
from kitamae.kernel.context import clock
from kitamae.kernel.context.store import Figures, Instance, InstanceQuery, Transaction
from kitamae.kernel.context.temporal import aggregate
from kitamae.kernel.context.temporal.period import Period
from kitamae.kernel.context.temporal.query import METHODS, Aggregation

LEVEL, RAIN = "https://example.org/水位", "https://example.org/雨量"
MINUTE, DAY = 60_000_000, 86_400_000_000
START = clock.micros("2025-01-01T00:00:00Z")
CLOSED = clock.micros("2025-04-01T00:00:00Z")  # January to March are closed, April is not
END = START + 120 * DAY
NOW = clock.micros("2026-01-01T00:00:00Z")

moments = st.one_of(st.integers(0, 16).map(lambda week: START + week * 7 * DAY), st.integers(START, END - 1))
numbers = st.one_of(
    st.integers(-5, 5),
    st.sampled_from([0.0, -0.0, 1.0, 1e9, 1e9 + 0.001, 1e200, -1e200, 1.5e308]),
    st.floats(-100, 100).map(lambda x: round(x, 2)),
)
values = st.one_of(numbers, numbers, numbers, numbers, st.sampled_from(["満", "5", True, [1, 2]]))
methods = st.lists(st.sampled_from(sorted(METHODS)), min_size=1, unique=True).map(tuple)
periods = st.sampled_from([Period(), Period(1), Period(0, DAY), Period(0, 7 * DAY), Period(0, MINUTE)])


@st.composite
def written(draw: st.DrawFn, entity: str) -> list[Instance]:
    made: list[Instance] = []
    plain = draw(st.integers(0, 3)) > 0
    for at in draw(st.lists(moments, min_size=1, max_size=25)):
        gone = draw(st.integers(0, 9)) == 0
        attribute: Any = {
            "kind": "Property",
            "v": "urn:ngsi-ld:null" if gone else draw(numbers if plain else values),
        }
        name = draw(st.sampled_from([LEVEL, LEVEL, RAIN]))
        observed = draw(st.integers(0, 5)) > 0
        made.append(
            Instance(entity, name, "", attribute, at if observed else None, at, at, at if gone else None)
        )
    return made


@st.composite
def asked(draw: st.DrawFn, entity: str) -> InstanceQuery:
    begin, end = sorted((draw(moments), draw(moments) + 1))
    timerel: Any = draw(st.sampled_from([None, "before", "after", "between", "between"]))
    between = end if timerel == "between" else None
    return InstanceQuery("", (entity,), timerel=timerel, at=begin if timerel else None, end=between)


async def add(store: SqliteStore, entity: str, some: list[Instance]) -> None:
    async def work(tx: Transaction) -> None:
        await tx.remember("", {"id": entity, "type": ["https://example.org/Gauge"], "attrs": {}})
        await tx.add_instances("", entity, some)

    await store.transact(work)


async def disturb(
    store: SqliteStore, entity: str, which: list[int], late: list[Instance], *, edit: bool
) -> None:
    """Deletes some, or puts them back as if they were edited, and brings others late."""
    found = await store.instances(InstanceQuery("", (entity,)))
    for one in {n % len(found): found[n % len(found)] for n in which}.values():
        query = InstanceQuery("", (entity,), (one.name,), instance=one.instance_id)

        async def work(tx: Transaction, one: Instance = one, query: InstanceQuery = query) -> None:
            assert await tx.drop_instances(query) == 1
            if edit:
                await tx.add_instances("", entity, [one])

        await store.transact(work)
    await add(store, entity, late)


async def half_compact(store: SqliteStore, pieces: int) -> None:
    """Cut off after so many rows have left: the others stand in the file and in the database."""
    do = store._writer.writing.do
    for month in [one.name for one in compaction.due(store.path, CLOSED)]:
        await store._writer.submit(partial(do, partial(compaction.begin, name=month)))
        done = await asyncio.to_thread(compaction.write, store.path, month, threading.Event())
        await store._writer.submit(partial(do, partial(compaction.register, done=done)))
        some = [one for piece in compaction.pieces(done) for one in piece][:pieces]
        await store._writer.submit(partial(do, partial(compaction.leave, some=some)))


def compare(told: list[Figures], defined: list[Figures], read: list[Instance]) -> None:
    assert [(one.name, one.kind, list(one.told)) for one in told] == [
        (one.name, one.kind, list(one.told)) for one in defined
    ]
    found = [one.attribute["v"] for one in read]
    largest = max((abs(one) for one in found if isinstance(one, int | float)), default=0)
    for one, other in zip(told, defined, strict=True):
        for method, figures in one.told.items():
            expected = other.told[method]
            assert [row[1:] for row in figures] == [row[1:] for row in expected]
            exact = method in ("totalCount", "distinctCount", "min", "max")
            error = 0.0 if exact else 1e-12 * (min(largest, 1e150) ** 2 if method == "sumsq" else largest)
            for (left, *_), (right, *_) in zip(figures, expected, strict=True):
                assert left == (right if exact else pytest.approx(right, rel=1e-12, abs=error))


def test_figures_of_closed_months_are_those_of_the_definition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "LATE", 1)
    number = iter(range(1_000_000))
    with asyncio.Runner() as runner:
        store = runner.run(sqlite.open(tmp_path / "kitamae.db"))

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.data())
        def check(data: st.DataObject) -> None:
            entity = f"urn:ngsi-ld:Gauge:{next(number)}"
            runner.run(add(store, entity, data.draw(written(entity))))
            pieces = data.draw(st.sampled_from([None, 0, 3, 1_000]))
            runner.run(store.compact(CLOSED) if pieces is None else half_compact(store, pieces))
            which, late = data.draw(st.lists(st.integers(0, 30), max_size=4)), data.draw(written(entity))
            runner.run(disturb(store, entity, which, late, edit=data.draw(st.booleans())))
            for _ in range(3):
                query = data.draw(asked(entity))
                how = Aggregation(data.draw(methods), data.draw(periods))
                told, read = runner.run(store.aggregate(query, how, NOW)), runner.run(store.instances(query))
                compare(told, aggregate.figures(read, query, how, NOW), read)

        check()
        runner.run(store.close())


async def test_no_row_of_a_closed_month_is_brought_back_for_a_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await sqlite.open(tmp_path / "kitamae.db")
    entity = "urn:ngsi-ld:Gauge:1"
    days = [
        Instance(entity, LEVEL, "", {"kind": "Property", "v": n}, START + n * DAY, START, START, None)
        for n in range(120)
    ]
    await add(store, entity, days)
    query = InstanceQuery("", (entity,), timerel="between", at=START, end=END)
    how = Aggregation(tuple(sorted(METHODS)), Period(0, 7 * DAY))
    before = await store.aggregate(query, how, NOW)
    await store.compact(CLOSED)

    def refuse(*_: Any) -> str:
        raise AssertionError("rows were brought back")

    with monkeypatch.context() as patch:
        patch.setattr(recall, "table", refuse)
        compare(await store.aggregate(query, how, NOW), before, days)
        closed = replace(query, end=CLOSED)
        compare(
            await store.aggregate(closed, how, NOW), aggregate.figures(days[:90], closed, how, NOW), days[:90]
        )
    await store.close()
