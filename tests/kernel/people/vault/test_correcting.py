"""Fields of a record are corrected as two have ordered it: over what was seen, in one transaction, or not at all. On both stores."""

from __future__ import annotations

from typing import Any

import pytest
from vaults import NAME, OFFICER, TARO, Place, asked, receipts

from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.people.vault import OWN, Asked, Edit, Ordered, Vault, gone
from kitamae.kernel.people.vault.problems import Moved
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound

SAID = {"why": "第92条", "second": "staff-1", "case": "2026-ABCDEF"}
MOVES = Edit("address", (NAME["address"],), ("加賀市山代温泉",))


def ordered(told: list[int] | None = None) -> Ordered:
    async def decided(tx: Any, number: int) -> None:
        await tx.put("", "test", "decided", {"number": number})
        await gone(tx, "p-taro", "resident", "order:1")
        if told is not None:
            told.append(number)

    return Ordered("staff-2", SAID, decided)


async def test_a_correction_is_one_transaction_and_lengthens_no_retention(vault: Vault, place: Place) -> None:
    id = await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    await vault.keep(SYSTEM, "p-taro", "resident", "order:1", {"note": "proposed"})
    (before,) = [one for one in await vault.read(asked()) if one.kind == "person"]
    place.later(86_400_000_000)
    told: list[int] = []
    await vault.correct(
        OFFICER, "p-taro", "resident", id, [MOVES, Edit("kana", (NAME["kana"],), None)], ordered(told)
    )
    (now,) = await vault.read(Asked(TARO, OWN, ("p-taro",)))
    assert now.fields == {**{k: v for k, v in NAME.items() if k != "kana"}, "address": "加賀市山代温泉"}
    assert (now.due, now.created) == (before.due, before.created)
    (past,) = now.former
    assert (past.by, past.number, past.fields) == (
        "staff-2",
        *told,
        {"address": NAME["address"], "kana": NAME["kana"]},
    )
    (wrote,) = [one for one in await receipts(vault) if one.act == "wrote"]
    assert (wrote.who, wrote.number, wrote.said, wrote.fields) == (
        "staff-2",
        *told,
        SAID,
        {"person": ["address", "kana"]},
    )
    assert wrote.leaf() in await place.leaves()
    assert await place.store.get("", "test", "decided") == {"number": told[0]}
    assert await vault.find(asked(), {"address": "加賀市山代温泉"})
    assert await vault.find(asked(), {"address": NAME["address"]}) == []


async def test_a_record_that_says_something_else_by_now_is_not_written(vault: Vault, place: Place) -> None:
    id = await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    await vault.keep(SYSTEM, "p-taro", "resident", "person", {**NAME, "note": "新しい"}, id=id)
    await vault.correct(OFFICER, "p-taro", "resident", id, [MOVES], ordered())
    (now,) = await vault.read(Asked(TARO, OWN, ("p-taro",)))
    assert (now.fields["note"], now.fields["address"]) == ("新しい", "加賀市山代温泉")
    leaves = await place.leaves()
    with pytest.raises(Moved):
        await vault.correct(OFFICER, "p-taro", "resident", id, [MOVES], ordered())
    with pytest.raises(Moved):
        await vault.correct(OFFICER, "p-taro", "resident", id, [Edit("note", None, ("x",))], ordered())
    assert await place.leaves() == leaves


async def test_what_changes_while_it_is_corrected_is_not_lost(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the commit somebody writes another field: it is looked at again."""
    id = await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    correcting: Any = vault.correct.__self__  # type: ignore[attr-defined]
    standing, once = correcting._standing, [True]

    async def between(*given: Any, **more: Any) -> Any:
        found = await standing(*given, **more)
        if once:
            once.pop()
            await vault.keep(SYSTEM, "p-taro", "resident", "person", {**NAME, "note": "その間に"}, id=id)
        return found

    monkeypatch.setattr(correcting, "_standing", between)
    await vault.correct(OFFICER, "p-taro", "resident", id, [MOVES], ordered())
    (now,) = await vault.read(Asked(TARO, OWN, ("p-taro",)))
    assert (now.fields["note"], now.fields["address"]) == ("その間に", "加賀市山代温泉")
    assert len(now.former) == 1


async def test_where_the_word_is_refused_nothing_of_it_stays(vault: Vault, place: Place) -> None:
    id = await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)

    async def refused(tx: Any, number: int) -> None:
        await tx.put("", "test", "decided", {"number": number})
        raise Conflict("nobody decides about this any more")

    leaves = await place.leaves()
    with pytest.raises(Conflict):
        await vault.correct(OFFICER, "p-taro", "resident", id, [MOVES], Ordered("staff-2", SAID, refused))
    (now,) = await vault.read(Asked(TARO, OWN, ("p-taro",)))
    assert (now.fields, now.former) == (NAME, [])
    assert (await place.store.get("", "test", "decided"), await place.leaves() == leaves) == (None, False)
    assert await vault.find(asked(), {"address": "加賀市山代温泉"}) == []
    assert await vault.find(asked(), {"address": NAME["address"]})


async def test_what_is_gone_or_somebody_elses_or_not_allowed_is_not_corrected(vault: Vault) -> None:
    id = await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    other = await vault.keep(SYSTEM, "p-hanako", "resident", "person", NAME)
    for record, klass, who, refusal in (
        ("nobody", "resident", OFFICER, NotFound),
        (other, "resident", OFFICER, NotFound),
        (id, "visit", OFFICER, NotFound),
        (id, "resident", Principal("staff-9", "staff", session="s", assurance=2), Forbidden),
    ):
        with pytest.raises(refusal):
            await vault.correct(who, "p-taro", klass, record, [MOVES], ordered())
    with pytest.raises(BadRequest, match="declares no field"):
        await vault.correct(OFFICER, "p-taro", "resident", id, [Edit("secret", None, ("x",))], ordered())
    everything = [Edit(name, (value,), None) for name, value in NAME.items()]
    with pytest.raises(BadRequest, match="1 to"):
        await vault.correct(OFFICER, "p-taro", "resident", id, everything, ordered())
    await vault.erase_for(OFFICER, "p-taro", "resident", Ordered("staff-2", SAID, _nothing))
    with pytest.raises(NotFound):
        await vault.correct(OFFICER, "p-taro", "resident", id, [MOVES], ordered())


async def _nothing(tx: Any, number: int) -> None:
    pass


async def test_what_was_proposed_goes_with_a_receipt_and_once(vault: Vault) -> None:
    await vault.keep(SYSTEM, "p-taro", "resident", "order:1", {"note": "proposed"})
    told: list[int] = []

    async def decided(tx: Any, number: int) -> None:
        told.append(number)

    for _ in range(2):
        await vault.discard(OFFICER, "p-taro", "resident", "order:1", Ordered("staff-2", SAID, decided))
    assert await vault.read(Asked(TARO, OWN, ("p-taro",))) == []
    (went,) = await receipts(vault)
    assert (went.who, went.act, went.fields, went.said) == ("staff-1", "erased", {"order:1": ["note"]}, SAID)
    assert told == [went.number, 0]
