"""Staff register and use passkeys in a real browser, with Chromium's virtual authenticator."""

from __future__ import annotations

import socket

import pytest
from served_city import kitamae, servers

DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture
def town(tmp_path, monkeypatch):
    """A server that people reach by a name: passkeys are not for numbers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("KITAMAE_PUBLIC_URL", f"http://localhost:{port}")
    with servers() as start:
        yield start("--port", str(port), data=tmp_path / "data")


def test_staff_register_devices_sign_in_with_them_and_let_a_colleague_in_again(chromium, town):
    def device():
        context = chromium.new_context(locale="ja-JP")
        page = context.new_page()
        control = context.new_cdp_session(page)
        control.send("WebAuthn.enable")
        control.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        return page

    def enter(page, link):
        page.goto(link)
        page.get_by_role("button", name="サインインする", exact=True).click()
        page.wait_for_url("**/staff")
        return page.locator("dd code").inner_text()

    def register(page, name):
        page.goto(town.address.replace("127.0.0.1", "localhost") + "/account/passkeys")
        page.get_by_label("端末の名前").fill(name)
        page.get_by_role("button", name="この端末を登録する").click()
        page.get_by_role("button", name=f"{name}を消す").wait_for()

    here = town.address.replace("127.0.0.1", "localhost")
    first = device()
    me = enter(first, town.link)
    assert "パスキーでサインインした職員だけが" in first.content()
    register(first, "仕事用の携帯")
    first.goto(here + "/staff")
    first.get_by_role("button", name="サインアウトする").click()
    first.goto(here + "/sign-in")
    first.get_by_role("button", name="パスキーでサインインする").click()
    first.wait_for_url("**/staff")
    assert first.locator("dd code").inner_text() == me
    first.goto(here + "/account")
    assert "中くらい：登録したパスキーで" in first.content()

    second = device()
    colleague = enter(second, kitamae("sign-in", "--another", "--data", town.data).stdout.strip())
    assert colleague != me
    register(second, "失くす携帯")

    first.goto(here + "/staff")
    offered = first.get_by_label("同僚", exact=True).locator("option")
    assert [one.get_attribute("value") for one in offered.all() if one.get_attribute("value")] == [
        colleague
    ], "nobody lets himself in again"
    first.get_by_label("同僚", exact=True).select_option(colleague)
    first.get_by_role("button", name="新しいリンクを出す").click()
    link = first.locator("code", has_text="http").first.inner_text()

    second.goto(here + "/staff")
    assert second.url.endswith("/sign-in"), "whoever had the lost device is signed out"
    second.get_by_role("button", name="パスキーでサインインする").click()
    second.get_by_text("そのパスキーは使えませんでした").wait_for()
    third = device()
    assert enter(third, link) == colleague
    assert me in third.content()
    assert "あなたとして" in third.content()
    register(third, "新しい携帯")
    third.get_by_role("button", name="新しい携帯を消す").click()
    third.get_by_text("まだありません").wait_for()
    for page in (first, second, third):
        page.context.close()


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("ja", "JavaScript が必要です"),
        ("ja_Hira", "JavaScript が いります"),
        ("en", "need JavaScript"),
        ("zh", "需要 JavaScript"),
        ("ko", "JavaScript가 필요합니다"),
    ],
)
def test_without_a_script_the_page_says_what_to_do(chromium, town, lang, words):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{town.address.replace('127.0.0.1', 'localhost')}/sign-in?lang={lang}")
    assert page.get_by_text(words).is_visible()
    assert page.locator("form[data-passkey] button").is_hidden()
    assert page.locator("#code").is_visible()
    context.close()
