"""The register of people at a shelter in a real browser: a keeper's phone, the desk, whoever looks for somebody, paper."""

from __future__ import annotations

import re

import pytest
from sheltering import ONE, entity, keeper, register

from bare_kaga import bare
from browser.people import anybody, with_session
from browser.seen import PHONE, in_order
from browser.town import Town
from serving import Served
from staffing import give

DESK = f"/staff/sheltered/{ONE}"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    town = Town(folder / "data", bare(folder / "city"))
    served = Served(town.kitamae, None)
    town.do(register(served, entity(ONE, "作見小学校", 開設状況="開設")))
    ref = town.do(town.kitamae.city.people.staff(another=True))
    town.do(give(served, ref, "shelter-register", "disaster"))
    client, town.staff = town.session(ref, "staff", 2)
    client.close()
    town.link = town.do(keeper(served))
    yield town
    town.stop()


def test_who_came_is_written_found_and_not_found_any_more_and_axe_finds_nothing(chromium, town):
    phone = anybody(chromium, PHONE)
    phone.goto(f"{town.address}{town.link}?lang=ja")
    phone.get_by_role("link", name="避難した人を書く").click()
    phone.get_by_label("名前", exact=True).fill("試験 太郎")
    phone.get_by_label("名前の読み").fill("しけん たろう")
    phone.get_by_label("住んでいる町").fill("例示町")
    phone.get_by_label("手助けの要る高齢者").check()
    assert not phone.get_by_label("知らせてよい", exact=True).is_checked()
    phone.get_by_label("知らせてよい", exact=True).check()
    phone.get_by_role("button", name="名簿に書く").click()
    phone.get_by_text("名簿に書きました").wait_for()
    assert "太郎" not in phone.content()
    assert phone.evaluate("JSON.stringify(localStorage)") == "{}"

    looking = anybody(chromium, PHONE, java_script_enabled=False)
    looking.goto(f"{town.address}/disaster?lang=ja")
    looking.get_by_role("link", name="避難した人をさがす").click()

    def look():
        looking.get_by_label("名前（漢字でも、かなでも）").fill("シケンタロウ")
        looking.get_by_label("その人が住んでいる町").fill("例示町")
        looking.get_by_role("button", name="さがす").click()

    look()
    looking.get_by_text("作見小学校").wait_for()
    assert "太郎" not in looking.url

    desk = with_session(chromium, town.address, town.staff)
    desk.goto(f"{town.address}/staff/sheltered?lang=ja")
    desk.get_by_role("link", name="作見小学校").click()
    desk.get_by_role("link", name="名簿を開く").click()
    in_order(desk, town.address, ("/staff/sheltered", DESK, f"{DESK}/names"), "register")
    desk.goto(f"{town.address}{DESK}/names?lang=ja")
    desk.get_by_role("button", name="知らせないようにする").click()
    desk.get_by_text("さがす人に知らせないようにしました").wait_for()
    look()
    looking.get_by_text("見つかりませんでした").wait_for()
    desk.get_by_role("button", name="出たと書く").click()
    desk.get_by_role("heading", name="出た人").wait_for()

    sheet = f"/staff/sheets/people?shelter={ONE}"
    desk.goto(f"{town.address}{sheet}&lang=ja")
    printed = desk.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    in_order(desk, town.address, (sheet,), "register")
    in_order(anybody(chromium), town.address, ("/find", f"{town.link}/people"), "register")
