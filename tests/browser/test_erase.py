"""Erasing on My page in a real browser: what goes and stays, what was done and its proof, in five languages, with and without script."""

from __future__ import annotations

import pytest

from bare_kaga import bare
from browser.people import with_session
from browser.seen import DESK, LANGUAGES, PHONE, draw, in_order, sideways, wrong
from browser.town import Town
from serving import Served
from staffing import entered, known

ERASE = "/my/erase"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Where somebody can be let in who has what a law keeps, what he entered himself, and an account."""
    folder = tmp_path_factory.mktemp("town")
    town = Town(folder / "data", bare(folder / "city"))
    yield town
    town.stop()


def somebody(town, name, *, lawful=True, own=True):
    """A session. `lawful`: with records that a law keeps; `own`: with what he entered."""
    if lawful:
        town.do(known(Served(town.kitamae, None), name))
    if own:
        town.do(entered(Served(town.kitamae, None), name))
    client, secret = town.session(name, "resident", 3)
    client.close()
    return secret


def looked_at(page, name, lang, *, script):
    """Axe needs a script itself: without one there is only to see that nothing is wider than the phone."""
    for width in (PHONE, DESK) if script else ():
        page.set_viewport_size({"width": width, "height": 800})
        assert wrong(page) == [], (name, lang, width)
        draw(page, name, lang, width)
    page.set_viewport_size({"width": PHONE, "height": 800})
    assert sideways(page) == 0


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("lawful", [True, False])
def test_what_will_go_and_what_stays_is_in_order(chromium, town, lawful, own):
    name = f"resident-before-{lawful}-{own}"
    page = with_session(chromium, town.address, somebody(town, name, lawful=lawful, own=own))
    in_order(page, town.address, (ERASE, f"{ERASE}?class=notices", f"{ERASE}?class=identity"), name)
    page.context.close()


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_one_class_and_then_everything_is_erased_by_keyboard_and_the_page_proves_it(
    chromium, town, lang, script
):
    name = f"resident-{lang}-{script}"
    page = with_session(chromium, town.address, somebody(town, name), PHONE, java_script_enabled=script)
    main = page.locator("main")
    page.goto(f"{town.address}{ERASE}?class=notices&lang={lang}")
    main.get_by_role("button").focus()
    page.keyboard.press("Enter")
    main.locator(".notice.info").wait_for()
    looked_at(page, "erased one", lang, script=script)

    page.goto(town.address + ERASE)
    main.get_by_role("button").focus()
    page.keyboard.press("Enter")
    main.locator(".notice.info").wait_for()
    assert page.locator("html").get_attribute("lang").lower().startswith(lang[:2])
    main.locator("summary").focus()
    page.keyboard.press("Enter")
    looked_at(page, "erased all", lang, script=script)
    with page.expect_download() as taken:
        main.locator("details button").click()
    assert taken.value.suggested_filename.endswith(".tlog-proof")
    page.goto(town.address + ERASE)
    assert "/sign-in" in page.url, "nobody is signed in"
    page.context.close()
