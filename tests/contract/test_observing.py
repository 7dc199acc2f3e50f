"""What a service's job observes is all there or not at all, once, in the order of its own time, and only of the types that its manifest writes."""

from __future__ import annotations

from typing import Any

import pytest

from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.store import Store
from kitamae.kernel.people.policy import Facts, Policy
from kitamae.kernel.problems import Forbidden
from kitamae.sdk.observing import Observing
from kitamae.sdk.reader import Reader

ID = "urn:ngsi-ld:Alert:1:gauge-1"


def said(state: str, minute: int, type: str = "Alert") -> dict[str, Any]:
    at = f"2026-11-22T00:{minute:02}:00Z"
    return {"id": ID, "type": type, "state": {"type": "Property", "value": state, "observedAt": at}}


def observing(store: Store) -> Observing:
    policy = Policy(facts=Facts(declared=frozenset({CORE.expand("Alert"), CORE.expand("Other")})))
    return Observing("rivers", ("Alert",), "", store, CORE, policy)


async def test_newer_becomes_the_present_older_goes_to_history_and_the_same_changes_nothing(
    store: Store,
) -> None:
    job, reader = observing(store), Reader(store, CORE)
    await job.observe([said("one", 10), said("two", 20)])
    await job.observe([said("two", 20)])
    await job.observe([said("before", 5)])
    entity = await reader.full(ID)
    assert entity is not None
    assert entity["state"]["value"] == "two"
    assert [one.value for one in await reader.history(ID, "state")] == ["before", "one", "two"]


async def test_of_another_type_nothing_is_taken_and_then_nothing_of_what_came_with_it(store: Store) -> None:
    with pytest.raises(Forbidden):
        await observing(store).observe([said("one", 10), said("x", 11, "Other")])
    assert await store.row("", ID) is None


async def test_history_is_asked_from_a_moment_on_and_says_when_the_city_learned_it(store: Store) -> None:
    job, reader = observing(store), Reader(store, CORE)
    await job.observe([said("one", 10), said("two", 20), said("three", 30)])
    whole = await reader.history(ID, "state", last=None)
    assert [one.value for one in await reader.history(ID, "state", last=None, since=whole[1].at)] == [
        "two",
        "three",
    ]
    assert all(one.written is not None for one in whole)
