"""Duties with a second person's passkey, a transfer, and an emergency: in a real browser, in five languages, on a phone, with axe."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import html5lib
import pytest
from served_city import kitamae, servers

from browser.test_accessibility import RULES
from browser.test_passkeys import DEVICE

LANGUAGES = ("ja", "ja_Hira", "en", "zh", "ko")
WHY = "避難所にいる人の安否を確かめるため"


@pytest.fixture
def town(tmp_path, monkeypatch):
    """A server that people reach by a name: passkeys are not for numbers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("KITAMAE_PUBLIC_URL", f"http://localhost:{port}")
    with servers() as start:
        yield start("--port", str(port), data=tmp_path / "data")


@pytest.fixture
def axe():
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


def test_two_members_of_staff_with_passkeys_give_a_duty_undo_it_and_review_an_emergency(chromium, town, axe):
    here = town.address.replace("127.0.0.1", "localhost")

    def person(link):
        """Somebody with a device of his own, signed in with its passkey; the page and the number."""
        context = chromium.new_context(locale="ja-JP", viewport={"width": 1280, "height": 900})
        page = context.new_page()
        control = context.new_cdp_session(page)
        control.send("WebAuthn.enable")
        control.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        page.goto(link)
        page.get_by_role("button", name="サインインする", exact=True).click()
        page.wait_for_url("**/staff")
        ref = page.locator("dd code").inner_text()
        page.goto(here + "/account/passkeys")
        page.get_by_label("端末の名前").fill("携帯")
        page.get_by_role("button", name="この端末を登録する").click()
        page.get_by_role("button", name="携帯を消す").wait_for()
        page.goto(here + "/staff")
        page.get_by_role("button", name="サインアウトする").click()
        page.goto(here + "/sign-in")
        page.get_by_role("button", name="パスキーでサインインする").click()
        page.wait_for_url("**/staff")
        return page, ref

    def give(page, ref, duty):
        page.goto(here + "/staff/duties")
        page.locator("#person").select_option(ref)
        page.get_by_label("担当", exact=True).select_option(duty)
        page.get_by_label("理由").fill("4月から")
        page.get_by_role("button", name="変更を出す").click()
        page.wait_for_load_state()

    def looked_at(page, path, name):
        """Nothing for axe to find in any language and nothing that scrolls sideways on a phone."""
        for lang in LANGUAGES:
            page.set_viewport_size({"width": 1280, "height": 900})
            page.goto(f"{here}{path}{'&' if '?' in path else '?'}lang={lang}")
            html5lib.HTMLParser(strict=True).parse(page.context.request.get(page.url).text())
            for width in (1280, 320):
                page.set_viewport_size({"width": width, "height": 900})
                found = axe.run(page, options={"runOnly": RULES}).response["violations"]
                assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == [], (path, lang)
                if folder := os.environ.get("KITAMAE_SHOTS"):
                    page.screenshot(path=str(Path(folder) / f"{name}-{lang}-{width}.png"), full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, (path, lang)
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"{here}/?lang=ja")

    first, me = person(town.link)
    assert "最初のアカウント" in first.content()
    second, colleague = person(kitamae("sign-in", "--another", "--data", town.data).stdout.strip())
    third, officer = person(kitamae("sign-in", "--another", "--data", town.data).stdout.strip())
    looked_at(first, "/staff/duties", "founder")
    give(first, me, "staffing")
    give(first, colleague, "staffing")

    give(first, officer, "privacy-officer")
    change = first.url
    assert "自分で用意した変更は、自分では認められません" in first.content()
    looked_at(second, "/staff/duties", "duties")
    looked_at(second, change.removeprefix(here), "transfer")
    third.goto(here + "/staff/emergencies")
    assert "desk privacy" in third.content() or "403" in third.content()
    second.goto(change)
    second.get_by_role("button", name="認める", exact=True).click()
    second.get_by_text("効いています").wait_for()
    third.goto(here + "/staff/emergencies")
    third.get_by_text("緊急アクセスはありません").wait_for()

    second.goto(here + "/staff/transfers")
    second.get_by_label("名前（例").fill("異動")
    second.get_by_label("または、ここにはる").fill(
        f"職員番号,旧所属,新所属,付ける担当\n{me},総務課,防災課,防災担当\n"
    )
    second.get_by_role("button", name="ためす").click()
    second.get_by_text("まだ何も変わっていません").wait_for()
    second.get_by_role("button", name="確かめる人に回す").click()
    second.get_by_text("所属：総務課 から 防災課 へ").wait_for()
    second.get_by_role("button", name="取り下げる").click()
    second.get_by_text("取り下げました").wait_for()
    looked_at(second, "/staff/transfers", "transfers")

    second.goto(here + "/staff/emergency")
    second.get_by_label("何が要るか").select_option("desk:incidents")
    second.get_by_label("理由").fill(WHY)
    second.get_by_role("button", name="緊急アクセスを始める").click()
    second.get_by_role("button", name="終わらせる").wait_for()
    looked_at(second, "/staff/emergency", "emergency")
    looked_at(third, "/staff/emergencies", "emergencies-running")
    second.goto(here + "/staff/emergency")
    second.get_by_role("button", name="終わらせる").click()
    second.get_by_text("確認を待っています").wait_for()
    looked_at(third, "/staff/emergencies", "emergencies")
    third.goto(here + "/staff/emergencies")
    third.get_by_label("そう考えた理由").fill("災害対策本部の指示だった")
    third.get_by_role("button", name="正しかった", exact=True).click()
    third.get_by_text("災害対策本部の指示だった").wait_for()
    looked_at(third, "/emergency-access", "emergency-access")
    looked_at(third, "/staff", "staff")

    first.goto(change)
    first.get_by_role("button", name="もどす変更を用意する").click()
    first.wait_for_load_state()
    second.goto(first.url)
    second.get_by_role("button", name="認める", exact=True).click()
    second.get_by_text("効いています").wait_for()
    third.goto(here + "/staff/emergencies")
    assert third.locator("h2", has_text="事故と障害の仕事").count() == 0, "from the next request on"
    for page in (first, second, third):
        page.context.close()
