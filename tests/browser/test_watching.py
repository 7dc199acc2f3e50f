"""Improper use in a real browser: five languages, a small phone, axe, strict HTML, and without script."""

from __future__ import annotations

import re
import time

import pytest

from bare_kaga import bare
from browser.people import with_session
from browser.seen import PHONE, in_order
from browser.town import Town
from kitamae.kernel.people.person import SYSTEM
from serving import Served
from staffing import give

HOME = {"name": "加賀 花子", "address": "加賀市大聖寺南町ニ41番地"}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Three clerks looked at their own households: a flag that waits, one that is in order, one that the resident hears of."""
    folder = tmp_path_factory.mktemp("town")
    town = Town(folder / "data", bare(folder / "city"))
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


@pytest.mark.parametrize("who", ["mine", "desk"])
def test_axe_and_the_html_parser_find_nothing_and_nothing_scrolls_sideways(chromium, town, who):
    page = with_session(chromium, town.address, town.resident if who == "mine" else town.staff)
    in_order(page, town.address, getattr(town, who))


def test_a_flag_is_judged_without_script_by_keyboard(chromium, town):
    page = with_session(chromium, town.address, town.staff, PHONE, java_script_enabled=False)
    page.goto(f"{town.address}/staff")
    page.get_by_role("link", name="不適切な利用の疑い").click()
    page.locator("main li.place a").first.click()
    page.get_by_label("そう決めた理由").fill("家族の届け出を本人から受けた")
    page.get_by_role("button", name="問題なしとする").focus()
    page.keyboard.press("Enter")
    page.get_by_text("家族の届け出を本人から受けた").wait_for()
    assert page.get_by_role("button", name="問題なしとする").count() == 0
