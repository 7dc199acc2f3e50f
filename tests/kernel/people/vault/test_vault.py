"""Personal data through the vault's door: sealed, found, read for a purpose, receipted."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from functools import partial

import orjson
import pytest
from vaults import NAME, OFFICER, TARO, Place, asked, receipts

from kitamae.kernel.context import clock
from kitamae.kernel.context.store import Transaction
from kitamae.kernel.ledger.commitment import commit
from kitamae.kernel.people.delegates import standing
from kitamae.kernel.people.mynumber import HoldsMyNumber
from kitamae.kernel.people.person import NOBODY, SYSTEM, Principal
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.vault import OWN, Asked, Vault
from kitamae.kernel.people.vault.citykey import CityKey
from kitamae.kernel.people.vault.classes import DAY
from kitamae.kernel.people.vault.problems import ClockSetBack, KeysMissing, Tampered, WrongKey
from kitamae.kernel.problems import BadRequest, Forbidden, NotFound, NotSignedIn


async def test_what_is_kept_is_read_back_and_stands_nowhere_in_plain_text(vault: Vault, place: Place) -> None:
    id = await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    (record,) = await vault.read(asked())
    assert (record.id, record.kind, record.klass, dict(record.fields)) == (id, "person", "resident", NAME)
    for file in place.folder.iterdir():
        if file.is_file():
            content = file.read_bytes()
            for word in ("加賀 太郎", "太郎", "タロウ", "南町", "1950"):
                assert word.encode() not in content, file


async def test_somebody_else_leaves_a_receipt_each_time_and_oneself_one_a_session(
    vault: Vault, place: Place
) -> None:
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    for _ in range(3):
        await vault.read(asked(fields=("name",)))
    for session in ("s-1", "s-1", "s-2"):
        await vault.read(asked(Principal("p-taro", "resident", session=session), OWN))
    found = await receipts(vault)
    assert [(one.who, one.purpose, one.basis) for one in reversed(found)] == [
        *[("staff-1", "resident", "law")] * 3,
        *[("p-taro", "own", "own")] * 2,
    ]
    assert found[-1].fields == {"person": ["name"]}
    leaves = {leaf.number: leaf.data for leaf in await place.store.leaves(0, 100)}
    for one in found:
        assert leaves[one.number] == one.leaf() == commit(one.salt, one.canonical())
    assert len(leaves) == 5


async def test_a_bulk_read_leaves_one_leaf_for_each_person(vault: Vault, place: Place) -> None:
    people = tuple(f"p-{n}" for n in range(20))
    for person in people:
        for kind in ("person", "household"):
            await vault.keep(SYSTEM, person, "resident", kind, {"name": person})
    assert len(await vault.read(asked(persons=people))) == 40
    assert len(await place.leaves()) == 20
    for person in people:
        (one,) = await receipts(vault, Principal(person, "resident", session="s" + person))
        assert one.fields == {"person": ["name"], "household": ["name"]}


async def test_without_a_receipt_there_is_no_plain_text(
    vault: Vault, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    opened: list[object] = []
    monkeypatch.setattr("kitamae.kernel.people.vault.reading.unseal", lambda *given: opened.append(given))
    await place.store.close()
    with pytest.raises(Exception, match="closing"):
        await vault.read(asked())
    assert opened == []
    place.store = await place.opener(place.folder)  # for the fixture to close


@pytest.mark.parametrize(
    ("who", "purpose", "refusal"),
    [
        (NOBODY, "resident", NotSignedIn),
        (NOBODY, OWN, NotSignedIn),
        (Principal("p-hanako", "resident", session="s"), OWN, Forbidden),
        (Principal("p-hanako", "resident", session="s"), "resident", Forbidden),
        (Principal("p-taro", "resident"), OWN, Forbidden),
        (Principal("token-1", "service", frozenset({"read:*", "write:*"})), "resident", Forbidden),
        (Principal("token-1", "service", frozenset({"read:person:visit"})), "resident", Forbidden),
        (Principal("staff-2", "staff", session="s", tenants=frozenset({"other"})), "resident", Forbidden),
        (OFFICER, "curiosity", Forbidden),
        (OFFICER, "", Forbidden),
        (OFFICER, "mailing", Forbidden),
    ],
)  # fmt: skip
async def test_whoever_may_not_look_gets_nothing_and_no_leaf_is_written(
    vault: Vault, place: Place, who: Principal, purpose: str, refusal: type[Exception]
) -> None:
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    with pytest.raises(refusal):
        await vault.read(asked(who, purpose))
    if purpose == "mailing":  # somebody else may have agreed to it: who did not is not found
        assert await vault.find(asked(who, purpose), {"name": "加賀太郎"}) == []
    else:
        with pytest.raises(refusal):
            await vault.find(asked(who, purpose), {"name": "加賀太郎"})
    assert await place.leaves() == []


async def test_a_purpose_shows_its_fields_only(vault: Vault) -> None:
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    (record,) = await vault.read(asked(purpose="visit"))
    assert dict(record.fields) == {"name": "加賀 太郎"}
    with pytest.raises(Forbidden, match="does not cover the field 'address'"):
        await vault.read(asked(purpose="visit", fields=("address",)))
    program = Principal("token-1", "service", frozenset({"read:person:visit"}))
    assert len(await vault.read(asked(program, "visit"))) == 1


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", "加賀太郎"), ("name", "加賀　太郎"), ("kana", "かがたろう"), ("kana", "ｶｶﾞ ﾀﾛｳ"),
        ("address", "加賀市大聖寺南町ニ４１番地"), ("birth_date", "1950年4月1日"), ("birth_date", "1950/4/1"),
    ],
)  # fmt: skip
async def test_a_person_is_found_however_the_name_is_written(vault: Vault, field: str, text: str) -> None:
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    await vault.keep(
        SYSTEM, "p-hanako", "resident", "person", {"name": "山中 花子", "kana": "ヤマナカ ハナコ"}
    )
    assert {one.person for one in await vault.find(asked(), {field: text})} == {"p-taro"}
    assert await vault.find(asked(), {field: text + "二"}) == []
    assert [one.who for one in await receipts(vault)] == ["staff-1"]


@pytest.mark.parametrize(("kept", "sought"), [("渡邊 龍", "渡辺竜"), ("髙橋", "高橋"), ("齋藤", "斎藤"), ("𠮷田", "吉田"), ("濵﨑", "浜崎"), ("辻\U000e0100", "辻")])  # fmt: skip
async def test_a_name_in_old_characters_is_found_in_new_ones(vault: Vault, kept: str, sought: str) -> None:
    await vault.keep(SYSTEM, "p-taro", "resident", "person", {"name": kept})
    assert len(await vault.find(asked(), {"name": sought})) == 1


async def test_a_corrected_record_is_found_by_what_it_says_now(vault: Vault) -> None:
    id = await vault.keep(SYSTEM, "p-taro", "resident", "person", {"name": "加賀 太郎"})
    assert await vault.keep(SYSTEM, "p-taro", "resident", "person", {"name": "山代 太郎"}, id=id) == id
    assert await vault.find(asked(), {"name": "加賀太郎"}) == []
    (record,) = await vault.find(asked(), {"name": "山代太郎"})
    assert record.id == id
    with pytest.raises(NotFound):
        await vault.keep(SYSTEM, "p-hanako", "resident", "person", {"name": "x"}, id=id)
    with pytest.raises(NotFound):
        await vault.keep(SYSTEM, "p-taro", "resident", "person", {"name": "x"}, id="nowhere")


async def test_a_record_that_holds_a_my_number_is_refused_and_nothing_is_left(
    vault: Vault, place: Place
) -> None:
    with pytest.raises(HoldsMyNumber):
        await vault.keep(SYSTEM, "p-taro", "resident", "person", {**NAME, "note": "番号 1234-5678-9018"})
    assert await vault.read(asked()) == []
    assert await place.keys.count() == 0


@pytest.mark.parametrize(
    ("klass", "kind", "fields", "refusal"),
    [
        ("resident", "person", {"病名": "x"}, BadRequest), ("unknown", "person", {"name": "x"}, Forbidden),
        ("resident", "", {"name": "x"}, BadRequest), ("resident", "a/b", {"name": "x"}, BadRequest),
        ("resident", "person", {}, BadRequest), ("resident", "person", {"name": object()}, BadRequest),
        ("resident", "person", {"note": ["x" * 90_000] * 12}, BadRequest),
    ],
)  # fmt: skip
async def test_a_record_that_is_not_declared_or_too_large_is_refused(
    vault: Vault, klass: str, kind: str, fields: dict[str, object], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await vault.keep(SYSTEM, "p-taro", klass, kind, fields)


async def test_records_of_one_person_come_in_pages(vault: Vault) -> None:
    ids = sorted(
        [await vault.keep(SYSTEM, "p-taro", "resident", "note", {"note": str(n)}) for n in range(25)]
    )
    found: list[str] = []
    while page := await vault.read(asked(TARO, OWN, most=10, after=found[-1] if found else "")):
        found += [one.id for one in page]
    assert found == ids
    assert len(await receipts(vault)) == 1


async def test_many_who_read_and_write_at_once_each_get_their_own(vault: Vault, place: Place) -> None:
    async def one(n: int) -> None:
        person = Principal(f"p-{n % 7}", "resident", session=f"s-{n}")
        await vault.keep(SYSTEM, person.ref, "resident", "note", {"note": f"{person.ref} {n}"})
        for record in await vault.read(Asked(person, OWN, (person.ref,))):
            assert str(record.fields["note"]).startswith(person.ref + " ")

    await asyncio.gather(*(one(n) for n in range(60)))
    assert len(await place.leaves()) == 60


async def test_a_foreign_city_key_opens_nothing_and_changes_nothing(place: Place) -> None:
    vault = await place.open()
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    await place.close()
    with pytest.raises(WrongKey, match=r"kitamae keys combine"):
        await place.open(CityKey.fresh())
    vault = await place.open()
    assert len(await vault.read(asked())) == 1
    await place.close()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_without_keys_db_the_city_says_what_is_missing(place: Place) -> None:
    vault = await place.open()
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    await place.close()
    kept = (place.folder / "keys.db").read_bytes()
    (place.folder / "keys.db").unlink()
    with pytest.raises(KeysMissing, match=r"restore --keys"):
        await place.open()
    (place.folder / "keys.db").write_bytes(kept)
    assert len(await (await place.open()).read(asked())) == 1
    await place.close()


async def test_a_clock_that_was_set_back_stops_everything_personal(place: Place) -> None:
    vault = await place.open()
    await vault.keep(SYSTEM, "p-taro", "resident", "person", NAME)
    place.time -= 3_600_000_000
    with pytest.raises(ClockSetBack, match="2026-11-21T00:00:00"):
        await vault.read(asked())
    assert await place.leaves() == []
    await place.close()
    vault = await place.open()
    with pytest.raises(ClockSetBack):
        await vault.read(asked())
    assert "kitamae keys clock" in vault.clock_trouble()
    await place.close()
    place.time += 3_600_000_000 - 1_000_000
    assert len(await (await place.open()).read(asked())) == 1
    await place.close()


def _meddle(db: sqlite3.Connection, change: str) -> None:
    rows = db.execute("SELECT id, fields FROM vault_record ORDER BY id").fetchall()
    (one, other) = (row[0] for row in rows)
    first, second = (orjson.loads(row[1]) for row in rows)
    name = first["name"]
    match change:
        case "fields":
            first["name"], first["kana"] = first["kana"], first["name"]
        case "records" | "person":
            first, second = second, first
        case "cut":
            first["name"] = name[:8]
        case "flipped":
            first["name"] = name[:-6] + ("A" if name[-6] != "A" else "B") + name[-5:]
    for id, fields in ((one, first), (other, second)):
        db.execute("UPDATE vault_record SET fields = ? WHERE id = ?", (orjson.dumps(fields), id))


@pytest.mark.parametrize("change", ["fields", "records", "cut", "flipped", "person"])
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_ciphertext_that_was_moved_cut_or_changed_is_refused(place: Place, change: str) -> None:
    vault = await place.open()
    people = ("p-taro", "p-hanako" if change == "person" else "p-taro")
    for person in people:
        await vault.keep(SYSTEM, person, "resident", "person", NAME)
    await place.close()
    db = sqlite3.connect(place.folder / "kitamae.db")
    _meddle(db, change)
    db.commit()
    db.close()
    vault = await place.open()
    with pytest.raises(Tampered):
        await vault.read(asked(persons=tuple(dict.fromkeys(people))))
    await place.close()


async def test_what_was_collected_for_another_purpose_is_not_shown_even_where_the_field_has_the_same_name(
    vault: Vault,
) -> None:
    await vault.keep(SYSTEM, "p-taro", "mailing", "letter", {"name": "加賀 太郎", "email": "taro@example.jp"})
    assert await vault.read(asked()) == []
    assert [one.klass for one in await vault.read(asked(TARO, OWN))] == ["mailing"]


async def test_whoever_looks_for_somebody_else_leaves_a_receipt_each_time_however_few_sessions_he_has(
    vault: Vault, place: Place
) -> None:
    people = ("p-father", "p-mother")
    for person in people:
        await vault.keep(SYSTEM, person, "resident", "person", NAME)

    async def appointed(tx: Transaction, number: str, person: str) -> None:
        said = {"at": clock.text(place.time), "by": "p-taro"}
        mandate = {
            "number": number, "of": person, "by": "p-taro", "sort": "appointed", "actions": ["read"], "classes": ["*"],
            "document": "", "begins": clock.text(place.time), "ends": clock.text(place.time + 90 * DAY),
            "made": said, "agreed": said, "events": [],
        }  # fmt: skip
        await tx.put(TENANT, "mandate", number, mandate)

    for number, person in enumerate(people):
        await place.store.transact(partial(appointed, number=str(number), person=person))
        held = await standing.acting(place.store, str(number), "p-taro", place.time)
        daughter = replace(TARO, acting=held)
        for _ in range(3):
            assert len(await vault.read(asked(daughter, OWN, persons=(person,)))) == 1
        found = await receipts(vault, Principal(person, "resident", session="s-" + person))
        assert [(one.who, one.basis) for one in found] == [("p-taro", f"mandate:{number}")] * 3
