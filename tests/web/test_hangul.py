"""Readings in Hangul."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.web import speak
from kitamae.web.hangul import spoken


@pytest.mark.parametrize(
    ("kana", "hangul"),
    [
        ("カガ", "가가"), ("イシカワ", "이시카와"), ("トウキョウ", "도쿄"), ("オオサカ", "오사카"), ("ニイガタ", "니가타"),
        ("サッポロ", "삿포로"), ("トットリ", "돗토리"), ("ハシタテ", "하시타테"), ("ヤマナカオンセン", "야마나카온센"),
        ("ジュウマンゴク", "주만고쿠"), ("チャヤ", "자야"), ("マチヤ", "마치야"), ("タイショウジ", "다이쇼지"), ("センター", "센타"),
        ("ファミリー パーク", "파미리 파쿠"), ("さくみ", "사쿠미"), ("", ""), ("A-1", "A-1"),
    ],
)  # fmt: skip
def test_a_reading_is_written_as_the_korean_rules_say(kana, hangul):
    assert spoken(kana) == hangul


@given(st.text(alphabet=[chr(code) for code in range(0x3041, 0x30FF)]))
def test_no_kana_break_it(kana):
    spoken(kana)


def test_a_reader_of_korean_gets_the_name_as_signs_write_it_and_how_it_sounds():
    entity = {"id": "urn:x", "type": "Town", "名称": "橋立町", "名称_カナ": "ハシタテマチ"}
    assert speak.name(entity, "ko") == "橋立町"
    assert speak.reading(entity, "ko") == "하시타테마치"
    assert speak.reading({**entity, "名称_カナ": ""}, "ko") == ""
    assert speak.reading(entity, "zh") == ""


def test_chinese_words_are_not_marked_as_japanese_but_kana_are():
    assert speak.foreign("指定避难所", "zh") == ""
    assert "ja" in speak.foreign("橋立マリーナ", "zh")
    assert "ja" in speak.foreign("橋立町", "ko")
