"""A city is copied from one store into another while it is written to, cut off anywhere, and copied on."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_store_machine import DATASETS, IDS, NAMES, TENANTS, TYPES, commands

import postgres_server
from kitamae.adapters import postgres, sqlite
from kitamae.adapters.postgres.moving import PostgresArriving, PostgresLeaving
from kitamae.adapters.sqlite.arriving import SqliteArriving
from kitamae.adapters.sqlite.leaving import SqliteLeaving
from kitamae.kernel.context import clock
from kitamae.kernel.context.moving import rounds, tables
from kitamae.kernel.context.moving.rounds import Rounds
from kitamae.kernel.context.operations.command import Command
from kitamae.kernel.context.operations.create import Upsert
from kitamae.kernel.context.query.tree import Compare, EntityQuery, Op, TypeQ
from kitamae.kernel.context.query.tree import Path as QPath
from kitamae.kernel.context.store import Instance, InstanceQuery, Store, Transaction
from kitamae.kernel.people.vault.rows import Noted, Sealed
from kitamae.kernel.problems import Conflict, NotFound

ALIAS = "kitamae-of-the-tests"
ALL = InstanceQuery("", tuple(IDS))


class Kind:
    """One kind of store in a directory."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.place = Path(tempfile.mkdtemp(prefix="move_"))

    async def open(self) -> Any:
        if self.name == "sqlite":
            return await sqlite.open(self.place / "kitamae.db", hot=(NAMES[0],))
        return await postgres.open(address(self.place), hot=(NAMES[0],))

    async def leaving(self) -> Any:
        if self.name == "sqlite":
            return SqliteLeaving(self.place / "kitamae.db")
        return await PostgresLeaving.open(address(self.place))

    async def arriving(self) -> Any:
        if self.name == "sqlite":
            return SqliteArriving(self.place / "kitamae.db")
        return await PostgresArriving.open(address(self.place))


def address(place: Path) -> str:
    """A schema for each directory."""
    return postgres_server.dsn(place.name)


WAYS = [
    ("sqlite", "sqlite"),
    ("sqlite", "postgresql"),
    ("postgresql", "sqlite"),
    ("postgresql", "postgresql"),
]


# --- what may happen to a city meanwhile
@st.composite
def instance(draw: st.DrawFn) -> Instance:
    attribute: Any = {"kind": "Property", "v": draw(st.sampled_from([1, 2.5, "満", True]))}
    if dataset := draw(st.sampled_from(DATASETS)):
        attribute["datasetId"] = dataset
    at = draw(st.integers(1, 5)) * 1_000_000
    observed = draw(st.sampled_from([None, at]))
    given = draw(st.sampled_from(["", "urn:given:1", "urn:given:2"]))
    return Instance("", draw(st.sampled_from(NAMES)), given, attribute, observed, at, at, None)


Act = tuple[str, Any]
act = st.one_of(
    st.tuples(st.just("apply"), commands),
    st.tuples(st.just("add"), st.tuples(st.sampled_from(IDS), st.lists(instance(), min_size=1, max_size=3))),
    st.tuples(st.just("drop one"), st.integers(0, 30)),
    st.tuples(st.just("edit one"), st.integers(0, 30)),
    st.tuples(st.just("drop all"), st.sampled_from(IDS)),
    st.tuples(st.just("remember"), st.sampled_from(IDS)),
    st.tuples(st.just("erase"), st.sampled_from(IDS)),
    st.tuples(st.just("forget"), st.integers(0, 5)),
    st.tuples(st.just("retire"), st.integers(0, 3)),
    st.tuples(st.just("close months"), st.none()),
    st.tuples(st.just("put"), st.tuples(st.sampled_from("abc"), st.integers(0, 3))),
    st.tuples(st.just("unput"), st.sampled_from("abc")),
    st.tuples(st.just("owe"), st.sampled_from(["q1", "q2"])),
    st.tuples(st.just("log"), st.binary(max_size=3)),
    st.tuples(st.just("settle"), st.sampled_from(["q1", "q2"])),
    st.tuples(st.just("seal"), st.tuples(st.sampled_from("xyz"), st.sampled_from("pq"), st.integers(1, 3))),
    st.tuples(st.just("unseal"), st.sampled_from("xyz")),
    st.tuples(st.just("look"), st.tuples(st.sampled_from("pq"), st.integers(1, 3))),
    st.tuples(st.just("vault erase"), st.tuples(st.sampled_from("pq"), st.sampled_from(["c", "receipts"]))),
)
acts = st.lists(act, min_size=3, max_size=30)


