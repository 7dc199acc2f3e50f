"""My page over HTTP: what a resident sees, agrees to, takes along and erases; and what others do not."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from bare_kaga import bare
from kitamae.commands.verify import verify
from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.ledger.proof import Proof
from kitamae.kernel.ledger.refusals import Malformed, NotProved
from kitamae.kernel.people.person import SYSTEM
from serving import SAME, Served, serving
from signing_in import fields, outside, resident
from staffing import give
from web.delegates.test_delegations import appointed, browser, send

LANGUAGES = ("ja", "ja_Hira", "en", "zh", "ko")
NOTICES = "/my/consents/notices"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city"), demo_residents=True) as one:
        yield one


async def me(served: Served, who: str = "test-1") -> str:
    """Sign in; the reference."""
    served.client.cookies.clear()
    assert await resident(served, who, "/my") == "/my"
    return str((await served.client.get("/my/export")).json()["person"])


async def get(served: Served, path: str, status: int = 200) -> str:
    answer = await served.client.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


async def post(served: Served, path: str, **more: str) -> Any:
    """The form of that page, sent."""
    sent = fields(await get(served, path.partition("#")[0])) | more
    where = path.partition("#")[0].removesuffix("/withdraw").partition("?")[0]
    return await served.client.post(where, data=sent, headers=SAME, follow_redirects=True)


async def agree(served: Served) -> str:
    return str((await post(served, NOTICES)).text)


async def program(served: Served, purpose: str = "notices") -> dict[str, str]:
    secret, _ = await served.kitamae.city.people.tokens.issue("お知らせを送る", [f"read:person:{purpose}"])
    return {"Authorization": f"Bearer {secret}"}


async def proof_of(served: Served, number: int) -> Any:
    """As soon as the entry is published."""
    for _ in range(400):
        given = await served.client.get(f"/my/proof/{number}")
        if given.status_code != 503:
            break
        await asyncio.sleep(0.02)
    assert given.status_code == 200, given.text
    return given


async def test_who_is_not_signed_in_is_led_there_and_back(town: Served) -> None:
    for path in ("/my", "/my/log", NOTICES, "/my/erase", "/my/enter/notices"):
        answer = await town.client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in/resident?next={path}")
    for path in ("/my/export", "/my/proof/1", f"{NOTICES}/record"):
        assert (await town.client.get(path)).status_code == 401
    for path in (NOTICES, "/my/erase", "/my/enter/notices"):
        assert (await town.client.post(path, data={}, headers=SAME)).status_code == 401


async def test_what_is_held_is_said_by_purpose_in_words_with_its_basis_and_its_end(town: Served) -> None:
    await me(town)
    page = await get(town, "/my")
    assert "本人確認" in page
    assert "個人情報の保護に関する法律 第61条第1項" in page
    assert "試験 一郎" in page
    assert "<dd>男性</dd>" in page, "and not the code that the card has for it"
    assert "1985年4月1日" in page
    assert "そのあと自動で消します" in page
    assert page.count("市が持っているデータ") >= 2
    for lang in LANGUAGES:
        assert (await town.client.get(f"/my?lang={lang}")).status_code == 200


async def test_a_resident_agrees_enters_his_address_and_is_read_withdraws_in_two_taps_and_is_not(
    town: Served,
) -> None:
    ref = await me(town)
    reads = await program(town)
    look = f"/people/{ref}/records?purpose=notices"
    assert (await outside(town, "GET", look, headers=reads)).status_code == 403
    assert "同意しました" in await agree(town)
    entered = await post(town, "/my/enter/notices", email="ichiro@example.jp", topics="防災")
    assert "書きこみました" in entered.text
    told = (await outside(town, "GET", look, headers=reads)).json()["records"]
    assert [one["fields"] for one in told] == [{"email": "ichiro@example.jp", "topics": "防災"}]
    page = await get(town, "/my")
    assert f'href="{NOTICES}/withdraw"' in page  # the first tap
    assert "お知らせを送る" in page, "the program's name"
    done = await post(town, f"{NOTICES}/withdraw", wish="withdraw")  # the second
    assert "同意をやめました" in done.text
    assert (await outside(town, "GET", look, headers=reads)).status_code == 403
    assert "同意しました" in await agree(town)
    assert len((await outside(town, "GET", look, headers=reads)).json()["records"]) == 1


async def test_what_is_entered_wrongly_is_said_and_not_kept(town: Served) -> None:
    await me(town)
    for sent, words in (
        ({"email": "", "topics": " "}, "何も書かれていません"),
        ({"email": "ichiro", "topics": ""}, "メールアドレスの形ではありません"),
        ({"topics": "x" * 501}, "長すぎます"),
        ({"topics": "123456789018"}, "マイナンバー"),
    ):
        await agree(town)
        answer = await post(town, "/my/enter/notices", **sent)
        assert (answer.status_code, words in answer.text) == (400, True), answer.text
    assert (await town.client.get("/my/enter/identity")).status_code == 404
    assert "notices" not in {one["purpose"] for one in (await town.client.get("/my/export")).json()["records"]}  # fmt: skip


async def test_forms_of_another_site_and_of_another_version_of_the_words_change_nothing(town: Served) -> None:
    ref = await me(town)
    sent = fields(await get(town, NOTICES))
    assert (await town.client.post(NOTICES, data=sent)).status_code == 403
    assert (await town.client.post(NOTICES, data=sent | {"csrf": "0" * 64}, headers=SAME)).status_code == 403
    other = await town.client.post(NOTICES, data=sent | {"version": "0" * 32}, headers=SAME)
    assert (other.status_code, "説明が変わりました" in other.text) == (409, True)
    assert (await town.client.post(NOTICES, data=sent | {"wish": "x"}, headers=SAME)).status_code == 400
    assert (await town.client.post("/my/consents/identity", data=sent, headers=SAME)).status_code == 404
    assert await town.kitamae.city.consents.of(ref) == {}


async def test_a_look_and_its_proof_are_verified_with_the_ledgers_key_alone(town: Served) -> None:
    ref = await me(town)
    assert (await outside(town, "GET", f"/people/{ref}/records?purpose=identity", headers=await program(town, "identity"))).status_code == 200  # fmt: skip
    await agree(town)
    log = town.kitamae.city.log
    assert log is not None
    page = await get(town, "/my/log")
    numbers = [int(one) for one in re.findall(r"/my/proof/(\d+)", page)]
    (event,) = (await town.client.get("/my/export")).json()["consents"]
    numbers.append(event["dpv:hasConsentStatus"][0]["kitamae:entry"]["number"])
    assert len(numbers) >= 3
    for number in numbers:
        given = await proof_of(town, number)
        proof = Proof.parse(given.content)
        assert proof.extra is not None
        head, _ = proof.verify(commitment.reopened(proof.extra), log.keys)
        assert head.size >= proof.index
        told = orjson.loads(proof.extra)
        assert told["committed"]["person"] == ref
        assert len(base64.b64decode(told["salt"])) == 32
    assert (await town.client.get("/my/proof/999")).status_code == 404
    assert (await town.client.get("/my/proof/x")).status_code == 404


async def test_another_persons_dealings_never_show(town: Served) -> None:
    first = await me(town, "test-1")
    await agree(town)
    await post(town, "/my/enter/notices", email="ichiro@example.jp")
    reads = await program(town, "identity")
    await outside(town, "GET", f"/people/{first}/records?purpose=identity", headers=reads)
    numbers = re.findall(r"/my/proof/(\d+)", await get(town, "/my/log"))
    second = await me(town, "test-2")
    assert first != second
    for path in ("/my", "/my/log", "/my/export", NOTICES, "/my/erase"):
        told = await get(town, path)
        assert first not in told
        assert "ichiro@example.jp" not in told
    assert not set(numbers) & set(re.findall(r"/my/proof/(\d+)", await get(town, "/my/log")))
    for number in numbers:
        assert (await town.client.get(f"/my/proof/{number}")).status_code == 404
    assert (await town.client.get(f"{NOTICES}/record")).status_code == 404


async def test_everything_is_taken_along_as_one_file_that_describes_itself(town: Served) -> None:
    ref = await me(town)
    await agree(town)
    for number in range(7):
        await town.kitamae.city.vault.keep(SYSTEM, ref, "identity", "person", {"note": f"第{number}"})
    answer = await town.client.get("/my/export")
    assert "attachment" in answer.headers["content-disposition"]
    told = answer.json()
    assert (told["format"], told["person"]) == ("kitamae-my-data/1", ref)
    assert set(told["about"]) >= {"ja", "en"}
    assert {"第0", "第6"} <= {one["fields"].get("note") for one in told["records"]}
    assert told["purposes"]["identity"]["law"]
    assert [one["@type"] for one in told["consents"]] == ["dpv:ConsentRecord"]
    assert told["looks"][0]["committed"]["person"] == ref
    record = (await town.client.get(f"{NOTICES}/record")).json()
    assert record == told["consents"][0]


async def test_what_rests_on_consent_is_erased_and_what_the_law_keeps_is_named_with_its_end(town: Served) -> None:  # fmt: skip
    ref = await me(town)
    await agree(town)
    await post(town, "/my/enter/notices", email="ichiro@example.jp")
    plan = await get(town, "/my/erase")
    assert "残るもの" in plan
    assert "第61条第1項" in plan
    assert "消えるもの" in plan
    only = await post(town, "/my/erase?class=notices")
    assert "消しました" in only.text
    assert "バックアップ" in only.text
    assert (await town.kitamae.city.consents.of(ref))["notices"]["state"] == "withdrawn"
    assert {one["purpose"] for one in (await town.client.get("/my/export")).json()["records"]} == {"identity"}
    again = await post(town, "/my/erase")
    assert "残したもの" in again.text
    assert await town.kitamae.city.consents.of(ref) == {}
    assert await me(town) == ref
    assert "消すデータはありません" in await get(town, "/my/erase?class=notices")


async def test_a_withheld_look_is_counted_with_its_day_and_in_no_list(town: Served) -> None:
    ref = await me(town)
    reads = await program(town, "identity")
    await outside(town, "GET", f"/people/{ref}/records?purpose=identity", headers=reads)
    city = town.kitamae.city
    held = (await town.client.get("/my/receipts")).json()["receipts"][0]["proof"]["number"]
    mine = dict(town.client.cookies)
    town.client.cookies.clear()
    officer = await city.people.staff()
    await give(town, officer, "privacy-officer")
    session, _ = await city.people.admit(officer, "staff", 2)
    town.client.cookies.set("kitamae_session", session)
    page = await get(town, f"/staff/withheld?person={ref}")
    assert f'value="{held}"' in page, page
    sent = {"csrf": fields(page)["csrf"], "person": ref, "number": str(held)}
    for wrong in ({"law": "", "until": "2099-01-01"}, {"law": "刑事訴訟法 第197条", "until": "2099-01-01"}, {"law": "刑事訴訟法 第197条", "until": "x"}):  # fmt: skip
        answer = await town.client.post("/staff/withheld", data=sent | wrong, headers=SAME)
        assert answer.status_code == 400
    day = clock.text(clock.now() + 40 * 86_400_000_000)[:10]
    answer = await town.client.post(
        "/staff/withheld", data=sent | {"law": "刑事訴訟法 第197条", "until": day}, headers=SAME
    )
    assert answer.status_code == 303, answer.text
    town.client.cookies.clear()
    town.client.cookies.update(mine)
    for path in ("/my", "/my/log"):
        page = await get(town, path)
        assert "まだお見せしていない記録が1件あります" in page
        assert f"look-{held}" not in page
        assert "からお見せします" in page
    export = (await town.client.get("/my/export")).json()
    assert held not in [one["number"] for one in export["looks"]]
    assert export["shownLater"] == [clock.text(clock.micros(f"{day}T00:00:00+09:00"))]
    assert held not in [one["proof"]["number"] for one in (await town.client.get("/my/receipts")).json()["receipts"]]  # fmt: skip
    assert (await town.client.get(f"/my/proof/{held}")).status_code == 404
    assert (await town.client.get("/staff/withheld")).status_code == 403


async def test_after_a_restore_of_an_older_backup_a_withdrawn_consent_stays_withdrawn(
    town: Served, tmp_path: Path
) -> None:
    ref = await me(town)
    await agree(town)
    await town.kitamae.backup(tmp_path / "city.tar", tmp_path / "keys")
    await town.kitamae.city.consents.withdraw((await _principal(town)), "notices")
    await town.kitamae.restore(tmp_path / "city.tar")
    assert (await town.kitamae.city.consents.of(ref))["notices"]["state"] == "withdrawn"
    assert not town.kitamae.city.consents.agreed(ref, "notices")


async def test_a_start_on_a_state_that_others_restored_ends_what_was_withdrawn_since(town: Served) -> None:
    ref = await me(town)
    await agree(town)
    store = town.kitamae.city.store
    backup = await store.get("", "agreement", ref)
    await town.kitamae.city.consents.withdraw((await _principal(town)), "notices")

    async def back(tx: Any) -> None:
        await tx.put("", "agreement", ref, backup)

    await store.transact(back)
    await town.kitamae._close()
    await town.kitamae._open()
    assert (await town.kitamae.city.consents.of(ref))["notices"]["state"] == "withdrawn"
    assert not town.kitamae.city.consents.agreed(ref, "notices")


async def _principal(served: Served) -> Any:
    from kitamae.kernel.people import secret

    cookie = served.client.cookies["kitamae_session"]
    return await served.kitamae.city.people.who(secret.digest(cookie))


async def test_a_proof_is_verified_by_the_command_from_the_file_alone(
    town: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ref = await me(town)
    (number,) = {int(one) for one in re.findall(r"/my/proof/(\d+)", await get(town, "/my/log"))}
    file = tmp_path / "look.tlog-proof"
    file.write_bytes((await proof_of(town, number)).content)
    log = town.kitamae.city.log
    assert log is not None
    keys = [one.vkey for one in log.keys]
    await verify(str(file), key=keys)
    said = capsys.readouterr().out
    assert "was not changed" in said
    assert ref in said
    told = file.read_bytes()
    extra = re.search(rb"extra ([^\n]+)", told)
    assert extra
    forged = orjson.loads(base64.b64decode(extra[1]))
    forged["committed"]["who"] = "staff-0"
    file.write_bytes(told.replace(extra[1], base64.b64encode(orjson.dumps(forged))))
    with pytest.raises(NotProved):
        await verify(str(file), key=keys)
    file.write_bytes(told.replace(b"extra " + extra[1] + b"\n", b""))
    with pytest.raises(Malformed, match="does not say of what"):
        await verify(str(file), key=keys)


async def test_at_the_counter_a_consent_is_withdrawn_after_a_check_and_never_given(town: Served) -> None:
    ref = await me(town)
    await agree(town)
    mine = dict(town.client.cookies)
    town.client.cookies.clear()
    officer = await town.kitamae.city.people.staff()
    await give(town, officer, "counter")
    session, _ = await town.kitamae.city.people.admit(officer, "staff", 2)
    town.client.cookies.set("kitamae_session", session)
    sent = {"person": ref, "purpose": "notices", "seen": "yes"}
    for lacking in ("person", "purpose", "seen"):
        assert (await post(town, "/staff/consents", **sent | {lacking: ""})).status_code == 400
    assert "いま同意していません" in (await post(town, "/staff/consents", **sent)).text
    town.client.cookies.clear()
    town.client.cookies.update(mine)
    page = await get(town, NOTICES)
    assert "窓口で、市の職員が手続きをしました" in page
    assert officer in (await town.client.get(f"{NOTICES}/record")).text
    assert (await town.client.get("/staff/consents")).status_code == 403


async def test_a_delegate_sees_nothing_of_the_other_ones_consents_and_log_and_agrees_to_nothing(
    town: Served,
) -> None:
    async with browser(town, "test-1") as one, browser(town, "test-3") as other:
        number = await appointed(other, one)
        await agree(other)
        form = fields(await get(one, NOTICES))
        await send(one, f"/my/delegations/{number}/act")
        for path in ("/my", "/my/log", NOTICES, "/my/erase", "/my/enter/notices"):
            answer = await one.client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/my/delegations/held")
        for path in ("/my/export", "/my/proof/1", f"{NOTICES}/record"):
            assert (await one.client.get(path)).status_code == 403
        for path in (NOTICES, "/my/erase", "/my/enter/notices"):
            assert (await one.client.post(path, data=form, headers=SAME)).status_code == 403
        await one.client.get("/my/records")
        seen = await get(other, "/my/log")
        assert "あなたの代理人" in seen
        assert "代理の取り決め" in seen


async def test_staff_find_what_their_desk_does_and_nobody_else_does(town: Served) -> None:
    await town.kitamae.city.people.staff()  # the first one may do everything until there are others
    officer = await town.kitamae.city.people.staff(another=True)
    await give(town, officer, "privacy-officer")
    session, _ = await town.kitamae.city.people.admit(officer, "staff", 2)
    town.client.cookies.set("kitamae_session", session)
    page = await get(town, "/staff")
    assert 'href="/staff/withheld"' in page
    assert 'href="/staff/consents"' not in page


async def test_what_proves_a_step_of_a_case_is_in_the_file_and_not_on_the_page(town: Served) -> None:
    await me(town)
    await post(town, "/my/requests/new?kind=question", text="だれが見ましたか")
    page = await get(town, "/my")
    assert "だれが見ましたか" in page
    assert not re.search(r"<dt>(salt|leaf|step|at|by|capacity)</dt>", page)
    assert '"salt"' in await get(town, "/my/export")


async def test_a_number_that_no_entry_can_have_is_not_found(town: Served) -> None:
    await me(town)
    for number in ((1 << 63) - 1, 1 << 63, 0):
        assert (await town.client.get(f"/my/proof/{number}")).status_code == 404
