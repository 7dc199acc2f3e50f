"""My page in a real browser with a real city behind it: consent in two taps without a script, five languages, axe, strict HTML, print."""

from __future__ import annotations

import re
import shutil

import html5lib
import pytest
from served_city import servers

from browser.conftest import ROOT
from browser.test_accessibility import RULES

ALL = ("ja", "ja_Hira", "en", "zh", "ko")
AGREE = {"ja": "同意する", "ja_Hira": "どういする", "en": "Agree", "zh": "同意", "ko": "동의함"}
WITHDRAW = {"ja": "同意をやめる", "ja_Hira": "どういを やめる", "en": "Withdraw", "zh": "撤回同意", "ko": "동의 철회"}  # fmt: skip
WITHDRAWN = {"ja": "同意をやめました", "ja_Hira": "どういを やめました", "en": "You have withdrawn", "zh": "您已撤回同意", "ko": "동의를 철회했습니다"}  # fmt: skip


@pytest.fixture(scope="module")
def axe():
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Kaga's profile without its data, with invented residents."""
    folder = tmp_path_factory.mktemp("town")
    text = (ROOT / "cities" / "kaga" / "city.toml").read_text("utf-8")
    (folder / "city.toml").write_text(re.sub(r"\[\[data\]\][^\[]*", "", text), "utf-8")
    context = (ROOT / "cities" / "kaga" / "context.jsonld").read_text("utf-8")
    (folder / "context.jsonld").write_text(context, "utf-8")
    shutil.copytree(ROOT / "cities" / "kaga" / "pia", folder / "pia")
    with servers() as start:
        yield start("--city", str(folder), "--demo-residents", data=folder / "data")


def resident(chromium, town, number, *, lang="ja", **more):
    """One of the invented four, signed in, on My page."""
    context = chromium.new_context(locale="ja-JP", **more)
    context.add_cookies([{"name": "lang", "value": lang, "url": town.address}])
    page = context.new_page()
    page.goto(f"{town.address}/sign-in/resident/start?next=/my")
    page.locator("main form button").nth(number).click()
    page.wait_for_url("**/my")
    return page


@pytest.mark.parametrize("lang", ALL)
def test_consent_is_given_and_withdrawn_in_two_taps_on_a_small_phone_without_a_script(
    chromium, town, axe, lang
):
    page = resident(
        chromium, town, ALL.index(lang) % 4, lang=lang,
        java_script_enabled=False, viewport={"width": 320, "height": 640},
    )  # fmt: skip
    page.goto(f"{town.address}/my/consents/notices")
    page.get_by_role("button", name=AGREE[lang], exact=True).click()
    page.goto(f"{town.address}/my/enter/notices")
    page.locator("#field-email").fill("someone@example.jp")
    page.locator("main form button").click()
    page.goto(f"{town.address}/my")
    assert page.get_by_text("someone@example.jp").is_visible()
    page.get_by_role("link", name=re.compile("^" + re.escape(WITHDRAW[lang]))).first.click()  # one
    page.get_by_role("button", name=WITHDRAW[lang], exact=True).click()  # two
    assert page.locator(".notice").get_by_text(WITHDRAWN[lang]).is_visible()
    assert page.get_by_role("button", name=AGREE[lang], exact=True).is_visible(), "which undoes it"
    page.context.close()


@pytest.mark.parametrize("lang", ALL)
def test_axe_and_a_strict_parser_find_nothing_and_nothing_scrolls_sideways(chromium, town, axe, lang):
    page = resident(chromium, town, 1, lang=lang, viewport={"width": 320, "height": 640})
    page.goto(f"{town.address}/my/consents/notices")
    if (button := page.get_by_role("button", name=AGREE[lang], exact=True)).count():
        button.click()
    paths = ("/my", "/my/log", "/my/consents/notices", "/my/consents/notices/withdraw", "/my/enter/notices", "/my/erase")  # fmt: skip
    for path in (*paths, "/my?size=larger", "/my/consents/notices?done=agree", "/my/enter/notices?done=kept"):
        page.goto(town.address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        found = axe.run(page, options={"runOnly": RULES}).response["violations"]
        assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == [], path
        html5lib.HTMLParser(strict=True).parse(page.request.get(town.address + path).text())
    page.context.close()


def test_the_pages_of_the_desks_are_in_order_too(chromium, town, axe):
    page = chromium.new_context(locale="ja-JP", viewport={"width": 320, "height": 640}).new_page()
    page.goto(town.link)
    page.get_by_role("button", name="サインインする", exact=True).click()
    for lang, path in ((lang, path) for lang in ALL for path in ("withheld", "consents")):
        answer = page.goto(f"{town.address}/staff/{path}?lang={lang}")
        assert answer.status == 200
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        found = axe.run(page, options={"runOnly": RULES}).response["violations"]
        assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == []
        html5lib.HTMLParser(strict=True).parse(page.request.get(page.url).text())
    page.context.close()


def test_a_printed_page_says_everything_and_has_no_buttons(chromium, town):
    page = resident(chromium, town, 2)
    page.emulate_media(media="print")
    assert page.get_by_text("紙や窓口で").is_visible()
    assert page.locator(".held").first.is_visible()
    assert page.locator("#looks ~ .places .place").first.is_visible()
    for hidden in (".held .actions", ".tools", "nav.actions"):
        assert not page.locator(hidden).first.is_visible()
    page.context.close()