async def do(store: Store, what: str, given: Any) -> None:
    async def work(tx: Transaction) -> Any:
        match what:
            case "add":
                await tx.add_instances("", *given)
            case "drop all":
                await tx.drop_instances(InstanceQuery("", (given,)))
            case "drop one" | "edit one":
                one = found[given % len(found)]
                await tx.drop_instances(
                    InstanceQuery("", (one.entity,), attrs=(one.name,), instance=one.instance_id)
                )
                if what == "edit one":
                    new: Any = {**one.attribute, "v": 77}
                    one = Instance("", one.name, one.instance_id, new, one.observed_at, 1, 2, None)
                    await tx.add_instances("", entity, [one])
            case "remember":
                await tx.remember("", {"id": given, "type": [TYPES[0]], "attrs": {}})
            case "put":
                await tx.put("", "subscription", given[0], {"n": given[1]})
            case "unput":
                await tx.drop("", "subscription", given)
            case "log":
                await tx.log(given)
            case "seal":
                id, person, version = given
                await tx.vault.put(Sealed("", id, person, "c", "k", version, 1, version, 9, b"sealed"))
            case "unseal":
                await tx.vault.drop([one for one in [await tx.vault.get("", given)] if one])
            case "look":
                person, version = given
                number = await tx.log(b"look")
                seal = b"sealed %d" % version
                await tx.vault.note(Noted(number, "", person, version, "w", "u", "b", "s", version, seal))
            case "vault erase":
                await tx.vault.erase(*given, 2)
            case "owe":
                await tx.owe("", given, 1, b'{"payload": 1}')

    if what == "apply":
        await store.apply(given)
    elif what == "erase":
        await store.erase("", given)
    elif what == "forget":
        changes = await store.changes(0, given + 1)
        await store.forget(changes[-1].seq if changes else 0)
    elif what == "retire":
        for id in IDS:
            if row := await store.row("", id):
                await store.retire(row.key, given * 1_000_000, 2)
    elif what == "close months":
        if isinstance(store, sqlite.SqliteStore):
            await store.compact(clock.micros("2026-09-01T00:00:00Z"))
    elif what == "settle":
        await store.settle([one.number for one in (await store.owed(given, 0, 1))])
    else:
        found = await store.instances(ALL)
        if what in ("drop one", "edit one"):
            if not found:
                return
            entity = found[given % len(found)].entity
        with contextlib.suppress(NotFound):
            await store.transact(work)


async def vault(tx: Transaction) -> Any:
    looks = await tx.vault.looks(0, 1 << 62)
    return (
        [await tx.vault.of("", person) for person in "pq"],
        looks,
        [await tx.vault.noted("", person, 1 << 62, 100) for person in "pq"],
        await tx.vault.erased(),
    )


async def answers(store: Store) -> dict[str, Any]:
    """Everything that can be asked."""
    queries = [
        EntityQuery(types=TypeQ(((TYPES[0],),)), limit=100, count=True),
        EntityQuery(q=Compare(QPath((NAMES[0],)), Op.GREATER, (0,)), limit=100, count=True),
        EntityQuery(q=Compare(QPath((NAMES[1],)), Op.EQUAL, (1,)), limit=100, count=True),
        EntityQuery(tenant="kaga", attrs=(NAMES[1],), limit=100, count=True),
    ]
    said: dict[str, Any] = {
        "vault": await store.transact(vault),
        "tenants": await store.tenants(),
        "queues": await store.queues(),
        "leaves": await store.leaves(0, 1000),
        "owed": [await store.owed(queue, 0, 1000) for queue in ("q1", "q2")],
        "documents": await store.documents(None, "subscription"),
        "changes": await store.changes(0, 10_000),
        "queries": [await store.find(query) for query in queries],
        "expired": await store.expired(1 << 60, 100),
    }
    for tenant in TENANTS:
        query = InstanceQuery(tenant, tuple(IDS))
        said[tenant] = {
            "rows": [await store.row(tenant, id) for id in IDS],
            "stream": [one async for one in store.stream(EntityQuery(tenant=tenant))],
            "types": await store.types(tenant),
            "attributes": {
                name: {**one, "kinds": sorted(one["kinds"]), "types": sorted(one["types"])}
                for name, one in (await store.attributes(tenant)).items()
            },
            "instances": await store.instances(query),
            "readings": await store.readings(query),
            "past": await store.remembered(EntityQuery(tenant=tenant, limit=100), query),
        }
        for one in said[tenant]["instances"]:
            one.attribute.pop("instanceId", None)
    return said


class Disturbed:
    """A store that is copied, and written to before every answer that it gives."""

    def __init__(self, leaving: Any, store: Store, acts: list[Act]) -> None:
        self._leaving, self._store, self.acts = leaving, store, acts

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def answer(*given: Any) -> Any:
            if self.acts:
                await do(self._store, *self.acts.pop())
            return await getattr(self._leaving, name)(*given)

        return answer


class Cut(Exception):
    """The power went."""


class CutOff:
    """A store that is filled, until the power goes: before or after something was committed."""

    def __init__(self, arriving: Any, left: int, after: bool) -> None:
        self._arriving, self._left, self._after = arriving, left, after

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def answer(*given: Any) -> Any:
            writes = name in ("adopt", "tell", "keep", "owe", "log", "put_rows", "finish")
            self._left -= writes
            if writes and self._left < 0 and not self._after:
                raise Cut
            said = await getattr(self._arriving, name)(*given)
            if writes and self._left < 0:
                raise Cut
            return said

        return answer


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-to-{way[1]}")
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param  # type: ignore[no-any-return]


