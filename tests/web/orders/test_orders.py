"""What somebody else does to a person's records stays visible to the person: nobody erases the proof of his own look."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import staffing
from bare_kaga import bare
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.colleagues import Called
from kitamae.kernel.people.person import SYSTEM
from serving import SAME, Served, serving
from signing_in import fields, resident

WHY = "個人情報の保護に関する法律 第98条の請求により"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city"), demo_residents=True) as one:
        yield one


async def person(town: Served) -> str:
    town.client.cookies.clear()
    assert await resident(town, "test-1", "/my") == "/my"
    return str((await town.client.get("/my/export")).json()["person"])


async def colleague(town: Served, *duties: str, assurance: int = 2) -> str:
    await town.kitamae.city.people.staff()
    ref = await town.kitamae.city.people.staff(another=True)
    if duties:
        await staffing.give(town, ref, *duties)
    await staffing.enter(town, ref, assurance)
    return ref


async def erase(town: Served, ref: str, **sent: str) -> Any:
    path = f"/people/{ref}/records?purpose=identity"
    return await town.client.request("DELETE", path, json=sent, headers=SAME)


async def say(town: Served, number: str, word: str, **more: str) -> Any:
    page = (await town.client.get(f"/staff/orders/{number}")).text
    form = re.search(rf'(?s)<form[^>]*action="/staff/orders/{number}/{word}".*?</form>', page)
    sent = fields(form[0]) if form else fields((await town.client.get("/staff/orders")).text)
    return await town.client.post(f"/staff/orders/{number}/{word}", data=sent | more, headers=SAME)


async def test_whoever_looked_does_not_erase_the_person_together_with_the_proof_of_his_look(
    town: Served,
) -> None:
    ref = await person(town)
    first = await colleague(town, "counter")
    await town.kitamae.city.people.colleagues.call(SYSTEM, {first: Called("係の 花子")})
    assert (await town.client.get(f"/people/{ref}/records?purpose=identity")).status_code == 200
    assert (await erase(town, ref)).status_code == 400, "a reason is needed"
    asked = await erase(town, ref, why=WHY)
    assert asked.status_code == 202
    number = asked.json()["order"]
    assert (await town.client.get(f"/people/{ref}/records?purpose=identity")).json()["records"]
    assert (await say(town, number, "approve", digest="x")).status_code == 403, "nobody is his own second"

    await colleague(town, "requests", assurance=1)
    assert (await say(town, number, "approve")).status_code == 403
    await colleague(town, "privacy-officer")
    assert number not in (await town.client.get("/staff/orders")).text
    assert (await say(town, number, "approve", digest="x")).status_code == 403
    second = await colleague(town, "requests")
    page = (await town.client.get(f"/staff/orders/{number}")).text
    assert "係の 花子" in page, "colleagues have names"
    assert all(one in page for one in (WHY, "試験 一郎", "1985")), (
        "whoever decides sees whose records they are"
    )
    assert (await say(town, number, "approve", digest="0" * 64)).status_code == 409
    done = await say(town, number, "approve")
    assert (done.status_code, "done=approve" in done.headers["location"]) == (303, True)
    page = (await town.client.get(f"/staff/orders/{number}")).text
    assert "試験 一郎" not in page, "what is over tells nobody a name"
    assert WHY not in page, "it is in the receipt now, and sealed"
    assert (await town.client.get(f"/people/{ref}/records?purpose=identity")).json()["records"] == []

    assert await person(town) == ref
    told = (await town.client.get("/my/receipts")).json()["receipts"]
    gone = next(one for one in told if one["act"] == "erased")
    assert (gone["who"], gone["purpose"]) == (first, "identity")
    assert gone["said"] == {"why": WHY, "second": second}
    (erased,) = gone["fields"].values()
    assert "name" in erased
    assert any(one["act"] == "read" and one["who"] == first for one in told), "and the look is there still"
    leaves = {one.number: one.data for one in await town.kitamae.city.store.leaves(0, 1_000)}
    for one in told:
        proof = one["proof"]
        salt = base64.b64decode(proof["salt"])
        made = commitment.commit(salt, commitment.canonical(proof["receipt"]))
        assert leaves[proof["number"]] == made
    page = (await town.client.get("/my/log")).text
    for words in ("消した人", "消したもの", WHY, "認めた人", "市の職員（窓口担当）"):
        assert words in page
    assert first not in page, "a resident is told the duty, not the account"
    assert second not in page
    assert (await town.client.get(f"/my/proof/{gone['proof']['number']}")).status_code in (200, 503)


async def test_a_second_person_refuses_and_whoever_asked_takes_back_and_nothing_is_erased(
    town: Served,
) -> None:
    ref = await person(town)
    first = await colleague(town, "counter")
    number = (await erase(town, ref, why=WHY)).json()["order"]
    await colleague(town, "counter")
    assert (await say(town, number, "withdraw")).status_code == 403
    assert (await say(town, number, "refuse")).status_code == 400, "whoever refuses says why"
    assert (await say(town, number, "refuse", why="根拠がない")).status_code == 303
    assert (await say(town, number, "approve", digest="x")).status_code == 409
    await staffing.enter(town, first)
    assert "根拠がない" in (await town.client.get(f"/staff/orders/{number}")).text
    typed = {"name": "試験 一郎", "birth_date": "1985-04-01"}
    sent = fields((await town.client.get("/staff/orders")).text) | typed
    page = (await town.client.post("/staff/orders/search", data=sent, headers=SAME)).text
    sent = fields(page) | {"purpose": "identity", "why": WHY}
    assert sent["person"] == ref, "found by what the papers say; nobody types a reference"
    asked = await town.client.post("/staff/orders", data=sent, headers=SAME)
    assert asked.status_code == 303
    number = asked.headers["location"].rpartition("/")[2].partition("?")[0]
    assert (await say(town, number, "withdraw")).status_code == 303
    assert (await town.client.get(f"/people/{ref}/records?purpose=identity")).json()["records"]


async def test_nobody_orders_what_is_none_of_his_duty_and_a_form_keeps_what_was_typed(town: Served) -> None:
    ref = await person(town)
    await colleague(town, "disaster")
    assert (await erase(town, ref, why=WHY)).status_code == 403
    page = (await town.client.get("/staff/orders")).text
    assert "担当ではありません" in page
    await colleague(town, "counter")
    sent = fields((await town.client.get("/staff/orders")).text)
    wrong = await town.client.post(
        "/staff/orders", data=sent | {"person": ref, "purpose": "identity", "why": "x"}, headers=SAME
    )
    assert (wrong.status_code, ref in wrong.text, "試験 一郎" in wrong.text) == (400, True, True)
    lacking = await town.client.post(
        "/staff/orders", data=sent | {"purpose": "identity", "why": WHY}, headers=SAME
    )
    assert (lacking.status_code, "もう一度さがしてください" in lacking.text) == (400, True)
    nothing = sent | {"person": "resident-nobody", "purpose": "identity", "why": WHY, "case": "2026-NOBODY"}
    assert (await town.client.post("/staff/orders", data=nothing, headers=SAME)).status_code == 404
    for lang in ("ja", "ja_Hira", "en", "zh", "ko"):
        assert (await town.client.get(f"/staff/orders?lang={lang}")).status_code == 200


async def test_what_was_cut_off_between_the_receipt_and_the_key_is_finished(
    town: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = await person(town)
    await colleague(town, "counter")
    number = (await erase(town, ref, why=WHY)).json()["order"]
    await colleague(town, "counter")
    vault, orders = town.kitamae.city.vault, town.kitamae.city._rooms.orders
    keys = vault._inner.keys

    async def killed(_: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(keys.__class__, "destroy", lambda _, gone: killed(gone))
    assert (await say(town, number, "approve")).status_code == 500
    monkeypatch.undo()
    assert "identity" in (await keys.of(ref, anew=True)).current
    assert await orders.finish() == 1
    assert "identity" not in (await keys.of(ref, anew=True)).current
    assert await orders.finish() == 0


async def test_a_program_asks_and_a_person_decides(town: Served) -> None:
    ref = await person(town)
    secret, token = await town.kitamae.city.people.tokens.issue("期限の点検", ["delete:person:identity"])
    town.client.cookies.clear()
    path, sent = f"/people/{ref}/records?purpose=identity", {"Authorization": f"Bearer {secret}"}

    async def ask(**said: Any) -> Any:
        return await town.client.request("DELETE", path, headers=sent, **said)

    assert (await ask()).status_code == 400, "it says why"
    assert (await ask(json={"why": "短い"})).status_code == 400
    asked = await ask(json={"why": WHY})
    number = asked.json()["order"]
    assert (asked.status_code, asked.json()["address"]) == (202, f"/staff/orders/{number}")
    assert asked.headers["location"] == f"/staff/orders/{number}"
    assert (await ask(json={"why": WHY})).status_code == 409, "it waits already"
    for word in ("approve", "withdraw"):
        own = await town.client.post(f"/staff/orders/{number}/{word}", headers=sent, data={"digest": "x"})
        assert own.status_code in (401, 403), "a program decides nothing"
    await person(town)
    assert len((await town.client.get("/my/records")).json()["records"]) == 1, "nothing is gone yet"

    clerk = await colleague(town, "counter")
    for path_of in ("/staff/orders", f"/staff/orders/{number}"):
        page = (await town.client.get(path_of)).text
        assert "「期限の点検」" in page
        assert f"token-{token['number']}" in page
    assert (await say(town, number, "approve")).status_code == 303
    await person(town)
    told = (await town.client.get("/my/receipts")).json()["receipts"]
    [erased] = [one for one in told if one["act"] == "erased"]
    assert erased["who"] == f"token-{token['number']}"
    assert (erased["said"]["why"], erased["said"]["second"]) == (WHY, clerk)


async def test_a_token_for_another_purpose_asks_for_nothing(town: Served) -> None:
    ref = await person(town)
    secret, _ = await town.kitamae.city.people.tokens.issue("別の用", ["delete:person:requests"])
    town.client.cookies.clear()
    path = f"/people/{ref}/records?purpose=identity"
    answer = await town.client.request(
        "DELETE", path, json={"why": WHY}, headers={"Authorization": f"Bearer {secret}"}
    )
    assert answer.status_code == 403
    assert await town.kitamae.city.store.documents("", "order") == []


@pytest.mark.parametrize("emergency", [False, True])
async def test_whoever_writes_about_a_person_is_told_to_him_with_what_stood_there_before(
    town: Served, emergency: bool
) -> None:
    ref = await person(town)
    (record,) = (await town.client.get("/my/records")).json()["records"]
    session = town.client.cookies["kitamae_session"]
    clerk = await colleague(town, *(() if emergency else ("counter",)))
    if emergency:
        await town.client.post(
            "/staff/emergency",
            data=fields((await town.client.get("/staff/emergency")).text)
            | {"what": "purpose:identity", "why": "避難所で本人を確かめるため", "hours": "4"},
            headers=SAME,
        )
    was = record["fields"]["name"]
    sent = {
        "class": "identity", "kind": record["kind"], "id": record["id"],
        "fields": record["fields"] | {"name": "改名 太郎"},
    }  # fmt: skip
    wrote = await town.client.post(f"/people/{ref}/records", json=sent, headers=SAME)
    assert wrote.status_code == 200, wrote.text
    seen = await town.client.get(f"/people/{ref}/records?purpose=identity")
    assert seen.json()["records"][0]["former"] == [], "what stood there is the person's to see"
    looks = await town.kitamae.city.vault.outside.looks(SYSTEM, 0, 1 << 40)
    assert [one.look.who for one in looks if not one.look.own].count(clerk) == 2, "watching counts both"

    town.client.cookies.clear()
    town.client.cookies.set("kitamae_session", session)
    told = (await town.client.get("/my/receipts")).json()["receipts"]
    (written,) = [one for one in told if one["act"] == "wrote"]
    basis = "break-glass" if emergency else "law"
    assert (written["who"], written["basis"], written["fields"]) == (clerk, basis, {record["kind"]: ["name"]})
    leaves = {one.number for one in await town.kitamae.city.store.leaves(0, 1_000)}
    assert written["proof"]["number"] in leaves
    (now,) = (await town.client.get("/my/records")).json()["records"]
    assert now["fields"]["name"] == "改名 太郎"
    (past,) = now["former"]
    assert (past["by"], past["fields"], past["number"]) == (clerk, {"name": was}, written["proof"]["number"])
    page = (await town.client.get("/my")).text
    assert f"「{was}」でした" in page
    assert "書いた人" in (await town.client.get("/my/log")).text
    export = (await town.client.get("/my/export")).json()
    assert export["records"][0]["former"][0]["fields"] == {"name": was}


async def test_what_the_city_writes_for_a_person_keeps_what_was_corrected_before(town: Served) -> None:
    ref = await person(town)
    await colleague(town, "counter")
    (record,) = (await town.client.get(f"/people/{ref}/records?purpose=identity")).json()["records"]
    for name in ("一", "二"):
        sent = {"class": "identity", "kind": record["kind"], "id": record["id"], "fields": {"name": name}}
        assert (await town.client.post(f"/people/{ref}/records", json=sent, headers=SAME)).status_code == 200
    other = {"class": "requests", "kind": record["kind"], "id": record["id"], "fields": {"name": "x"}}
    moved = await town.client.post(f"/people/{ref}/records", json=other, headers=SAME)
    assert moved.status_code in (403, 404), "a record stays with what it was collected for"
    await person(town)  # signing in writes what the card says
    await town.kitamae.city.vault.rotate()
    (now,) = (await town.client.get("/my/records")).json()["records"]
    assert now["fields"]["name"] == "試験 一郎"
    assert [one["fields"]["name"] for one in now["former"]] == ["試験 一郎", "一"]
    assert set(now["former"][0]["fields"]) == set(record["fields"]), "what was left out is remembered too"
