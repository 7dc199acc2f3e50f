"""Whoever erases everything that is held about him has no account any more: nothing lets him in, here or at a partner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import staffing
from bare_kaga import bare
from serving import SAME, Served, serving
from signing_in import Partner, fields, resident
from test_visitors import ask, enter, letters, town
from web.delegates.test_delegations import appointed, browser

PASSKEY = {"key": "a", "count": 0, "name": "電話", "createdAt": "2026-11-01T00:00:00Z", "usedAt": None}


async def erase(served: Served) -> Any:
    page = (await served.client.get("/my/erase")).text
    return await served.client.post("/my/erase", data=fields(page), headers=SAME)


async def put(served: Served, kind: str, id: str, doc: Any) -> None:
    async def work(tx: Any) -> None:
        await tx.put("", kind, id, doc)

    await served.kitamae.city.store.transact(work)


async def documents(served: Served, *kinds: str) -> str:
    return str([await served.kitamae.city.store.documents("", kind) for kind in kinds])


async def test_sessions_passkeys_mandates_and_what_partners_got_end_with_it(tmp_path: Path) -> None:
    async with (
        serving(tmp_path / "data", city=bare(tmp_path / "city"), demo_residents=True) as kaga,
        browser(kaga, "test-1") as one,
        browser(kaga, "test-3") as other,
    ):
        mandate = await appointed(one, other)
        ref = (await one.client.get("/my/export")).json()["person"]
        await put(kaga, "passkey", "abc", {**PASSKEY, "person": ref})
        partner = await Partner.of(one)
        got = (await partner.exchange(await partner.code())).json()
        got = (await partner.refresh(got["refresh_token"])).json()
        await other.client.get("/my/delegations")
        began = (await other.client.get("/my/delegations")).text
        sent = {"csrf": fields(began)["csrf"]}
        acting = await other.client.post(f"/my/delegations/{mandate}/act", data=sent, headers=SAME)
        assert acting.headers["location"] == "/my/delegations/held"

        plan = (await one.client.get("/my/erase")).text
        for said in ("パスキー（1個）", "のりあいバス予約 に知らせる", "代理（1件）", "すべての端末"):
            assert said in plan
        done = await erase(one)
        assert "利用登録も終わりました" in done.text
        assert "account" in done.text, "the proof says what went"
        assert (await one.client.get("/my")).status_code == 303, "nobody is signed in"
        assert (await partner.refresh(got["refresh_token"])).status_code == 400
        assert (await partner.about(got["access_token"])).status_code == 401
        assert (await other.client.get("/my/delegations/held")).status_code in (303, 401, 403)
        left = await documents(kaga, "passkey", "session", "consent", "grant", "code", "mandate", "link")
        assert ref not in left
        assert "abc" in await documents(kaga, "revoked"), "no restore brings it back"
        assert ref in await documents(kaga, "resident"), (
            "the law keeps who he is, so his card finds that again"
        )
        assert await resident(one, "test-1", "/my") == "/my"
        assert (await one.client.get("/my/export")).json()["person"] == ref
        assert (await partner.ask()).status_code == 200, "the partner asks anew"


async def test_membership_of_a_provider_is_told_before_and_ends(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city"), demo_residents=True) as kaga:
        await resident(kaga, "test-1", "/my")
        ref = (await kaga.client.get("/my/export")).json()["person"]
        told = {"provider": "p1", "what": "applied", "by": ref, "at": "2026-11-01T00:00:00Z"}
        provider = {
            "number": "p1", "sort": "company", "name": "加賀のりあい交通", "state": "accepted", "members": [ref, "visitor-2"],
            "applied": {"at": told["at"], "by": ref}, "ledger": [{"number": 0, "told": told, "salt": "c2FsdA=="}],
        }  # fmt: skip
        await put(kaga, "city-provider", "p1", provider)
        await put(kaga, "provider-of", ref, ["p1"])
        for lang, words in (
            ("ja", "提供者「加賀のりあい交通」のメンバー"),
            ("en", "a member of the provider"),
        ):
            assert words in (await kaga.client.get(f"/my/erase?lang={lang}")).text
        await kaga.client.get("/my/erase?lang=ja")
        assert "利用登録も終わりました" in (await erase(kaga)).text
        found = await documents(kaga, "city-provider", "provider-of")
        assert ref not in found
        assert "visitor-2" in found


async def test_the_last_record_of_who_a_resident_is_takes_along_what_said_where_it_was(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city"), demo_residents=True) as kaga:
        await resident(kaga, "test-1", "/my")
        ref = (await kaga.client.get("/my/export")).json()["person"]
        await staffing.erased(kaga, ref, "identity")
        assert ref not in await documents(kaga, "resident")


async def test_a_visitor_is_told_what_goes_and_begins_anew_after_it(tmp_path: Path) -> None:
    async with town(tmp_path) as served:
        await ask(served, "hanako@example.jp")
        (letter,) = letters(tmp_path)
        assert "unopened" in await documents(served, "person")
        await enter(served, letter)
        assert "unopened" not in await documents(served, "person")
        for lang in ("ja", "ja_Hira", "en", "zh", "ko"):
            assert (await served.client.get(f"/my/erase?lang={lang}")).status_code == 200
        page = (await served.client.get("/my/erase?lang=ja")).text
        assert "消すデータはありません" not in page
        assert "このメールアドレスで使うための登録" in page
        done = await erase(served)
        assert "消したことの証明" in done.text
        assert "件の記録" not in done.text, "there was none"
        assert (await served.client.get("/account")).status_code == 303
        assert "visitor-" not in await documents(served, "person", "session", "link")


async def test_staff_keep_the_account_that_the_town_hall_gave(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as served:
        people = served.kitamae.city.people
        ref = await people.staff()
        await staffing.enter(served, ref, 2)
        assert "消すデータはありません" in (await served.client.get("/my/erase?lang=ja")).text
        gone = await served.client.delete("/my/records", headers=SAME)
        assert gone.status_code == 404
        assert (await people.person(ref))["role"] == "staff"
