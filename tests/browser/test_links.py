"""The pages of links in a real browser, with a real city behind them: five languages, a small phone, axe, strict HTML."""

from __future__ import annotations

import re

import httpx2
import pytest
from served_city import kitamae, servers

from bare_kaga import bare
from browser.people import anybody, by_link
from browser.seen import LANGUAGES, PHONE, in_order

SHELTER = {
    "id": "urn:ngsi-ld:EvacuationShelter:1",
    "type": "EvacuationShelter",
    "名称": {"type": "Property", "value": "作見小学校"},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.35, 36.32]}},
}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Kaga's profile without its data, in five languages."""
    folder = tmp_path_factory.mktemp("town")
    city = bare(folder / "city")
    profile = (city / "city.toml").read_text("utf-8")
    spoken = ", ".join(f'"{one}"' for one in LANGUAGES)
    profile = re.sub(r"^languages = .*$", f"languages = [{spoken}]", profile, flags=re.M)
    (city / "city.toml").write_text(profile, "utf-8")
    with servers() as start:
        running = start("--city", str(city), data=folder / "data")
        token = kitamae(
            "token", "create", "t", "write:EvacuationShelter", "--data", running.data
        ).stdout.strip()
        headers = {"Authorization": f"Bearer {token}"}
        made = httpx2.post(f"{running.address}/ngsi-ld/v1/entities", json=SHELTER, headers=headers)
        assert made.status_code == 201, made.text
        yield running


def test_a_link_is_made_used_and_ended_and_axe_finds_nothing_on_the_way(chromium, town):
    desk = by_link(anybody(chromium), town.link)
    desk.goto(f"{town.address}/staff/links")
    desk.get_by_label("対象の名前").fill("作見")
    desk.get_by_role("button", name="さがす").click()
    found = desk.url
    desk.get_by_label("使える場所").select_option("300")
    desk.get_by_role("button", name="リンクを作る").click()
    sheet, address = desk.url, desk.locator("p > code").inner_text()
    assert desk.locator("svg.qr").bounding_box()["width"] > 150

    here = {"longitude": 136.3501, "latitude": 36.3201}
    phone = anybody(chromium, PHONE, permissions=["geolocation"], geolocation=here)
    phone.goto(address)
    phone.get_by_label("開設", exact=True).check()
    phone.get_by_label("避難者数（人）").fill("12")
    phone.get_by_role("button", name="いまいる場所を使う").click()
    phone.wait_for_function("document.querySelector('[name=position]').value !== ''")
    phone.get_by_role("button", name="送る").click()
    phone.get_by_text("送りました").wait_for()

    in_order(desk, "", (found, sheet))
    in_order(phone, "", (address, (town.address + "/l/unknown", 404)))

    desk.goto(sheet + "?lang=ja")
    desk.get_by_role("button", name="なくしたとして止める").click()
    desk.get_by_text("このリンクはもう使えません").wait_for()
    phone.goto(address + "?lang=ja")
    phone.get_by_text("このリンクは使えません").first.wait_for()
