"""What an order makes of what is in force; on both stores the second word, the state and the entities are one."""

from __future__ import annotations

from json import loads
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.clock import micros, text
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.store import Store
from kitamae.kernel.people.person import Principal
from kitamae.kernel.problems import Conflict
from kitamae.kernel.registers.evacuation import WAITS, Evacuation
from kitamae.kernel.registers.evacuation_state import (
    LEVELS,
    Act,
    Proposal,
    Standing,
    after,
    alerts,
    hazards,
    names,
)

ONE, TWO = (Principal(f"staff-{n}", "staff", assurance=2, session="x") for n in "12")
A, B = {"id": "001", "name": "甲町"}, {"id": "002", "name": "乙町"}
AT = "2026-11-22T00:00:00Z"


def proposal(act: str, *ids: str, level: int = 4, hazard: str = "洪水") -> Proposal:
    return {
        "act": act, "level": level if act == "issue" else 0, "hazard": hazard if act == "issue" else "",
        "districts": [{"id": id, "name": f"{id}町"} for id in ids], "text": "わけ", "rehearsal": False, "by": "staff-1", "at": AT,
        "order": "",
    }  # type: ignore[typeddict-item]  # fmt: skip


PROPOSALS = st.builds(
    lambda act, ids, level, hazard: proposal(act, *ids, level=level, hazard=hazard),
    st.sampled_from(["issue", "lift", "withdraw"]),
    st.lists(st.sampled_from(["1", "2", "3", "all"]), min_size=1, unique=True),
    st.sampled_from(list(LEVELS)),
    st.sampled_from(["洪水", "津波"]),
)


@given(st.lists(PROPOSALS, max_size=20))
def test_the_entities_say_at_every_step_what_is_in_force_and_nothing_else(steps: list[Proposal]) -> None:
    standing: dict[str, Standing] = {}
    shown: dict[str, dict[str, Any]] = {}
    for number, one in enumerate(steps):
        try:
            new = after(standing, one, str(number), AT)
        except Conflict:
            assert (one["act"] == "issue") == all(
                standing.get(it["id"], {}).get("level") == one["level"] for it in one["districts"]
            )
            continue
        for said in alerts(standing, new, one, ("17206", "加賀市")):
            shown[said["id"]] = shown.get(said["id"], {}) | said
        standing = new
        for level in LEVELS:
            entity = shown.get(f"urn:ngsi-ld:EvacuationOrder:17206:evacuation-{level}", {})
            there = names(standing, level)
            assert (entity.get("状態") == "発表中") == bool(there)
            if there:
                assert entity["対象地域"] == "、".join(there)
                assert entity["災害の種類"] == hazards(standing, level)


@pytest.fixture
def orders(store: Store) -> tuple[Evacuation, Store, list[int]]:
    clock = [1_790_000_000_000_000]
    return Evacuation(store, ("17206", "加賀市"), CORE.expand, now=lambda: clock[0]), store, clock


async def test_two_order_and_all_of_it_is_there_at_once(orders: tuple[Evacuation, Store, list[int]]) -> None:
    evacuation, store, _ = orders
    number = await evacuation.propose(ONE, "issue", [A, B], level=4, hazard="洪水", rehearsal=False)  # type: ignore[list-item]
    assert await evacuation.standing(rehearsal=False) == {}
    _, _, digest = await evacuation.proposal(number)
    await evacuation.decide(TWO, number, digest, yes=True)
    assert [one["level"] for one in (await evacuation.standing(rehearsal=False)).values()] == [4, 4]
    assert await store.row("", "urn:ngsi-ld:EvacuationOrder:17206:evacuation-4") is not None
    assert [one["id"] for one in await evacuation.orders(rehearsal=False)] == ["2026-0001"]
    assert len(await store.leaves(0, 100)) == 1
    with pytest.raises(Conflict):
        await evacuation.decide(TWO, number, digest, yes=True)


async def test_a_proposal_that_nobody_decided_in_time_is_over(
    orders: tuple[Evacuation, Store, list[int]],
) -> None:
    evacuation, store, clock = orders
    number = await evacuation.propose(ONE, "issue", [A], level=3, hazard="洪水", rehearsal=False)  # type: ignore[list-item]
    clock[0] += WAITS
    _, said, digest = await evacuation.proposal(number)
    assert said["word"] == "expired"
    with pytest.raises(Conflict):
        await evacuation.decide(TWO, number, digest, yes=True)
    assert await store.row("", "urn:ngsi-ld:EvacuationOrder:17206:evacuation-3") is None


async def in_force(evacuation: Evacuation, act: Act, text: str, level: int = 4) -> None:
    """By two."""
    hazard = "洪水" if act == "issue" else ""
    number = await evacuation.propose(ONE, act, [A], level=level, hazard=hazard, text=text, rehearsal=False)  # type: ignore[list-item]
    _, _, digest = await evacuation.proposal(number)
    await evacuation.decide(TWO, number, digest, yes=True)


async def said(store: Store, name: str) -> Any:
    entity = await store.row("", "urn:ngsi-ld:EvacuationOrder:17206:evacuation-4")
    assert entity is not None
    return loads(entity.doc)["attrs"][CORE.expand(name)][0]["v"]


async def test_an_order_counts_also_when_the_clock_was_set_back_since_the_last(
    orders: tuple[Evacuation, Store, list[int]],
) -> None:
    evacuation, store, clock = orders
    await in_force(evacuation, "issue", "あふれます。")
    right = clock[0] - 3_600_000_000
    for act, words, state in (
        ("issue", "右岸もあふれます。", "発表中"), ("lift", "水位が下がりました。", "解除"), ("issue", "また上がりました。", "発表中"),
    ):  # fmt: skip
        clock[0] = right
        await in_force(evacuation, act, words)  # type: ignore[arg-type]
        assert await said(store, "状態") == state
        if act == "issue":
            assert await said(store, "見出し") == f"洪水　{words}"
    [standing] = (await evacuation.standing(rehearsal=False)).values()
    assert standing["since"] == text(right), "people are told by the clock when it was ordered"


async def test_orders_are_numbered_by_the_citys_year(orders: tuple[Evacuation, Store, list[int]]) -> None:
    evacuation, _, clock = orders
    for at in ("2026-12-31T14:59:59Z", "2026-12-31T15:00:00Z", "2027-01-01T00:00:00Z"):
        clock[0] = micros(at)
        await in_force(evacuation, "issue", at)
    assert [one["id"] for one in await evacuation.orders(rehearsal=False)] == [
        "2027-0002",
        "2027-0001",
        "2026-0001",
    ]
