"""The same operations on both stores, and every answer compared: what differs are numbers and nothing else."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from stores import STORES
from test_store_machine import IDS, NAMES, TENANTS, TYPES, Refused, commands

from kitamae.kernel.context.entity import Entity
from kitamae.kernel.context.operations.command import Command, Effect
from kitamae.kernel.context.query.tree import (
    All,
    AnyOf,
    Compare,
    EntityQuery,
    Exists,
    Geo,
    Geometry,
    Missing,
    Op,
    OrderBy,
    Range,
    ScopeQ,
    TypeQ,
)
from kitamae.kernel.context.query.tree import Path as QPath
from kitamae.kernel.context.store import Change, Instance, InstanceQuery, Store, Transaction
from kitamae.kernel.problems import Problem

HOUR = 3_600_000_000
START = 1_767_225_600_000_000  # 2026-01-01

scalar = st.one_of(
    st.integers(-3, 3), st.floats(-2, 2), st.booleans(), st.sampled_from(["満", "5", "", "a\0b", "x" * 150])
)
path = st.builds(QPath, st.sampled_from(NAMES).map(lambda name: (name,)), st.sampled_from([(), ("x",)]))
ordered = st.sampled_from([Op.GREATER, Op.GREATER_EQUAL, Op.LESS, Op.LESS_EQUAL])
numbers = st.one_of(st.integers(-3, 3), st.floats(-2, 2))
compare = st.one_of(
    st.builds(Compare, path, st.sampled_from([Op.EQUAL, Op.UNEQUAL]), st.lists(scalar, min_size=1, max_size=2).map(tuple)),
    st.builds(Compare, path, ordered, st.one_of(numbers, st.sampled_from(["満", "", "5"])).map(lambda v: (v,))),
    st.builds(Compare, path, st.just(Op.EQUAL), st.builds(Range, numbers, numbers).map(lambda v: (v,))),
    st.builds(Compare, path, st.sampled_from([Op.MATCH, Op.NO_MATCH]), st.sampled_from(["満", "^5$", "."]).map(lambda v: (v,))),
)  # fmt: skip
leaf = st.one_of(compare, st.builds(Exists, path), st.builds(Missing, path))
node = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=3,
)
geo = st.builds(
    lambda east, metres, georel: Geo(
        georel,
        Geometry("Point", (east / 10, 36.3)),
        NAMES[2],
        **({"max_distance": float(metres)} if georel == "near" else {}),
    ),
    st.integers(1360, 1363),
    st.sampled_from([10, 9_500, 20_000]),
    st.sampled_from(["near", "within", "disjoint", "equals"]),
)
types = st.sampled_from([(), ((TYPES[0],),), ((TYPES[0],), (TYPES[1],)), ((TYPES[0], TYPES[1]),)])
scopes = st.sampled_from([(("/a",),), (("/a/#",),), (("/+/b",),), (("/a", "/c"),), (("/c",), ("/a/b",))])
orders = st.sampled_from(
    [(), (OrderBy("id", descending=True),), (OrderBy(QPath((NAMES[0],))),), (OrderBy("modifiedAt"),)]
)


def sometimes(strategy: Any) -> Any:
    return st.one_of(st.none(), strategy)


query = st.builds(
    EntityQuery,
    tenant=st.sampled_from(TENANTS),
    ids=st.sampled_from([(), (IDS[0], IDS[2], "urn:none")]),
    id_pattern=sometimes(st.sampled_from(["[01]$", "T"])),
    types=types.map(TypeQ),
    attrs=st.sampled_from([(), (NAMES[0],), (NAMES[1], NAMES[2])]),
    q=sometimes(node),
    geo=sometimes(geo),
    scope=sometimes(scopes.map(ScopeQ)),
    datasets=st.sampled_from([(), ("urn:d:1",), ("@none",)]),
    order=orders,
    limit=st.sampled_from([0, 1, 3, 20]),
    offset=st.sampled_from([0, 0, 1]),
    count=st.booleans(),
)
history = st.builds(
    InstanceQuery,
    st.sampled_from(TENANTS),
    st.sampled_from([tuple(IDS), (IDS[1],), (IDS[3], IDS[0])]),
    attrs=st.sampled_from([(), (NAMES[0],), (NAMES[2], NAMES[1])]),
    datasets=st.sampled_from([(), ("urn:d:1",), ("@none",)]),
    timeproperty=st.sampled_from(["observedAt", "createdAt", "modifiedAt", "deletedAt"]),
    timerel=st.sampled_from([None, "before", "after", "between"]),
    at=st.integers(0, 240).map(lambda hours: START + hours * HOUR),
    end=st.integers(240, 300).map(lambda hours: START + hours * HOUR),
    last=sometimes(st.integers(1, 3)),
    limit=sometimes(st.integers(1, 5)),
)


def row(one: Any) -> Any:
    return orjson.loads(one.doc)


def changed(one: Change) -> Any:
    return (one.tenant, one.entity, one.variant, one.verb, one.at, one.actor, one.types, one.touched)


def instance(one: Instance) -> Any:
    times = one.observed_at, one.created_at, one.modified_at, one.deleted_at
    return (one.entity, one.name, one.attribute, times)


class Twins(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.place = Path(tempfile.mkdtemp())
        self.stores: list[Store] = []
        for opener in STORES.values():
            clock = itertools.count(START, HOUR // 7)
            opened = self.runner.run(
                opener(self.place, hot=(NAMES[0],), now=lambda clock=clock: next(clock))  # type: ignore[misc]
            )
            opened.on_change(self.owe)
            self.stores.append(opened)

    async def owe(self, tx: Transaction, change: Change, effect: Effect) -> None:
        await tx.owe(change.tenant, f"queue {change.entity}", change.seq, change.verb.encode())

    def both(self, ask: Callable[[Store], Any], shown: Callable[[Any], Any] = lambda answer: answer) -> Any:
        """Asks both, and demands one answer."""
        answers = []
        for store in self.stores:
            try:
                answers.append(shown(self.runner.run(ask(store))))
            except (Problem, Refused) as problem:
                answers.append(type(problem))
        assert answers[0] == answers[1]
        return answers[0]

    @rule(batch=commands)
    def apply(self, batch: list[Command]) -> None:
        def shown(told: list[Effect | Problem]) -> Any:
            return [
                type(one) if isinstance(one, Problem) else (one.verb, one.after, one.touched, one.updated)
                for one in told
            ]

        self.both(lambda store: store.apply(batch), shown)

    @rule(batch=commands, fails=st.booleans())
    def transact(self, batch: list[Command], fails: bool) -> None:
        async def work(tx: Transaction) -> list[str]:
            said = []
            for one in batch:
                try:
                    said.append((await tx.apply(one)).verb)
                except Problem as problem:
                    said.append(type(problem).__name__)
                await tx.put(one.tenant, "note", one.id, {"n": len(said)})
            if fails:
                raise Refused
            return said

        self.both(lambda store: store.transact(work))

    @rule(
        tenant=st.sampled_from(TENANTS),
        id=st.sampled_from(IDS),
        hour=st.integers(0, 240),
        name=st.sampled_from(NAMES),
    )
    def add_history(self, tenant: str, id: str, hour: int, name: str) -> None:
        at = START + hour * HOUR
        one = Instance(id, name, "", {"kind": "Property", "v": hour}, at, at, at, None)

        async def add(tx: Transaction) -> None:
            gone: Entity = {"id": id, "type": [TYPES[0]], "attrs": {}}
            await tx.remember(tenant, gone)
            await tx.add_instances(tenant, id, [one, one])

        self.both(lambda store: store.transact(add))

    @rule(asked=history, fails=st.booleans())
    def drop_history(self, asked: InstanceQuery, fails: bool) -> None:
        async def drop(tx: Transaction) -> int:
            dropped = await tx.drop_instances(asked)
            if fails:
                raise Refused
            return dropped

        self.both(lambda store: store.transact(drop))

    @rule(tenant=st.sampled_from(TENANTS), id=st.sampled_from(IDS))
    def forget_entity(self, tenant: str, id: str) -> None:
        self.both(lambda store: store.transact(lambda tx: tx.drop_instances(InstanceQuery(tenant, (id,)))))

    @rule(tenant=st.sampled_from(TENANTS), id=st.sampled_from(IDS))
    def drop_document(self, tenant: str, id: str) -> None:
        self.both(lambda store: store.transact(lambda tx: tx.drop(tenant, "note", id)))

    @rule(tenant=st.sampled_from(TENANTS), id=st.sampled_from(IDS))
    def erase(self, tenant: str, id: str) -> None:
        self.both(lambda store: store.erase(tenant, id))

    @rule(id=st.sampled_from(IDS))
    def settle(self, id: str) -> None:
        async def first(store: Store) -> None:
            await store.settle([one.number for one in await store.owed(f"queue {id}", 0, 2)])
            await store.transact(lambda tx: tx.get("", "note", "after the settling"))

        self.both(first)

    @rule(asked=query)
    def find(self, asked: EntityQuery) -> None:
        self.both(
            lambda store: store.find(asked), lambda found: ([row(one) for one in found.rows], found.count)
        )

    @rule(asked=query)
    def stream(self, asked: EntityQuery) -> None:
        async def everything(store: Store) -> list[Any]:
            return [row(one) async for one in store.stream(asked)]

        self.both(everything)

    @rule(asked=query, when=history)
    def remembered(self, asked: EntityQuery, when: InstanceQuery) -> None:
        self.both(
            lambda store: store.remembered(asked, when),
            lambda found: ([row(one) for one in found.rows], found.count),
        )

    @rule(asked=history)
    def instances(self, asked: InstanceQuery) -> None:
        self.both(lambda store: store.instances(asked), lambda found: list(map(instance, found)))
        self.both(lambda store: store.readings(asked))

    @rule(tenant=st.sampled_from(TENANTS))
    def look(self, tenant: str) -> None:
        def known(found: Any) -> Any:
            return {n: (o["count"], sorted(o["kinds"]), sorted(o["types"])) for n, o in found.items()}

        self.both(lambda store: store.changes(0, 10_000), lambda found: list(map(changed, found)))
        self.both(lambda store: store.types(tenant))
        self.both(lambda store: store.attributes(tenant), known)
        self.both(lambda store: store.attributes(tenant, TYPES[0]), known)
        self.both(lambda store: store.tenants())
        self.both(lambda store: store.documents(None, "note"))
        self.both(lambda store: store.queues())
        self.both(lambda store: store.expired(START * 2, 10))

    def teardown(self) -> None:
        if not hasattr(self, "stores"):
            return
        try:
            self.look("")
        finally:  # PostgreSQL has only so many connections, and a failure is tried again and again
            for store in self.stores:
                self.runner.run(store.close())
            self.runner.close()
            shutil.rmtree(self.place)


def test_both_stores_give_the_same_answers() -> None:
    run_state_machine_as_test(
        Twins,
        settings=settings(
            max_examples=5, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
