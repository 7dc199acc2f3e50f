"""The desk of devices' keys in a real browser: five languages, a small phone, axe, strict HTML."""

from __future__ import annotations

import json

import html5lib
import pytest
from served_city import servers

from bare_kaga import bare
from browser.test_accessibility import RULES
from browser.test_links import ALL
from kitamae.kernel.people.jose.keys import Key


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    with servers() as start:
        yield start("--city", str(bare(folder / "city")), data=folder / "data")


def test_a_key_is_added_and_revoked_and_axe_finds_nothing(chromium, town):
    from axe_playwright_python.sync_playwright import Axe

    page, axe = chromium.new_context(locale="ja-JP").new_page(), Axe()
    page.goto(town.link)
    page.get_by_role("button", name="サインインする", exact=True).click()
    page.get_by_role("link", name="機器の鍵").click()
    key = Key.make("gateway")
    page.get_by_label("公開鍵（JWK）").fill("{")
    page.get_by_role("button", name="鍵を登録する").click()
    page.get_by_text("登録できませんでした").wait_for()
    page.get_by_label("公開鍵（JWK）").fill(json.dumps(key.public()))
    page.get_by_role("button", name="鍵を登録する").click()
    page.get_by_text(key.thumbprint).wait_for()
    for lang in ALL:
        page.goto(f"{town.address}/staff/devices?lang={lang}")
        html5lib.HTMLParser(strict=True).parse(page.content())
        found = axe.run(page, options={"runOnly": RULES}).response["violations"]
        assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]][:3]) for rule in found] == [], (
            lang
        )
        for width in (320, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, lang
    page.goto(f"{town.address}/staff/devices?lang=ja")
    page.get_by_role("button", name="この鍵を止める").click()
    page.get_by_text("止めた").wait_for()
