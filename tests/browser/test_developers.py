"""The pages for developers in a real browser: five languages, a small phone, axe, strict HTML, and without script."""

from __future__ import annotations

import pytest

from bare_kaga import bare
from browser.people import with_session
from browser.seen import PHONE, draw, in_order
from browser.town import Town
from serving import Served
from web.developers.building import COMPANY, built, offered_to


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


@pytest.mark.parametrize("who", ["nobody", "member", "newcomer"])
def test_axe_and_the_html_parser_find_nothing_and_nothing_scrolls_sideways(chromium, town, who):
    paths = {
        "nobody": ("/developers", "/developers/paper", "/developers/mine"),
        "member": ("/developers/mine", town.home, town.contract, f"{town.home}/report"),
        "newcomer": (town.offered, f"/developers/join/{town.code}", ("/developers/join/nobody", 404)),
    }[who]
    page = with_session(chromium, town.address, getattr(town, who, ""))
    in_order(page, town.address, paths, who)


def test_a_key_is_made_without_script_by_keyboard_and_shown_once(chromium, town):
    page = with_session(chromium, town.address, town.member, PHONE, java_script_enabled=False)
    page.goto(f"{town.address}{town.home}")
    page.get_by_role("link", name="バスの位置").click()
    page.get_by_label("キーの名前（例：本番のサーバー）").fill("試験のサーバー")
    page.get_by_label("何のためのキーか").select_option(label="市からのお知らせ")
    page.get_by_role("button", name="キーを作る").focus()
    page.keyboard.press("Enter")
    page.get_by_text("新しいキー：いま、書きとめてください").wait_for()
    secret = page.locator(".notice code").inner_text()
    draw(page, "member key made", "ja", PHONE)
    page.goto(f"{town.address}{town.contract}")
    assert secret not in page.content()
    assert page.get_by_role("heading", name="試験のサーバー").count() == 1


def test_a_company_applies_and_agrees_without_script(chromium, town):
    page = with_session(chromium, town.address, town.newcomer, PHONE, java_script_enabled=False)
    page.goto(f"{town.address}{town.offered}")
    page.get_by_role("button", name="この内容で契約する").focus()
    page.keyboard.press("Enter")
    page.get_by_text("有効", exact=True).wait_for()
    page.goto(f"{town.address}/developers")
    assert page.get_by_role("heading", name=COMPANY.name).count() == 2
