"""What a clerk fills in at a counter, and what hands a link to a new colleague: five languages, a small phone, axe, strict HTML."""

from __future__ import annotations

import pytest
from served_city import servers

from bare_kaga import bare
from browser.people import anybody, by_link
from browser.seen import DESK, PHONE, in_order, wrong

COUNTERS = (
    "/staff/requests/new?kind=complaint",
    "/staff/people/delegations",
    "/staff/duties",
    "/desk/sensors",
    "/desk/sensors/river-1700000063",
)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    with servers() as start:
        yield start("--city", str(bare(folder / "city")), "--demo-residents", data=folder / "data")


def test_a_link_is_handed_over_once_and_every_counter_is_in_order(chromium, town):
    page = by_link(anybody(chromium), town.link)
    page.goto(f"{town.address}/staff/duties")
    page.locator("#name-new").fill("山代 節子")
    page.locator("#section-new").fill("市民課 窓口係")
    page.get_by_role("button", name="アカウントをつくる").click()
    page.wait_for_url("**/staff/link")
    assert "山代 節子" in page.content()
    assert "/sign-in/kitamae_link_" in page.content()
    for width in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": 800})
        assert wrong(page) == []
    page.reload()
    assert "/sign-in/kitamae_link_" not in page.content()
    in_order(page, town.address, ("/staff/link", *COUNTERS))
    page.context.close()
