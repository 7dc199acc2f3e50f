"""The list of people who cannot flee alone in a real browser: what staff see of it, what a helper prints."""

from __future__ import annotations

import re

import pytest

from bare_kaga import bare
from browser.people import with_session
from browser.seen import in_order
from browser.town import Town
from serving import Served
from staffing import give

DESK = "/staff/assisted"
ROW = "番号,氏名,町,住所,事由,同意した日\nA-1,試験 太郎,一白町一丁目,例示１,高齢者,2026-01-05\n"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    town = Town(folder / "data", bare(folder / "city", "towns"))
    town.do(Served(town.kitamae, None).loaded())
    ref = town.do(town.kitamae.city.people.staff(another=True))
    town.do(give(Served(town.kitamae, None), ref, "assisted-list", "assisted-helper"))
    client, town.staff = town.session(ref, "staff", 2)
    client.close()
    yield town
    town.stop()


def test_a_file_is_tried_and_brought_and_its_pages_are_without_a_fault(chromium, town):
    desk = with_session(chromium, town.address, town.staff)
    desk.goto(f"{town.address}{DESK}/file?lang=ja")
    desk.get_by_label("CSVファイル").set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": ROW.replace("例示１", "").encode("cp932")}
    )
    desk.get_by_role("button", name="ためす").click()
    desk.get_by_text("受け付けない行があります").wait_for()
    desk.get_by_label("CSVファイル").set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": ROW.encode("cp932")}
    )
    desk.get_by_role("button", name="ためす").click()
    desk.get_by_role("button", name="取りこむ").click()
    desk.get_by_text("取りこみました").wait_for()
    desk.goto(f"{town.address}{DESK}?lang=ja")
    desk.get_by_role("link", name="一白町一丁目").click()
    first = re.sub(r"^https?://[^/]+|\?.*", "", desk.url)
    desk.get_by_role("link", name="印刷する紙を見る").click()
    assert len(re.findall(rb"/Type\s*/Page\b", desk.pdf(prefer_css_page_size=True))) == 1
    desk.goto(f"{town.address}{first}?lang=ja")
    person = desk.get_by_role("link", name="試験 太郎").get_attribute("href")
    in_order(desk, town.address, (f"{DESK}/file", first, f"{first}/paper", person), "assisted")
