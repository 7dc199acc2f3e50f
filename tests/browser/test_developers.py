"""The pages for developers in a real browser: five languages, a small phone, axe, strict HTML, and without script."""

from __future__ import annotations

import os
import re

import html5lib
import pytest

from bare_kaga import bare
from browser.test_accessibility import RULES
from browser.test_requests import ALL, Town
from serving import Served
from web.developers.building import COMPANY, built, offered_to

SHOTS = os.environ.get("KITAMAE_SHOTS", "")
"""A folder: then the pages are drawn into it, to be looked at."""


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A company with a contract in force and a key, and one that has just been offered a contract."""
    folder = tmp_path_factory.mktemp("town")
    town = Town(folder / "data", bare(folder / "city"))
    served = Served(town.kitamae, None)
    made = town.do(built(served))
    town.do(made.key("", writes=True))
    waiting = town.do(offered_to(served, made.desk, "visitor-new"))
    _, town.member = town.session("visitor-bus", "visitor", 2)
    _, town.newcomer = town.session("visitor-new", "visitor", 2)
    town.home = f"/developers/mine/{made.provider}"
    town.contract = f"{town.home}/contracts/{made.contract}"
    town.offered = f"/developers/mine/{waiting.provider}/contracts/{waiting.contract}"
    town.code = town.do(town.kitamae.city.providers.members.invite(made.who, made.provider))
    yield town
    town.stop()


@pytest.fixture(scope="module")
def axe():
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


def page_of(chromium, town, session, width, **more):
    context = chromium.new_context(locale="ja-JP", viewport={"width": width, "height": 700}, **more)
    if session:
        context.add_cookies([{"name": "kitamae_session", "value": session, "url": town.address}])
    return context.new_page()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("who", ["anybody", "member", "newcomer"])
def test_axe_and_the_html_parser_find_nothing_and_nothing_scrolls_sideways(chromium, town, axe, who, width):
    paths = {
        "anybody": ("/developers", "/developers/paper", "/developers/mine"),
        "member": ("/developers/mine", town.home, town.contract, f"{town.home}/report"),
        "newcomer": (town.offered, f"/developers/join/{town.code}", "/developers/join/nobody"),
    }[who]
    page = page_of(chromium, town, getattr(town, who, ""), width)
    for path in paths:
        for lang in ALL if width == 320 else ("ja", "en") if SHOTS else ("ja",):
            page.goto(f"{town.address}{path}?lang={lang}")
            where = f"{path} {lang}"
            found = axe.run(page, options={"runOnly": RULES}).response["violations"]
            said = [(rule["id"], [node["html"][:200] for node in rule["nodes"]][:3]) for rule in found]
            assert said == [], where
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where
            html5lib.HTMLParser(strict=True).parse(page.request.get(page.url).body())
            if SHOTS and lang in ("ja", "en"):
                name = re.sub(r"\W+", "-", re.sub(r"[0-9a-f]{12}", "x", path)).strip("-")
                page.screenshot(path=f"{SHOTS}/{who}-{name[:40]}-{lang}-{width}.png", full_page=True)


def test_a_key_is_made_without_script_by_keyboard_and_shown_once(chromium, town):
    page = page_of(chromium, town, town.member, 320, java_script_enabled=False)
    page.goto(f"{town.address}{town.home}")
    page.get_by_role("link", name="バスの位置").click()
    page.get_by_label("キーの名前（例：本番のサーバー）").fill("試験のサーバー")
    page.get_by_label("何のためのキーか").select_option(label="市からのお知らせ")
    page.get_by_role("button", name="キーを作る").focus()
    page.keyboard.press("Enter")
    page.get_by_text("新しいキー：いま、書きとめてください").wait_for()
    secret = page.locator(".notice code").inner_text()
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/member-key-made-320.png", full_page=True)
    page.goto(f"{town.address}{town.contract}")
    assert secret not in page.content()
    assert page.get_by_role("heading", name="試験のサーバー").count() == 1


def test_a_company_applies_and_agrees_without_script(chromium, town):
    page = page_of(chromium, town, town.newcomer, 320, java_script_enabled=False)
    page.goto(f"{town.address}{town.offered}")
    page.get_by_role("button", name="この内容で契約する").focus()
    page.keyboard.press("Enter")
    page.get_by_text("有効", exact=True).wait_for()
    page.goto(f"{town.address}/developers")
    assert page.get_by_role("heading", name=COMPANY.name).count() == 2
