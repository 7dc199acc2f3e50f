"""Personal data in a city that is served: over HTTP, in backups, and when something is wrong with the keys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyrage
import pytest

from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.vault import citykey
from kitamae.kernel.people.vault.citykey import CityKey
from kitamae.kernel.problems import Conflict, Problem
from serving import SAME, Served, serving
from staffing import all_erased, give

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"
TARO = {"name": "加賀 太郎", "kana": "カガ タロウ", "birth_date": "1950-04-01"}


async def signed_in(served: Served) -> str:
    """A member of staff in the client's session; the reference."""
    link = await served.kitamae.sign_in_link()
    code = link.rpartition("/")[2]
    assert (await served.client.post("/sign-in", data={"code": code}, headers=SAME)).status_code == 303
    return await served.kitamae.city.people.staff()


async def bearer(served: Served, *scopes: str) -> dict[str, str]:
    secret, _ = await served.kitamae.city.people.tokens.issue("test", scopes)
    return {"Authorization": f"Bearer {secret}"}


async def keep(served: Served, person: str, **fields: Any) -> str:
    return await served.kitamae.city.vault.keep(SYSTEM, person, "identity", "person", {**TARO, **fields})


async def test_one_sees_ones_own_records_and_who_looked(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        assert (await served.client.get("/my/records")).status_code == 401
        me = await signed_in(served)
        await keep(served, me)
        program = await bearer(served, "read:person:identity")
        looked = await served.client.get(f"/people/{me}/records?purpose=identity&field=name", headers=program)
        assert [one["fields"] for one in looked.json()["records"]] == [{"name": "加賀 太郎"}]
        mine = await served.client.get("/my/records")
        assert mine.headers["cache-control"] == "no-store"
        (record,) = mine.json()["records"]
        assert (record["fields"], record["class"], record["due"][:4]) == (TARO, "identity", "2029")
        told = (await served.client.get("/my/receipts")).json()["receipts"]
        assert [(one["purpose"], one["fields"]) for one in told] == [
            ("own", {"person": sorted(TARO)}),
            ("identity", {"person": ["name"]}),
        ]
        leaves = {leaf.number: leaf.data for leaf in await served.kitamae.city.store.leaves(0, 100)}
        assert all(one["proof"]["number"] in leaves for one in told)


async def test_a_look_that_shows_no_field_says_that_somebody_is_here_and_leaves_a_receipt(
    tmp_path: Path,
) -> None:
    """`note` is a field of the purpose that nobody wrote: the answer has the record's number, kind and times."""
    async with serving(tmp_path / "data", city=KAGA) as served:
        me = await signed_in(served)
        await keep(served, me)
        vault = served.kitamae.city.vault
        await vault.keep(SYSTEM, me, "requests", "request", {"name": TARO["name"]})
        program = await bearer(served, "read:person:identity", "read:person:requests")
        asked = (("identity", "note", "person"), ("requests", "represented", "request"))
        for purpose, field, _ in asked:
            looked = await served.client.get(
                f"/people/{me}/records?purpose={purpose}&field={field}", headers=program
            )
            assert [one["fields"] for one in looked.json()["records"]] == [{}]
            nothing = await served.client.get(
                f"/people/{me}/records?purpose={purpose}&field={field}&kind=x", headers=program
            )
            assert nothing.json()["records"] == []  # of nothing that was told nothing is left
        told = (await served.client.get("/my/receipts")).json()["receipts"]
        assert [(one["purpose"], one["fields"]) for one in reversed(told)] == [
            (purpose, {kind: []}) for purpose, _, kind in asked
        ]
        assert (await served.client.get("/my/log")).text.count("記録があることと、その日") == 2


async def test_whoever_may_not_look_is_told_so_and_a_wrong_question_too(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        await keep(served, "p-taro")
        other = await bearer(served, "read:*", "write:*")
        right = await bearer(served, "read:person:identity")
        for path, headers, status in (
            ("/people/p-taro/records?purpose=identity", {}, 401),
            ("/people/p-taro/records?purpose=identity", other, 403),
            ("/people/p-taro/records?purpose=other", right, 403),
            ("/people/p-taro/records?purpose=own", right, 400),
            ("/people/p-taro/records", right, 400),
            ("/people/p-taro/records?purpose=identity&limit=0", right, 400),
            ("/people/p-taro/records?purpose=identity&limit=x", right, 400),
            ("/people/p-taro/records?purpose=identity&field=税額", right, 403),
            ("/my/records", right, 401),
        ):
            answer = await served.client.get(path, headers=headers)
            assert answer.status_code == status, (path, answer.text)
        for sent in (b"", b"[]", b"{}", b'{"purpose":"identity","field":"name","text":1}', b"x" * 20_000):
            assert (
                await served.client.post("/people/search", content=sent, headers=right)
            ).status_code == 400
        leaves = await served.kitamae.city.store.leaves(0, 100)
        assert [one for one in leaves if b'"register"' not in one.data] == [], "no receipt"


async def test_under_open_nobody_reads_personal_data_without_signing_in(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA, open=True) as served:
        await keep(served, "p-taro")
        assert (await served.client.get("/people/p-taro/records?purpose=identity")).status_code == 401
        assert (await served.client.get("/my/records")).status_code == 401


async def test_staff_find_a_person_by_name_with_a_passkey_alone_and_no_address_bar_names_anybody(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        await keep(served, "p-taro")
        me = await signed_in(served)
        sent = {"purpose": "identity", "field": "kana", "text": "かが たろう"}
        assert (await served.client.post("/people/search", json=sent, headers=SAME)).status_code == 403
        session, _ = await served.kitamae.city.people.admit(me, "staff", 2)
        served.client.cookies.clear()
        served.client.cookies.set("kitamae_session", session)
        assert (await served.client.post("/people/search", json=sent, headers=SAME)).status_code == 403
        await give(served, me, "counter")
        found = await served.client.post("/people/search", json=sent, headers=SAME)
        assert [one["person"] for one in found.json()["records"]] == ["p-taro"]
        assert (await served.client.post("/people/search", json=sent)).status_code == 403


async def test_one_is_told_what_the_law_keeps(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        await keep(served, await signed_in(served))
        assert (await served.client.delete("/my/records")).status_code == 403  # another site's page
        told = (await served.client.delete("/my/records", headers=SAME)).json()
        assert told["kept"] == {"identity": "個人情報の保護に関する法律 第61条第1項"}
        assert (told["records"], told["proof"]) == (0, None)
        assert len((await served.client.get("/my/records")).json()["records"]) == 1


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_backup_is_restored_and_whoever_was_erased_stays_erased(
    tmp_path: Path, encrypted: bool
) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "identity").write_text(f"# a comment\n{identity}\n")
    to = str(identity.to_public()) if encrypted else ""
    file, keys = tmp_path / "city.tar", tmp_path / "keys"
    async with serving(tmp_path / "data", city=KAGA, backup_to=to) as served:
        await keep(served, "p-taro")
        await keep(served, "p-hanako", name="山中 花子")
        await served.kitamae.backup(file, keys)
        head = file.read_bytes()[:200]
        assert head.startswith(b"age-encryption.org/v1") == encrypted
        for secret in ("keys.db", "city.key"):
            assert secret.encode() not in file.read_bytes()
        with pytest.raises(Conflict, match="replaces nothing"):
            await served.kitamae.backup(tmp_path / "another.tar", keys)
        await all_erased(served, "p-taro")
        program = await bearer(served, "read:person:identity")
        if encrypted:
            with pytest.raises(Problem, match="--identity"):
                await served.kitamae.restore(file, keys)
            wrong = str(pyrage.x25519.Identity.generate())
            with pytest.raises(Problem, match="does not open it"):
                await served.kitamae.restore(file, keys, wrong)
        for with_keys in (None, keys):
            await served.kitamae.restore(file, with_keys, str(tmp_path / "identity") if encrypted else None)
            program = await bearer(served, "read:person:identity")
            for person, count in (("p-taro", 0), ("p-hanako", 1)):
                path = f"/people/{person}/records?purpose=identity"
                records = (await served.client.get(path, headers=program)).json()["records"]
                assert len(records) == count, (person, with_keys)
            sent = {"purpose": "identity", "field": "name", "text": "加賀太郎"}
            assert (await served.client.post("/people/search", json=sent, headers=program)).json()[
                "records"
            ] == []
    left = [
        path.name for path in (tmp_path / "data").iterdir() if path.name.startswith((".opened", ".backup"))
    ]
    assert left == []


async def test_a_cut_or_changed_encrypted_backup_changes_nothing(tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    file = tmp_path / "city.tar"
    async with serving(tmp_path / "data", backup_to=str(identity.to_public())) as served:
        await served.kitamae.backup(file)
        whole = file.read_bytes()
        for wrong in (whole[: len(whole) // 2], whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]):
            file.write_bytes(wrong)
            with pytest.raises(Problem, match=r"does not open it|damaged"):
                await served.kitamae.restore(file, None, str(identity))
        assert (await served.client.get("/health")).status_code == 200


async def test_a_wrong_key_closes_the_vault_and_the_city_is_served_all_the_same(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        await keep(served, "p-taro")
        program = await bearer(served, "read:person:identity")
    path = tmp_path / "data" / "city.key"
    right = path.read_text()
    for change, sentence in (
        (lambda: path.write_text(CityKey.fresh().text()), "kitamae keys combine"),
        (lambda: path.chmod(0o644), "chmod 600"),
        (path.unlink, "put it back"),
    ):
        change()
        async with serving(tmp_path / "data", city=KAGA) as served:
            assert (await served.client.get("/")).status_code == 200
            asked = "/people/p-taro/records?purpose=identity"
            closed = await served.client.get(asked, headers=program)
            assert (closed.status_code, sentence in closed.json()["detail"]) == (503, True)
            await served.loaded()
            health = (await served.client.get("/health")).json()
            assert health["status"] == "warn"
            assert sentence in health["checks"]["vault:keys"][0]["output"]
        if path.exists():
            path.chmod(0o600)
            path.write_text(right)
    citykey.write(path, citykey.parse(right, "the kept one"))
    async with serving(tmp_path / "data", city=KAGA) as served:
        assert len((await served.client.get(asked, headers=program)).json()["records"]) == 1


async def test_the_citys_key_is_rotated_and_the_shares_of_the_old_one_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "data" / "city.key"
    async with serving(tmp_path / "data", city=KAGA) as served:
        await keep(served, "p-taro")
        (old,) = citykey.read(path)
        assert (
            await served.kitamae.rotate(city=True) == 6
        )  # two of the person, three of indexed fields, one of family names
        (new,) = citykey.read(path)
        assert new != old
        assert (await served.kitamae.city.vault.status())["wrapped by"] == [new.id]
        assert await served.kitamae.rotate(city=False) == 2
        await keep(served, "p-taro")
    assert citykey.read(path.with_name(f"city.key.{old.id}.old")) == (old,)
    async with serving(tmp_path / "data", city=KAGA) as served:
        program = await bearer(served, "read:person:identity")
        asked = await served.client.get("/people/p-taro/records?purpose=identity", headers=program)
        assert len(asked.json()["records"]) == 2


async def test_a_city_on_postgresql_without_a_place_for_keys_says_so(tmp_path: Path) -> None:
    import postgres_server

    async with serving(tmp_path / "data", city=KAGA, store=postgres_server.dsn("personal_a")) as served:
        with pytest.raises(Problem, match="--keys"):
            _ = served.kitamae.city.vault
    store, keys = postgres_server.dsn("personal_a"), postgres_server.dsn("personal_k")
    key = tmp_path / "city.key"
    async with serving(tmp_path / "data", city=KAGA, store=store, keys=keys) as served:
        with pytest.raises(Problem, match="kitamae keys make"):
            _ = served.kitamae.city.vault
    citykey.write(key, [CityKey.fresh()])
    async with serving(tmp_path / "data", city=KAGA, store=store, keys=keys, city_key=str(key)) as served:
        await keep(served, "p-taro")
        program = await bearer(served, "read:person:identity")
        asked = await served.client.get("/people/p-taro/records?purpose=identity", headers=program)
        assert len(asked.json()["records"]) == 1
    assert not (tmp_path / "data" / "keys.db").exists()


def test_no_route_of_personal_data_is_outside_the_two_prefixes() -> None:
    from kitamae.web.records import routes

    def none() -> Any:
        raise AssertionError

    assert all(re.match(r"/(my|people)/", route.path) for route in routes(none, none))
