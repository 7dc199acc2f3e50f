"""What the shell's pages show."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from kitamae.sdk.context import Reading
from kitamae.web import city_map, speak
from web.conftest import ENTITIES, GAUGE, KNOWN, TOILET


def test_home_leads_to_every_kind_of_place_and_every_service(site):
    text = site.get("/").text
    assert 'href="/kind/EvacuationShelter"' in text
    assert 'href="/places"' in text
    assert 'href="/map"' in text
    assert "/kind/AdministrativeArea" not in text


def test_a_city_without_data_says_how_to_begin(empty):
    for page in ("/", "/map", "/data"):
        answer = empty.get(page)
        assert answer.status_code == 200
        assert "まだデータがありません" in answer.text
    assert "kitamae up" in empty.get("/").text


def test_everything_with_a_place_is_in_the_list_with_its_position(site):
    text = site.get("/map").text
    points = {
        speak.anchor(one): one["location"]["value"]["coordinates"]
        for one in ENTITIES
        if one["location"]["value"]["type"] == "Point"
    }
    listed = re.findall(r'<li class="place" id="([^"]+)" data-lon="([^"]+)" data-lat="([^"]+)"', text)
    assert {anchor: [float(lon), float(lat)] for anchor, lon, lat in listed} == points


def test_what_lies_in_other_cities_comes_last_and_is_counted_apart(site, shell):
    shell.city = replace(shell.city, code="172065")
    for n in range(3):
        far = f"urn:ngsi-ld:RiverGauge:172031:{n}"
        shell.context.entities[far] = {**shell.context.entities[GAUGE], "id": far}
    text = site.get("/map", params={"lang": "en"}).text
    assert "<b>4 places found</b> 3 more are in other municipalities." in text
    assert '<span>River gauges <span class="count quiet">1</span>' in text
    assert text.index(speak.anchor({"id": TOILET})) < text.index("other municipalities</small>")
    assert len(re.findall(r'<li class="place" id="e-urn-ngsi-ld-RiverGauge-172031-', text)) == 3


def test_a_count_of_one_and_a_single_thing_are_told_in_the_singular(site):
    home = site.get("/", params={"lang": "en"}).text
    assert "1 item<" in home
    assert "2 items<" in home
    text = site.get("/map", params={"lang": "en", "kind": "PublicToilet"}).text
    assert "1 place found" in text
    assert "1 item<" in text
    badge = site.get(f"/entity/{TOILET}", params={"lang": "en"}).text
    assert "Public toilet</span>" in badge


def test_kinds_can_be_chosen_without_script(site):
    text = site.get("/map", params={"kind": "PublicToilet"}).text
    assert "錦城山公園" in text
    assert "金明小学校" not in text


@pytest.mark.parametrize("offset", ["-1", "x", "99999999999999999999", "٣", "1.5", "5"])
def test_a_page_beyond_the_list_is_its_first(offset, site):
    assert city_map.start(offset, 3) == 0
    assert site.get("/map", params={"offset": offset}).status_code == 200


def test_a_thing_is_told_in_words_with_unit_time_and_history(site):
    text = site.get(f"/entity/{GAUGE}").text
    assert "23.11 m" in text
    assert ">2025年10月16日 18:50</time> に測ったもの" in text
    assert f'href="/history/{GAUGE}?attribute=%E6%B0%B4%E4%BD%8D"' in text
    assert "車いすで使えるトイレ" in site.get(f"/entity/{TOILET}").text


def test_history_is_newest_first_in_the_citys_time(site):
    text = site.get(f"/history/{GAUGE}?attribute=水位").text
    assert text.index("18:50") < text.index("18:40")
    assert "23.05 m" in text


def test_one_attribute_has_one_number_of_decimals_in_its_history(site, shell):
    levels = (1.2, 1.25, 3, "欠測", True)
    at = shell.context.readings[GAUGE, "水位"][0].at
    shell.context.readings[GAUGE, "水位"] = [Reading(at, level, "MTR") for level in levels]
    text = site.get(f"/history/{GAUGE}?attribute=水位").text
    assert re.findall(r'<td class="n">([^<]*)</td>', text) == [
        "True m",
        "欠測 m",
        "3.00 m",
        "1.25 m",
        "1.20 m",
    ]


@pytest.mark.parametrize(
    "page",
    [
        "/nowhere",
        "/entity/urn:ngsi-ld:X:1",
        "/kind/Nothing",
        f"/history/{GAUGE}?attribute=nothing",
        f"/history/{GAUGE}?attribute=id",
        f"/history/{GAUGE}",
        "/history/urn:x:1?attribute=水位",
    ],
)
def test_what_is_not_there_is_a_page_that_helps(site, page):
    answer = site.get(page)
    assert answer.status_code == 404
    assert "ページがみつかりません" in answer.text
    assert 'action="/places"' in answer.text


def test_a_fault_of_ours_is_admitted_without_its_details(site, shell, monkeypatch):
    async def broken():
        raise RuntimeError("secret path /srv/x")

    monkeypatch.setattr(shell.context, "types", broken)
    answer = site.get("/")
    assert answer.status_code == 500
    assert "あなたのせいではありません" in answer.text
    assert "secret" not in answer.text


def test_english_pages_mark_what_is_japanese(site):
    text = site.get(f"/entity/{KNOWN}", params={"lang": "en"}).text
    assert '<h1 lang="ja">加賀市立金明小学校' in text
    assert ' lang="ja"' not in site.get(f"/entity/{KNOWN}", params={"lang": "ja"}).text.split("<main")[1]


def test_our_own_files_may_be_kept_for_ever_under_their_digest(site):
    address = re.search(r'href="(/static/kitamae.css\?v=\w+)"', site.get("/").text)[1]
    assert "immutable" in site.get(address).headers["cache-control"]
    assert "immutable" not in site.get("/static/kitamae.css").headers["cache-control"]
