"""The map is an island: it opens when asked, shows what the list has, and its failure costs nothing."""

from __future__ import annotations

import pytest

from browser.conftest import SHELTER

pytestmark = pytest.mark.usefixtures("map_library")


def opened(page):
    page.click(".island button")
    page.wait_for_selector(".island[data-opened]", timeout=30_000)
    return page


@pytest.mark.parametrize(
    "path",
    ["/map", "/places?near=136.31,36.30", "/kind/PublicToilet", "/places?text=小学校", f"/entity/{SHELTER}"],
)
def test_every_point_on_the_map_is_in_the_list_and_the_other_way_round(visit, path):
    page = opened(visit(path))
    listed = page.eval_on_selector_all("[data-lon]", "all => all.map(one => one.dataset.name)")
    drawn = page.eval_on_selector_all(".map .pin", "all => all.map(one => one.getAttribute('aria-label'))")
    assert sorted(drawn) == sorted(listed)
    assert drawn


def test_what_is_far_away_does_not_make_the_city_a_speck(visit):
    page = opened(visit("/map"))
    frame = page.locator(".map").bounding_box()

    def within(name):
        pin = page.locator(f'.map .pin[aria-label="{name}"]').first.bounding_box()
        return all(
            frame[at] < pin[at] < frame[at] + frame[size] for at, size in (("x", "width"), ("y", "height"))
        )

    assert not within("衣川（衣川橋）")
    assert within("加賀市立金明小学校")
    assert within("加賀市立東谷地区会館")


def test_the_map_fetches_nothing_from_anywhere_else(visit, city):
    page = visit("/map")
    elsewhere = []
    page.on(
        "request",
        lambda request: (
            elsewhere.append(request.url) if not request.url.startswith((city, "blob:", "data:")) else None
        ),
    )
    opened(page)
    page.wait_for_timeout(500)
    assert elsewhere == []


def test_a_point_tells_the_same_as_the_list_and_leads_to_the_same_page(visit):
    page = opened(visit("/kind/PublicToilet"))
    page.locator(".map .pin").first.focus()
    page.keyboard.press("Enter")
    card = page.locator(".maplibregl-popup-content")
    name = page.locator(".map .pin").first.get_attribute("aria-label")
    assert name in card.inner_text()
    assert card.locator("a").get_attribute("href").startswith("/entity/")


def test_a_map_that_cannot_be_opened_says_so_and_leaves_the_list(visit):
    page = visit("/map")
    page.route(
        "**/islands/map.js*",
        lambda route: route.fulfill(body="throw new Error('no')", content_type="text/javascript"),
    )
    page.click(".island button")
    page.locator(
        ".island [role=status]", has_text="地図をひらけませんでした"
    ).wait_for()  # no eval: the CSP forbids it
    assert page.locator(".place").count() > 100
    assert "Error: no" in visit.complaints.pop()


def test_nothing_of_the_map_is_fetched_before_it_is_asked_for(visit, city):
    page = visit("/accessibility")
    fetched = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(city + "/map", wait_until="networkidle")
    assert not [url for url in fetched if "maplibre" in url or "pmtiles" in url or "islands" in url]
