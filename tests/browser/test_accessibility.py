"""Nothing for axe and the HTML validators to find, in any language; nothing that scrolls sideways."""

from __future__ import annotations

import json
import subprocess

import httpx2
import pytest
from served_city import servers

from browser.conftest import PAGES, ROOT, UNKNOWN
from browser.seen import LANGUAGES, PHONE, read_strictly, sideways, violations

SERVICES = (
    "/places?text=やましろ",
    "/places?text=yamashiro&near=136.31,36.30",
    "/places?text=zzz",
    "/disaster",
    "/rivers",
    "/rivers/172065/1700000063",
)
EVERYTHING = (*PAGES, *SERVICES)
LONG = ("/map", "/kind/EvacuationShelter", "/places")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", EVERYTHING)
def test_axe_finds_nothing(visit, path, lang):
    page = visit(path, lang=lang)
    assert violations(page) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_axe_finds_nothing_on_the_home_page_of_a_server_without_a_city(chromium, tmp_path, lang):
    with servers() as start:
        town = start(data=tmp_path / "data")
        page = chromium.new_page()
        page.goto(f"{town.address}/?lang={lang}")
        assert violations(page) == []
        page.close()


@pytest.mark.parametrize("path", LONG)
def test_axe_finds_nothing_on_the_long_lists(visit, path):
    assert violations(visit(path)) == []


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
@pytest.mark.parametrize("size", ["standard", "larger"])
def test_nothing_scrolls_sideways_on_a_small_phone(visit, city, lang, size):
    page = visit("/", lang=lang, width=PHONE)
    wide = {}
    for path in (*EVERYTHING, *LONG):
        page.goto(f"{city}{path}{'&' if '?' in path else '?'}size={size}")
        if over := sideways(page):
            wide[path] = over
    assert wide == {}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_page_is_html_that_a_strict_parser_reads(city, lang):
    for path in EVERYTHING:
        text = httpx2.get(city + path, headers={"cookie": f"lang={lang}"}).text
        read_strictly(text)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_html_validate_finds_nothing(city, tmp_path, lang):
    tool = ROOT / "node_modules" / ".bin" / "html-validate"
    if not tool.exists():
        pytest.skip("html-validate is not on this machine (npm ci --ignore-scripts)")
    for number, path in enumerate(EVERYTHING):
        text = httpx2.get(city + path, headers={"cookie": f"lang={lang}"}).text
        (tmp_path / f"{number}.html").write_text(text, "utf-8")
    command = [
        str(tool),
        "--preset",
        "standard,a11y",
        "--formatter",
        "json",
        *map(str, sorted(tmp_path.glob("*.html"))),
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    findings = [
        (
            EVERYTHING[int(one["filePath"].rpartition("/")[2].partition(".")[0])],
            message["ruleId"],
            message["message"],
        )
        for one in json.loads(answer.stdout)
        for message in one["messages"]
    ]
    assert findings == []
