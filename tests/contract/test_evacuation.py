"""What an order makes of what is in force; on both stores the second word, the state and the entities are one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.store import Store
from kitamae.kernel.people.person import Principal
from kitamae.kernel.problems import Conflict
from kitamae.kernel.registers.evacuation import WAITS, Evacuation
from kitamae.kernel.registers.evacuation_state import LEVELS, Proposal, Standing, after, alerts, names

ONE, TWO = (Principal(f"staff-{n}", "staff", assurance=2, session="x") for n in "12")
A, B = {"id": "001", "name": "甲町"}, {"id": "002", "name": "乙町"}
AT = "2026-11-22T00:00:00Z"


def proposal(act: str, *ids: str, level: int = 4) -> Proposal:
    return {
        "act": act, "level": level if act == "issue" else 0, "hazard": "洪水" if act == "issue" else "",
        "districts": [{"id": id, "name": f"{id}町"} for id in ids], "text": "わけ", "rehearsal": False, "by": "staff-1", "at": AT,
        "order": "",
    }  # type: ignore[typeddict-item]  # fmt: skip


PROPOSALS = st.builds(
    lambda act, ids, level: proposal(act, *ids, level=level),
    st.sampled_from(["issue", "lift", "withdraw"]),
    st.lists(st.sampled_from(["1", "2", "3", "all"]), min_size=1, unique=True),
    st.sampled_from(list(LEVELS)),
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
