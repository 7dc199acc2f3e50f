"""Notices as people, staff and mailboxes see them: told by e-mail to who wants it, by letter to the others."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
from pathlib import Path
from typing import Any

import pytest

from bare_kaga import bare
from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.people import notices, outbox, secret
from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.people.requests import Breaches, Calendar
from kitamae.kernel.people.vault import Asked
from serving import SAME, Served, serving
from signing_in import fields
from staffing import all_erased, give
from web.requests.test_cases_over_http import NUMBER, filed, send, signed_in, staff, step, taro

FROM = "noreply@city.example.jp"
OWN = "/my/notices"
DESK = "/staff/notices"


def town(tmp_path: Path, **chosen: Any) -> Any:
    return serving(
        tmp_path / "data",
        **{"city": bare(tmp_path / "city"), "mail": f"file://{tmp_path}/post", "mail_from": FROM} | chosen,
    )


def letters(tmp_path: Path) -> list[Any]:
    found = sorted((tmp_path / "post").glob("*"), key=lambda file: file.stat().st_mtime_ns)
    return [email.message_from_bytes(one.read_bytes(), policy=email.policy.default) for one in found]


async def until(there: Any, seconds: float = 10) -> Any:
    for _ in range(int(seconds / 0.05)):
        if found := await there():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen")


async def give_address(served: Served, tmp_path: Path, to: str = "taro@example.jp", lang: str = "ja") -> None:
    """Whoever is signed in gives it, and types the code of the letter."""
    before = len(letters(tmp_path))
    page = (await served.client.get(f"{OWN}?lang={lang}")).text
    form = fields(page.split(f'action="{OWN}"')[1])
    answer = await served.client.post(OWN, data=form | {"email": to, "speaks": lang}, headers=SAME)
    assert answer.headers.get("location") == f"{OWN}?done=asked", answer.text
    sent = letters(tmp_path)[before:]
    assert [one["To"] for one in sent] == [to]
    code = re.search(r"\b([2-9A-Z]{4}-[2-9A-Z]{4})\b", sent[0].get_content())
    assert code
    answer = await send(served, f"{OWN}/sure", OWN, code=code[1].lower())
    assert answer.headers.get("location") == f"{OWN}?done=sure", answer.text


async def answered(served: Served, **asked: str) -> str:
    """The number of a question of whoever is signed in, which staff have answered."""
    number = await filed(served, kind="question", text="なぜ見たのですか。", **asked)
    async with staff(served):
        assert (await step(served, number, "answer", text="窓口の手続きのためです。")).status_code == 303
    return number


async def kept(served: Served) -> list[notices.Notice]:
    return list((await notices.every(served.kitamae.city.store)).values())


def settled(served: Served, state: str, count: int = 1) -> Any:
    async def look() -> list[notices.Notice]:
        found = [one for one in await kept(served) if one["state"] == state]
        return found if len(found) >= count else []

    return until(look)


async def test_whoever_gave_an_address_is_told_by_a_letter_that_says_nothing_of_what_it_is_about(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as served:
        async with taro(served):
            await give_address(served, tmp_path)
            number = await answered(served)
        await settled(served, "sent")
        (letter,) = letters(tmp_path)[1:]
        assert (letter["To"], letter["From"]) == ("taro@example.jp", FROM)
        text = letter["Subject"] + letter.get_content()
        assert "お知らせがあります" in text
        assert "/my/notices" in text
        for secret in (number, "質問", "回答", "窓口", "太郎", "resident-taro"):
            assert secret not in text
        async with taro(served):
            page = (await served.client.get(OWN)).text
            assert f"/my/requests/{number}" in page
            assert "メールで送りました" in page
            proof = re.search(rf'href="({OWN}/proof/\d+)"', page)
            assert proof
            got = await until(lambda: _ok(served, proof[1]))
            assert "c2sp.org/tlog-proof" in got.text
            looks = (await served.client.get("/my/receipts")).json()["receipts"]
            assert [one["who"] for one in looks if one["purpose"] == "contact"] == ["system"]
        stored = await served.kitamae.city.store.documents(None, notices.KIND)
        assert "taro@" not in str(stored)


async def _ok(served: Served, path: str) -> Any:
    answer = await served.client.get(path)
    return answer if answer.status_code == 200 else None


@pytest.mark.parametrize(
    ("lang", "subject"),
    [
        ("ja_Hira", "おしらせが あります"),
        ("en", "there is a notice for you"),
        ("zh", "有给您的通知"),
        ("ko", "알림이 있습니다"),
    ],
)
async def test_the_letter_is_in_the_language_that_the_person_chose(
    tmp_path: Path, lang: str, subject: str
) -> None:
    async with town(tmp_path) as served:
        async with taro(served):
            await give_address(served, tmp_path, lang=lang)
            await answered(served)
        await settled(served, "sent")
        assert subject in letters(tmp_path)[-1]["Subject"]


async def test_who_gave_no_address_is_on_the_list_of_letters_until_somebody_posts_one_and_back_after_an_undo(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as served:
        async with taro(served):
            number = await filed(
                served,
                kind="disclosure",
                capacity="self",
                name="加賀 太郎",
                address="加賀市大聖寺1-2",
                target="国保の記録",
            )
        async with staff(served):
            assert (await step(served, number, "extend", days="10", text="照会中のため")).status_code == 303
            (one,) = await settled(served, "paper")
            assert one["why"] == "no-address"
            listed = (await served.client.get(DESK)).text
            (notice,) = re.findall(r'name="n" value="([^"]+)"', listed)
            assert "太郎" not in listed
            too_early = await send(served, f"{DESK}/posted", DESK, n=notice)
            assert too_early.status_code == 409
            printed = (await send(served, f"{DESK}/letters", DESK, n=notice)).text
            assert "加賀市大聖寺1-2" in printed
            assert "加賀 太郎　様" in printed
            assert f"/staff/requests/{number}/letters/1" in printed
            assert (await served.client.get(f"/staff/requests/{number}/letters/1")).status_code == 200
            posted = await send(served, f"{DESK}/posted", DESK, n=notice)
            assert posted.headers["location"] == f"{DESK}?done=posted"
            assert (await send(served, f"{DESK}/posted", DESK, n=notice)).status_code == 409
            shown = (await served.client.get(DESK)).text
            assert "手紙を出しました" in shown
            undone = await send(served, f"{DESK}/undo", DESK, number=notice)
            assert undone.headers["location"] == f"{DESK}?done=undo"
            assert f'name="n" value="{notice}"' in (await served.client.get(DESK)).text
        async with taro(served):
            assert "手紙で送る準備をしています" in (await served.client.get(OWN)).text
            looks = (await served.client.get("/my/receipts")).json()["receipts"]
            told = [(one["act"], one["who"]) for one in looks if one["purpose"] == "delivery"]
            assert sorted(told) == [("read", "staff-1"), ("wrote", "staff-1"), ("wrote", "staff-1")]


async def test_a_wrong_code_a_late_one_and_too_many_do_not_make_an_address_sure(tmp_path: Path) -> None:
    async with town(tmp_path) as served, taro(served):
        page = (await served.client.get(OWN)).text
        form = fields(page.split(f'action="{OWN}"')[1])
        for typed, status in (("taro", 400), (f"{NUMBER.replace(' ', '')}@example.jp", 422)):
            answer = await served.client.post(OWN, data=form | {"email": typed, "speaks": "ja"}, headers=SAME)
            assert answer.status_code == status, answer.text
        old = {**form, "version": "0" * 32, "email": "taro@example.jp", "speaks": "ja"}
        assert (await served.client.post(OWN, data=old, headers=SAME)).status_code == 409
        await served.client.post(OWN, data=form | {"email": "taro@example.jp", "speaks": "ja"}, headers=SAME)
        again = await served.client.post(
            OWN, data=form | {"email": "taro@example.jp", "speaks": "ja"}, headers=SAME
        )
        assert again.status_code == 429
        for _ in range(6):
            assert (await send(served, f"{OWN}/sure", OWN, code="AAAA-AAAA")).status_code == 400
        code = re.search(r"\b([2-9A-Z]{4}-[2-9A-Z]{4})\b", letters(tmp_path)[0].get_content())
        assert code
        assert (await send(served, f"{OWN}/sure", OWN, code=code[1])).status_code == 400
        assert "アドレスがないので" in (await served.client.get(OWN)).text


async def asked_for(served: Served, to: str) -> Any:
    """Whoever is signed in gives an address, and types no code yet."""
    form = fields((await served.client.get(OWN)).text.split(f'action="{OWN}"')[1])
    return await served.client.post(OWN, data=form | {"email": to, "speaks": "ja"}, headers=SAME)


async def test_who_chooses_another_language_before_he_types_the_code_keeps_his_new_address(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as served, taro(served):
        await give_address(served, tmp_path)
        assert (await asked_for(served, "new@example.jp")).status_code == 303
        code = re.search(r"\b([2-9A-Z]{4}-[2-9A-Z]{4})\b", letters(tmp_path)[-1].get_content())
        assert code
        assert (await send(served, f"{OWN}/language", OWN, speaks="en")).status_code == 303
        sure = await send(served, f"{OWN}/sure", OWN, code=code[1])
        assert sure.headers.get("location") == f"{OWN}?done=sure", sure.text
        page = (await served.client.get(OWN)).text
        assert "new@example.jp" in page
        assert "taro@example.jp" not in page


async def test_a_letter_that_is_not_even_kept_is_not_said_to_be_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(tmp_path) as served, taro(served):
        monkeypatch.setattr(outbox, "MOST", 0)
        answer = await asked_for(served, "taro@example.jp")
        assert (answer.status_code, letters(tmp_path)) == (503, [])


async def test_whoever_takes_his_address_back_is_told_by_letter_and_nothing_of_it_is_left(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as served:
        async with taro(served):
            await give_address(served, tmp_path)
            assert "taro@example.jp" in (await served.client.get(OWN)).text
            gone = await send(served, f"{OWN}/remove", OWN)
            assert gone.headers["location"] == f"{OWN}?done=removed"
            assert "taro@example.jp" not in (await served.client.get("/my/export")).text
            await answered(served)
        (one,) = await settled(served, "paper")
        assert one["why"] == "no-address"
        assert len(letters(tmp_path)) == 1


async def test_whoever_withdraws_the_consent_alone_is_not_written_to_either(tmp_path: Path) -> None:
    async with town(tmp_path) as served:
        async with taro(served):
            await give_address(served, tmp_path)
            page = await served.client.get("/my/consents/contact/withdraw")
            sent = fields(page.text) | {"wish": "withdraw"}
            assert (
                await served.client.post("/my/consents/contact", data=sent, headers=SAME)
            ).status_code == 303
            await answered(served)
        await settled(served, "paper")
        assert len(letters(tmp_path)) == 1


async def test_mail_that_came_back_goes_on_the_list_of_letters(tmp_path: Path) -> None:
    async with town(tmp_path) as served:
        async with taro(served):
            await give_address(served, tmp_path)
            await answered(served)
        await settled(served, "sent")
        number = re.search(r"お知らせの番号: (\S+)", letters(tmp_path)[-1].get_content())
        assert number
        async with staff(served):
            assert (await send(served, f"{DESK}/returned", DESK, number="nope")).status_code == 400
            back = await send(served, f"{DESK}/returned", DESK, number=number[1].lower())
            assert back.headers["location"] == f"{DESK}?done=returned"
            assert "もどってきた" in (await served.client.get(DESK)).text
            assert (await send(served, f"{DESK}/returned", DESK, number=number[1])).status_code == 409


async def test_a_rehearsal_sends_nothing_and_every_page_says_so(tmp_path: Path) -> None:
    city = bare(tmp_path / "rehearsing")
    file = city / "city.toml"
    file.write_text(
        file.read_text("utf-8").replace("[requests]", "[notices]\nrehearsal = true\n\n[requests]"), "utf-8"
    )
    async with town(tmp_path, city=city) as served:
        async with taro(served):
            await give_address(served, tmp_path)
            await answered(served)
        await settled(served, "rehearsed")
        async with taro(served):
            page = (await served.client.get(OWN)).text
            assert "練習中です" in page
            assert "練習中なので、送っていません" in page
        async with staff(served):
            assert "練習中です" in (await served.client.get(DESK)).text
        assert len(letters(tmp_path)) == 1  # to make sure of the address: the person asked for that himself


async def test_without_a_mail_server_everything_goes_by_letter_and_nobody_is_asked_for_an_address(
    tmp_path: Path,
) -> None:
    async with town(tmp_path, mail="", mail_from="") as served:
        async with taro(served):
            page = (await served.client.get(OWN)).text
            assert 'name="email"' not in page
            await answered(served)
        (one,) = await settled(served, "paper")
        assert one["why"] == "no-channel"
        async with staff(served):
            assert "メールを送る設定がありません" in (await served.client.get(DESK)).text


async def test_nobody_but_the_desk_sees_the_list(tmp_path: Path) -> None:
    async with town(tmp_path) as served:
        assert (await served.client.get(DESK)).status_code == 401
        async with taro(served):
            assert (await served.client.get(DESK)).status_code == 403
        async with signed_in(served, "staff-9", "staff", 2):
            assert (await served.client.get(DESK)).status_code == 403


async def test_all_that_waits_for_one_person_goes_as_one_letter(tmp_path: Path) -> None:
    async with town(tmp_path) as served:
        served.kitamae.city._rooms.notices._paused = 2**62
        async with taro(served):
            await give_address(served, tmp_path)
        for _ in range(3):
            async with taro(served):
                await answered(served)
        served.kitamae.city._rooms.notices._paused = 0
        found = await settled(served, "sent", 3)
        assert len({one["letter"] for one in found}) == 1
        assert len(letters(tmp_path)) == 2


async def test_whom_a_breach_concerns_is_found_by_the_looks_told_once_and_reads_what_the_law_wants_told(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as served:
        vault = served.kitamae.city.vault
        persons = ["resident-taro", "resident-hanako", "resident-jiro"]
        for ref in persons:
            await vault.keep(SYSTEM, ref, "identity", "basic-four", {"name": "試験", "address": "例示町１"})
        thief = Principal(
            "token-thief", "service", frozenset({"read:person:identity"}), 1, tenants=frozenset({"*"})
        )
        await vault.read(Asked(thief, "identity", tuple(persons[:2])))
        async with staff(served):
            entered = await send(
                served,
                "/staff/breaches",
                learnt=days.of(clock.now()).isoformat(),
                summary="鍵が盗まれた",
                sensitive="1",
            )
            address = entered.headers["location"]
            today = days.of(clock.now()).isoformat()
            seen = {"by": "token-thief", "since": today, "until": today}
            for wrong in ({"since": "2026-13-01"}, {"by": ""}, {"until": "2026-01-01"}):
                assert (await send(served, f"{address}/tell", address, **seen | wrong)).status_code == 400
            counted = await send(served, f"{address}/tell", address, **seen)
            assert "2人が見つかりました" in counted.text
            assert await kept(served) == []
            for _ in range(2):
                done = await send(served, f"{address}/tell", address, really="1", **seen)
                assert done.status_code == 303, done.text
            assert {one["person"] for one in await kept(served)} == set(persons[:2])
            assert len(await kept(served)) == 2
            shown = (await served.client.get(address)).text
            assert "これまでに2人に知らせました。" in shown
            assert "resident-taro" not in shown
        number = address.rpartition("/")[2]
        async with taro(served):
            link = f"{OWN}/breaches/{number}"
            assert link in (await served.client.get(OWN)).text
            page = (await served.client.get(link)).text
            assert "鍵が盗まれた" in page
            assert "再発防止" not in page, "that is for the Commission"
        async with signed_in(served, "resident-jiro", "resident", 3):
            assert (await served.client.get(link)).status_code == 404


@pytest.mark.parametrize("order", ["before", "after"])
async def test_notice_of_a_breach_waits_until_a_look_that_is_withheld_is_shown(
    tmp_path: Path, order: str
) -> None:
    async with town(tmp_path) as served:
        city, today = served.kitamae.city, days.of(clock.now()).isoformat()
        await city.vault.keep(SYSTEM, "resident-taro", "identity", "basic-four", {"name": "試験"})
        thief = Principal(
            "token-thief", "service", frozenset({"read:person:identity"}), 1, tenants=frozenset({"*"})
        )
        await city.vault.read(Asked(thief, "identity", ("resident-taro",)))
        (look,) = await city.vault.outside.looks_at(SYSTEM, "", "resident-taro", 1 << 62, 10)
        until = clock.now() + 86_400_000_000

        async def withhold() -> None:
            officer = await city.people.who(secret.digest(served.client.cookies["kitamae_session"]))
            await city.vault.withhold(officer, "resident-taro", look.number, "刑事訴訟法 第197条第2項", until)

        async with staff(served):
            entered = await send(served, "/staff/breaches", learnt=today, summary="鍵が盗まれた")
            address = entered.headers["location"]
            if order == "before":
                await withhold()
            seen = {"by": "token-thief", "since": today, "until": today, "really": "1"}
            assert (await send(served, f"{address}/tell", address, **seen)).status_code == 303
            if order == "after":
                await settled(served, "paper")  # he gave no address: it is a letter that nobody printed yet
                assert 'name="n"' in (await served.client.get(DESK)).text
                await withhold()
            assert 'name="n"' not in (await served.client.get(DESK)).text
            ((number, given),) = (await notices.every(city.store)).items()
            assert given["after"] == clock.text(until)
            waits = await notices.due(city.store, number)
            assert (waits["next"] if waits else 0) == (until if order == "before" else 0)
            assert (await send(served, f"{DESK}/letters", DESK, n=number)).status_code in (400, 409)
        async with taro(served):
            assert "お知らせはまだありません" in (await served.client.get(OWN)).text
            told = await served.client.get(f"{OWN}/breaches/{address.rpartition('/')[2]}")
            assert told.status_code == 404


async def test_a_restore_of_a_backup_from_before_a_notice_was_sent_does_not_send_it_again(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as served:
        served.kitamae.city._rooms.notices._paused = 2**62
        async with taro(served):
            await give_address(served, tmp_path)
        async with taro(served):
            await answered(served)
        assert [one["state"] for one in await kept(served)] == ["waiting"]
        await served.kitamae.backup(tmp_path / "backup.tar")
        served.kitamae.city._rooms.notices._paused = 0
        await settled(served, "sent")
        assert len(letters(tmp_path)) == 2
        await served.kitamae.restore(tmp_path / "backup.tar")
        (one,) = await settled(served, "sent")
        assert one["how"] == "mail"
        await asyncio.sleep(2.5)
        assert len(letters(tmp_path)) == 2


async def test_what_somebody_was_still_to_be_told_goes_with_his_account_and_no_key_of_his_comes_back(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as served:
        city, sender = served.kitamae.city, served.kitamae.city._rooms.notices
        sender._paused = 2**62
        assert city.vault

        async def owe() -> str:
            async def work(tx: Any) -> str:
                return await notices.owe(tx, "resident-taro", notices.What("flag"), clock.now())

            return await city.store.transact(work)

        await city.vault.keep(SYSTEM, "resident-taro", "identity", "basic-four", {"name": "試験"})
        await owe()
        gone = await all_erased(served, "resident-taro")
        assert gone.account["notice"] == 1
        assert await kept(served) == []
        assert await city.store.get("", notices.OF, "resident-taro") is None
        late = await owe()  # as one that was being handed over, or written, at that very moment
        await sender._settle("resident-taro", [late], "", "sent", "mail")
        (one,) = await kept(served)
        assert one["state"] == "sent"
        assert await city.vault._inner.keys.store.of("resident-taro") == []
        async with staff(served):
            returned = await send(served, f"{DESK}/returned", DESK, number=late)
            assert returned.headers["location"] == f"{DESK}?done=returned"
        assert [one["state"] for one in await kept(served)] == ["paper"]
        assert await city.vault._inner.keys.store.of("resident-taro") == []


async def test_each_sheet_is_chosen_by_itself_and_what_is_enclosed_is_the_desks_to_print(
    tmp_path: Path,
) -> None:
    async with town(tmp_path, mail="", mail_from="") as served:
        vault = served.kitamae.city.vault
        assert vault
        place = {"name": "加賀 太郎", "address": "例示町１"}
        await vault.keep(SYSTEM, "resident-taro", "identity", "basic-four", place)
        breaches = Breaches(served.kitamae.city.store, Calendar())
        officer = Principal("staff-9", "staff", session="s", assurance=2)
        number = await breaches.enter(
            officer, breaches.today(), ["sensitive"], 2, {"summary": "鍵が盗まれた"}
        )
        async with signed_in(served, "staff-8", "staff", 2):
            assert (await served.client.get(f"{DESK}/breaches/{number}")).status_code == 403
        await served.kitamae.city.people.staff()
        clerk = await served.kitamae.city.people.staff(another=True)
        await give(served, clerk, "requests")
        async with signed_in(served, clerk, "staff", 2):
            paper = f"{DESK}/breaches/{number}"
            assert (await served.client.get(paper)).status_code == 404, "nobody was told of it"
            await breaches.tell(officer, number, {"resident-taro": [1], "resident-jiro": [2]})

            async def owe(tx: Any) -> str:
                return await notices.owe(tx, "resident-hanako", notices.What("flag"), clock.now())

            flag = await served.kitamae.city.store.transact(owe)
            waits = await settled(served, "paper", 3)
            assert {one["person"] for one in waits} == {"resident-taro", "resident-jiro", "resident-hanako"}
            assert "鍵が盗まれた" in (await served.client.get(paper)).text
            assert (await served.client.get(f"/staff/breaches/{number}/papers/persons")).status_code == 403
            of = {one["person"]: id for id, one in (await notices.every(served.kitamae.city.store)).items()}
            everybody = " ".join(of.values())
            printed = (await send(served, f"{DESK}/letters", DESK, n=everybody)).text
            assert f'href="{paper}"' in printed
            chosen = dict(re.findall(r'name="n" value="([^"]+)"( checked)?', printed))
            assert chosen == {of["resident-taro"]: " checked", of["resident-jiro"]: "", flag: ""}
            sheets = printed.split("<article")[1:]
            alone = [one for one in sheets if flag in one]
            assert [len([one for one in sheets if "the enclosed" in one]), len(alone)] == [2, 1]
            for words in ("enclosed", "随信文件", "동봉", "同封", "いっしょに"):
                assert words not in alone[0]
            await send(served, f"{DESK}/posted", DESK, n=of["resident-taro"])
        states = {one["person"]: one["state"] for one in await kept(served)}
        assert (states["resident-taro"], states["resident-jiro"]) == ("posted", "paper")
