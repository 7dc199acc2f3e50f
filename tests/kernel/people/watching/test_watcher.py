"""From receipts in the vault to flags: on both stores, behind the commit, and again after a stop."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from vaults import DUTIES, NAME, OFFICER, TARO, Place, gone

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.mynumber import HoldsMyNumber
from kitamae.kernel.people.person import NOBODY, SYSTEM, Principal
from kitamae.kernel.people.vault import Asked, Vault
from kitamae.kernel.people.watching import Flag, Flags, Watcher
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound, NotSignedIn

CLERK = Principal("staff-9", "staff", session="s-clerk", assurance=2, duties=DUTIES)
COLLEAGUE = Principal("staff-2", "staff", session="s-two", assurance=2, duties=DUTIES)
HOUR = 3_600_000_000
NIGHT = clock.micros("2026-06-01T13:00:00Z")  # ten in the evening in Japan


def watching(place: Place, **more: Any) -> tuple[Flags, Watcher]:
    """As after a start."""

    async def agreed(person: str, purpose: str, at: int) -> bool:
        return False

    flags = Flags(place.store, lambda: place.vault, now=lambda: place.time)
    return flags, Watcher(place.store, lambda: place.vault, flags, agreed=agreed, **more)


async def look(place: Place, person: str, who: Principal = CLERK, purpose: str = "resident") -> None:
    place.time += 90_000_000
    await place.vault.read(Asked(who, purpose, (person,)))


async def night(place: Place, persons: int = 20) -> None:
    """Somebody comes back when nobody is there."""
    place.time = max(place.time, NIGHT)
    for n in range(persons):
        await place.vault.keep(SYSTEM, f"p-{n}", "resident", "person", {**NAME, "address": f"南町{n}"})
        await look(place, f"p-{n}")


async def flagged(place: Place, who: Principal = OFFICER, **more: Any) -> list[Flag]:
    flags, watcher = watching(place, **more)
    while await watcher.step():
        pass
    return await flags.all(who)


@pytest.fixture(autouse=True)
def in_june(place: Place) -> None:
    place.time = clock.micros("2026-06-01T01:00:00Z")


async def test_own_family_is_found_by_keyed_marks_and_no_name_is_opened(vault: Vault, place: Place) -> None:
    await vault.keep(
        SYSTEM, CLERK.ref, "watching", "person", {"name": "加賀 花子", "address": NAME["address"]}
    )
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    await look(place, "p-taro")
    opened = len(await place.leaves())
    (flag,) = await flagged(place)
    assert [one["kind"] for one in flag["reasons"]] == ["household"]
    assert (flag["who"], flag["day"], flag["state"]) == (CLERK.ref, "2026-06-01", "open")
    assert len(await place.leaves()) == opened + 1  # that it was raised; nobody's data was read for it


async def test_a_neighbour_and_oneself_are_told_apart_by_block_and_name(vault: Vault, place: Place) -> None:
    await vault.keep(
        SYSTEM, CLERK.ref, "watching", "person", {"name": "山中 一", "address": "加賀市大聖寺南町ニ41番地2"}
    )
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    await vault.keep(
        SYSTEM, "p-same", "resident", "person", {"name": "山中一", "address": "加賀市大聖寺南町ニ41番地2"}
    )
    common = vault.outside.common
    assert await common(SYSTEM, "", CLERK.ref, "p-taro") == {"address.block"}
    assert await common(SYSTEM, "", CLERK.ref, "p-same") == {"address.block", "address", "name"}
    assert await common(SYSTEM, "", CLERK.ref, "p-nobody") == frozenset()
    for who in (NOBODY, TARO):
        with pytest.raises((NotSignedIn, Forbidden)):
            await common(who, "", CLERK.ref, "p-taro")


async def test_a_family_name_that_many_bear_says_nothing(vault: Vault, place: Place) -> None:
    await vault.keep(SYSTEM, CLERK.ref, "watching", "person", {"name": "加賀 花子"})
    await vault.keep(SYSTEM, "p-0", "resident", "person", {"name": "加賀 太郎"})
    assert await vault.outside.common(SYSTEM, "", CLERK.ref, "p-0") == {"name.family"}
    for n in range(1, 50):
        await vault.keep(SYSTEM, f"p-{n}", "resident", "person", {"name": f"加賀 {n}"})
    assert await vault.outside.common(SYSTEM, "", CLERK.ref, "p-0") == frozenset()


async def test_watching_goes_on_where_it_stopped_and_raises_nothing_twice(vault: Vault, place: Place) -> None:
    await night(place, 6)
    assert await flagged(place) == []
    await night(place)
    (flag,) = await flagged(place)
    leaves = len(await place.leaves())
    assert await flagged(place) == [flag]
    await place.store.transact(
        _forget
    )  # as if it had been killed between the flag and the place where it stood
    assert await flagged(place) == [flag]
    assert len(await place.leaves()) == leaves
    assert len(flag["reasons"][0]["numbers"]) == 26


async def _forget(tx: Any) -> None:
    await tx.drop("", "watched", "/upto")
    await tx.drop("", "watched", CLERK.ref)


async def test_a_flag_grows_while_it_is_open_and_what_follows_a_decision_is_a_new_one(
    vault: Vault, place: Place
) -> None:
    await night(place)
    (first,) = await flagged(place)
    await night(place, 3)
    (grown,) = await flagged(place)
    assert grown["id"] == first["id"]
    assert [one["event"] for one in grown["steps"]] == ["raised", "grown"]
    flags, _ = watching(place)
    await flags.decide(OFFICER, first["id"], "dismissed", "夜間の窓口の応援でした")
    await night(place, 5)
    new, old = await flagged(place)
    assert (new["state"], old["state"], old["id"]) == ("open", "dismissed", first["id"])
    assert not {n for one in new["reasons"] for n in one["numbers"]} & {
        n for one in old["reasons"] for n in one["numbers"]
    }


async def test_whoever_opens_a_flag_is_receipted_and_the_reason_is_sealed(vault: Vault, place: Place) -> None:
    await night(place)
    (flag,) = await flagged(place)
    flags, _ = watching(place)
    evidence = await flags.evidence(OFFICER, flag["id"])
    assert [(one.nth, one.person) for one in evidence.looks] == [(n + 1, "") for n in range(20)]
    await flags.decide(OFFICER, flag["id"], "released", "本人に確かめたところ仕事ではなかった")
    told = await vault.receipts(Asked(OFFICER, "watching", (f"flag-{flag['id']}",)), 1 << 62, 10)
    assert {(one.who, one.purpose) for one in told} == {(OFFICER.ref, "watching")}
    for file in place.folder.iterdir():
        assert not file.is_file() or "仕事ではなかった".encode() not in file.read_bytes()
    after = await flags.evidence(COLLEAGUE, flag["id"])
    assert [one["reason"] for one in after.said] == ["", "本人に確かめたところ仕事ではなかった"]


async def test_each_step_has_its_leaf_that_its_record_opens(vault: Vault, place: Place) -> None:
    await night(place)
    (flag,) = await flagged(place)
    flags, _ = watching(place)
    await flags.decide(OFFICER, flag["id"], "dismissed", "夜間の窓口の応援でした")
    leaves = {one.number: one.data for one in await place.store.leaves(0, 1_000)}
    evidence = await flags.evidence(OFFICER, flag["id"])
    assert len(evidence.said) == len(evidence.flag["steps"]) == 2
    for said, step in zip(evidence.said, evidence.flag["steps"], strict=True):
        told = {name: value for name, value in said.items() if name not in ("salt", "number")}
        assert said["number"] == step["leaf"]
        commitment.opened(
            leaves[step["leaf"]], base64.b64decode(str(said["salt"])), commitment.canonical(told)
        )


async def test_nobody_judges_a_flag_about_himself_or_twice_or_without_a_reason(
    vault: Vault, place: Place
) -> None:
    await night(place)
    (flag,) = await flagged(place)
    flags, _ = watching(place)
    assert await flags.all(CLERK) == []
    for refused in (flags.evidence(CLERK, flag["id"]), flags.decide(CLERK, flag["id"], "dismissed", "x")):
        with pytest.raises(Forbidden, match="oneself"):
            await refused
    with pytest.raises(BadRequest):
        await flags.decide(OFFICER, flag["id"], "dismissed", "  ")
    with pytest.raises(HoldsMyNumber):
        await flags.decide(OFFICER, flag["id"], "dismissed", "123456789018")
    with pytest.raises(Forbidden):
        await flags.decide(
            Principal("staff-3", "staff", session="s", assurance=1, duties=DUTIES),
            flag["id"],
            "dismissed",
            "x",
        )
    with pytest.raises(NotFound):
        await flags.evidence(OFFICER, "nothing")
    await flags.decide(OFFICER, flag["id"], "dismissed", "応援")
    with pytest.raises(Conflict, match="already"):
        await flags.decide(COLLEAGUE, flag["id"], "released", "x")


async def test_a_person_sees_what_was_released_about_his_own_records_and_nothing_else(
    vault: Vault, place: Place
) -> None:
    await vault.keep(SYSTEM, TARO.ref, "resident", "person", NAME)
    await night(place)
    await look(place, TARO.ref)
    (flag,) = await flagged(place)
    flags, _ = watching(place)
    assert await flags.mine(TARO) == []
    await flags.decide(OFFICER, flag["id"], "released", "仕事ではなかった")
    (concern,) = await flags.mine(TARO)
    assert (concern.who, concern.kinds, len(concern.looks)) == (CLERK.ref, ("off-hours",), 1)
    assert concern.looks[0].person == TARO.ref
    assert await flags.mine(Principal("p-other", "resident", session="s")) == []
    with pytest.raises(Forbidden):
        await flags.mine(NOBODY)


async def test_an_erased_person_is_named_in_no_flag_any_more(vault: Vault, place: Place) -> None:
    await night(place)
    (flag,) = await flagged(place)
    await gone(vault, "p-3")
    flags, _ = watching(place)
    evidence = await flags.evidence(OFFICER, flag["id"])
    assert [one.nth for one in evidence.looks] == [1, 2, 3, 0, *range(4, 20)]


async def test_what_is_not_ones_duty_and_what_nobody_agreed_to_is_flagged(vault: Vault, place: Place) -> None:
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)

    async def duties(who: str, at: int) -> frozenset[str]:
        return frozenset({"visit"})

    await look(place, "p-taro")
    (flag,) = await flagged(place, duties=duties)
    assert [one["kind"] for one in flag["reasons"]] == ["off-purpose"]


async def test_a_flag_is_forgotten_when_its_time_is_over(vault: Vault, place: Place) -> None:
    await night(place)
    (flag,) = await flagged(place)
    flags, _ = watching(place)
    assert await flags.tidy() == 0
    place.time = clock.micros(flag["due"])
    assert await flags.tidy() == 0, "a clock that is years ahead is doubted"
    place.later(0)
    assert (await flags.tidy(), await flags.all(OFFICER)) == (1, [])
