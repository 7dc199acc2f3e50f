"""Random operations on a store and on a dictionary: after any of them both say the same."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from kitamae.kernel.context.entity import Entity
from kitamae.kernel.context.operations.append import Append
from kitamae.kernel.context.operations.attribute import DeleteAttribute
from kitamae.kernel.context.operations.command import Command, Effect, Operation
from kitamae.kernel.context.operations.create import Create, Replace, Upsert
from kitamae.kernel.context.operations.delete import Delete
from kitamae.kernel.context.operations.update import Update
from kitamae.kernel.context.query import match
from kitamae.kernel.context.query.tree import Compare, EntityQuery, Op, TypeQ
from kitamae.kernel.context.query.tree import Path as QPath
from kitamae.kernel.context.store import Change, InstanceQuery, Transaction
from kitamae.kernel.problems import Problem

T = TypeVar("T")

TYPES = ["https://example.org/A", "https://example.org/B"]
NAMES = ["https://example.org/a", "https://example.org/水位", "https://example.org/場所"]
IDS = [f"urn:ngsi-ld:T:{n}" for n in range(4)]
TENANTS = ["", "kaga"]
DATASETS = [None, "urn:d:1"]

value = st.one_of(
    st.integers(-3, 3), st.floats(-2, 2), st.booleans(), st.sampled_from(["満", "5", ""]), st.just({"x": [1]})
)


@st.composite
def attribute(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.integers(0, 4)) == 0:
        east = draw(st.integers(1360, 1363)) / 10
        made = {"kind": "GeoProperty", "v": {"type": "Point", "coordinates": [east, 36.3]}}
    else:
        made = {"kind": "Property", "v": draw(value)}
    if draw(st.booleans()):
        made["observedAt"] = f"2026-01-0{draw(st.integers(1, 9))}T00:00:00Z"
    if dataset := draw(st.sampled_from(DATASETS)):
        made["datasetId"] = dataset
    return made


def distinct(instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({one.get("datasetId"): one for one in instances}.values())


attrs = st.dictionaries(
    st.sampled_from(NAMES), st.lists(attribute(), min_size=1, max_size=2).map(distinct), max_size=3
)
types = st.lists(st.sampled_from(TYPES), min_size=1, max_size=2, unique=True)


@st.composite
def operation(draw: st.DrawFn, id: str) -> Operation:
    whole: Entity = {"id": id, "type": draw(types), "attrs": draw(attrs)}
    if draw(st.booleans()):
        whole["scope"] = draw(
            st.lists(st.sampled_from(["/a", "/a/b", "/c"]), min_size=1, max_size=2, unique=True)
        )
    part: Any = {"attrs": draw(attrs)}
    return draw(
        st.sampled_from(
            [
                Create(whole), Create(whole), Upsert(whole), Upsert(whole, "update"), Replace(whole),
                Append(part), Update(part), Delete(),
                DeleteAttribute(draw(st.sampled_from(NAMES)), draw(st.sampled_from(DATASETS))),
            ]
        )
    )  # fmt: skip


@st.composite
def command(draw: st.DrawFn) -> Command:
    id = draw(st.sampled_from(IDS))
    return Command(draw(st.sampled_from(TENANTS)), id, draw(operation(id)), "machine")


commands = st.lists(command(), min_size=1, max_size=5)


class Refused(Exception):
    """What a piece of work raises to be undone."""


class Oracle:
    """The naive store: dictionaries and lists."""

    def __init__(self) -> None:
        self.entities: dict[tuple[str, str], Entity] = {}
        self.history: defaultdict[tuple[str, str, str, str], list[Any]] = defaultdict(list)
        self.changes: list[tuple[str, str, str]] = []

    def apply(self, command: Command, told: Effect | Problem) -> None:
        """What the store told is believed for its times only; everything else is worked out anew."""
        at = (command.tenant, command.id)
        if isinstance(told, Problem):
            with pytest.raises(type(told)):
                command.operation.apply(self.entities.get(at), 0)
            return
        effect = command.operation.apply(self.entities.get(at), 0)
        assert isinstance(told, Effect), told
        assert told.verb == effect.verb
        if effect.verb == "none":
            return
        self.changes.append((*at, effect.verb))
        for one in told.remembered:
            some = one.after or one.before
            assert some
            self.history[*at, one.name, some.get("datasetId", "")].append(
                one.after["v"] if one.after else "urn:ngsi-ld:null"
            )
        if told.after is None:
            del self.entities[at]
        else:
            assert without_times(told.after) == without_times(effect.after)
            self.entities[at] = told.after


def without_times(part: Any) -> Any:
    if isinstance(part, dict):
        return {
            k: without_times(v) for k, v in part.items() if k not in ("createdAt", "modifiedAt", "instanceId")
        }
    return [without_times(one) for one in part] if isinstance(part, list) else part


class Machine(RuleBasedStateMachine):
    """`opener` and `place` are set by the test."""

    opener: Any

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.place = Path(tempfile.mkdtemp())
        self.oracle = Oracle()
        self.heard: list[Change] = []
        self.open()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def open(self) -> None:
        self.store = self.run(type(self).opener(self.place, hot=(NAMES[0],)))
        self.store.on_commit(self.heard.extend)

    @rule(batch=commands)
    def apply(self, batch: list[Command]) -> None:
        for one, told in zip(batch, self.run(self.store.apply(batch)), strict=True):
            self.oracle.apply(one, told)

    @rule(batches=st.lists(commands, min_size=2, max_size=4))
    def apply_at_once(self, batches: list[list[Command]]) -> None:
        async def all_of_them() -> list[list[Effect | Problem]]:
            return await asyncio.gather(*(self.store.apply(batch) for batch in batches))

        for batch, answers in zip(batches, self.run(all_of_them()), strict=True):
            for one, told in zip(batch, answers, strict=True):
                self.oracle.apply(one, told)

    @rule(batch=commands, fails=st.booleans())
    def transact(self, batch: list[Command], fails: bool) -> None:
        told: list[Effect | Problem] = []

        async def work(tx: Transaction) -> None:
            for one in batch:
                try:
                    told.append(await tx.apply(one))
                except Problem as problem:
                    told.append(problem)
            if fails:
                raise Refused

        try:
            self.run(self.store.transact(work))
        except Refused:
            assert fails
        else:
            for one, answer in zip(batch, told, strict=True):
                self.oracle.apply(one, answer)

    @rule()
    def reopen(self) -> None:
        self.run(self.store.close())
        self.open()

    @invariant()
    def rows_are_the_same(self) -> None:
        for tenant in TENANTS:
            for id in IDS:
                row = self.run(self.store.row(tenant, id))
                known = self.oracle.entities.get((tenant, id))
                assert (orjson.loads(row.doc) if row else None) == known

    @invariant()
    def queries_find_the_same(self) -> None:
        for query in (
            EntityQuery(types=TypeQ(((TYPES[0],),)), limit=100, count=True),
            EntityQuery(q=Compare(QPath((NAMES[0],)), Op.GREATER, (0,)), limit=100, count=True),
            EntityQuery(tenant="kaga", attrs=(NAMES[1],), limit=100, count=True),
        ):
            found = self.run(self.store.find(query))
            expected = {
                id
                for (tenant, id), one in self.oracle.entities.items()
                if tenant == query.tenant and match.entity(query, one)
            }
            assert {orjson.loads(row.doc)["id"] for row in found.rows} == expected
            assert found.count == len(expected)

    @invariant()
    def discovery_says_the_same(self) -> None:
        for tenant in TENANTS:
            there = [one for (of, _), one in self.oracle.entities.items() if of == tenant]
            assert self.run(self.store.types(tenant)) == Counter(
                type for one in there for type in one["type"]
            )
            found = self.run(self.store.attributes(tenant))
            assert {name: one["count"] for name, one in found.items()} == Counter(
                name for one in there for name in one["attrs"]
            )
            for name, one in found.items():
                assert set(one["kinds"]) == {
                    instance["kind"] for entity in there for instance in entity["attrs"].get(name, ())
                }
                assert set(one["types"]) == {
                    type for entity in there if name in entity["attrs"] for type in entity["type"]
                }

    @invariant()
    def history_holds_every_value_that_ever_was(self) -> None:
        for tenant in TENANTS:
            told: defaultdict[tuple[str, str, str, str], list[Any]] = defaultdict(list)
            for one in self.run(self.store.instances(InstanceQuery(tenant, tuple(IDS)))):
                told[tenant, one.entity, one.name, one.attribute.get("datasetId", "")].append(
                    one.attribute["v"]
                )
            expected = {at: values for at, values in self.oracle.history.items() if at[0] == tenant}
            assert {at: sorted(map(repr, values)) for at, values in told.items()} == {
                at: sorted(map(repr, values)) for at, values in expected.items()
            }

    @invariant()
    def changes_are_those_that_were_told_in_their_order(self) -> None:
        changes = self.run(self.store.changes(0, 10_000))
        assert [(one.tenant, one.entity, one.verb) for one in changes] == self.oracle.changes
        assert [one.seq for one in changes] == [one.seq for one in self.heard]

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.run(self.store.close())
            self.runner.close()
            shutil.rmtree(self.place)


def test_a_store_is_a_dictionary_that_remembers(opener: Any) -> None:
    machine = type("Run", (Machine,), {"opener": staticmethod(opener)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
