"""Supplies on both stores: state and leaf together, once however often it is sent, at once or one after the other."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from kitamae.kernel.context import observed, read
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.store import Store
from kitamae.kernel.problems import BadRequest, Conflict, NotFound
from kitamae.kernel.supplies import Shelters, Supplies, Wish, state

ONE = "urn:ngsi-ld:EvacuationShelter:1"
NOW = 1_800_000_000_000_000
MINUTE = 60_000_000
WATER = Wish("水", 10, "箱")


async def supplies(store: Store) -> Supplies:
    payload = {"id": ONE, "type": "EvacuationShelter", "status": {"type": "Property", "value": "open"}}
    entity = read.entity(payload, CORE)
    await store.transact(lambda tx: observed.observed(tx, "", entity, NOW, NOW, "test"))
    shelters = Shelters("", CORE.expand("EvacuationShelter"), CORE.expand("status"), "closed")
    return Supplies(store, cast("Any", None), shelters, now=lambda: NOW)


async def test_of_many_who_enter_one_sheet_at_once_one_line_stands(store: Store) -> None:
    desk = await supplies(store)
    said = await asyncio.gather(
        *[desk.ask("staff-1", ONE, WATER, f"form-000{n}", NOW - MINUTE) for n in range(5)]
    )
    assert sorted(said) == ["known", "known", "known", "known", "new"]
    ((number, one),) = await desk.all()
    leaves = [leaf.number for leaf in await store.leaves(0, 100)]
    assert [step["leaf"] for step in one["steps"]] == leaves
    noted = await asyncio.gather(
        *[desk.note("staff-1", number, "sent", f"form-001{n}", seen=1, amount=10) for n in range(5)],
        return_exceptions=True,
    )
    assert sum(answer is None for answer in noted) == 1
    assert sum(isinstance(answer, Conflict) for answer in noted) == 4
    assert state((await desk.all())[0][1]) == "sent"


async def test_nothing_is_asked_for_a_shelter_that_is_not_there_or_in_the_future(store: Store) -> None:
    desk = await supplies(store)
    with pytest.raises(NotFound):
        await desk.ask("staff-1", ONE + "2", WATER, "form-0001")
    with pytest.raises(BadRequest, match="lies ahead"):
        await desk.ask("staff-1", ONE, WATER, "form-0001", NOW + 2 * MINUTE)
    assert await desk.all() == []
    assert await store.leaves(0, 100) == []
