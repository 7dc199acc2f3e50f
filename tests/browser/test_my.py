"""My page in a real browser with a real city behind it: consent in two taps without a script, five languages, axe, strict HTML, print."""

from __future__ import annotations

import re

import pytest
from served_city import servers

from bare_kaga import bare
from browser.people import anybody, by_card, by_link
from browser.seen import LANGUAGES, PHONE, in_order, read_strictly, wrong

AGREE = {"ja": "同意する", "ja_Hira": "どういする", "en": "Agree", "zh": "同意", "ko": "동의함"}
WITHDRAW = {"ja": "同意をやめる", "ja_Hira": "どういを やめる", "en": "Withdraw", "zh": "撤回同意", "ko": "동의 철회"}  # fmt: skip
WITHDRAWN = {"ja": "同意をやめました", "ja_Hira": "どういを やめました", "en": "You have withdrawn", "zh": "您已撤回同意", "ko": "동의를 철회했습니다"}  # fmt: skip


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Kaga's profile without its data, with invented residents."""
    folder = tmp_path_factory.mktemp("town")
    with servers() as start:
        yield start("--city", str(bare(folder / "city")), "--demo-residents", data=folder / "data")


def resident(chromium, town, number, *, lang="ja", **more):
    """One of the invented four, signed in, on My page."""
    page = anybody(chromium, **more)
    page.context.add_cookies([{"name": "lang", "value": lang, "url": town.address}])
    return by_card(page, town.address, number)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_consent_is_given_and_withdrawn_in_two_taps_on_a_small_phone_without_a_script(chromium, town, lang):
    page = resident(
        chromium, town, LANGUAGES.index(lang) % 4, lang=lang, width=PHONE, java_script_enabled=False
    )
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


@pytest.mark.parametrize("lang", LANGUAGES)
def test_axe_and_a_strict_parser_find_nothing_and_nothing_scrolls_sideways(chromium, town, lang):
    page = resident(chromium, town, 1, lang=lang, width=PHONE)
    page.goto(f"{town.address}/my/consents/notices")
    if (button := page.get_by_role("button", name=AGREE[lang], exact=True)).count():
        button.click()
    paths = ("/my", "/my/log", "/my/consents/notices", "/my/consents/notices/withdraw", "/my/enter/notices", "/my/erase")  # fmt: skip
    for path in (*paths, "/my?size=larger", "/my/consents/notices?done=agree", "/my/enter/notices?done=kept"):
        page.goto(town.address + path)
        assert wrong(page) == [], path
        read_strictly(page.request.get(page.url).text())
    page.context.close()


def test_the_pages_of_the_desks_are_in_order_too(chromium, town):
    page = by_link(anybody(chromium), town.link)
    in_order(page, town.address, ("/staff/withheld", "/staff/consents"))
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
