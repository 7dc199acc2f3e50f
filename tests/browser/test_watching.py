"""Improper use in a real browser: five languages, a small phone, axe, strict HTML, and without script."""

from __future__ import annotations

import os
import re
import shutil
import time

import html5lib
import pytest

from browser.conftest import ROOT
from browser.test_accessibility import RULES
from browser.test_requests import ALL, Town
from kitamae.kernel.people.person import SYSTEM
from serving import Served
from staffing import give

SHOTS = os.environ.get("KITAMAE_SHOTS", "")
"""A folder: then the pages are drawn into it, to be looked at."""
HOME = {"name": "加賀 花子", "address": "加賀市大聖寺南町ニ41番地"}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Three clerks looked at their own households: a flag that waits, one that is in order, one that the resident hears of."""
    folder = tmp_path_factory.mktemp("town")
    text = (ROOT / "cities" / "kaga" / "city.toml").read_text("utf-8")
    (folder / "city.toml").write_text(re.sub(r"\[\[data\]\][^\[]*", "", text), "utf-8")
    context = (ROOT / "cities" / "kaga" / "context.jsonld").read_text("utf-8")
    (folder / "context.jsonld").write_text(context, "utf-8")
    shutil.copytree(ROOT / "cities" / "kaga" / "pia", folder / "pia")
    town = Town(folder / "data", folder)
    city, served = town.kitamae.city, Served(town.kitamae, None)
    town.do(city.people.staff())
    town.do(city.vault.keep(SYSTEM, "resident-taro", "identity", "person", {**HOME, "name": "加賀 太郎"}))
    for _ in range(3):
        clerk = town.do(city.people.staff(another=True))
        town.do(give(served, clerk, "counter"))
        town.do(city.vault.keep(SYSTEM, clerk, "watching", "person", HOME))
        client, _ = town.session(clerk, "staff", 2)
        with client:
            assert client.get("/people/resident-taro/records?purpose=identity").status_code == 200
    officer = town.do(city.people.staff(another=True))
    town.do(give(served, officer, "privacy-officer"))
    desk, town.staff = town.session(officer, "staff", 2)
    own, town.resident = town.session("resident-taro", "resident", 3)
    own.close()
    until = time.monotonic() + 60
    while len(found := re.findall(r"/staff/watching/[0-9a-f]+", desk.get("/staff/watching").text)) < 3:
        assert time.monotonic() < until
        time.sleep(0.2)
    for address, decision in zip(found, ("dismissed", "released"), strict=False):
        csrf = re.search(r'name="csrf" value="([^"]+)"', desk.get(address).text)
        sent = {"csrf": csrf[1], "decision": decision, "reason": "本人に確かめた"}
        assert desk.post(address, data=sent, headers={"Origin": town.address}).status_code == 303
    desk.close()
    town.desk, town.mine = ("/staff/watching", *found), ("/my/flags",)
    yield town
    town.stop()


@pytest.fixture(scope="module")
def axe():
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


def page_of(chromium, town, who, width, **more):
    context = chromium.new_context(locale="ja-JP", viewport={"width": width, "height": 700}, **more)
    secret = town.resident if who == "mine" else town.staff
    context.add_cookies([{"name": "kitamae_session", "value": secret, "url": town.address}])
    return context.new_page()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("who", ["mine", "desk"])
def test_axe_and_the_html_parser_find_nothing_and_nothing_scrolls_sideways(chromium, town, axe, who, width):
    page = page_of(chromium, town, who, width)
    for path in getattr(town, who):
        for lang in ALL if width == 320 else ("ja", "en") if SHOTS else ("ja",):
            page.goto(f"{town.address}{path}?lang={lang}")
            where = f"{path} {lang}"
            found = axe.run(page, options={"runOnly": RULES}).response["violations"]
            said = [(rule["id"], [node["html"][:200] for node in rule["nodes"]][:3]) for rule in found]
            assert said == [], where
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where
            html5lib.HTMLParser(strict=True).parse(page.request.get(page.url).body())
            if SHOTS and lang in ("ja", "en"):
                name = re.sub(r"\W+", "-", path).strip("-")
                page.screenshot(path=f"{SHOTS}/{name}-{lang}-{width}.png", full_page=True)


def test_a_flag_is_judged_without_script_by_keyboard(chromium, town):
    page = page_of(chromium, town, "desk", 320, java_script_enabled=False)
    page.goto(f"{town.address}/staff")
    page.get_by_role("link", name="不適切な利用の疑い").click()
    page.locator("main li.place a").first.click()
    page.get_by_label("そう決めた理由").fill("家族の届け出を本人から受けた")
    page.get_by_role("button", name="問題なしとする").focus()
    page.keyboard.press("Enter")
    page.get_by_text("家族の届け出を本人から受けた").wait_for()
    assert page.get_by_role("button", name="問題なしとする").count() == 0
