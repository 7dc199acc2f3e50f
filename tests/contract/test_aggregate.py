"""Figures over periods: what a store works out itself is what the definition says of its instances."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kitamae.kernel.context import clock
from kitamae.kernel.context.names import SCOPE
from kitamae.kernel.context.store import Figures, Instance, InstanceQuery, Store, Transaction
from kitamae.kernel.context.temporal import aggregate
from kitamae.kernel.context.temporal.period import Period
from kitamae.kernel.context.temporal.query import METHODS, Aggregation

Opener = Callable[..., Awaitable[Store]]

NAMES = ["https://example.org/水位", "https://example.org/雨量", SCOPE]
START = clock.micros("2024-01-31T00:00:00Z")
MINUTE, DAY = 60_000_000, 86_400_000_000
END = START + 400 * DAY
NOW = clock.micros("2026-01-01T00:00:00Z")

moments = st.one_of(
    st.integers(0, 12).map(lambda n: START + n * 29 * DAY), st.integers(START, END).map(lambda t: t)
)
numbers = st.one_of(
    st.integers(-5, 5), st.floats(-100, 100).map(lambda x: round(x, 3)), st.integers(-(2**53), 2**53)
)
others = st.one_of(st.booleans(), st.sampled_from(["満", "5"]), st.just([1, 2]), st.just({"a": 1}))
E = "urn:ngsi-ld:T:1"


@st.composite
def instances(draw: st.DrawFn, entity: str) -> list[Instance]:
    made: list[Instance] = []
    plain = {name: draw(st.booleans()) for name in NAMES}
    for at in draw(st.lists(moments, max_size=25)):
        name = draw(st.sampled_from(NAMES))
        gone = draw(st.integers(0, 9)) == 0
        value = "urn:ngsi-ld:null" if gone else draw(numbers if plain[name] else st.one_of(numbers, others))
        attribute: Any = {"kind": "Property", "v": value}
        if not plain[name] and draw(st.integers(0, 4)) == 0:
            attribute["expiresAt"] = clock.text(NOW + draw(st.sampled_from([-DAY, DAY])))
        if draw(st.integers(0, 3)) == 0:
            attribute["datasetId"] = "urn:d:1"
        observed = at if draw(st.integers(0, 5)) else None
        if observed is not None:
            attribute["observedAt"] = clock.text(at)
        made.append(Instance(entity, name, "", attribute, observed, at, at, at if gone else None))
    return made


@st.composite
def question(draw: st.DrawFn, entity: str) -> InstanceQuery:
    begin, end = sorted((draw(moments), draw(moments) + 1))
    timerel = draw(st.sampled_from([None, "before", "after", "between"]))
    return InstanceQuery(
        "",
        (entity,),
        tuple(draw(st.lists(st.sampled_from(NAMES), unique=True))),
        draw(st.sampled_from([(), (), ("urn:d:1",), ("@none",)])),
        draw(st.sampled_from(["observedAt", "observedAt", "observedAt", "modifiedAt"])),
        timerel,  # type: ignore[arg-type]  # one of its words
        begin if timerel else None,
        end if timerel == "between" else None,
        draw(st.sampled_from([None, None, None, 3])),
    )


aggregations = st.builds(
    Aggregation,
    st.lists(st.sampled_from(sorted(METHODS)), min_size=1, unique=True).map(tuple),
    st.sampled_from(
        [
            Period(),
            Period(1),
            Period(12),
            Period(2, DAY),
            Period(0, DAY),
            Period(0, 7 * DAY),
            Period(0, MINUTE),
        ]
    ),
)


def same(one: Figures, other: Figures, largest: float) -> bool:
    """Exact where nothing is rounded. `largest`: of the numbers that went into it."""
    assert (one.entity, one.name, one.dataset) == (other.entity, other.name, other.dataset)
    assert one.kind == other.kind
    assert list(one.told) == list(other.told)
    for method, told in one.told.items():
        assert [row[1:] for row in told] == [row[1:] for row in other.told[method]]
        error = 1e-12 * (largest**2 if method == "sumsq" else largest)
        for (left, *_), (right, *_) in zip(told, other.told[method], strict=True):
            if method in ("sum", "avg", "stddev", "sumsq"):
                assert left == pytest.approx(right, rel=1e-12, abs=error)
            else:
                assert (left, type(left) is bool) == (right, type(right) is bool)
    return True


def test_a_store_aggregates_as_the_definition_does(opener: Opener, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        store = runner.run(opener(tmp_path))
        number = iter(range(1_000_000))

        @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.data())
        def check(data: st.DataObject) -> None:
            entity = f"urn:ngsi-ld:T:{next(number)}"
            made = data.draw(instances(entity))

            async def add(tx: Transaction) -> None:
                await tx.remember("", {"id": entity, "type": ["https://example.org/T"], "attrs": {}})
                await tx.add_instances("", entity, made)

            runner.run(store.transact(add))
            for _ in range(4):
                query, asked = data.draw(question(entity)), data.draw(aggregations)
                told = runner.run(store.aggregate(query, asked, NOW))
                read = runner.run(store.instances(query))
                expected = aggregate.figures(read, query, asked, NOW)
                assert [one.name for one in told] == [one.name for one in expected]
                values = [one.attribute["v"] for one in read]
                largest = max((abs(one) for one in values if isinstance(one, (int, float))), default=0)
                assert all(same(left, right, largest) for left, right in zip(told, expected, strict=True))

        check()
        runner.run(store.close())


async def test_late_edited_and_deleted_instances_are_in_the_next_answer(store: Store) -> None:
    hours = [
        Instance(E, NAMES[0], f"urn:i:{n}", {"kind": "Property", "v": n}, START + n * MINUTE, n, n, None)
        for n in range(10)
    ]
    query = InstanceQuery("", (E,), timerel="between", at=START, end=START + 10 * MINUTE)
    asked = Aggregation(("totalCount", "sum"))

    async def told() -> dict[Any, Any]:
        (one,) = await store.aggregate(query, asked, NOW)
        return {method: figures[0][0] for method, figures in one.told.items()}

    async def begin(tx: Transaction) -> None:
        await tx.remember("", {"id": E, "type": ["https://example.org/T"], "attrs": {}})
        await tx.add_instances("", E, hours[:5] + hours[6:])

    await store.transact(begin)
    assert await told() == {"totalCount": 9, "sum": 40}
    await store.transact(lambda tx: tx.add_instances("", E, hours[5:6]))
    assert await told() == {"totalCount": 10, "sum": 45}
    one = InstanceQuery("", (E,), (NAMES[0],), instance="urn:i:9")
    await store.transact(lambda tx: tx.drop_instances(one))
    assert await told() == {"totalCount": 9, "sum": 36}


async def test_periods_of_a_minute_over_thirty_years_cost_no_more_than_their_instances(store: Store) -> None:
    """Two instances, fifteen million periods."""
    ends = [
        Instance(E, NAMES[0], "", {"kind": "Property", "v": n}, START + n * 11_000 * DAY, n, n, None)
        for n in range(2)
    ]

    async def begin(tx: Transaction) -> None:
        await tx.remember("", {"id": E, "type": ["https://example.org/T"], "attrs": {}})
        await tx.add_instances("", E, ends)

    await store.transact(begin)
    (one,) = await store.aggregate(
        InstanceQuery("", (E,)), Aggregation(("max",), Period(0, MINUTE)), START + 20_000 * DAY
    )
    assert [row[:2] for row in one.told["max"]] == [(0, START), (1, START + 11_000 * DAY)]


async def test_a_sum_that_no_number_can_hold_is_left_out_and_the_others_are_told(store: Store) -> None:
    values = [1e308, 1e308, 1e-200]
    made = [
        Instance(E, NAMES[0], "", {"kind": "Property", "v": value}, START + n * DAY, n, n, None)
        for n, value in enumerate(values)
    ]

    async def begin(tx: Transaction) -> None:
        await tx.remember("", {"id": E, "type": ["https://example.org/T"], "attrs": {}})
        await tx.add_instances("", E, made)

    await store.transact(begin)
    query = InstanceQuery("", (E,), timerel="after", at=START)
    (one,) = await store.aggregate(query, Aggregation(("sum", "sumsq", "max"), Period(0, 2 * DAY)), NOW)
    later = START + 2 * DAY
    assert [row[:2] for row in one.told["sum"]] == [(1e-200, later)]
    assert [row[:2] for row in one.told["sumsq"]] == [(0, later)]
    assert [row[:2] for row in one.told["max"]] == [(1e308, START), (1e-200, later)]
