"""What a clerk fills in at a counter, and what hands a link to a new colleague: five languages, a small phone, axe, strict HTML."""

from __future__ import annotations

import html5lib
import pytest
from served_city import servers

from bare_kaga import bare
from browser.test_accessibility import RULES
from browser.test_links import ALL

COUNTERS = (
    "/staff/requests/new?kind=complaint",
    "/staff/people/delegations",
    "/staff/duties",
    "/desk/sensors",
    "/desk/sensors/river-1700000063",
)


@pytest.fixture(scope="module")
def axe():
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    with servers() as start:
        yield start("--city", str(bare(folder / "city")), "--demo-residents", data=folder / "data")


def test_a_link_is_handed_over_once_and_every_counter_is_in_order(chromium, town, axe):
    def in_order(page, where):
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 800})
            found = axe.run(page, options={"runOnly": RULES}).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == [], where
            assert page.evaluate("document.documentElement.scrollWidth") <= width, where

    page = chromium.new_context(locale="ja-JP").new_page()
    page.goto(town.link)
    page.get_by_role("button", name="サインインする", exact=True).click()
    page.goto(f"{town.address}/staff/duties")
    page.locator("#name-new").fill("山代 節子")
    page.locator("#section-new").fill("市民課 窓口係")
    page.get_by_role("button", name="アカウントをつくる").click()
    page.wait_for_url("**/staff/link")
    assert "山代 節子" in page.content()
    assert "/sign-in/kitamae_link_" in page.content()
    in_order(page, "the link")
    page.reload()
    assert "/sign-in/kitamae_link_" not in page.content()
    for lang in ALL:
        for path in ("/staff/link", *COUNTERS):
            page.goto(f"{town.address}{path}{'&' if '?' in path else '?'}lang={lang}")
            html5lib.HTMLParser(strict=True).parse(page.content())
            in_order(page, (path, lang))
    page.context.close()
