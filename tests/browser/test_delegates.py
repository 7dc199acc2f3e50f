"""The pages of delegates in a real browser: five languages, a small phone, axe, strict HTML; and the switch that every page shows."""

from __future__ import annotations

import pytest
from served_city import servers

from bare_kaga import bare
from browser.people import anybody, by_card
from browser.seen import in_order


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    with servers() as start:
        yield start("--city", str(bare(folder / "city")), "--demo-residents", data=folder / "data")


def test_a_daughter_acts_for_her_mother_and_every_page_says_so(chromium, town):
    def looked_at(page, *paths):
        in_order(page, town.address, paths)
        page.goto(f"{town.address}{paths[0]}?lang=ja")

    mother, daughter = (
        by_card(anybody(chromium), town.address, who, "/my/delegations") for who in ("見本 ツル", "試験 花子")
    )
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
