"""Reporting what one saw, and the desk that looks at it, in a browser: on a phone, in five languages. Without script: tests/web/reports."""

from __future__ import annotations

import pytest

from bare_kaga import bare
from browser.people import anybody, with_session
from browser.seen import PHONE, draw, in_order, wrong
from browser.town import Town
from photos import file
from serving import Served
from staffing import give


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    town = Town(folder / "data", bare(folder / "city"))
    yield town
    town.stop()


def test_a_photo_is_sent_its_place_offered_and_the_report_answered_and_taken_back(chromium, town, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(file(place=(136.351, 36.331)))
    page = anybody(chromium, PHONE)
    page.goto(town.address + "/reports")
    page.get_by_label("何が起きていますか").fill("木が倒れて道をふさいでいます")
    page.get_by_label("写真（なくてもかまいません）").set_input_files(photo)
    page.get_by_role("button", name="送る", exact=True).press("Enter")
    page.get_by_text("報告を受け取りました").first.wait_for()
    assert wrong(page) == []
    draw(page, "reports sent", "ja", PHONE)
    page.get_by_role("button", name="この場所を使う").click()
    page.get_by_text("場所を加えました").wait_for()
    mine = page.url.partition("?")[0]
    assert page.get_by_alt_text("送った写真").evaluate("image => image.naturalWidth") == 400

    ref = town.do(town.kitamae.city.people.staff(another=True))
    town.do(give(Served(town.kitamae, None), ref, "reports"))
    _, secret = town.session(ref, "staff", 2)
    desk = with_session(chromium, town.address, secret)
    desk.goto(town.address + "/staff/reports")
    desk.locator("ol.places h2 a").first.click()
    one = desk.url.removeprefix(town.address)
    desk.get_by_label("送った人への答え").fill("道路の担当が向かいます。")
    desk.get_by_role("button", name="答える").click()
    desk.get_by_text("記録しました").wait_for()
    desk.get_by_role("link", name="写真を見る").click()
    desk.get_by_label("上から1、左から2", exact=True).check(force=True)
    with desk.expect_download() as copy:
        desk.get_by_role("button", name="かくした写しを取り出す").click()
    assert copy.value.suggested_filename.endswith(".jpg")
    in_order(page, town.address, ["/reports", mine.removeprefix(town.address)], "reports")
    in_order(desk, town.address, [one, one + "/photo"], "reports")

    page.goto(mine + "?lang=ja")
    assert "道路の担当が向かいます。" in page.content()
    page.get_by_text("この報告を取り消す").click()
    page.get_by_role("button", name="取り消して消す").click()
    page.get_by_text("この報告は取り消されました").wait_for()
