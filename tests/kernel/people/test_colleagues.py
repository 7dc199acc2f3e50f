"""What colleagues are called is with the account, the same on each store and on every worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from stores import STORES

from kitamae.kernel.context.store import Kept
from kitamae.kernel.people.colleagues import Called, Colleagues, called, move, stay
from kitamae.kernel.people.mynumber import HoldsMyNumber
from kitamae.kernel.people.people import People
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.problems import BadRequest, NotFound

AT = "2026-11-30T15:00:00Z"
NOW = 1_795_000_000_000_000  # 18 November 2026
LATER = 1_797_000_000_000_000


@pytest_asyncio.fixture(params=sorted(STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    store = await STORES[request.param](tmp_path)
    yield store
    await store.close()


async def test_a_name_and_an_office_are_kept_with_the_account_and_an_office_changes_on_its_day(
    store: Any,
) -> None:
    people = People(store, str)
    ref = await people.staff(another=True, called=called(" 山中  花子 ", "税務課"))
    unnamed = await people.staff(another=True)

    async def moved(tx: Any) -> None:
        await move(tx, ref, "市民課", AT, "t1")

    await store.transact(moved)
    for now, section in ((NOW, "税務課"), (LATER, "市民課")):
        later = Colleagues(store, lambda now=now: now)
        await later.load()
        assert later.called(ref) == Called("山中 花子", section)
        assert later.called(unnamed) is None
        assert later.called("resident-1") is None

    async def stayed(tx: Any) -> None:
        await stay(tx, ref, "t1")

    await store.transact(stayed)
    await later.again([ref])
    assert later.called(ref) == Called("山中 花子", "税務課")


async def test_who_is_renamed_keeps_the_office_that_is_planned_and_another_worker_hears_of_it(
    store: Any,
) -> None:
    people = People(store, str, now=lambda: NOW)
    ref = await people.staff(another=True, called=Called("山中 花子", "税務課"))
    other = Colleagues(store, lambda: NOW)
    await other.load()

    async def moved(tx: Any) -> None:
        await move(tx, ref, "市民課", AT, "t1")

    await store.transact(moved)
    await people.colleagues.call(SYSTEM, {ref: Called("加賀 花子", "税務課")})
    assert (await people.person(ref))["moves"][0]["section"] == "市民課"
    await other._others([Kept("", "person", ref, await store.get("", "person", ref))])
    assert other.called(ref) == Called("加賀 花子", "税務課")
    with pytest.raises(NotFound):
        await people.colleagues.call(SYSTEM, {"staff-0": Called("加賀 花子")})


def test_a_name_is_one_line_of_sixty_characters_without_a_my_number() -> None:
    for name in ("", " ", "あ" * 61):
        with pytest.raises(BadRequest):
            called(name)
    with pytest.raises(HoldsMyNumber):
        called("加賀 123456789018")
