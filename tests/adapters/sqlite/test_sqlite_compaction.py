"""Closed months in files: no answer changes, whatever moves when, and whatever is cut off."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from kitamae.adapters import sqlite
from kitamae.adapters.parquet import month as parquet
from kitamae.adapters.sqlite import SqliteStore, closing, compaction, database
from kitamae.directory.backup import backup
from kitamae.directory.layout import Layout
from kitamae.directory.restore import swap, unpack
from kitamae.kernel.context import clock
from kitamae.kernel.context.operations.command import Command
from kitamae.kernel.context.operations.create import Create
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.context.store import Instance, InstanceQuery, Transaction
from kitamae.kernel.context.temporal import aggregate
from kitamae.kernel.context.temporal.period import Period
from kitamae.kernel.context.temporal.query import Aggregation
from kitamae.kernel.context.temporal.retention import Retention
from kitamae.kernel.problems import Problem, StoreDamaged

LEVEL, RAIN = "https://example.org/水位", "https://example.org/雨量"
IDS = ["urn:g:1", "urn:g:2"]
DAY = 86_400_000_000
START = clock.micros("2025-01-01T00:00:00Z")
CLOSED = clock.micros("2025-04-01T00:00:00Z")  # three months are closed, one is not
TYPE = "https://example.org/Gauge"


def instance(
    id: str, name: str, at: int, value: Any, *, observed: bool = True, gone: bool = False
) -> Instance:
    attribute: Any = {"kind": "Property", "v": "urn:ngsi-ld:null" if gone else value}
    if observed:
        attribute["observedAt"] = clock.text(at)
    return Instance(id, name, "", attribute, at if observed else None, at, at, at if gone else None)


async def add(store: SqliteStore, *instances: Instance) -> None:
    async def work(tx: Transaction) -> None:
        for one in instances:
            await tx.remember("", {"id": one.entity, "type": [TYPE], "attrs": {}})
            await tx.add_instances("", one.entity, [one])

    await store.transact(work)


async def drop(store: SqliteStore, query: InstanceQuery) -> int:
    return await store.transact(lambda tx: tx.drop_instances(query))


def of(*ids: str, **more: Any) -> InstanceQuery:
    return InstanceQuery("", ids or tuple(IDS), **more)


async def year(store: SqliteStore) -> None:
    """A reading of each day from January to April, of two gauges."""
    for id in IDS:
        await add(store, *(instance(id, LEVEL, START + day * DAY, day) for day in range(120)))


def files(place: Path) -> list[str]:
    return sorted(path.name[:7] for path in (place / "history").glob("*.parquet"))


def rows(place: Path) -> int:
    import apsw

    db = apsw.Connection(str(place / "kitamae.db"), flags=apsw.SQLITE_OPEN_READONLY)
    found = db.execute("SELECT count(*) FROM instance").get
    db.close()
    return int(found)


async def test_closed_months_leave_the_database_and_every_question_is_answered_as_before(
    tmp_path: Path,
) -> None:
    store = await sqlite.open(tmp_path / "kitamae.db")
    await year(store)
    asked = Aggregation(("avg", "max", "totalCount"), Period(1))
    questions = [
        of(),
        of(last=5),
        of(limit=40),
        of(timerel="between", at=START + 20 * DAY, end=START + 70 * DAY),
        of(timerel="before", at=START + 100 * DAY, last=50, attrs=(LEVEL,)),
        of(timerel="after", at=START + 40 * DAY, timeproperty="modifiedAt", limit=7),
    ]
    before = [
        (await store.instances(one), await store.readings(one), await store.aggregate(one, asked, 0))
        for one in questions
    ]
    assert rows(tmp_path) == 240
    assert await store.compact(CLOSED) == 3
    assert files(tmp_path) == ["2025-01", "2025-02", "2025-03"]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "history").iterdir()} == {0o600}
    assert rows(tmp_path) == 60
    for one, said in zip(questions, before, strict=True):
        assert (
            await store.instances(one),
            await store.readings(one),
            await store.aggregate(one, asked, 0),
        ) == said
    kept = await store.remembered(EntityQuery(), of(timerel="before", at=START + DAY))
    assert len(kept.rows) == 2
    assert (await store.remembered(EntityQuery(), of(timerel="before", at=START))).rows == []
    assert await store.compact(CLOSED) == 0
    await store.close()


async def test_a_deletion_really_deletes_once_the_file_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "GRACE", 0.0)
    store = await sqlite.open(tmp_path / "kitamae.db")
    await year(store)
    await store.compact(CLOSED)
    (one,) = await store.instances(of(IDS[0], timerel="between", at=START, end=START + DAY))
    assert await drop(store, of(IDS[0], attrs=(LEVEL,), instance=one.instance_id)) == 1
    assert await drop(store, of(IDS[1])) == 120
    assert await store.instances(of(IDS[0], timerel="before", at=START + DAY)) == []
    assert await store.instances(of(IDS[1])) == []
    assert await store.compact(CLOSED) == 3
    await store.compact(CLOSED)
    left = list((tmp_path / "history").glob("*.parquet"))
    assert len(left) == 3
    told = [number for path in left for some in parquet.numbers(path) for number, _ in some]
    assert len(told) == 89
    assert [one.attribute["v"] for one in await store.instances(of())] == list(range(1, 120))
    await store.close()


async def test_an_edited_and_a_late_instance_stand_in_their_place(tmp_path: Path) -> None:
    store = await sqlite.open(tmp_path / "kitamae.db")
    await year(store)
    await store.compact(CLOSED)
    at = START + 10 * DAY
    (one,) = await store.instances(of(IDS[0], timerel="between", at=at, end=at + DAY))

    async def edit(tx: Transaction) -> None:
        await tx.drop_instances(of(IDS[0], attrs=(LEVEL,), instance=one.instance_id))
        await tx.add_instances("", IDS[0], [replace(one, attribute={**one.attribute, "v": 99})])

    for value in (99, 100):
        await store.transact(edit)
        await add(store, instance(IDS[0], LEVEL, at + value, value))
        await store.compact(CLOSED)  # once more with the edited one in the file
    found = await store.instances(of(IDS[0], timerel="between", at=at, end=at + DAY))
    assert [one.attribute["v"] for one in found] == [99, 99, 100]
    assert found[0].instance_id == one.instance_id
    await store.close()


async def test_others_write_while_the_file_is_read_in_which_something_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await sqlite.open(tmp_path / "kitamae.db")
    await year(store)
    await store.compact(CLOSED)
    at, reading, written = START + 10 * DAY, threading.Event(), threading.Event()
    (one,) = await store.instances(of(IDS[0], timerel="between", at=at, end=at + DAY))
    read = parquet.read

    def slowly(*given: Any) -> Any:
        reading.set()
        assert written.wait(20), "somebody who writes waits for the file"
        return read(*given)

    with monkeypatch.context() as patch:
        patch.setattr(parquet, "read", slowly)
        deleting = asyncio.create_task(drop(store, of(IDS[0], attrs=(LEVEL,), instance=one.instance_id)))
        assert await asyncio.to_thread(reading.wait, 20)
        await add(store, instance(IDS[0], LEVEL, at + 1, 99))
        written.set()
        assert await deleting == 1
    found = await store.instances(of(IDS[0], timerel="between", at=at, end=at + DAY))
    assert [one.attribute["v"] for one in found] == [99]
    await store.close()


async def test_a_deletion_finds_what_moved_into_another_file_after_it_had_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "LATE", 1)
    store = await sqlite.open(tmp_path / "kitamae.db")
    await year(store)
    await store.compact(CLOSED)
    read, loop = parquet.read, asyncio.get_running_loop()
    late = iter([instance(IDS[0], LEVEL, START + 1, 99)])

    def and_compact(*given: Any) -> Any:
        found = read(*given)
        for one in late:  # the first time
            for turn in (add(store, one), store.compact(CLOSED)):
                asyncio.run_coroutine_threadsafe(turn, loop).result(20)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(parquet, "read", and_compact)
        assert await drop(store, of(IDS[0], timerel="between", at=START, end=START + DAY)) == 2
    assert await store.instances(of(IDS[0], timerel="before", at=START + DAY)) == []
    await store.close()


async def test_numbers_that_stand_in_files_are_not_given_again_after_a_restart(tmp_path: Path) -> None:
    store = await sqlite.open(tmp_path / "kitamae.db")
    await add(store, instance(IDS[0], LEVEL, START, 1))
    await store.compact(CLOSED)
    await store.close()
    store = await sqlite.open(tmp_path / "kitamae.db")
    await add(store, instance(IDS[0], LEVEL, START + DAY, 2))
    found = await store.instances(of(IDS[0]))
    assert [one.attribute["v"] for one in found] == [1, 2]
    assert len({one.instance_id for one in found}) == 2
    await store.close()


async def test_a_backup_takes_the_files_along_and_a_restored_city_answers_from_them(tmp_path: Path) -> None:
    here, there = Layout(tmp_path / "here"), Layout(tmp_path / "there")
    for layout in (here, there):
        layout.make()
    store = await sqlite.open(here.state)
    await year(store)
    before = await store.instances(of())
    await store.compact(CLOSED)
    await backup(store, here, tmp_path / "city.tar")
    await store.close()
    unpack(tmp_path / "city.tar", there, lambda _: None)
    swap(there)
    store = await sqlite.open(there.state)
    assert await store.instances(of()) == before
    await store.close()


async def test_what_is_older_than_its_type_is_kept_leaves_the_files_month_by_month(tmp_path: Path) -> None:
    store = await sqlite.open(tmp_path / "kitamae.db")
    await year(store)
    await store.compact(CLOSED)
    limit = START + 70 * DAY  # in March: January and February have ended before
    keeping = Retention(store, {TYPE: 1}, lambda: limit + DAY)
    assert await keeping.once() == 2 * 59
    assert [one.attribute["v"] for one in await store.instances(of(IDS[0]))] == list(range(59, 120))
    await store.compact(CLOSED)
    assert len(numbers_in_files(store)) == 2 * 31
    await store.close()


async def test_a_file_that_is_gone_or_damaged_is_said_and_not_passed_over(tmp_path: Path) -> None:
    store = await sqlite.open(tmp_path / "kitamae.db")
    await year(store)
    await store.compact(CLOSED)
    (tmp_path / "history" / files_of(tmp_path)[0]).write_bytes(b"PAR1 no more")
    with pytest.raises(StoreDamaged, match="closed months"):
        await store.instances(of())
    await store.close()


def files_of(place: Path) -> list[str]:
    return sorted(path.name for path in (place / "history").glob("*.parquet"))


STEPS = ("begin", "write", "register", "leave", "left", "sweep")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True])
async def test_wherever_it_is_cut_off_nothing_is_lost_or_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    store = await sqlite.open(tmp_path / "kitamae.db")
    await year(store)
    before = await store.instances(of())
    doing = getattr(compaction, step)

    def cut(*given: Any, **more: Any) -> Any:
        if after:
            doing(*given, **more)
        raise RuntimeError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(compaction, step, cut)
        with suppress(RuntimeError):
            await store.compact(CLOSED)
    assert await store.instances(of()) == before
    assert await drop(store, of(IDS[0], timerel="between", at=START + DAY, end=START + 3 * DAY)) == 2
    await store.close()
    store = await sqlite.open(tmp_path / "kitamae.db")
    left = [one for one in before if one not in before[1:3]]
    assert await store.instances(of()) == left
    await store.compact(CLOSED)
    assert await store.instances(of()) == left
    assert rows(tmp_path) == 60
    numbers = numbers_in_files(store)
    assert len(numbers) == len(set(numbers)) == len(left) - 60
    await store.close()


def steps(store: SqliteStore) -> Iterator[Any]:
    """`SqliteStore._compact`, so that others get their turns between its steps: each is to be awaited."""
    do = store._writer.writing.do

    async def submit(work: Any) -> None:
        await store._writer.submit(partial(do, work))

    async def nothing() -> None:
        return None

    for name in [one.name for one in compaction.due(store.path, CLOSED)]:
        yield submit(partial(compaction.begin, name=name))
        done = compaction.write(store.path, name, threading.Event())
        yield nothing()
        yield submit(partial(compaction.register, done=done))
        for some in compaction.pieces(done):
            for start in range(0, len(some), 3):
                yield submit(partial(compaction.leave, some=some[start : start + 3]))
        yield submit(partial(compaction.left, name=name))
    compaction.sweep(store.path, 0.0)


@pytest.mark.parametrize("turns", range(6))
async def test_what_is_erased_while_its_month_is_on_its_way_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    """In a month without a file, and in one whose file is written anew for a late entity's sake."""
    store = await sqlite.open(tmp_path / "kitamae.db")
    monkeypatch.setattr(compaction, "LATE", 1)
    for id in (IDS[0], "urn:g:late"):
        (made,) = await store.apply([Command("", id, Create({"id": id, "type": [TYPE], "attrs": {}}))])
        assert not isinstance(made, Problem)  # it lives on, with its key, when its history is erased
        await add(store, *(instance(id, LEVEL, START + n * DAY, n) for n in range(12)))
        going = steps(store)
        for _ in range(turns):
            await next(going)
        await drop(store, of(id))
        for turn in going:
            await turn
        assert await store.instances(of(id)) == []
        await add(store, instance(IDS[1], LEVEL, START + len(id) * DAY, 1))
        await store.compact(CLOSED)
    await store.compact(CLOSED)
    assert len(await store.instances(of(IDS[0], IDS[1], "urn:g:late"))) == 2
    assert len(numbers_in_files(store)) + rows(tmp_path) == 2
    await store.close()


