"""What every store does. `conftest.STORES` says which there are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from kitamae.kernel.context import clock
from kitamae.kernel.context.entity import Attribute, Entity
from kitamae.kernel.context.operations.append import Append
from kitamae.kernel.context.operations.attribute import DeleteAttribute
from kitamae.kernel.context.operations.command import Command, Effect, Operation
from kitamae.kernel.context.operations.create import Create, Upsert
from kitamae.kernel.context.operations.delete import Delete, Expire
from kitamae.kernel.context.operations.update import Update
from kitamae.kernel.context.query import order
from kitamae.kernel.context.query.tree import (
    SCOPE,
    Compare,
    EntityQuery,
    Geo,
    Geometry,
    Op,
    OrderBy,
    TypeQ,
    Wanted,
)
from kitamae.kernel.context.query.tree import Path as QPath
from kitamae.kernel.context.store import Change, Instance, InstanceQuery, Store, Transaction
from kitamae.kernel.context.temporal import represent
from kitamae.kernel.context.temporal.query import TemporalQuery
from kitamae.kernel.problems import AlreadyExists, Conflict, NotFound, Problem, TooComplex

Opener = Callable[..., Awaitable[Store]]

TYPE = "https://example.org/温度計"
ROOM = "https://example.org/Room"
LEVEL = "https://example.org/水位"
NAME = "https://example.org/name"
PLACE = "https://uri.etsi.org/ngsi-ld/location"
HOUR = 3_600_000_000


def entity(number: int, *types: str, **more: Any) -> Entity:
    return {
        "id": f"urn:ngsi-ld:T:{number:03}",
        "type": list(types) or [TYPE],
        "attrs": {
            LEVEL: [{"kind": "Property", "v": number}],
            NAME: [{"kind": "Property", "v": f"第{number}"}],
        },
        **more,  # type: ignore[typeddict-item]
    }


def command(operation: Operation, id: str = "urn:ngsi-ld:T:001", tenant: str = "") -> Command:
    return Command(tenant, id, operation, "tester")


def create(number: int, tenant: str = "", **more: Any) -> Command:
    made = entity(number, **more)
    return command(Create(made), made["id"], tenant)


def level(value: Any, at: str | None = None) -> Update:
    one: Attribute = {"kind": "Property", "v": value}
    if at:
        one["observedAt"] = at
    return Update({"attrs": {LEVEL: [one]}})


async def done(store: Store, *commands: Command) -> list[Effect]:
    """All of them, none of which may fail."""
    answers = await store.apply(commands)
    failed = [one for one in answers if isinstance(one, Problem)]
    assert not failed, failed
    return [one for one in answers if isinstance(one, Effect)]


async def state(store: Store, number: int = 1, tenant: str = "") -> Entity | None:
    row = await store.row(tenant, f"urn:ngsi-ld:T:{number:03}")
    return None if row is None else orjson.loads(row.doc)


def of(*numbers: int, **more: Any) -> InstanceQuery:
    return InstanceQuery("", tuple(f"urn:ngsi-ld:T:{n:03}" for n in numbers), **more)


# --- writing
async def test_what_was_created_is_read_back_as_the_operation_left_it(store: Store) -> None:
    (effect,) = await done(store, create(1))
    row = await store.row("", "urn:ngsi-ld:T:001")
    assert row is not None
    assert orjson.loads(row.doc) == effect.after
    assert (await store.changes(0, 10))[0].seq == row.version


async def test_each_command_of_a_batch_fails_alone(store: Store) -> None:
    answers = await store.apply([create(1), create(1), create(2), command(Delete(), "urn:ngsi-ld:T:009")])
    assert [type(one) for one in answers] == [Effect, AlreadyExists, Effect, NotFound]
    assert await state(store, 2)


async def test_a_version_rises_with_every_write_and_the_bytes_are_those_of_the_version(store: Store) -> None:
    await done(store, create(1))
    first = await store.row("", "urn:ngsi-ld:T:001")
    await done(store, command(level(5)))
    second = await store.row("", "urn:ngsi-ld:T:001")
    assert first
    assert second
    assert first.key == second.key
    assert first.version < second.version
    assert orjson.loads(second.doc)["attrs"][LEVEL][0]["v"] == 5


async def test_work_is_all_or_nothing_and_what_it_raises_is_raised_to_who_asked(store: Store) -> None:
    async def work(tx: Transaction) -> None:
        await tx.apply(create(1))
        await tx.put("", "note", "n", {"a": 1})
        assert await tx.entity("", "urn:ngsi-ld:T:001")
        raise Conflict("no")

    with pytest.raises(Conflict, match="no"):
        await store.transact(work)
    assert await state(store) is None
    assert await store.get("", "note", "n") is None
    assert await store.changes(0, 10) == []
    await done(store, create(1))


async def test_a_refused_apply_inside_work_leaves_the_rest_of_the_work(store: Store) -> None:
    await done(store, create(1))

    async def work(tx: Transaction) -> str:
        with pytest.raises(AlreadyExists):
            await tx.apply(create(1))
        await tx.apply(create(2))
        return "went on"

    assert await store.transact(work) == "went on"
    assert await state(store, 2)


async def test_work_that_waits_for_something_else_is_an_error_and_writes_nothing(store: Store) -> None:
    async def work(tx: Transaction) -> None:
        await tx.apply(create(1))
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waited for something other than the store"):
        await store.transact(work)
    assert await state(store) is None


async def test_writes_that_arrive_together_keep_the_order_in_which_they_were_asked(store: Store) -> None:
    await done(store, create(1))
    await asyncio.gather(*(store.apply([command(level(n))]) for n in range(200)))
    changes = await store.changes(0, 1000)
    values = [change.touched[0].after["v"] for change in changes[1:] if change.touched[0].after]
    assert values == list(range(200))
    assert [one.seq for one in changes] == sorted({one.seq for one in changes})


async def test_a_clock_that_is_set_back_changes_no_order(opener: Opener, tmp_path: Path) -> None:
    times = iter([100 * HOUR, 100 * HOUR - 1_000_000, 90 * HOUR, 90 * HOUR + 1])
    store = await opener(tmp_path, now=lambda: next(times))
    for n in range(4):
        await done(store, create(n))
    changes = await store.changes(0, 10)
    assert [one.entity[-1] for one in changes] == ["0", "1", "2", "3"]
    assert [one.at for one in changes] == [100 * HOUR, 100 * HOUR, 90 * HOUR, 90 * HOUR + 1]
    await store.close()


async def test_a_change_tells_who_did_what_to_which_types(store: Store) -> None:
    await done(store, create(1), command(level(7)), command(Delete()))
    made, changed, gone = await store.changes(0, 10)
    assert (made.verb, made.actor, made.types, made.entity) == (
        "created",
        "tester",
        [TYPE],
        "urn:ngsi-ld:T:001",
    )
    assert [(one.name, one.verb) for one in changed.touched] == [(LEVEL, "updated")]
    assert gone.verb == "deleted"
    assert {one.name for one in gone.touched} == {LEVEL, NAME}
    assert await store.changes(changed.seq, 10) == [gone]
    assert await store.changes(0, 1) == [made]


async def test_what_is_deleted_from_history_is_not_told_by_its_change_either(store: Store) -> None:
    await done(store, create(1), command(level(7)))
    (one,) = [one for one in await store.instances(of(1, attrs=(LEVEL,))) if one.attribute["v"] == 7]

    async def drop(tx: Transaction) -> int:
        return await tx.drop_instances(of(1, attrs=(LEVEL,), instance=one.instance_id))

    assert await store.transact(drop) == 1
    made, changed = await store.changes(0, 10)
    assert {touched.name for touched in made.touched} == {LEVEL, NAME}
    assert changed.touched == []


async def test_what_was_deleted_is_told_by_no_change_once_history_forgot_the_deletion(store: Store) -> None:
    await done(store, create(1), command(DeleteAttribute(LEVEL)))
    (_, gone) = await store.instances(of(1, attrs=(LEVEL,)))

    async def drop(tx: Transaction) -> int:
        return await tx.drop_instances(of(1, attrs=(LEVEL,), instance=gone.instance_id))

    assert await store.transact(drop) == 1
    made, deleted = await store.changes(0, 10)
    assert LEVEL in {touched.name for touched in made.touched}
    assert deleted.touched == []


async def test_an_entity_written_again_and_again_in_one_batch_is_as_the_last_write_left_it(
    store: Store,
) -> None:
    writes = [command(level(n)) for n in range(1_500)]
    answers = await store.apply(
        [create(1), *writes, create(2), command(Delete()), create(1), command(level(-1))]
    )
    assert not [one for one in answers if isinstance(one, Problem)]
    row = await store.row("", "urn:ngsi-ld:T:001")
    assert row
    assert orjson.loads(row.doc)["attrs"][LEVEL][0]["v"] == -1
    changes = await store.changes(0, 2_000)
    assert row.version == changes[-1].seq
    assert [one.touched[0].after["v"] for one in changes[1:1_501] if one.touched[0].after] == list(
        range(1_500)
    )


async def test_what_was_written_can_be_forgotten_but_not_that_it_was(store: Store) -> None:
    await done(store, create(1), create(2), command(level(7)), create(3))
    before = await store.changes(0, 10)
    await store.forget(before[1].seq)
    await store.erase("", "urn:ngsi-ld:T:003")
    after = await store.changes(0, 10)
    assert [one.touched for one in after] == [[], [], before[2].touched, []]
    assert [replace(one, touched=[]) for one in after] == [replace(one, touched=[]) for one in before]


# --- watchers
async def test_what_a_watcher_owes_commits_with_the_change_and_is_there_after_a_restart(
    opener: Opener, tmp_path: Path
) -> None:
    store = await opener(tmp_path)

    async def watch(tx: Transaction, change: Change, effect: Effect) -> None:
        assert effect.after
        assert await tx.entity(change.tenant, change.entity) == effect.after
        await tx.owe(change.tenant, "urn:sub:1", change.seq, b'{"n":1}')

    store.on_change(watch)
    await done(store, create(1), create(2))
    await store.close()
    store = await opener(tmp_path)
    owed = await store.owed("urn:sub:1", 0, 10)
    assert [one.seq for one in owed] == [one.seq for one in await store.changes(0, 10)]
    assert owed[0].payload == b'{"n":1}'
    await store.close()


async def test_a_command_that_a_watcher_refuses_fails_alone_and_leaves_nothing(store: Store) -> None:
    async def watch(tx: Transaction, change: Change, effect: Effect) -> None:
        await tx.owe("", "q", change.seq, b"{}")
        if change.entity.endswith("2"):
            raise Conflict("not this one")

    store.on_change(watch)
    answers = await store.apply([create(1), create(2), create(3)])
    assert [type(one) for one in answers] == [Effect, Conflict, Effect]
    assert [one.entity[-1] for one in await store.changes(0, 10)] == ["1", "3"]
    assert len(await store.owed("q", 0, 10)) == 2
    assert await state(store, 2) is None
    assert await store.types("") == {TYPE: 2}
    assert await store.instances(of(2)) == []


async def test_changes_are_heard_after_the_commit_and_before_the_answer(store: Store) -> None:
    heard: list[str] = []

    def hear(changes: Sequence[Change]) -> None:
        heard.extend(one.entity[-1] for one in changes)

    store.on_commit(hear)
    await done(store, create(1))
    assert heard == ["1"]
    await store.apply([create(1)])
    assert heard == ["1"]


# --- history
async def test_every_change_of_an_attribute_is_remembered(store: Store) -> None:
    await done(store, create(1), command(level(2)), command(level(3, "2026-01-01T00:00:00Z")))
    found = await store.instances(of(1, attrs=(LEVEL,)))
    assert sorted(one.attribute["v"] for one in found) == [1, 2, 3]
    (observed,) = [one for one in found if one.observed_at is not None]
    assert observed.observed_at == clock.micros("2026-01-01T00:00:00Z")
    ids = [one.instance_id for one in found]
    assert len(set(ids)) == 3
    assert [one.instance_id for one in await store.instances(of(1, attrs=(LEVEL,)))] == ids
    for id in ids:
        (one,) = await store.instances(of(1, attrs=(LEVEL,), instance=id))
        assert one.instance_id == id


async def test_an_interval_holds_its_start_and_not_its_end(store: Store) -> None:
    times = [f"2026-01-01T0{n}:00:00Z" for n in range(5)]
    await done(store, create(1), *(command(level(n, at)) for n, at in enumerate(times)))
    at = [clock.micros(one) for one in times]

    async def values(**more: Any) -> list[Any]:
        return [one.attribute["v"] for one in await store.instances(of(1, attrs=(LEVEL,), **more))]

    assert await values(timerel="between", at=at[1], end=at[3]) == [1, 2]
    assert await values(timerel="before", at=at[1]) == [0]
    assert await values(timerel="after", at=at[3]) == [3, 4]
    assert await values(timerel="after", at=at[0], last=2) == [3, 4]
    assert await values(timerel="after", at=at[1], limit=2) == [1, 2]
    assert await values(timerel="before", at=at[4], timeproperty="deletedAt") == []


async def test_late_readings_take_their_place_in_time(store: Store) -> None:
    await done(store, create(1))
    for hour in (3, 1, 2):
        await done(store, command(level(hour, f"2026-01-01T0{hour}:00:00Z")))
    found = await store.instances(of(1, attrs=(LEVEL,), timerel="after", at=0))
    assert [one.attribute["v"] for one in found] == [1, 2, 3]


async def test_modified_and_created_times_can_be_asked_for(opener: Opener, tmp_path: Path) -> None:
    times = iter(range(10 * HOUR, 100 * HOUR, HOUR))
    store = await opener(tmp_path, now=lambda: next(times))
    await done(store, create(1), command(level(2)), command(level(3)))
    modified = await store.instances(
        of(1, attrs=(LEVEL,), timeproperty="modifiedAt", timerel="after", at=11 * HOUR)
    )
    assert [one.attribute["v"] for one in modified] == [2, 3]
    assert [one.modified_at for one in modified] == [11 * HOUR, 12 * HOUR]
    created = await store.instances(
        of(1, attrs=(LEVEL,), timeproperty="createdAt", timerel="before", at=11 * HOUR)
    )
    assert [one.attribute["v"] for one in created] == [1, 2, 3]
    await store.close()


async def test_datasets_have_histories_of_their_own(store: Store) -> None:
    made = entity(1)
    made["attrs"][LEVEL].append({"kind": "Property", "v": 99, "datasetId": "urn:d"})
    await done(store, command(Create(made)))
    assert [one.attribute["v"] for one in await store.instances(of(1, datasets=("urn:d",)))] == [99]
    assert [
        one.attribute["v"] for one in await store.instances(of(1, attrs=(LEVEL,), datasets=("@none",)))
    ] == [1]
    assert [one.attribute["v"] for one in await store.instances(of(1, attrs=(LEVEL,)))] == [1, 99]


async def test_what_was_deleted_says_when_and_stays_remembered(store: Store) -> None:
    await done(store, create(1), command(DeleteAttribute(NAME)), command(Delete()))
    found = await store.instances(of(1, timeproperty="deletedAt", timerel="after", at=0))
    assert {one.name for one in found} == {LEVEL, NAME}
    assert all(one.deleted_at == one.modified_at for one in found)
    assert await state(store) is None
    kept = await store.remembered(EntityQuery(types=TypeQ(((TYPE,),)), count=True), of())
    assert (len(kept.rows), kept.count) == (1, 1)
    assert "deletedAt" in orjson.loads(kept.rows[0].doc)
    assert (await store.remembered(EntityQuery(ids=("urn:ngsi-ld:T:001",)), of())).rows == kept.rows
    assert (await store.remembered(EntityQuery(ids=("urn:ngsi-ld:T:002",)), of())).rows == []


async def test_one_that_is_created_again_has_its_whole_history(store: Store) -> None:
    await done(store, create(1), command(Delete()), create(1))
    found = await store.instances(of(1, attrs=(LEVEL,)))
    assert [one.attribute["v"] for one in found] == [1, "urn:ngsi-ld:null", 1]
    kept = await store.remembered(EntityQuery(), of())
    assert len(kept.rows) == 1
    assert "deletedAt" not in orjson.loads(kept.rows[0].doc)


async def test_remembered_are_those_with_history_in_the_interval_by_id(store: Store) -> None:
    for n in (3, 1, 2):
        await done(store, create(n), command(level(n, f"2026-01-0{n}T00:00:00Z"), f"urn:ngsi-ld:T:{n:03}"))
    at = clock.micros("2026-01-02T00:00:00Z")
    kept = await store.remembered(
        EntityQuery(count=True, limit=1), of(attrs=(LEVEL,), timerel="between", at=at, end=at + 48 * HOUR)
    )
    assert [orjson.loads(one.doc)["id"][-1] for one in kept.rows] == ["2"]
    assert kept.count == 2


async def test_what_is_remembered_goes_on_behind_an_id_in_either_direction(store: Store) -> None:
    await done(store, *(create(n) for n in range(5)))
    await done(store, command(Delete(), "urn:ngsi-ld:T:003"))
    for falling, expected in ((False, "34"), (True, "10")):
        asked = EntityQuery(order=(OrderBy("id", descending=falling),), limit=9)
        kept = await store.remembered(asked, of(), "urn:ngsi-ld:T:002")
        assert "".join(orjson.loads(one.doc)["id"][-1] for one in kept.rows) == expected


async def test_history_is_added_edited_and_dropped_one_instance_at_a_time(store: Store) -> None:
    await done(store, create(1))
    one = Instance(
        "urn:ngsi-ld:T:001",
        LEVEL,
        "urn:i:1",
        {"kind": "Property", "v": 50},
        5 * HOUR,
        6 * HOUR,
        6 * HOUR,
        None,
    )

    async def add(tx: Transaction) -> None:
        await tx.add_instances("", one.entity, [one, replace(one, instance_id="", observed_at=7 * HOUR)])

    await store.transact(add)
    query = of(1, attrs=(LEVEL,), timerel="before", at=100 * HOUR)
    found = await store.instances(query)
    assert [one.observed_at for one in found] == [5 * HOUR, 7 * HOUR]
    assert found[0].instance_id == "urn:i:1"
    assert found[1].instance_id not in ("", "urn:i:1")
    named = of(1, attrs=(LEVEL,), instance="urn:i:1")
    assert [one.instance_id for one in await store.instances(named)] == ["urn:i:1"]

    async def drop(tx: Transaction) -> int:
        return await tx.drop_instances(named)

    assert await store.transact(drop) == 1
    assert [one.observed_at for one in await store.instances(query)] == [7 * HOUR]
    assert await state(store) is not None


async def test_an_entity_that_only_history_knows_is_remembered_until_it_is_forgotten(store: Store) -> None:
    one = Instance("urn:ngsi-ld:T:001", LEVEL, "", {"kind": "Property", "v": 5}, HOUR, HOUR, HOUR, None)

    async def add(tx: Transaction) -> None:
        await tx.add_instances("", one.entity, [one])

    with pytest.raises(NotFound):
        await store.transact(add)

    async def remember(tx: Transaction) -> None:
        await tx.remember("", {"id": one.entity, "type": [TYPE], "attrs": {}})
        await tx.add_instances("", one.entity, [one])

    await store.transact(remember)
    asked = EntityQuery(types=TypeQ(((TYPE,),)))
    assert await state(store) is None
    assert len((await store.remembered(asked, of())).rows) == 1
    assert (await store.remembered(replace(asked, types=TypeQ(((ROOM,),))), of())).rows == []

    async def forget(tx: Transaction) -> int:
        return await tx.drop_instances(of(1))

    assert await store.transact(forget) == 1
    assert (await store.remembered(asked, of())).rows == []
    assert await store.instances(of(1)) == []


async def test_readings_are_values_and_times_whatever_the_value_is(store: Store) -> None:
    await done(store, create(1))
    told: list[Any] = [1, 2.5, "満", True, {"a": [1]}, 2**60]
    for hour, value in enumerate(told):
        await done(store, command(level(value, f"2026-01-01T{hour:02}:00:00Z")))
    (series,) = await store.readings(of(1, attrs=(LEVEL,), timerel="after", at=0, last=5))
    assert (series.entity, series.name, series.kind, series.dataset) == (
        "urn:ngsi-ld:T:001",
        LEVEL,
        "Property",
        "",
    )
    start = clock.micros("2026-01-01T00:00:00Z")
    assert series.points == [(value, start + hour * HOUR) for hour, value in enumerate(told)][1:]
    assert [type(value) for value, _ in series.points] == [float, str, bool, dict, int]
    (series,) = await store.readings(of(1, attrs=(LEVEL,)))
    assert len(series.points) == 7  # with that of the creation, which nobody observed
    await done(store, command(DeleteAttribute(LEVEL)))
    (series,) = await store.readings(of(1, attrs=(LEVEL,)))
    assert series.points[-1][0] == "urn:ngsi-ld:null"
    assert not series.plain


async def test_plain_readings_say_what_the_simplified_representation_of_the_instances_says(
    store: Store,
) -> None:
    await done(store, create(1))
    for hour, value in enumerate([1, 2.5, -3, 0]):
        await done(store, command(level(value, f"2026-01-01T0{hour}:00:00Z")))
    query = of(1, attrs=(LEVEL,), timerel="after", at=0)
    series = await store.readings(query)
    assert all(one.plain for one in series)
    told = represent.simplified(await store.instances(query), TemporalQuery("after", 0), str)
    assert represent.readings(series) == told
    await done(
        store,
        command(
            Update({"attrs": {LEVEL: [{"kind": "Property", "v": 1, "expiresAt": "2999-01-01T00:00:00Z"}]}})
        ),
    )
    assert not (await store.readings(of(1, attrs=(LEVEL,))))[
        0
    ].plain  # whether it has ended is not for an index to say


# --- queries
async def test_pages_of_a_query_follow_the_order_of_creation_and_count_all(store: Store) -> None:
    await done(store, *(create(n) for n in (5, 3, 9, 1)))
    query = EntityQuery(types=TypeQ(((TYPE,),)), limit=3, count=True)
    first, second = await store.find(query), await store.find(replace(query, offset=3))
    ids = [orjson.loads(row.doc)["id"][-1] for row in [*first.rows, *second.rows]]
    assert ids == ["5", "3", "9", "1"]
    assert first.count == second.count == 4
    assert (await store.find(replace(query, limit=0))).count == 4
    assert (await store.find(replace(query, offset=9))).count == 4
    assert (await store.find(replace(query, count=False))).count is None


async def test_an_entity_is_found_by_any_of_several_selectors_and_counted_once(store: Store) -> None:
    await done(
        store,
        *(create(n) for n in (1, 2, 13)),
        *(create(n, type=[ROOM]) for n in (4, 15)),
        create(26, type=[ROOM, TYPE]),
    )
    levels, rooms = TypeQ(((TYPE,),)), TypeQ(((ROOM,),))
    either = (
        Wanted(levels, ("urn:ngsi-ld:T:001", "urn:ngsi-ld:T:004")),
        Wanted(rooms, id_pattern="1.$"),
        Wanted(TypeQ(((ROOM, TYPE),))),
        Wanted(levels, ("urn:ngsi-ld:T:026",)),
    )
    query = EntityQuery(types=TypeQ((*levels.any_of, *rooms.any_of)), wanted=either, count=True)
    wanted = ["urn:ngsi-ld:T:001", "urn:ngsi-ld:T:015", "urn:ngsi-ld:T:026"]
    found = await store.find(query)
    assert ([orjson.loads(row.doc)["id"] for row in found.rows], found.count) == (wanted, 3)
    assert [orjson.loads(row.doc)["id"] async for row in store.stream(query)] == wanted
    past = await store.remembered(query, InstanceQuery("", ()))
    assert ([orjson.loads(row.doc)["id"] for row in past.rows], past.count) == (wanted, 3)


async def test_what_a_query_goes_without_is_not_there_in_pages_counts_streams_or_history(
    store: Store,
) -> None:
    kinds: list[list[str]] = [[TYPE], [TYPE, ROOM], [ROOM]]
    await done(store, *(create(n, type=kinds[n % 3]) for n in range(12)))
    await done(store, command(Delete(), "urn:ngsi-ld:T:003"), command(Delete(), "urn:ngsi-ld:T:004"))
    hot = Compare(QPath((LEVEL,)), Op.GREATER_EQUAL, (0,))
    ways: list[dict[str, Any]] = [
        {"types": TypeQ(((TYPE,),))}, {}, {"q": hot}, {"attrs": (LEVEL,)}, {"id_pattern": "."}, {"order": (OrderBy(QPath((NAME,))),)},
        {"ids": tuple(f"urn:ngsi-ld:T:{n:03}" for n in range(12))}, {"types": TypeQ(((TYPE,), (ROOM,)))},
    ]  # fmt: skip
    for way in ways:
        query = EntityQuery(without=frozenset((ROOM, "urn:x:none")), limit=2, count=True, **way)
        first, second = await store.find(query), await store.find(replace(query, offset=2))
        ids = [orjson.loads(row.doc)["id"][-2:] for row in [*first.rows, *second.rows]]
        assert (sorted(ids), first.count, second.count) == (["00", "06", "09"], 3, 3), way
        assert (await store.find(replace(query, limit=0))).count == 3
        if "order" not in way:
            streamed = [orjson.loads(row.doc)["id"][-2:] async for row in store.stream(query)]
            assert streamed == ["00", "06", "09"]
            past = [await store.remembered(replace(query, offset=n), InstanceQuery("", ())) for n in (0, 2)]
            told = [orjson.loads(row.doc)["id"][-2:] for one in past for row in one.rows]
            assert (told, past[0].count) == (["00", "03", "06", "09"], 4), way


async def test_a_relationship_leads_nowhere_where_the_query_goes_without_what_is_there(store: Store) -> None:
    link: Attribute = {"kind": "Relationship", "v": "urn:ngsi-ld:T:002"}
    await done(store, create(1, attrs={NAME: [link]}), create(2, type=[ROOM, TYPE]))
    path = QPath((NAME,), join=((), QPath((LEVEL,))))
    query = EntityQuery(types=TypeQ(((TYPE,),)), q=Compare(path, Op.EQUAL, (2,)), count=True)
    for asked in (query, replace(query, without=frozenset(("urn:x:none",)))):
        assert (await store.find(asked)).count == 1
    assert (await store.find(replace(query, without=frozenset((ROOM,))))).count == 0
    assert [row async for row in store.stream(replace(query, without=frozenset((ROOM,))))] == []


async def test_scopes_are_asked_for_and_ordered_by_as_nobody_but_ngsiv2_does(store: Store) -> None:
    await done(store, create(1, scope=["/b/c"]), create(2), create(3, scope=["/a", "/z"]))

    async def found(**asked: Any) -> list[str]:
        rows = (await store.find(EntityQuery(**asked))).rows
        return [orjson.loads(row.doc)["id"][-1] for row in rows]

    assert await found(q=Compare(QPath((SCOPE,)), Op.EQUAL, ("/b/c",))) == ["1"]
    assert await found(q=Compare(QPath((SCOPE,)), Op.EQUAL, ("/", "/z"))) == ["2", "3"]
    assert await found(q=Compare(QPath((SCOPE,)), Op.MATCH, ("^/b",))) == ["1"]
    assert await found(order=(OrderBy("scope", descending=True),)) == ["1", "3", "2"]


async def test_an_order_by_value_is_the_order_of_all_not_of_a_page(store: Store) -> None:
    await done(store, *(create(n) for n in (5, 3, 9, 1)))
    query = EntityQuery(order=(OrderBy(QPath((LEVEL,)), descending=True),), limit=2, offset=1, count=True)
    found = await store.find(query)
    assert [orjson.loads(row.doc)["id"][-1] for row in found.rows] == ["5", "3"]
    assert found.count == 4


async def test_a_page_far_behind_the_first_in_an_order_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "FURTHEST", 3)
    monkeypatch.setattr(order, "_AT_ONCE", 4)  # several times are the first three chosen of what there is
    await done(store, *(create(n) for n in (5, 3, 9, 1, 8, 2, 7, 4, 6)))
    query = EntityQuery(order=(OrderBy(QPath((LEVEL,)), descending=True),), limit=3, count=True)
    found = await store.find(query)
    assert ([orjson.loads(row.doc)["id"][-1] for row in found.rows], found.count) == (["9", "8", "7"], 9)
    with pytest.raises(TooComplex, match="only the first 3"):
        await store.find(replace(query, offset=1))


async def test_a_stream_gives_every_match_once(store: Store) -> None:
    await done(store, *(create(n) for n in range(700)), create(900))
    query = EntityQuery(q=Compare(QPath((LEVEL,)), Op.LESS, (650,)), limit=1)
    ids = [orjson.loads(row.doc)["id"] async for row in store.stream(query)]
    assert ids == [f"urn:ngsi-ld:T:{n:03}" for n in range(650)]


async def test_what_changed_is_found_as_it_is_now(store: Store) -> None:
    await done(store, create(1), create(2))
    hot = EntityQuery(q=Compare(QPath((LEVEL,)), Op.EQUAL, (7,)))
    assert (await store.find(hot)).rows == []
    await done(store, command(level(7)))
    assert len((await store.find(hot)).rows) == 1
    await done(store, command(Delete()))
    assert (await store.find(hot)).rows == []


async def test_a_place_that_moves_is_found_where_it_is(store: Store) -> None:
    from kitamae.kernel.context.query.tree import Geo, Geometry

    def at(east: float) -> Append:
        return Append(
            {"attrs": {PLACE: [{"kind": "GeoProperty", "v": {"type": "Point", "coordinates": [east, 36.3]}}]}}
        )

    def near(east: float) -> EntityQuery:
        return EntityQuery(geo=Geo("near", Geometry("Point", (east, 36.3)), PLACE, max_distance=50.0))

    await done(store, create(1), command(at(136.3)))
    assert len((await store.find(near(136.3))).rows) == 1
    await done(store, command(at(136.4)))
    assert (await store.find(near(136.3))).rows == []
    assert len((await store.find(near(136.4))).rows) == 1
    await done(store, command(DeleteAttribute(PLACE)))
    assert (await store.find(near(136.4))).rows == []


async def test_discovery_counts_types_attributes_and_kinds(store: Store) -> None:
    two = entity(2, TYPE, ROOM)
    two["attrs"][PLACE] = [{"kind": "GeoProperty", "v": {"type": "Point", "coordinates": [136.3, 36.3]}}]
    await done(store, create(1), command(Create(two), two["id"]), create(3))
    assert await store.types("") == {TYPE: 3, ROOM: 1}
    found = await store.attributes("")
    assert {name: one["count"] for name, one in found.items()} == {LEVEL: 3, NAME: 3, PLACE: 1}
    assert found[PLACE]["kinds"] == ["GeoProperty"]
    assert sorted(found[PLACE]["types"]) == sorted([TYPE, ROOM])
    assert set(await store.attributes("", ROOM)) == {LEVEL, NAME, PLACE}
    await done(store, command(Delete(), two["id"]), command(DeleteAttribute(NAME)))
    assert await store.types("") == {TYPE: 2}
    assert {name: one["count"] for name, one in (await store.attributes("")).items()} == {LEVEL: 2, NAME: 1}


async def test_tenants_do_not_see_each_other(store: Store) -> None:
    await done(store, create(1), create(1, "kaga"), create(2, "kaga"))
    await done(store, command(level(9), tenant="kaga"))
    assert await store.tenants() == ["", "kaga"]
    assert (await state(store))["attrs"][LEVEL][0]["v"] == 1  # type: ignore[index]
    assert len((await store.find(EntityQuery(tenant="kaga"))).rows) == 2
    assert await store.types("") == {TYPE: 1}
    assert len(await store.instances(of(1, attrs=(LEVEL,)))) == 1
    assert len((await store.remembered(EntityQuery(), of())).rows) == 1


async def test_what_has_expired_is_named_and_can_be_created_anew(opener: Opener, tmp_path: Path) -> None:
    times = iter(clock.micros("2026-01-01T00:00:00Z") + n * HOUR for n in range(100))
    store = await opener(tmp_path, now=lambda: next(times))
    await done(store, create(1, expiresAt="2026-01-01T01:30:00Z"), create(2))
    at = clock.micros("2026-01-01T01:30:00Z")
    assert await store.expired(at - 1, 10) == []
    assert await store.expired(at, 10) == [("", "urn:ngsi-ld:T:001", "")]
    await done(store, create(1))  # over the expired one
    assert await store.expired(at, 10) == []
    assert await store.types("") == {TYPE: 2}
    assert (await store.find(EntityQuery(count=True))).count == 2
    await done(store, command(Upsert(entity(1, expiresAt="2026-01-01T00:00:00Z"))), command(Expire()))
    assert await state(store) is None
    await store.close()


# --- documents and queues
async def test_documents_stay_in_the_order_of_their_creation(store: Store) -> None:
    async def work(tx: Transaction) -> None:
        for name in "cab":
            await tx.put("", "subscription", name, {"name": name})
        await tx.put("kaga", "subscription", "a", {"name": "other"})
        await tx.put("", "context", "a", [1])
        await tx.put("", "subscription", "c", {"name": "new"})

    await store.transact(work)
    assert await store.documents("", "subscription") == [
        ("", "c", {"name": "new"}),
        ("", "a", {"name": "a"}),
        ("", "b", {"name": "b"}),
    ]
    assert [one[:2] for one in await store.documents(None, "subscription")] == [
        ("", "c"), ("", "a"), ("", "b"), ("kaga", "a"),
    ]  # fmt: skip
    assert await store.get("kaga", "subscription", "a") == {"name": "other"}

    async def drop(tx: Transaction) -> list[bool]:
        return [await tx.drop("", "subscription", "a"), await tx.drop("", "subscription", "a")]

    assert await store.transact(drop) == [True, False]
    assert await store.get("", "subscription", "a") is None


async def test_a_queue_gives_what_is_owed_until_it_is_settled_and_never_a_number_twice(
    opener: Opener, tmp_path: Path
) -> None:
    store = await opener(tmp_path)

    async def owe(tx: Transaction) -> None:
        for n in range(3):
            await tx.owe("", "a", n, b"%d" % n)
        await tx.owe("kaga", "b", 9, b"9")

    await store.transact(owe)
    owed = await store.owed("a", 0, 2)
    assert [one.payload for one in owed] == [b"0", b"1"]
    assert await store.queues() == [("", "a", 3), ("kaga", "b", 1)]
    sizes = {queue: sum(len(one.payload) for one in await store.owed(queue, 0, 10)) for queue in ("a", "b")}
    assert await store.owing() == [("a", 3, sizes["a"]), ("b", 1, sizes["b"])]
    last = (await store.owed("b", 0, 10))[0].number
    await store.settle([owed[0].number, last])
    await store.close()  # finishes what was begun
    store = await opener(tmp_path)
    assert await store.queues() == [("", "a", 2)]
    assert [one.payload for one in await store.owed("a", owed[1].number, 10)] == [b"2"]
    await store.transact(owe)
    assert (await store.owed("b", 0, 10))[0].number > last
    await store.close()


# --- keeping
async def test_everything_is_there_after_a_restart(opener: Opener, tmp_path: Path) -> None:
    store = await opener(tmp_path)
    await done(store, create(1), create(2), command(level(5)), command(Delete(), "urn:ngsi-ld:T:002"))
    before = (
        await store.row("", "urn:ngsi-ld:T:001"),
        await store.changes(0, 10),
        await store.instances(of(1, 2)),
    )
    await store.close()
    store = await opener(tmp_path)
    after = (
        await store.row("", "urn:ngsi-ld:T:001"),
        await store.changes(0, 10),
        await store.instances(of(1, 2)),
    )
    assert after == before
    await done(store, create(3))
    assert (await store.changes(0, 10))[-1].seq > before[1][-1].seq
    await store.close()


# --- what a database may not hold
async def test_a_text_with_any_letter_that_json_can_say_is_kept_and_found(store: Store) -> None:
    made = entity(1)
    made["attrs"][NAME] = [{"kind": "Property", "v": "a\0b"}]
    await done(store, command(Create(made)), create(2))
    assert (await state(store)) is not None
    found = await store.find(EntityQuery(q=Compare(QPath((NAME,)), Op.EQUAL, ("a\0b",))))
    assert [orjson.loads(row.doc)["id"] for row in found.rows] == ["urn:ngsi-ld:T:001"]
    assert await store.row("", "urn:\0") is None
    assert (await store.find(EntityQuery(ids=("urn:\0",)))).rows == []


@pytest.mark.parametrize(
    "value",
    ["駅前", "", "5", 5, True, [136.3, 36.3], {"a": 1}, '{"type":"Point","coordinates":[136.3,36.3]}'],
)
async def test_what_is_no_place_under_the_name_of_one_is_nowhere(store: Store, value: Any) -> None:
    name, id = "https://example.org/place", "urn:ngsi-ld:T:1"
    made: Any = {
        "id": id,
        "type": ["https://example.org/T"],
        "attrs": {name: [{"kind": "Property", "v": value}]},
    }
    await store.apply([Command("", id, Create(made))])
    there = Geometry("Point", (136.3, 36.3))
    asked = [
        Geo("near", there, name, max_distance=1e6),
        Geo("near", there, name, min_distance=1.0),
        Geo("disjoint", there, name),
    ]
    for geo in asked:
        for q in (None, Compare(QPath(("https://example.org/other",)), Op.EQUAL, (1,))):
            assert (await store.find(EntityQuery("", geo=geo, q=q, limit=5, count=True))).count == 0


async def test_a_piece_of_history_is_dropped_and_what_lies_beside_it_stays(store: Store) -> None:
    await done(store, create(1), *(command(level(n, f"2026-01-01T0{n}:00:00Z")) for n in range(6)))
    low, high = (clock.micros(f"2026-01-01T0{n}:00:00Z") for n in (1, 4))
    piece = of(1, attrs=(LEVEL,), timerel="between", at=low, end=high)
    assert await store.transact(lambda tx: tx.drop_instances(piece)) == 3
    asked = of(1, attrs=(LEVEL,), timerel="after", at=-(1 << 62), limit=2)
    assert [one.attribute["v"] for one in await store.instances(asked)] == [0, 4]
    assert [one.attribute["v"] for one in await store.instances(replace(asked, limit=None))] == [0, 4, 5]
