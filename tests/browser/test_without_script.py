"""Everything can be read and done without JavaScript, and by keyboard."""

from __future__ import annotations

from browser.seen import LANGUAGES


def test_language_and_text_size_are_switched_by_links(visit):
    page = visit("/kind/PublicToilet", script=False)
    page.click("text=English")
    assert page.inner_text("h1") == "Public toilets"
    page.click("text=Larger")
    assert page.get_attribute("html", "data-size") == "larger"
    page.click(".menu >> text=Map")
    assert page.inner_text("h1") == "City map"
    assert page.get_attribute("html", "data-size") == "larger"


def test_the_list_is_filtered_by_a_plain_form(visit):
    page = visit("/map", script=False)
    while page.locator("input[name=kind]:checked").count():
        page.locator("input[name=kind]:checked").first.uncheck()
    page.check("input[value=HotSpring]")
    page.click(".filter button[type=submit]")
    assert page.locator(".place").count() == 3


def test_a_place_is_found_by_a_plain_form(visit):
    page = visit("/places", script=False)
    page.fill("#text", "やましろ")
    page.check("input[value=HotSpring]")
    page.click(".filter button[type=submit]")
    assert page.locator(".place h2 a").all_inner_texts() == ["山代温泉"]


def test_no_button_is_offered_that_only_a_script_could_answer(visit):
    for lang in LANGUAGES:
        page = visit("/map", script=False, lang=lang)
        assert page.locator("button[type=button]:visible").count() == 0


def test_a_shelter_is_reached_from_home_by_keyboard_alone(visit):
    page = visit("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.locator("#main:focus").wait_for()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('href')") == "/kind/EvacuationShelter":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/kind/EvacuationShelter")
    assert page.locator(".place").count() == 62


def test_what_has_the_focus_is_seen(visit):
    page = visit("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_printed_page_has_the_list_and_no_controls(visit):
    page = visit("/kind/EvacuationShelter")
    page.emulate_media(media="print")
    assert page.locator(".place").first.is_visible()
    for hidden in (".tools", ".menu", ".island button", ".actions"):
        assert not page.locator(hidden).first.is_visible()


def test_who_prefers_no_motion_gets_none(visit):
    page = visit("/", reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).transitionDuration") in ("0s", "")
