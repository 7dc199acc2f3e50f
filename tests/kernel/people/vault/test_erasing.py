"""Whoever is erased stays erased: in the state, in a backup of it, in a backup of the keys, after a crash."""

from __future__ import annotations

import hashlib
import hmac
import shutil
from pathlib import Path

import pytest
from vaults import NAME, OFFICER, TARO, Place, asked, decided, gone, receipts

from kitamae.adapters.sqlite.keys.restoring import restore
from kitamae.kernel.ledger.commitment import canonical, commit
from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.people.vault import OWN, Ordered, Vault, index
from kitamae.kernel.people.vault.classes import DAY
from kitamae.kernel.people.vault.keyring import CITY, Keyring
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.problems import Forbidden, NotFound

HANAKO = {"name": "山中 花子", "kana": "ヤマナカ ハナコ"}


async def two(vault: Vault) -> None:
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    await vault.keep(SYSTEM, "p-taro", "mailing", "letter", {"name": "加賀 太郎", "email": "taro@example.jp"})
    await vault.keep(SYSTEM, "p-hanako", "resident", "person", HANAKO)
    await vault.read(asked())


async def is_gone(vault: Vault) -> None:
    assert await vault.read(asked()) == []
    assert await receipts(vault) == []
    for field, text in NAME.items():
        assert await vault.find(asked(), {field: text}) == []
    assert len(await vault.find(asked(), {"name": "山中花子"})) == 1


async def test_an_erased_person_is_neither_read_nor_found_and_the_receipts_leaf_says_nothing_any_more(
    vault: Vault, place: Place
) -> None:
    await two(vault)
    (before,) = await receipts(vault)
    leaves = await place.leaves()
    went, done = await gone(vault, "p-taro")
    assert done is not None
    assert (went, set(done.classes)) == (2, {"mailing", "receipts"})
    assert done.until == done.at + 7 * DAY
    await is_gone(vault)
    after = await place.leaves()
    assert after[: len(leaves)] == leaves  # every proof stays valid
    assert before.leaf() in after  # whoever took the salt away in time can still prove it
    own = after[len(leaves) + 1]  # behind the receipt of what two ordered
    assert own == commit(done.salt, canonical(done.told))
    left = await place.store.transact(lambda tx: tx.vault.noted("", "p-taro", 1 << 62, 10))
    assert left == []


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_no_file_holds_the_wrapped_key_or_a_tag_of_an_erased_person(place: Place) -> None:
    vault = await place.open()
    await two(vault)
    keys = [one.key for one in await place.keys.of("p-taro")]
    city = await Keyring(place.keys, [place.key], lambda: place.time).of(CITY)
    tags = [index.tag(city.newest(f"index:{field}")[1], "", field, text) for field, text in NAME.items()]
    here = [path for path in place.folder.iterdir() if path.name.startswith("keys.db")]
    assert all(any(secret in path.read_bytes() for path in here) for secret in (*keys, *tags))
    await gone(vault, "p-taro")
    for path in place.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret in content for secret in (*keys, *tags)), path
    await place.close()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_in_an_old_file_of_the_state_nobody_is_found_even_with_the_keys_of_the_city(
    place: Place,
) -> None:
    vault = await place.open()
    await two(vault)
    await place.store.backup(str(place.folder / "last-month.db"))
    city = await Keyring(place.keys, [place.key], lambda: place.time).of(CITY)
    await gone(vault, "p-taro")
    old = (place.folder / "last-month.db").read_bytes()
    for field, text in NAME.items():
        _, key = city.newest(f"index:{field}")
        made = index.tag(key, "", field, text)
        plain = index.normal(text).encode()
        hashed = [hashlib.sha256(plain).digest(), hmac.digest(key, plain, "sha256")]
        for secret in (made, made.hex().encode(), *hashed, text.encode(), plain):
            assert secret not in old
    await place.close()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_restore_of_last_months_state_leaves_the_person_erased(place: Place) -> None:
    vault = await place.open()
    await two(vault)
    await place.store.backup(str(place.folder / "last-month.db"))
    await gone(vault, "p-taro")
    await place.close()
    for end in ("", "-wal", "-shm"):
        (place.folder / f"kitamae.db{end}").unlink(missing_ok=True)
    shutil.copy(place.folder / "last-month.db", place.folder / "kitamae.db")
    vault = await place.open()
    await is_gone(vault)
    left = await place.store.transact(lambda tx: tx.vault.of("", "p-taro"))
    assert left == []
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)  # who comes back begins anew
    assert len(await vault.read(asked())) == 1
    await place.close()
    vault = await place.open()
    assert len(await vault.read(asked())) == 1  # and is not erased again
    await place.close()


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_restore_of_older_keys_leaves_the_person_erased(place: Place, lost: bool) -> None:
    vault = await place.open()
    await two(vault)
    copy = place.folder / "keys-of-yesterday"
    await vault.backup(str(copy))
    await gone(vault, "p-taro")
    await place.close()
    if lost:  # the list beside it is what is left
        for end in ("", "-wal", "-shm"):
            (place.folder / f"keys.db{end}").unlink(missing_ok=True)
    restore(copy, place.folder / "keys.db", place.time, backup_days=7)
    vault = await place.open()
    await is_gone(vault)
    assert not any(one.person == "p-taro" for one in await place.keys.of("p-taro"))
    await place.close()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_keys_from_a_backup_that_is_older_than_was_promised_are_refused(place: Place) -> None:
    vault = await place.open()
    await two(vault)
    copy = place.folder / "keys-of-last-month"
    await vault.backup(str(copy))
    await place.close()
    with pytest.raises(VaultClosed, match="7 days"):
        restore(copy, place.folder / "keys.db", place.time + 8 * DAY, backup_days=7)
    assert len(await (await place.open()).read(asked())) == 1
    await place.close()


