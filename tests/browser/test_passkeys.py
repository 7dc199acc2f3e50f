"""Staff register and use passkeys in a real browser, with Chromium's virtual authenticator."""

from __future__ import annotations

from served_city import kitamae

from browser.people import anybody, by_link, by_passkey, register_device, with_device


def test_staff_register_devices_sign_in_with_them_and_let_a_colleague_in_again(chromium, named_town):
    def enter(page, link):
        return by_link(page, link).locator("dd code").inner_text()

    here = named_town.address
    first = with_device(chromium)
    me = enter(first, named_town.link)
    assert "パスキーでサインインした職員だけが" in first.content()
    register_device(first, here, "仕事用の携帯")
    by_passkey(first, here)
    assert first.locator("dd code").inner_text() == me
    first.goto(here + "/account")
    assert "中くらい：登録したパスキーで" in first.content()

    second = with_device(chromium)
    colleague = enter(second, kitamae("sign-in", "--another", "--data", named_town.data).stdout.strip())
    assert colleague != me
    register_device(second, here, "失くす携帯")

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
    third = with_device(chromium)
    assert enter(third, link) == colleague
    assert me in third.content()
    assert "あなたとして" in third.content()
    register_device(third, here, "新しい携帯")
    third.get_by_role("button", name="新しい携帯を消す").click()
    third.get_by_text("まだありません").wait_for()
    for page in (first, second, third):
        page.context.close()


def test_without_a_script_the_page_says_what_to_do(chromium, named_town):
    words = {
        "ja": "JavaScript が必要です",
        "ja_Hira": "JavaScript が いります",
        "en": "need JavaScript",
        "zh": "需要 JavaScript",
        "ko": "JavaScript가 필요합니다",
    }
    page = anybody(chromium, java_script_enabled=False)
    for lang, said in words.items():
        page.goto(f"{named_town.address}/sign-in?lang={lang}")
        assert page.get_by_text(said).is_visible(), lang
        assert page.locator("form[data-passkey] button").is_hidden()
        assert page.locator("#code").is_visible()
