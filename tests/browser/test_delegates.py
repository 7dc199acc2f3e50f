"""The pages of delegates in a real browser: five languages, a small phone, axe, strict HTML; and the switch that every page shows."""

from __future__ import annotations

import re

import html5lib
import pytest
from served_city import servers

from bare_kaga import bare
from browser.test_accessibility import RULES
from browser.test_links import ALL


@pytest.fixture(scope="module")
def axe():
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    with servers() as start:
        yield start("--city", str(bare(folder / "city")), "--demo-residents", data=folder / "data")


def test_a_daughter_acts_for_her_mother_and_every_page_says_so(chromium, town, axe):
    def somebody(name):
        page = chromium.new_context(locale="ja-JP").new_page()
        page.goto(f"{town.address}/sign-in/resident/start?next=/my/delegations")
        page.get_by_role("button", name=re.compile(name)).click()
        page.wait_for_url("**/my/delegations")
        return page

    def looked_at(page, *paths):
        for path in paths:
            for lang in ALL:
                page.goto(f"{town.address}{path}?lang={lang}")
                html5lib.HTMLParser(strict=True).parse(page.content())
                found = axe.run(page, options={"runOnly": RULES}).response["violations"]
                nodes = [(rule["id"], [node["html"][:200] for node in rule["nodes"]][:3]) for rule in found]
                assert nodes == [], (path, lang)
                for width in (320, 1280):
                    page.set_viewport_size({"width": width, "height": 800})
                    assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, lang)
        page.goto(f"{town.address}{paths[0]}?lang=ja")

    mother, daughter = somebody("見本 ツル"), somebody("試験 花子")
    mother.get_by_label("本人確認の情報").check()
    mother.get_by_label("いつまで").fill("2099-01-01")
    mother.get_by_role("button", name="リンクを作る").click()
    mother.get_by_text("登録できませんでした").wait_for()
    mother.get_by_label("本人確認の情報").check()
    mother.get_by_label("いつまで").fill(
        mother.evaluate("new Date(Date.now() + 30 * 864e5).toISOString().slice(0, 10)")
    )
    mother.get_by_role("button", name="リンクを作る").click()
    offer = mother.locator("p > code").inner_text()
    looked_at(daughter, offer.removeprefix(town.address))
    daughter.get_by_role("button", name="同意して代理人になる").click()
    daughter.get_by_role("button", name="この人の代理として見る").click()
    daughter.get_by_text("見本 ツルさんの代理として見ています").wait_for()
    looked_at(daughter, "/my/delegations/held", "/my/delegations", "/places")
    mother.goto(f"{town.address}/my/delegations")
    looked_at(mother, "/my/delegations")
    mother.get_by_role("link", name="終わらせる").click()
    looked_at(mother, mother.url.removeprefix(town.address))
    mother.get_by_role("button", name="終わらせる").click()
    daughter.goto(town.address)
    assert daughter.get_by_text("代理として").count() == 0
