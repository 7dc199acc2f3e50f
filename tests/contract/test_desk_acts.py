"""A desk's acts on both stores: state, act and leaf together; in whatever order reports come, the newest stands and history has all."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from kitamae.kernel.context import clock, observed, read
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.store import InstanceQuery, Store
from kitamae.kernel.problems import AlreadyExists, BadRequest, Conflict, Forbidden, NotFound
from kitamae.sdk.writing import ACTS, NOTES, Act, Moved, Writing

ONE = "urn:ngsi-ld:EvacuationShelter:1"
TYPE = "EvacuationShelter"
MINUTE = 60_000_000
NOW = 1_800_000_000_000_000


def desk(store: Store, at: int = NOW, service: str = "disaster", tenant: str = "") -> Writing:
    return Writing(store, CORE, [TYPE], service, tenant, lambda: at)


def act(id: str, what: str = "counted", **more: Any) -> Act:
    return Act(f"form-{id}".ljust(8, "0"), what, more.pop("entity", ONE), more.pop("type", TYPE), **more)


async def made(store: Store) -> None:
    await desk(store, NOW - 100 * MINUTE).write(
        "staff-1", act("made", "made", values={"status": "open"}, facts={"name": "作見"}, new=True)
    )


async def present(store: Store, name: str = "people") -> Any:
    found = await store.transact(lambda tx: tx.entity("", ONE))
    (one,) = found["attrs"].get(CORE.expand(name), [None]) if found else [None]
    return one and one["v"]


async def history(store: Store) -> list[Any]:
    asked = InstanceQuery("", (ONE,), (CORE.expand("people"),))
    return [one.attribute["v"] for one in await store.instances(asked) if one.deleted_at is None]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::3])
async def test_in_whatever_order_counts_arrive_the_newest_stands_and_history_has_all(
    store: Store, order: tuple[int, ...]
) -> None:
    await made(store)
    newest = -1
    for arrived in order:
        at = NOW - (10 - arrived) * MINUTE
        written = await desk(store).write(
            "staff-1", act(f"count{arrived}", values={"people": arrived}, at=at)
        )
        assert written.outcome == ("new" if arrived > newest else "late")
        newest = max(newest, arrived)
    assert await present(store) == 3
    assert sorted(await history(store)) == [0, 1, 2, 3]


async def test_one_form_sent_many_times_at_once_is_one_act(store: Store) -> None:
    await made(store)
    one = act("twice", values={"people": 5})
    written = await asyncio.gather(*[desk(store).write("staff-1", one) for _ in range(5)])
    assert sorted(one.again for one in written) == [False, True, True, True, True]
    assert len(await store.documents("", f"{ACTS}:disaster::{ONE}")) == 2
    with pytest.raises(Conflict, match="something else"):
        await desk(store).write("staff-1", act("twice", values={"people": 6}))


async def test_of_many_who_make_one_place_at_once_one_does(store: Store) -> None:
    async def make(n: int) -> bool:
        try:
            await desk(store).write("staff-1", act(f"make{n}", "made", facts={"name": f"{n}"}, new=True))
        except AlreadyExists:
            return False
        return True

    assert sum(await asyncio.gather(*[make(n) for n in range(5)])) == 1
    assert len(await store.documents("", f"{ACTS}:disaster::{ONE}")) == 1


async def test_what_was_reported_meanwhile_is_told_and_nothing_is_written(store: Store) -> None:
    await made(store)
    await desk(store, NOW - 5 * MINUTE).write("staff-1", act("first", values={"people": 40}))
    with pytest.raises(Moved) as moved:
        await desk(store).write("staff-2", act("second", values={"people": 12}, seen={"people": ""}))
    assert moved.value.more["now"]["people"][0] == 40
    assert await present(store) == 40
    assert len(await store.documents("", f"{ACTS}:disaster::{ONE}")) == 2
    seen = {"people": moved.value.more["now"]["people"][1]}
    await desk(store).write("staff-2", act("second", values={"people": 12}, seen=seen))
    assert await present(store) == 12


async def test_notes_stay_with_the_desk_and_older_ones_change_nothing(store: Store) -> None:
    await made(store)
    await desk(store).write("staff-1", act("noted", notes={"infants": 2}))
    await desk(store).write("staff-1", act("older", notes={"infants": 9}, at=NOW - MINUTE))
    assert (await desk(store).notes())[ONE]["infants"]["value"] == 2
    entity = await store.transact(lambda tx: tx.entity("", ONE))
    assert entity is not None
    assert not any("infants" in name for name in entity["attrs"])
    await desk(store, NOW + MINUTE).write("staff-1", act("gone", notes={"infants": None}))
    assert await store.documents("", f"{NOTES}:disaster:") == []


async def test_what_is_taken_away_is_gone_and_its_history_stays(store: Store) -> None:
    await made(store)
    await desk(store, NOW - MINUTE).write("staff-1", act("count", values={"people": 40}))
    await desk(store).write("staff-1", act("undone", "undone", values={"people": None}))
    assert await present(store) is None
    assert 40 in await history(store)


async def test_what_an_undo_puts_back_keeps_its_own_time_and_only_while_the_act_stands(store: Store) -> None:
    await made(store)
    early, late = NOW - 60 * MINUTE, NOW - 30 * MINUTE
    await desk(store, early).write("staff-1", act("ten", values={"people": 10}, notes={"infants": 1}))
    await desk(store, late).write("staff-1", act("many", values={"people": 99}, notes={"infants": 9}))
    _, row = (await desk(store).acts(ONE))[0]
    assert row["since"] == {"people": clock.text(early), "infants": clock.text(early)}
    undo = {"undoes": "form-many", "since": row["since"], "values": {"people": 10}, "notes": {"infants": 1}}
    await desk(store).write("staff-1", act("back", "undone", **undo))
    found = await store.transact(lambda tx: tx.entity("", ONE))
    (people,) = found["attrs"][CORE.expand("people")] if found else [{}]
    assert (people["v"], people["observedAt"]) == (10, clock.text(early))
    assert (await desk(store).notes())[ONE]["infants"] == {"value": 1, "observedAt": clock.text(early)}
    with pytest.raises(Conflict, match="meantime"):
        await desk(store).write("staff-2", act("again", "undone", **undo))
    assert len(await store.documents("", f"{ACTS}:disaster::{ONE}")) == 4


async def test_each_act_has_a_leaf_of_the_ledger_and_a_refused_one_none(store: Store) -> None:
    await made(store)
    before = len(await store.leaves(0, 100))
    for wrong, refused in (
        (act("other", type="Town", values={"people": 1}), Forbidden),
        (act("none", entity="urn:x:none", values={"people": 1}), NotFound),
        (act("ahead", values={"people": 1}, at=NOW + 10 * MINUTE), BadRequest),
    ):
        with pytest.raises(refused):
            await desk(store).write("staff-1", wrong)
    assert len(await store.leaves(0, 100)) == before
    await desk(store).write("staff-1", act("count", values={"people": 1}))
    assert len(await store.leaves(0, 100)) == before + 1


async def test_only_what_the_desk_made_last_is_taken_back(store: Store) -> None:
    await made(store)
    await desk(store).write("staff-1", act("count", values={"people": 1}))
    with pytest.raises(Forbidden):
        await desk(store).remove("staff-1", "form-gone", ONE, TYPE)
    assert await present(store) == 1


async def test_what_somebody_else_reported_on_is_not_taken_back(store: Store) -> None:
    await made(store)
    payload = {
        "id": ONE, "type": TYPE, "people": {"type": "Property", "value": 4, "observedAt": clock.text(NOW)},
    }  # fmt: skip
    entity = read.entity(payload, CORE)
    await store.transact(lambda tx: observed.observed(tx, "", entity, NOW, NOW, "link-1"))
    with pytest.raises(Conflict, match="meantime"):
        await desk(store).remove("staff-1", "form-gone", ONE, TYPE)
    assert await present(store) == 4


@pytest.mark.parametrize(
    ("closed_ago", "stands", "left"), [(30, "open", 7), (5, "closed", None), (15, "open", 7)]
)
async def test_what_a_sheet_says_of_before_takes_nothing_away_that_is_newer(
    store: Store, closed_ago: int, stands: str, left: int | None
) -> None:
    """Opened long ago, opened anew ten minutes ago and counted eight minutes ago; a sheet says when it was closed."""
    await made(store)
    for ago, what, values in ((10, "opened", {"status": "open"}), (8, "count", {"people": 7})):
        await desk(store, NOW - ago * MINUTE).write("staff-1", act(what, values=values, notes={"babies": 2}))
    closing: dict[str, Any] = {"status": "closed", "people": None}
    written = await desk(store).write(
        "staff-1", act("close", values=closing, notes={"babies": None}, at=NOW - closed_ago * MINUTE)
    )
    assert written.outcome == ("new" if left is None else "late")
    found = await store.transact(lambda tx: tx.entity("", ONE))
    assert found
    assert found["attrs"][CORE.expand("status")][0]["v"] == stands
    assert await present(store) == left
    assert ("babies" in (await desk(store).notes()).get(ONE, {})) == (left is not None)


async def test_what_one_desk_did_and_noted_no_other_service_and_no_other_tenant_reads(store: Store) -> None:
    await made(store)
    await desk(store).write("staff-1", act("noted", notes={"infants": 2}))
    assert (await desk(store).note(ONE))["infants"]["value"] == 2
    for other in (desk(store, service="congestion"), desk(store, tenant="elsewhere")):
        assert (await other.notes(), await other.note(ONE), await other.acts(ONE)) == ({}, {}, [])
    with pytest.raises(Forbidden):
        await desk(store, service="congestion").remove("staff-1", "form-gone", ONE, TYPE)


async def test_taking_back_has_a_number_of_its_own_form(store: Store) -> None:
    await made(store)
    [(number, _)] = await desk(store).acts(ONE)
    with pytest.raises(BadRequest):
        await desk(store).remove("staff-1", "x", ONE, TYPE)
    with pytest.raises(Conflict):
        await desk(store).remove("staff-1", number, ONE, TYPE)
    assert [told["what"] for _, told in await desk(store).acts(ONE)] == ["made"]
    await desk(store).remove("staff-1", "form-gone", ONE, TYPE)
    assert await present(store) is None