async def test_a_crash_between_the_keys_and_the_records_is_finished_at_the_next_start(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = await place.open()
    await two(vault)

    async def crash(work: object) -> None:
        raise SystemError("killed")

    monkeypatch.setattr(place.store, "transact", crash)
    with pytest.raises(SystemError):
        await vault.erase(TARO, "p-taro")
    monkeypatch.undo()
    assert [one.klass for one in await vault.read(asked(TARO, OWN))] == ["resident"]  # from the first step on
    await place.close()
    vault = await place.open()
    left = await place.store.transact(lambda tx: tx.vault.of("", "p-taro"))
    assert [one.klass for one in left] == ["resident"]
    await gone(vault, "p-taro")
    await is_gone(vault)
    await place.close()


async def test_a_person_erases_what_rests_on_consent_and_is_told_what_the_law_keeps(vault: Vault) -> None:
    await two(vault)
    done = await vault.erase(TARO, "p-taro")
    assert done.classes == ("mailing",)
    assert done.kept == {"resident": "住民基本台帳法"}
    assert [one.klass for one in await vault.read(asked(TARO, OWN))] == ["resident"]
    assert len(await vault.find(asked(), {"name": "加賀太郎"})) == 1
    with pytest.raises(Forbidden):
        await vault.erase(TARO, "p-hanako")
    with pytest.raises(NotFound):
        await vault.erase(Principal("p-nobody", "resident", session="s", assurance=3), "p-nobody")
    with pytest.raises(Forbidden):
        await vault.erase(OFFICER, "p-taro")
    with pytest.raises(Forbidden):
        await vault.erase(SYSTEM, "p-taro")
    with pytest.raises(Forbidden):
        await vault.erase_for(SYSTEM, "p-taro", "resident", Ordered("staff-2", {}, decided))
    assert [one.klass for one in await vault.read(asked(TARO, OWN))] == ["resident"]


async def test_what_a_worker_seals_with_a_dead_key_is_sealed_anew_not_lost(
    vault: Vault, place: Place
) -> None:
    """Another worker remembers the keys of a person who was erased here."""
    other = await Vault.open(
        *(place.store, place.keys, [place.key], vault.purposes, vault._inner.policy), now=lambda: place.time
    )
    await two(vault)
    assert len(await other.read(asked())) == 1
    await gone(vault, "p-taro")
    await other.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    for one in (vault, other):
        assert [dict(record.fields) for record in await one.read(asked())] == [NAME]


async def test_what_is_past_its_retention_goes_by_itself_with_an_entry_and_its_key(
    vault: Vault, place: Place
) -> None:
    await vault.keep(SYSTEM, "p-taro", "visit", "ticket", {"name": "加賀 太郎", "when": "2026-11-21"})
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    place.later(29 * DAY)
    await vault.keep(SYSTEM, "p-hanako", "visit", "ticket", {"name": "山中 花子"})
    assert await vault.sweep() == 0
    place.later(2 * DAY)
    assert await vault.sweep() == 1
    assert [one.klass for one in await place.keys.of("p-taro")] == ["receipts", "resident"]
    assert len(await vault.find(asked(purpose="visit"), {"name": "加賀太郎"})) == 1  # by the other record
    (_, swept) = await receipts(vault)
    assert (swept.who, swept.purpose, list(swept.fields)) == ("system", "retention", ["ticket"])
    assert swept.leaf() in await place.leaves()
    await vault.keep(SYSTEM, "p-taro", "visit", "ticket", {"name": "加賀 太郎"})
    assert {one.klass for one in await vault.read(asked(purpose="visit"))} == {"resident", "visit"}
    place.later(10 * 365 * DAY)
    assert await vault.sweep() == 3
    assert await vault.read(asked()) == []


async def test_who_looked_is_kept_as_long_as_the_purpose_says_and_then_goes_by_itself(
    vault: Vault, place: Place
) -> None:
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    for purpose in ("resident", "visit"):
        await vault.read(asked(purpose=purpose))
    assert vault.purposes.receipts_whole == 400
    place.later(399 * DAY)
    await vault.sweep()
    assert {one.purpose for one in await receipts(vault)} >= {"resident", "visit"}
    place.later(2 * DAY)
    await vault.sweep()
    left = {one.purpose for one in await receipts(vault)}
    assert "resident" in left
    assert "visit" not in left
    place.later(3 * 365 * DAY)
    await vault.sweep()
    assert "resident" not in {one.purpose for one in await receipts(vault)}


async def test_ten_thousand_records_go_with_one_transaction(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = await place.open()
    await vault.keep(SYSTEM, "p-taro", "mailing", "person", {"name": NAME["name"]})
    (row,) = await place.store.transact(lambda tx: tx.vault.of("", "p-taro"))

    async def many(tx: object) -> None:
        for n in range(10_000):
            await tx.vault.put(row._replace(id=f"copy-{n}"))  # type: ignore[attr-defined]

    await place.store.transact(many)
    before = place.store.transact
    calls: list[object] = []

    async def counted(work: object) -> object:
        calls.append(work)
        return await before(work)

    monkeypatch.setattr(place.store, "transact", counted)
    assert (await vault.erase(TARO, "p-taro")).records == 10_001
    assert len(calls) == 1
    await place.close()


def test_a_line_of_the_list_of_erasures_that_a_crash_cut_off_is_left_out(tmp_path: Path) -> None:
    from kitamae.adapters.sql.erased import listed

    (tmp_path / "erased").write_text('["p-1", "c", 1, 2, 3]\n["p-2", "c"')
    assert [one.person for one in listed(tmp_path / "erased")] == ["p-1"]
    with (tmp_path / "erased").open("a") as file:
        file.write('\n["p-3", "c", 1, 2, 3]\n')
    assert [one.person for one in listed(tmp_path / "erased")] == ["p-1", "p-3"]
