"""Nothing for axe and the HTML validators to find, in any language; nothing that scrolls sideways."""

from __future__ import annotations

import pytest
from served_city import servers

from bare_kaga import bare
from browser.conftest import PAGES, UNKNOWN
from browser.seen import DESK, LANGUAGES, PHONE, invalid, read_strictly, sideways, violations
from browser.town import Town

SERVICES = (
    "/places?text=やましろ",
    "/places?text=yamashiro&near=136.31,36.30",
    "/places?text=zzz",
    "/disaster",
    "/rivers",
    "/rivers/172065/1700000063",
)
VALIDATED = ("/disaster?near=塩屋町", "/disaster/print", "/disaster/wall", "/congestion")
"""What axe looks at with shelters open and counts, in tests of their own."""
OF_A_CITY = ("/disaster", "/disaster/notices", "/reports", "/find")
EVERYTHING = (*PAGES, *SERVICES)
LONG = ("/map", "/kind/EvacuationShelter", "/places")


@pytest.mark.parametrize("path", [*EVERYTHING, *LONG])
def test_a_page_is_in_order_in_every_language(visit, city, path):
    """Axe and a strict parser on a desk; nothing sideways on a small phone, in both sizes of letters. Of the long lists axe looks at one."""
    page, found = visit(path), {}
    for lang in LANGUAGES:
        page.context.add_cookies([{"name": "lang", "value": lang, "url": city}])
        page.set_viewport_size({"width": DESK, "height": 800})
        read_strictly(page.goto(city + path).text())
        if (path not in LONG or lang == "ja") and (faults := violations(page)):
            found[lang] = faults
        page.set_viewport_size({"width": PHONE, "height": 800})
        for size in ("standard", "larger"):
            page.goto(f"{city}{path}{'&' if '?' in path else '?'}size={size}")
            if over := sideways(page):
                found[lang, size] = over
    assert found == {}


def test_axe_finds_nothing_on_the_home_page_of_a_server_without_a_city(chromium, tmp_path):
    page = chromium.new_page()
    with servers() as start:
        town = start(data=tmp_path / "data")
        for lang in LANGUAGES:
            page.goto(f"{town.address}/?lang={lang}")
            assert violations(page) == [], lang
    page.close()


@pytest.mark.parametrize("look", ["dark", "phone", "largest", "opened"])
@pytest.mark.parametrize("path", ["/", "/map?kind=HotSpring", f"/entity/{UNKNOWN}", "/test/sign-in"])
def test_axe_finds_nothing_in_the_dark_on_a_phone_in_large_letters_or_with_help_opened(visit, path, look):
    page = visit(
        path + (("&" if "?" in path else "?") + "size=larger" if look == "largest" else ""),
        width=320 if look in ("phone", "largest") else 1280,
        color_scheme="dark" if look == "dark" else "light",
    )
    if look == "opened":
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert violations(page) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_html_validate_finds_nothing(city, tmp_path, lang):
    assert invalid(tmp_path, city, (*EVERYTHING, *VALIDATED), lang) == []


def test_html_validate_finds_nothing_on_what_only_a_city_with_its_papers_has(tmp_path):
    town = Town(tmp_path / "data", bare(tmp_path / "city", "towns"))
    for lang in LANGUAGES:
        assert invalid(tmp_path, town.address, OF_A_CITY, lang) == [], lang
    town.stop()
