"""That a person's records are erased as two ordered it, on each store: once, and to the end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from stores import STORES
from vaults import DUTIES, NAME, OFFICER, POLICY, Place

from kitamae.kernel.people.order import LAST, shown
from kitamae.kernel.people.orders import KEPT, Orders
from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.problems import Conflict

SECOND = Principal("staff-2", "staff", session="s-second", assurance=2, duties=DUTIES)
WHY = "請求により消す"


@pytest.fixture(params=sorted(STORES))
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    one = Place(STORES[request.param], tmp_path)
    await one.open()
    yield one
    await one.close()


def orders(place: Place) -> Orders:
    return Orders(place.store, POLICY, lambda: place.vault, lambda: place.time)


async def decide(of: Orders, number: str) -> None:
    await of.decide(SECOND, number, shown(await of.get(number)), yes=True)


async def test_of_several_who_order_the_same_at_once_one_does_and_after_the_word_it_may_be_ordered_again(
    place: Place,
) -> None:
    await place.vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    workers = [orders(place), orders(place)]
    tried = await asyncio.gather(
        *(one.ask(who, "p-taro", "resident", WHY) for one in workers for who in (OFFICER, SECOND)),
        return_exceptions=True,
    )
    assert [type(one) for one in tried if not isinstance(one, str)] == [Conflict] * 3
    (number,) = [one for one in tried if isinstance(one, str)]
    other = await workers[0].ask(OFFICER, "p-taro", "visit", WHY)  # another purpose is another order
    made = await workers[0].get(number)
    await workers[0].withdraw(OFFICER if made["by"] == OFFICER.ref else SECOND, number)
    again = await workers[1].ask(OFFICER, "p-taro", "resident", WHY)
    await decide(workers[0], again)
    place.later(KEPT + 1)
    assert await workers[0].tidy() == 3
    assert await workers[1].tidy() == 0
    assert [await place.store.documents("", kind) for kind in ("order", "approval", LAST)] == [[], [], []]
    assert other


async def test_an_erasure_that_cannot_be_finished_keeps_no_other_and_is_told_until_it_is(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = orders(place)
    persons = ("p-taro", "p-hanako", "p-jiro")
    numbers = {}
    for person in persons:
        await place.vault.keep(SYSTEM, person, "resident", "person", NAME)
        numbers[person] = await of.ask(OFFICER, person, "resident", WHY)

    destroy = place.keys.destroy
    fails = set(persons)

    async def sometimes(gone: Any) -> None:
        if gone[0].person in fails:
            raise OSError("the keys are not to be written")
        await destroy(gone)

    monkeypatch.setattr(place.vault._inner.keys.store, "destroy", sometimes)
    for number in numbers.values():
        with pytest.raises(OSError, match="not to be written"):
            await decide(of, number)
    assert (await of.finish(), of.trouble()[:1]) == (0, "3")
    fails = {"p-taro"}
    assert (await of.finish(), of.trouble()[:1]) == (2, "1")
    assert (await of.get(numbers["p-hanako"]))["done"]
    assert not (await of.get(numbers["p-taro"]))["done"]
    fails = set()
    assert (await of.finish(), of.trouble()) == (1, "")
    for person in persons:
        assert "resident" not in (await place.vault._inner.keys.of(person, anew=True)).current