def numbers_in_files(store: SqliteStore) -> list[int]:
    """Of the files that count."""
    db = database.reader(store.path)
    named: Any = db.execute("SELECT file FROM month").fetchall()
    db.close()
    files = [store.path.parent / "history" / file for (file,) in named]
    return [number for file in files for some in parquet.numbers(file) for number, _ in some]


class Machine(RuleBasedStateMachine):
    """One store is compacted now and then, piece by piece, the other never: they say the same."""

    place: Callable[[], Path]

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.stores = [self.runner.run(sqlite.open(type(self).place() / "kitamae.db")) for _ in range(2)]
        self.steps: Iterator[None] = iter(())

    def both(self, work: Callable[[SqliteStore], Any]) -> None:
        first, second = (self.runner.run(work(store)) for store in self.stores)
        assert first == second

    def _pieces(self) -> Iterator[None]:
        for turn in steps(self.stores[0]):
            self.runner.run(turn)
            yield

    @rule(turns=st.integers(1, 12))
    def compact(self, turns: int) -> None:
        for _ in range(turns):
            try:
                next(self.steps)
            except StopIteration:
                self.steps = self._pieces()

    @rule()
    def crash(self) -> None:
        """What was under way is not gone on with; the store is opened again."""
        path = self.stores[0].path
        self.runner.run(self.stores[0].close())
        self.steps = iter(())
        self.stores[0] = self.runner.run(sqlite.open(path))

    @rule(
        id=st.sampled_from(IDS),
        name=st.sampled_from([LEVEL, RAIN]),
        days=st.lists(st.integers(0, 119), min_size=1, max_size=8),
        value=st.one_of(st.integers(-5, 5), st.floats(-9, 9), st.just("満")),
        observed=st.booleans(),
        gone=st.booleans(),
    )
    def write(self, id: str, name: str, days: list[int], value: Any, observed: bool, gone: bool) -> None:
        made = [
            instance(id, name, START + day * DAY, value, observed=observed or gone, gone=gone) for day in days
        ]
        self.both(lambda store: add(store, *made))

    @rule(id=st.sampled_from(IDS), day=st.integers(0, 119), days=st.integers(1, 40))
    def delete(self, id: str, day: int, days: int) -> None:
        at = START + day * DAY
        self.both(lambda store: drop(store, of(id, timerel="between", at=at, end=at + days * DAY)))

    @rule(id=st.sampled_from(IDS), which=st.integers(0, 50), edit=st.booleans())
    def touch_one(self, id: str, which: int, edit: bool) -> None:
        """By its place among those that there are: ids differ between stores that were opened at other times."""

        async def work(store: SqliteStore) -> int:
            found = await store.instances(of(id))
            if not found:
                return 0
            one = found[which % len(found)]

            async def change(tx: Transaction) -> int:
                query = of(id, attrs=(one.name,), instance=one.instance_id)
                count = await tx.drop_instances(query)
                if edit:
                    await tx.add_instances("", id, [one])
                return count

            return await store.transact(change)

        self.both(work)

    @rule(id=st.sampled_from(IDS))
    def erase(self, id: str) -> None:
        async def work(store: SqliteStore) -> None:
            await drop(store, of(id))

        self.both(work)

    @invariant()
    def they_say_the_same(self) -> None:
        middle = {"at": START + 20 * DAY, "end": START + 80 * DAY}
        asked = Aggregation(("totalCount", "max", "sum"), Period(0, 7 * DAY))
        for query in (
            of(),
            of(timerel="between", **middle),
            of(timerel="between", last=3, **middle),
            of(timerel="between", limit=2, **middle),
            of(last=4),
            of(timeproperty="modifiedAt", timerel="between", limit=3, **middle),
            of(timeproperty="deletedAt", timerel="between", **middle),
        ):
            self.both(partial(told, query=query))
            self.both(partial(readings, query=query))
        self.both(partial(figures, query=of(timerel="between", **middle), asked=asked))
        self.both(partial(known, query=of(timerel="between", attrs=(RAIN,), **middle)))

    def teardown(self) -> None:
        for store in self.stores:
            self.runner.run(store.close())
        self.runner.close()


