"""A granted 訂正請求 corrects the record: one proposes, another one decides, and all that tells of it commits with it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import postgres_server
import staffing
from bare_kaga import bare
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import approval
from kitamae.kernel.people.order import KIND
from kitamae.kernel.people.order import about as about_order
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.vault import citykey
from kitamae.kernel.people.vault.citykey import CityKey
from serving import SAME, Served, serving
from signing_in import fields, resident

HERE = "/staff/orders/correct"
NUMBER = "123456789018"
"""Twelve digits with the right check digit."""


@pytest.fixture(params=["sqlite", "postgresql"])
async def town(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    chosen: dict[str, str] = {}
    if request.param == "postgresql":
        name, key = hashlib.blake2s(str(tmp_path).encode(), digest_size=8).hexdigest(), tmp_path / "city.key"
        citykey.write(key, [CityKey.fresh()])
        store, keys = postgres_server.dsn(f"c{name}"), postgres_server.dsn(f"k{name}")
        chosen = {"store": store, "keys": keys, "city_key": str(key)}
    city = bare(tmp_path / "city")
    async with serving(tmp_path / "data", city=city, demo_residents=True, **chosen) as one:
        yield one


async def person(town: Served) -> str:
    town.client.cookies.clear()
    assert await resident(town, "test-1", "/my") == "/my"
    return str((await town.client.get("/my/export")).json()["person"])


async def colleague(town: Served, *duties: str, assurance: int = 2) -> str:
    await town.kitamae.city.people.staff()
    ref = await town.kitamae.city.people.staff(another=True)
    await staffing.give(town, ref, *duties)
    await staffing.enter(town, ref, assurance)
    return ref


async def send(town: Served, at: str, page: str = "", /, **sent: str) -> Any:
    csrf = re.search(r'name="csrf" value="([^"]+)"', (await town.client.get(page or at)).text)
    assert csrf
    return await town.client.post(at, data={"csrf": csrf[1], **sent}, headers=SAME)


async def asked(town: Served, **more: str) -> str:
    """The number of a 訂正請求 that the person in the session filed."""
    told = {
        "kind": "correction", "capacity": "self", "name": "試験 一郎", "address": "例示町１", "target": "本人確認の情報",
        "received_on": datetime.now(UTC).date().isoformat(), "text": "住所を直してください。", "reason": "転居した",
        "about": "purpose:identity",
    }  # fmt: skip
    answer = await send(town, "/my/requests/new?kind=correction", **{**told, **more})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"].rpartition("/")[2])


async def decide(town: Served, number: str, outcome: str = "whole") -> None:
    reason = {"reason": "調べた結果、誤りがなかったため"} if outcome != "whole" else {}
    for step, more in (("take", {}), ("decide", {"outcome": outcome, "text": "訂正します。", **reason})):
        answer = await send(town, f"/staff/requests/{number}", step=step, **more)
        assert answer.status_code == 303, answer.text


async def granted(town: Served, **more: str) -> tuple[str, str, str]:
    """The person, the case, and who of the desk has decided it and is signed in."""
    ref = await person(town)
    number = await asked(town, **more)
    clerk = await colleague(town, "requests")
    await decide(town, number)
    return ref, number, clerk


def rows(page: str) -> dict[str, str]:
    """Field -> the number of its row."""
    found = {}
    for name, raw in fields(page).items():
        if name.startswith("row."):
            found[raw.split('","')[1].split('"')[0]] = name.removeprefix("row.")
    return found


async def form(town: Served, number: str, **typed: str) -> dict[str, str]:
    """What a browser sends of the form when these fields were typed."""
    return filled((await town.client.get(f"{HERE}?case={number}")).text, **typed) | {
        "why": "第92条による訂正"
    }


def filled(page: str, **typed: str) -> dict[str, str]:
    sent = fields(page)
    for name, index in rows(page).items():
        shown = re.search(rf'<input[^>]* name="now\.{index}" value="([^"]*)"', page)
        chosen = re.search(rf'(?s)<select[^>]* name="now\.{index}".*?<option value="([^"]*)" selected', page)
        sent[f"now.{index}"] = typed.get(name, (shown or chosen or ["", ""])[1])
    return sent


async def propose(town: Served, number: str, **typed: str) -> str:
    answer = await town.client.post(HERE, data=await form(town, number, **typed), headers=SAME)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"].rpartition("/")[2].partition("?")[0])


async def say(town: Served, order: str, word: str, **more: str) -> Any:
    page = (await town.client.get(f"/staff/orders/{order}")).text
    shown = re.search(rf'(?s)<form[^>]*action="/staff/orders/{order}/{word}".*?</form>', page)
    sent = fields(shown[0]) if shown else fields((await town.client.get("/staff/orders")).text)
    return await town.client.post(f"/staff/orders/{order}/{word}", data=sent | more, headers=SAME)


async def record(town: Served) -> dict[str, Any]:
    return next(
        one for one in (await town.client.get("/my/records")).json()["records"] if one["class"] == "identity"
    )


async def test_a_granted_correction_is_written_by_two_and_the_person_sees_it_with_a_proof(
    town: Served,
) -> None:
    ref, number, first = await granted(town)
    page = (await town.client.get(f"/staff/requests/{number}")).text
    assert f"{HERE}?case={number}" in page
    page = (await town.client.get(f"{HERE}?case={number}")).text
    was = re.search(r'name="now.\d+" value="([^"]*町[^"]*)"', page)
    assert was, page
    assert "カードの内容で書き直される" in page
    order = await propose(town, number, address="例示町２番地３")
    documents = str(
        [await town.kitamae.city.store.documents("", kind) for kind in ("order", "approval", "case")]
    )
    assert "例示町２" not in documents, "a proposal stands sealed in the vault alone"
    page = (await town.client.get(f"/staff/orders/{order}")).text
    assert "例示町２番地３" in page
    assert was[1] in page
    assert (await say(town, order, "approve", digest="x")).status_code == 403, "nobody is his own second"

    second = await colleague(town, "requests")
    page = (await town.client.get(f"/staff/orders/{order}")).text
    assert all(
        one in page for one in ("直す申し出", "試験 一郎", "例示町２番地３", was[1], "認めて直す", number)
    )
    assert (await say(town, order, "approve", digest="0" * 64)).status_code == 409
    done = await say(town, order, "approve")
    assert (done.status_code, "done=approve" in done.headers.get("location", "")) == (303, True), done.text
    page = (await town.client.get(f"/staff/orders/{order}")).text
    assert "例示町２番地３" not in page, "what is over tells nobody a value"
    assert "直しました" in page
    assert (await say(town, order, "approve", digest="x")).status_code in (404, 409)
    assert "実施" in (await town.client.get(f"/staff/requests/{number}")).text

    town.client.cookies.clear()
    session, _ = await town.kitamae.city.people.admit(ref, "resident", 3)
    town.client.cookies.set("kitamae_session", session)
    now = await record(town)
    assert now["fields"]["address"] == "例示町２番地３"
    (past,) = now["former"]
    assert (past["by"], past["fields"]) == (first, {"address": was[1]})
    told = (await town.client.get("/my/receipts")).json()["receipts"]
    (written,) = [one for one in told if one["act"] == "wrote" and one["purpose"] == "identity"]
    assert (written["who"], written["fields"]) == (first, {"basic-four": ["address"]})
    assert written["said"] == {"why": "第92条による訂正", "second": second, "case": number}
    assert written["proof"]["number"] == past["number"]
    leaves = {one.number: one.data for one in await town.kitamae.city.store.leaves(0, 1_000)}
    steps = (await town.client.get(f"/my/requests/{number}/proof")).json()["steps"]
    assert steps[-1]["number"] == past["number"], "the step of the case is the receipt's leaf"
    for one in steps:
        commitment.opened(
            leaves[one["number"]], base64.b64decode(one["salt"]), commitment.canonical(one["record"])
        )
    assert (await town.client.get(f"/my/requests/{number}/proof/{past['number']}")).status_code in (200, 503)
    page = (await town.client.get(f"/my/requests/{number}")).text
    assert all(
        one in page for one in ("決定のとおりに、記録を直しました。", "住所", f"/proof/{past['number']}")
    )
    assert f"「{was[1]}」でした" in (await town.client.get("/my")).text
    page = (await town.client.get("/my/log")).text
    assert all(one in page for one in ("書いた人", "認めた人", number))
    kinds = [one["kind"] for one in (await town.client.get("/my/records")).json()["records"]]
    assert not any(one.startswith("order:") for one in kinds), "the proposal went with the word about it"
    assert "記録を直したこと" in (await town.client.get("/my/notices")).text, "and the person is given notice"


async def test_a_correction_is_found_by_its_new_name_and_not_by_the_old_one(town: Served) -> None:
    ref, number, _ = await granted(town)
    due = (await held(town, ref))["due"]
    order = await propose(town, number, name="改名 太郎", gender="")
    await colleague(town, "requests")
    assert (await say(town, order, "approve")).status_code == 303
    for name, there in (("改名 太郎", True), ("試験 一郎", False)):
        sent = {"purpose": "identity", "field": "name", "text": name}
        found = await town.client.post("/people/search", json=sent, headers=SAME)
        assert bool(found.json()["records"]) == there
    now = await held(town, ref)
    assert "gender" not in now["fields"], "what was emptied is not there any more"
    assert now["due"] == due, "a correction lengthens no retention"


async def held(town: Served, ref: str) -> dict[str, Any]:
    """The one record that the city holds of who that is, as staff see it."""
    answer = await town.client.get(f"/people/{ref}/records?purpose=identity")
    (one,) = answer.json()["records"]
    return dict(one)


async def test_a_second_person_refuses_and_the_person_is_told_why(town: Served) -> None:
    ref, number, first = await granted(town)
    order = await propose(town, number, address="例示町２")
    second = await colleague(town, "requests")
    assert (await say(town, order, "refuse")).status_code == 400, "whoever refuses says why"
    assert (await say(town, order, "refuse", why=f"番号 {NUMBER}")).status_code == 422
    assert (await say(town, order, "refuse", why="住民票と合わない")).status_code == 303
    page = (await town.client.get(f"/staff/orders/{order}")).text
    assert "何も直っていません" in page
    assert "住民票と合わない" in page
    assert (await say(town, order, "approve", digest="x")).status_code in (404, 409)
    await staffing.enter(town, first)
    order = await propose(town, number, address="例示町３")
    await staffing.enter(town, second)
    assert (await say(town, order, "withdraw")).status_code == 403
    await staffing.enter(town, first)
    assert (await say(town, order, "withdraw")).status_code == 303
    assert await person(town) == ref
    now = await record(town)
    assert now["former"] == []
    told = (await town.client.get("/my/receipts")).json()["receipts"]
    gone = [one for one in told if one["act"] == "erased"]
    assert [(one["who"], one["said"].get("why", "")) for one in gone] == [
        (first, ""),
        (second, "住民票と合わない"),
    ]
    assert "carry" not in str(await town.kitamae.city.store.documents("", "case"))


async def test_a_record_that_changed_or_went_in_between_is_not_written(town: Served) -> None:
    ref, number, first = await granted(town)
    vault = town.kitamae.city.vault
    order = await propose(town, number, address="例示町２")
    other = await propose(town, number, gender="2")
    await colleague(town, "requests")
    there = await held(town, ref)
    moved = {**there["fields"], "address": "例示町９"}
    digest = fields((await town.client.get(f"/staff/orders/{order}")).text)["digest"]
    await vault.keep(SYSTEM, ref, "identity", there["kind"], moved, id=there["id"])
    answer = await say(town, order, "approve", digest=digest)
    assert (answer.status_code, "申し出のあとで変わりました" in answer.text) == (409, True)
    assert "認めて直す" not in answer.text
    now = await held(town, ref)
    assert now["fields"]["address"] == "例示町９"
    assert (await say(town, other, "approve")).status_code == 303, "another field of the same record"
    now = await held(town, ref)
    assert (now["fields"]["address"], now["fields"]["gender"]) == ("例示町９", "2")

    await staffing.enter(town, first)
    order = await propose(town, number, address="例示町２")
    second = await colleague(town, "requests")
    page = (await town.client.get(f"/staff/orders/{order}")).text
    digest = fields(page)["digest"]
    await staffing.erased(town, ref, "identity")
    answer = await say(town, order, "approve", digest=digest)
    assert (answer.status_code, "認めて直す" in answer.text) == (404, False), answer.text
    await staffing.erased(town, ref, "requests")
    page = (await town.client.get(f"/staff/orders/{order}")).text
    assert "案は、もうありません" in page
    assert (await say(town, order, "approve", digest=digest)).status_code == 404
    assert (await say(town, order, "refuse", why="記録がもうない")).status_code == 303
    assert second


async def test_what_cannot_be_is_said_beside_its_field_and_nothing_is_kept(town: Served) -> None:
    ref, number, _ = await granted(town)
    for typed, status, words in (
        ({"address": f"例示町 {NUMBER}"}, 422, "マイナンバーと思われる12桁の数字があります"),
        ({"birth_date": "1985-13-41"}, 400, "日付は 2027-04-01 のように書いてください。"),
        ({"address": "町" * 10_001}, 400, "長すぎるか、短すぎます"),
        ({}, 400, "直すところが書かれていません"),
    ):
        sent = await form(town, number, **typed)
        answer = await town.client.post(HERE, data=sent, headers=SAME)
        assert (answer.status_code, words in answer.text) == (status, True), (typed, answer.text)
        assert all(text in answer.text for text in typed.values()), "what was typed comes back"
    sent = await form(town, number, address="例示町２")
    forged = sent | {next(k for k in sent if k.startswith("row.")): "[1"}
    assert (await town.client.post(HERE, data=forged, headers=SAME)).status_code == 400
    forged = sent | {k: v.replace('"address"', '"secret"') for k, v in sent.items() if k.startswith("row.")}
    assert (await town.client.post(HERE, data=forged, headers=SAME)).status_code == 400
    assert (
        await town.client.post(HERE, data=sent | {"purpose": "requests"}, headers=SAME)
    ).status_code == 400
    await town.kitamae.city.vault.keep(SYSTEM, ref, "identity", "note", {"name": "試験 一郎"})
    sent = await form(town, number)
    names = [
        name.partition(".")[2] for name, raw in sent.items() if name.startswith("row.") and '"name"' in raw
    ]
    assert len(names) == 2
    both = sent | {f"now.{index}": "改名 太郎" for index in names}
    answer = await town.client.post(HERE, data=both, headers=SAME)
    assert (answer.status_code, "一度に直せるのは、一つの記録です" in answer.text) == (400, True)
    assert await town.kitamae.city.store.documents("", "order") == []


async def test_only_what_was_granted_and_only_for_whom_it_is_the_duty(town: Served) -> None:
    ref = await person(town)
    number = await asked(town)
    clerk = await colleague(town, "requests")
    answer = await town.client.get(f"{HERE}?case={number}")
    assert (answer.status_code, "訂正を認めると決定した件" in answer.text) == (409, True)
    await decide(town, number, "refusal")
    assert (await town.client.get(f"{HERE}?case={number}")).status_code == 409
    assert f"{HERE}?case={number}" not in (await town.client.get(f"/staff/requests/{number}")).text
    assert (await town.client.get(f"{HERE}?case=2026-222222")).status_code == 404
    await person(town)
    number = await asked(town)
    await staffing.enter(town, clerk)
    await decide(town, number)
    order = await propose(town, number, address="例示町２")
    await colleague(town, "counter")
    page = (await town.client.get(f"{HERE}?case={number}")).text
    assert "例示町" not in page
    page = await town.client.get(f"/staff/orders/{order}")
    if page.status_code == 200:
        assert "例示町２" not in page.text
    assert (await say(town, order, "approve", digest="x")).status_code == 403
    await colleague(town, "disaster")
    assert (await town.client.get(f"/staff/orders/{order}")).status_code == 403
    await colleague(town, "requests", assurance=1)
    assert (await say(town, order, "approve", digest="x")).status_code == 403
    town.client.cookies.clear()
    assert (await town.client.get(f"{HERE}?case={number}")).status_code in (303, 401, 403)
    assert ref


async def test_one_order_that_cannot_be_closed_keeps_no_other_from_it(
    town: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, number, _ = await granted(town)
    order = await propose(town, number, address="例示町２")
    city = town.kitamae.city
    orders, broken = city._rooms.orders, "0" * 12

    async def copy(tx: Any) -> None:
        for kind, id, new in (
            (KIND, order, broken), (approval.KIND, about_order(order), about_order(broken)),
        ):  # fmt: skip
            await tx.put("", kind, new, await tx.get("", kind, id))

    await city.store.transact(copy)
    drop, later = orders.corrections.drop, orders._now() + 15 * 86_400_000_000

    async def drops(who: Any, number: str, *rest: Any) -> None:
        if number == broken:
            raise RuntimeError("its record is damaged")
        await drop(who, number, *rest)

    monkeypatch.setattr(orders.corrections, "drop", drops)
    monkeypatch.setattr(orders, "_now", lambda: later)
    assert await orders.expire() == 1
    assert (await orders._word(city.store, order))[0]["word"] == "expired"


async def test_what_nobody_decided_in_time_is_forgotten_and_the_order_says_so(
    town: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref, number, _ = await granted(town)
    order = await propose(town, number, address="例示町２")
    orders = town.kitamae.city._rooms.orders
    assert await orders.expire() == 0
    later = orders._now() + 15 * 86_400_000_000
    monkeypatch.setattr(orders, "_now", lambda: later)
    assert (await orders.expire(), await orders.expire()) == (1, 0)
    monkeypatch.undo()
    assert "期限が過ぎました" in (await town.client.get(f"/staff/orders/{order}")).text
    await person(town)
    kinds = [one["kind"] for one in (await town.client.get("/my/records")).json()["records"]]
    assert not any(one.startswith("order:") for one in kinds)
    told = (await town.client.get("/my/receipts")).json()["receipts"]
    assert [one["who"] for one in told if one["act"] == "erased"] == ["system"]
    assert ref


async def test_while_it_waits_the_person_sees_what_is_proposed(town: Served) -> None:
    _, number, clerk = await granted(town)
    await propose(town, number, address="例示町２番地３")
    await person(town)
    page = (await town.client.get("/my")).text
    assert "<ins>例示町２番地３</ins>" in page
    told = (await town.client.get("/my/receipts")).json()["receipts"]
    assert any(one["act"] == "wrote" and one["who"] == clerk and one["purpose"] == "requests" for one in told)


async def test_the_person_writes_the_right_values_and_staff_find_them_in_the_form(town: Served) -> None:
    ref = await person(town)
    at = "/my/requests/new?kind=correction&about=purpose:identity"
    page = (await town.client.get(at)).text
    was = (await record(town))["fields"]
    assert was["address"] in page
    told = {
        "name": "試験 一郎", "address": "例示町１", "target": "本人確認の情報", "reason": "転居した",
        "received_on": datetime.now(UTC).date().isoformat(),
    }  # fmt: skip
    for typed, status, words in (
        ({"address": f"例示町 {NUMBER}"}, 422, "マイナンバーと思われる12桁の数字があります"),
        ({"birth_date": "きのう"}, 400, "日付は 2027-04-01 のように書いてください。"),
        ({}, 400, 'id="text-wrong"'),
    ):
        answer = await town.client.post("/my/requests/new", data=filled(page, **typed) | told, headers=SAME)
        assert (answer.status_code, words in answer.text) == (status, True), answer.text
        assert all(text in answer.text for text in typed.values())
    assert await town.kitamae.city.store.documents("", "case") == []
    sent = filled(page, address="例示町２番地３", gender="") | told
    answer = await town.client.post("/my/requests/new", data=sent, headers=SAME)
    assert answer.status_code == 303, answer.text
    number = answer.headers["location"].rpartition("/")[2]
    page = (await town.client.get(f"/my/requests/{number}")).text
    assert all(one in page for one in ("直してほしい値", "例示町２番地３", was["address"]))
    steps = (await town.client.get(f"/my/requests/{number}/proof")).json()["steps"]
    assert "例示町２番地３" in steps[0]["record"]["proposal"], (
        "what was asked for is in the ledger's entry too"
    )
    assert "例示町２" not in str(await town.kitamae.city.store.documents("", "case"))
    await colleague(town, "requests")
    await decide(town, number)
    assert "例示町２番地３" in (await town.client.get(f"/staff/requests/{number}")).text
    page = (await town.client.get(f"{HERE}?case={number}")).text
    assert "本人が求めた値が入っています" in page
    sent = await form(town, number)
    index = rows(page)["address"]
    assert sent[f"now.{index}"] == "例示町２番地３"
    order = await propose(town, number)
    await colleague(town, "requests")
    assert (await say(town, order, "approve")).status_code == 303
    now = await held(town, ref)
    assert now["fields"] == {**{k: v for k, v in was.items() if k != "gender"}, "address": "例示町２番地３"}


async def test_a_request_about_what_was_said_or_about_nothing_shows_no_values(town: Served) -> None:
    await person(town)
    for about in ("", "receipt:1", "purpose:requests", "purpose:nothing", "purpose:mandates"):
        page = await town.client.get(f"/my/requests/new?kind=correction&about={about}")
        assert (page.status_code, "row.0" in page.text) == (200, False), about
    page = await town.client.get("/my/requests/new?kind=suspension&about=purpose:identity")
    assert "row.0" not in page.text
