"""The desk of devices' keys in a real browser: five languages, a small phone, axe, strict HTML."""

from __future__ import annotations

import json

import pytest
from served_city import servers

from bare_kaga import bare
from browser.people import anybody, by_link
from browser.seen import in_order
from kitamae.kernel.people.jose.keys import Key


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    with servers() as start:
        yield start("--city", str(bare(folder / "city")), data=folder / "data")


def test_a_key_is_added_and_revoked_and_axe_finds_nothing(chromium, town):
    page = by_link(anybody(chromium), town.link)
    page.get_by_role("link", name="機器の鍵").click()
    key = Key.make("gateway")
    page.get_by_label("公開鍵（JWK）").fill("{")
    page.get_by_role("button", name="鍵を登録する").click()
    page.get_by_text("登録できませんでした").wait_for()
    page.get_by_label("公開鍵（JWK）").fill(json.dumps(key.public()))
    page.get_by_role("button", name="鍵を登録する").click()
    page.get_by_text(key.thumbprint).wait_for()
    in_order(page, town.address, ("/staff/devices",))
    page.goto(f"{town.address}/staff/devices?lang=ja")
    page.get_by_role("button", name="この鍵を止める").click()
    page.get_by_text("止めた").wait_for()