async def told(store: SqliteStore, query: InstanceQuery) -> Any:
    found = await store.instances(query)
    return [(one.entity, one.name, one.attribute["v"], one.observed_at, one.deleted_at) for one in found]


async def readings(store: SqliteStore, query: InstanceQuery) -> Any:
    return await store.readings(query)


async def figures(store: SqliteStore, query: InstanceQuery, asked: Aggregation) -> Any:
    found = await store.aggregate(query, asked, 0)
    defined = aggregate.figures(await store.instances(query), query, asked, 0)
    assert [one.told["totalCount"] for one in found] == [one.told["totalCount"] for one in defined]
    return [(one.entity, one.name, one.told["totalCount"], one.told["max"]) for one in found]


async def known(store: SqliteStore, query: InstanceQuery) -> Any:
    return [row.doc for row in (await store.remembered(EntityQuery(), query)).rows]


def test_compaction_at_any_moment_changes_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "LATE", 2)
    number = iter(range(1_000_000))

    class Here(Machine):
        @staticmethod
        def place() -> Path:
            made = tmp_path / str(next(number))
            made.mkdir()
            return made

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_whole_months_stay_beside_the_present_one() -> None:
    at = clock.micros("2026-03-31T23:59:59Z")
    assert [clock.text(closing.closed(at, months)) for months in (1, 3, 13)] == [
        "2026-02-01T00:00:00Z",
        "2025-12-01T00:00:00Z",
        "2025-02-01T00:00:00Z",
    ]
