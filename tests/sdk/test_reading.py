"""What sounds or looks the same is one word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.sdk.reading import fold, latin, reading


@pytest.mark.parametrize("text", ["しょうわ", "ショウワ", "ｼｮｳﾜ", " しょう わ ", "「しょうわ」"])
def test_kana_of_every_width_and_shape_folds_to_one(text: str) -> None:
    assert fold(text) == "しょうわ"


def test_the_small_ke_between_words_is_read_ga() -> None:
    assert fold("ミドリヶオカ") == "みどりがおか"


def test_a_long_vowel_mark_makes_another_word() -> None:
    assert fold("ビル") != fold("ビール")


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


LEXICON = {"大聖寺": "ダイショウジ", "大": "オオ", "小学校": "しょうがっこう", "加賀市立": "かがしりつ"}


def test_the_longest_known_word_is_read_first() -> None:
    assert reading("加賀市立大聖寺小学校", LEXICON) == "かがしりつだいしょうじしょうがっこう"


def test_a_longer_word_gives_way_where_only_shorter_ones_read_the_whole() -> None:
    assert reading("加賀市立", {"加賀市": "かがし", "加賀": "かが", "市立": "しりつ"}) == "かがしりつ"


def test_a_name_with_an_unknown_kanji_has_no_reading_rather_than_half_of_one() -> None:
    assert reading("大聖寺城", LEXICON) == ""


def test_kana_and_figures_within_a_name_are_read_as_they_stand() -> None:
    assert reading("大聖寺キッズ2", LEXICON) == "だいしょうじきっず2"


@pytest.mark.parametrize(
    ("kana", "letters"),
    [
        ("しょうわ", "showa"),
        ("だいしょうじ", "daishoji"),
        ("かたやまづ", "katayamazu"),
        ("いっしき", "isshiki"),
        ("はっちょう", "hatcho"),
        ("きょうと", "kyoto"),
        ("ちゅうおう", "chuo"),
        ("ぶんぎょう", "bungyo"),
        ("ビール", "biru"),
        ("さくみ3", "sakumi3"),
    ],
)
def test_readings_are_written_as_road_signs_write_them(kana: str, letters: str) -> None:
    assert latin(kana) == letters
