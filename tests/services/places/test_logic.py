"""People find a place however they write it, and the nearest one first."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.sdk import lexicon
from kitamae.services.places import logic
from kitamae.services.places.models import Place, Wish

LEXICON = {"加賀市立": "かがしりつ", "錦城": "きんじょう", "小学校": "しょうがっこう", "橋立": "はしたて"}


def entity(number: int, name: str, **more: object) -> dict[str, object]:
    return {"id": f"urn:x:{number}", "type": "EvacuationShelter", "名称": name, **more}


PLACES = [
    logic.place(entity(1, "加賀市立錦城小学校", 住所="石川県加賀市大聖寺耳聞山町"), LEXICON),
    logic.place(entity(2, "加賀市立橋立小学校", 住所="石川県加賀市小塩町"), LEXICON),
    logic.place(entity(3, "橋立", 名称_カナ="ハシタテ"), LEXICON),
    logic.place(
        entity(4, "片山津温泉", 名称_カナ="カタヤマヅオンセン", 名称_英語="Katayamazu Onsen"), LEXICON
    ),
]


@pytest.mark.parametrize(
    "question", ["錦城", "きんじょう", "キンジョウ", "ｷﾝｼﾞｮｳ", "kinjo", "KINJO", "耳聞山"]
)
def test_one_school_is_found_however_it_is_written(question: str) -> None:
    assert [one.id for one in logic.search(PLACES, question)] == ["urn:x:1"]


def test_what_is_called_just_so_comes_before_what_only_holds_the_word() -> None:
    assert [one.id for one in logic.search(PLACES, "橋立")] == ["urn:x:3", "urn:x:2"]


def test_every_word_of_the_question_must_be_there() -> None:
    assert [one.id for one in logic.search(PLACES, "小学校 はしたて")] == ["urn:x:2"]
    assert logic.search(PLACES, "小学校 片山津") == []


def test_an_empty_question_leaves_the_list_as_it_is() -> None:
    assert logic.search(PLACES, "  ") == PLACES


def test_a_visitor_finds_a_place_by_its_english_name() -> None:
    assert [one.name for one in logic.search(PLACES, "katayamazu onsen")] == ["片山津温泉"]


def test_a_long_vowel_may_be_typed_once_or_twice() -> None:
    [place] = [logic.place(entity(5, "大聖寺", 名称_カナ="ダイショウジ"), {})]
    assert logic.search([place], "daishouji") == logic.search([place], "Daishoji") == [place]


def test_a_place_without_a_position_comes_last_and_is_still_there() -> None:
    here = logic.place(entity(9, "ここ", location={"type": "Point", "coordinates": [136.30, 36.30]}), {})
    there = logic.place(entity(8, "そこ", location={"type": "Point", "coordinates": [136.31, 36.30]}), {})
    ordered = logic.nearest([PLACES[0], there, here], 136.30, 36.30)
    assert [one.name for one in ordered] == ["ここ", "そこ", "加賀市立錦城小学校"]
    assert ordered[0].metres == 0
    assert ordered[1].metres == pytest.approx(
        897, rel=0.005
    )  # one hundredth of a degree at 36.3 N, GRS80: 898 m


DEGREES = st.tuples(st.floats(-180, 180), st.floats(-89, 89))


@given(st.lists(DEGREES, max_size=8), DEGREES)
def test_nothing_is_lost_and_the_order_is_by_distance(
    points: list[tuple[float, float]], at: tuple[float, float]
) -> None:
    places = [Place(str(n), "x", "x", "", longitude=lon, latitude=lat) for n, (lon, lat) in enumerate(points)]
    ordered = logic.nearest(places, *at)
    assert sorted(one.id for one in ordered) == sorted(one.id for one in places)
    distances = [one.metres for one in ordered]
    assert all(d is not None and 0 <= d <= math.pi * 6_371_009 for d in distances)
    assert distances == sorted(distances)


@given(st.text(max_size=80))
def test_no_question_breaks_the_search(question: str) -> None:
    assert {one.id for one in logic.search(PLACES, question)} <= {one.id for one in PLACES}


def test_a_town_teaches_how_its_short_name_is_read() -> None:
    learned = lexicon.lexicon(
        [{"名称": "動橋町", "名称_カナ": "イブリハシマチ"}, {"名称": "橋立", "名称_カナ": "ハシタテ"}]
    )
    assert learned["動橋"] == "いぶりはし"
    school = logic.place(entity(7, "動橋小学校"), learned)
    assert school.reading == "いぶりはししょうがっこう"


def test_the_citys_own_name_is_read_within_others() -> None:
    learned = lexicon.lexicon(
        [{"名称": "加賀市", "名称_カナ": "かがし"}, {"名称": "動橋", "名称_カナ": "イブリハシ"}]
    )
    assert (
        logic.place(entity(7, "加賀市立動橋小学校"), learned).reading == "かがしりついぶりはししょうがっこう"
    )


def test_a_short_name_that_is_read_in_two_ways_teaches_nothing() -> None:
    learned = lexicon.lexicon(
        [{"名称": "上野町", "名称_カナ": "ウワノマチ"}, {"名称": "上野温泉", "名称_カナ": "ウエノオンセン"}]
    )
    assert "上野" not in learned
    assert learned["上野町"] == "うわのまち"


@pytest.mark.parametrize("text", ["", "here", "1", "1,2,3", "nan,36", "136,inf", "181,0", "0,91", "１３６"])
def test_what_is_no_place_on_earth_is_no_position(text: str) -> None:
    assert logic.position(text) is None


def test_only_the_wished_kinds_are_found() -> None:
    toilet = logic.place({"id": "urn:x:t", "type": "PublicToilet", "名称": "橋立公園"}, LEXICON)
    found = logic.find([*PLACES, toilet], Wish(text="橋立", kinds=("PublicToilet",)))
    assert [one.id for one in found] == ["urn:x:t"]
