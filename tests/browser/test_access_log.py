"""The access log's page in a real browser: a list on a phone, a table on a desk, in five languages, with and without script."""

from __future__ import annotations

import pytest

from bare_kaga import bare
from browser.people import anybody, by_card, with_session
from browser.seen import DESK, LANGUAGES, PHONE, in_order, wrong
from browser.town import Town
from serving import Served
from staffing import give

PAGE = "/staff/access-log"
PATHS = (PAGE, f"{PAGE}?who=nobody", (f"{PAGE}?first=tomorrow", 400), f"{PAGE}?size=larger")


@pytest.fixture(scope="module")
def town(chromium, tmp_path_factory):
    """A resident signed in with a card, a stranger was refused, and an officer looks."""
    folder = tmp_path_factory.mktemp("town")
    town = Town(folder / "data", bare(folder / "city"), demo_residents=True)
    town.do(town.kitamae.city.people.staff())
    officer = town.do(town.kitamae.city.people.staff(another=True))
    town.do(give(Served(town.kitamae, None), officer, "privacy-officer"))
    client, town.officer = town.session(officer, "staff", 2)
    client.close()
    page = anybody(chromium)
    page.goto(town.address + PAGE)
    by_card(page, town.address, 0).context.close()
    yield town
    town.stop()


def test_axe_and_the_html_parser_find_nothing_and_nothing_scrolls_sideways(chromium, town):
    in_order(with_session(chromium, town.address, town.officer), town.address, PATHS)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("size", ["standard", "larger"])
def test_each_line_is_a_list_on_a_phone_and_says_of_which_column_each_value_is(chromium, town, lang, size):
    page = with_session(chromium, town.address, town.officer, PHONE)
    page.goto(f"{town.address}{PAGE}?outcome=refused&lang={lang}&size={size}")
    assert wrong(page) == []
    columns = page.locator("thead th").all_text_contents()
    cells = page.locator("tbody tr").first.get_by_role("cell")
    assert [cells.nth(n).get_attribute("data-column") for n in range(7)] == columns
    boxes = [cells.nth(n).bounding_box() for n in range(7)]
    assert len({box["x"] for box in boxes}) == 1, "one below the other"
    assert [box["y"] for box in boxes] == sorted({box["y"] for box in boxes})
    inside = page.locator("section.scroll").evaluate("one => one.scrollWidth - one.clientWidth")
    assert inside == 0, "nor inside its frame"
    page.context.close()


def test_it_stays_a_table_on_a_desk_and_its_headers_are_headers_everywhere(chromium, town):
    page = with_session(chromium, town.address, town.officer, DESK)
    page.goto(f"{town.address}{PAGE}?lang=ja")
    boxes = [one.bounding_box() for one in page.locator("tbody tr").first.get_by_role("cell").all()]
    assert len({box["y"] for box in boxes}) == 1
    page.set_viewport_size({"width": PHONE, "height": 800})
    assert page.get_by_role("columnheader", name="どこから").count() == 1
    page.emulate_media(media="print")
    assert page.locator("thead th").first.bounding_box()["width"] > 1
    page.context.close()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_a_script_it_says_the_same_and_is_narrowed_down_by_keyboard(chromium, town, lang):
    words = []
    for script in (True, False):
        page = with_session(chromium, town.address, town.officer, PHONE, java_script_enabled=script)
        page.goto(f"{town.address}{PAGE}?outcome=refused&lang={lang}")
        words.append(page.locator("main").inner_text())
    assert words[0] == words[1]
    page.locator("#who").fill("nobody")
    page.keyboard.press("Enter")
    page.wait_for_url("**who=nobody*")
    assert page.locator("main table").count() == 0
    assert page.locator("main .empty").is_visible()
    page.context.close()
