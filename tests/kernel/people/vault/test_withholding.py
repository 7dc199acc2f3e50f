"""A look of which the person hears later, on a day that is said at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from vaults import NAME, OFFICER, PURPOSES, TARO, Place, asked, receipts

from kitamae.kernel.people import notices
from kitamae.kernel.people.mynumber import HoldsMyNumber
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.vault import OWN, Asked, Vault
from kitamae.kernel.people.vault.classes import DAY
from kitamae.kernel.people.vault.withholding import SHOWN_DAYS
from kitamae.kernel.problems import BadRequest, Forbidden, NotFound, NotSignedIn

DUTIES = OFFICER.duties | {("", "desk:privacy")}
PRIVACY = replace(OFFICER, ref="staff-2", session="s-privacy", duties=DUTIES)
LAW = "個人情報の保護に関する法律 第78条第1項第7号"
MINE = Asked(TARO, OWN, (TARO.ref,))


async def looked(vault: Vault, times: int = 1) -> int:
    """Somebody looks so often; the number of the last receipt."""
    await vault.keep(SYSTEM, TARO.ref, "resident", "person", NAME)
    for _ in range(times):
        await vault.read(asked())
    return (await receipts(vault))[0].number


async def test_a_look_is_withheld_counted_and_shown_with_its_order_on_the_day(
    place: Place, vault: Vault
) -> None:
    number = await looked(vault, 2)
    until = place.time + 30 * DAY
    order = await vault.withhold(PRIVACY, TARO.ref, number, LAW, until)
    assert number not in [one.number for one in await receipts(vault)]
    assert len(await receipts(vault)) == 1
    assert await vault.withheld(MINE) == [until]
    place.time = until
    seen = {one.number: one for one in await receipts(vault)}
    assert (seen[number].who, seen[order].who) == (OFFICER.ref, PRIVACY.ref)
    assert seen[order].basis == LAW
    assert seen[order].fields["receipt"] == [str(number)]
    assert await vault.withheld(MINE) == []
    leaves = {one.number: one.data for one in await place.store.leaves(0, 100)}
    assert leaves[order] == seen[order].leaf()


async def test_nobody_but_the_desk_that_looks_after_privacy_sees_it_meanwhile_whatever_the_purpose(
    place: Place, vault: Vault
) -> None:
    number = await looked(vault)
    await vault.withhold(PRIVACY, TARO.ref, number, LAW, place.time + DAY)
    for who in (OFFICER, PRIVACY):
        assert number not in [one.number for one in await vault.receipts(asked(who), 1 << 62, 99)]
    assert number in [one.number for one in await vault.receipts(asked(PRIVACY), 1 << 62, 99, whole=True)]
    for who in (OFFICER, TARO):
        with pytest.raises(Forbidden):
            await vault.receipts(asked(who), 1 << 62, 99, whole=True)


async def test_an_order_names_a_law_an_end_and_a_look_of_somebody_else(place: Place, vault: Vault) -> None:
    number = await looked(vault)
    soon = place.time + DAY
    for who, law, until, which, error in (
        (PRIVACY, " ", soon, number, BadRequest),
        (PRIVACY, LAW, place.time, number, BadRequest),
        (PRIVACY, LAW, place.time + 367 * DAY, number, BadRequest),
        (PRIVACY, LAW, soon, number + 99, NotFound),
        (OFFICER, LAW, soon, number, Forbidden),
        (replace(OFFICER, duties=DUTIES), LAW, soon, number, Forbidden),
        (TARO, LAW, soon, number, Forbidden),
        (replace(TARO, role="anyone"), LAW, soon, number, NotSignedIn),
    ):
        with pytest.raises(error):
            await vault.withhold(who, TARO.ref, which, law, until)
    with pytest.raises(NotFound):
        await vault.withhold(PRIVACY, "p-nobody", number, LAW, soon)
    assert await vault.withheld(MINE) == []
    assert len(await receipts(vault)) == 1


async def test_pages_of_the_log_are_full_also_where_many_rows_are_withheld(
    place: Place, vault: Vault
) -> None:
    await looked(vault, 9)
    all = [one.number for one in await receipts(vault)]
    for number in all[1:6]:
        await vault.withhold(PRIVACY, TARO.ref, number, LAW, place.time + DAY)
    page = await vault.receipts(MINE, 1 << 62, 3)
    assert [one.number for one in page] == [all[0], all[6], all[7]]
    assert [one.number for one in await vault.receipts(MINE, page[-1].number, 3)] == [all[8]]


async def test_a_shorter_order_shows_it_sooner_and_is_logged_as_well(place: Place, vault: Vault) -> None:
    number = await looked(vault)
    await vault.withhold(PRIVACY, TARO.ref, number, LAW, place.time + 300 * DAY)
    await vault.withhold(PRIVACY, TARO.ref, number, LAW, place.time + DAY)
    assert await vault.withheld(MINE) == [place.time + DAY]
    place.later(DAY)
    assert number in [one.number for one in await receipts(vault)]


async def test_no_my_number_stands_in_the_law_of_an_order(place: Place, vault: Vault) -> None:
    number = await looked(vault)
    with pytest.raises(HoldsMyNumber):
        await vault.withhold(PRIVACY, TARO.ref, number, LAW + " 1234 5678 9018", place.time + DAY)


async def test_whoever_came_in_with_no_more_than_a_link_withholds_nothing(place: Place, vault: Vault) -> None:
    number = await looked(vault)
    with pytest.raises(Forbidden, match="passkey"):
        await vault.withhold(replace(PRIVACY, assurance=1), TARO.ref, number, LAW, place.time + DAY)


async def test_what_was_withheld_is_not_swept_before_the_person_had_the_time_to_see_it(
    place: Place, vault: Vault
) -> None:
    number = await looked(vault, 2)
    late = place.time + (PURPOSES.receipt_days - 10) * DAY
    place.later(late - place.time)
    order = await vault.withhold(PRIVACY, TARO.ref, number, LAW, late + 366 * DAY)
    place.later(late + 365 * DAY - place.time)
    await vault.sweep()
    assert await receipts(vault) == [], "the other look went"
    assert await vault.withheld(MINE) == [late + 366 * DAY]
    place.later(DAY)
    await vault.sweep()
    assert {number, order} <= {one.number for one in await receipts(vault)}
    place.later((SHOWN_DAYS + 1) * DAY)
    await vault.sweep()
    assert number not in {one.number for one in await receipts(vault)}


async def test_only_the_notice_of_that_look_waits_and_as_long_as_the_order_says_now(
    place: Place, vault: Vault
) -> None:
    first, second = await looked(vault), await looked(vault)

    async def owe(tx: Any) -> tuple[str, ...]:
        flag = notices.What("flag")
        return tuple(
            [await notices.owe(tx, TARO.ref, flag, place.time, 0, looks) for looks in ((first,), (second,))]
        )

    of_first, of_second = await place.store.transact(owe)

    async def waits() -> list[int]:
        due = await notices.all_due(place.store)
        return [(due[one]["next"] - place.time) // DAY for one in (of_first, of_second)]

    for days in (300, 1):
        await vault.withhold(PRIVACY, TARO.ref, first, LAW, place.time + days * DAY)
        assert await waits() == [days, 0]
        assert list(await notices.of(place.store, TARO.ref, place.time)) == [of_second]