def test_a_city_that_is_written_to_meanwhile_answers_the_same_afterwards(
    way: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables.Copy, "AT_ONCE", 2)
    for name, few in (("ENTITIES", 2), ("INSTANCES", 3), ("CHANGES", 3), ("DOCUMENTS", 2), ("SMALL", 0)):
        monkeypatch.setattr(rounds, name, few)

    @settings(
        max_examples=8,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(
        first=acts,
        meanwhile=acts,
        cuts=st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=2),
        later=acts,
    )
    def run(first: list[Act], meanwhile: list[Act], cuts: list[tuple[int, bool]], later: list[Act]) -> None:
        asyncio.run(moved(way, first, meanwhile, cuts, later))

    run()


async def moved(
    way: tuple[str, str],
    first: list[Act],
    meanwhile: list[Act],
    cuts: list[tuple[int, bool]],
    later: list[Act],
) -> None:
    old, new = map(Kind, way)
    store = await old.open()
    try:
        for one in first:
            await do(store, *one)
        leaving = await old.leaving()
        disturbed = Disturbed(leaving, store, meanwhile)
        for left, after in cuts:
            arriving = await new.arriving()
            await arriving.begin(ALIAS)
            with contextlib.suppress(Cut):
                await Rounds(disturbed, CutOff(arriving, left, after)).near()  # type: ignore[arg-type]
            await arriving.close()
        arriving = await new.arriving()
        await arriving.begin(ALIAS)
        copying = Rounds(disturbed, arriving)  # type: ignore[arg-type]
        await copying.near()
        disturbed.acts.clear()
        await copying.last()
        await arriving.finish(await leaving.high())
        await arriving.close()
        await leaving.close()
        expected = await answers(store)
        there = await new.open()
        try:
            assert await answers(there) == expected
            numbers = (
                [one.number for one in expected["leaves"]]
                + [one.seq for one in expected["changes"]]
                + [o.number for q in expected["owed"] for o in q]
            )
            await goes_on(there, max(numbers, default=0), later)
        finally:
            await there.close()
    finally:
        await store.close()
        for kind in (old, new):
            shutil.rmtree(kind.place)


async def goes_on(store: Store, high: int, later: list[Act]) -> None:
    """It can be written to, and nothing is numbered twice."""
    heard: list[Any] = []
    store.on_commit(heard.extend)
    for one in later:
        await do(store, *one)
    before = [one.number for one in await store.leaves(0, 1000)]

    async def work(tx: Transaction) -> int:
        return await tx.log(b"later")

    assert await store.transact(work) > max(before, default=0)
    entity: Any = {"id": "urn:ngsi-ld:T:new", "type": TYPES, "attrs": {}}
    await store.apply([Command("", entity["id"], Upsert(entity), "tester")])
    assert all(one.seq > high for one in heard)
    row = await store.row("", entity["id"])
    assert row
    assert orjson.loads(row.doc)["id"] == entity["id"]


async def test_a_store_that_holds_something_else_is_refused(way: tuple[str, str]) -> None:
    kind = Kind(way[1])
    store = await kind.open()
    entity: Any = {"id": IDS[0], "type": TYPES, "attrs": {}}
    await store.apply([Command("", IDS[0], Upsert(entity), "tester")])
    await store.close()
    arriving = await kind.arriving()
    with pytest.raises(Conflict, match="a city already"):
        await arriving.begin(ALIAS)
    await arriving.close()
    shutil.rmtree(kind.place)


async def test_half_a_copy_of_another_city_is_refused(way: tuple[str, str]) -> None:
    kind = Kind(way[1])
    arriving = await kind.arriving()
    await arriving.begin(ALIAS)
    await arriving.begin(ALIAS)
    with pytest.raises(Conflict, match=ALIAS):
        await arriving.begin("another")
    await arriving.close()
    shutil.rmtree(kind.place)


async def test_what_is_deleted_from_history_after_the_move_is_told_by_no_change(way: tuple[str, str]) -> None:
    old, new = map(Kind, way)
    store = await old.open()
    for value in ("秘密", "公開"):
        entity: Any = {"id": IDS[0], "type": TYPES, "attrs": {NAMES[0]: [{"kind": "Property", "v": value}]}}
        await store.apply([Command("", IDS[0], Upsert(entity), "tester")])
    leaving, arriving = await old.leaving(), await new.arriving()
    await arriving.begin(ALIAS)
    copying = Rounds(leaving, arriving)
    await copying.near()
    await copying.last()
    await arriving.finish(await leaving.high())
    for one in (leaving, arriving, store):
        await one.close()
    there = await new.open()
    secret, public = await there.instances(ALL)
    assert (secret.attribute["v"], public.attribute["v"]) == ("秘密", "公開")

    async def work(tx: Transaction) -> None:
        await tx.drop_instances(InstanceQuery("", (IDS[0],), attrs=(NAMES[0],), instance=secret.instance_id))

    await there.transact(work)
    told = [[one.after["v"] for one in change.touched if one.after] for change in await there.changes(0, 10)]
    assert told == [[], ["公開"]]
    await there.close()
    for kind in (old, new):
        shutil.rmtree(kind.place)
