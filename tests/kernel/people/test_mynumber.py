"""個人番号: what is refused, and what is not mistaken for one."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.people.mynumber import HoldsMyNumber, check_digit, demand_none, find, is_valid

eleven = st.text("0123456789", min_size=11, max_size=11)
numbers = eleven.map(lambda digits: digits + str(check_digit(digits)))
no_moments = numbers.filter(lambda digits: digits[:2] not in ("19", "20"))
MARKS = ["-", " ", "　", "−", "ー", "・"]
FULL = str.maketrans("0123456789", "０１２３４５６７８９")
KANJI = str.maketrans("0123456789", "〇一二三四五六七八九")


def definition(eleven_digits: str) -> int:
    """省令 第5条, digit by digit, as it is printed: Q from the lowest digit up."""
    weights = [2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6]
    total = sum(int(eleven_digits[10 - n]) * weights[n] for n in range(11))
    remainder = total % 11
    return 0 if remainder <= 1 else 11 - remainder


@given(eleven)
def test_the_check_digit_is_the_one_of_the_order(digits: str) -> None:
    assert check_digit(digits) == definition(digits)


@given(numbers, st.integers(0, 10), st.integers(1, 9))
def test_a_wrong_digit_seldom_passes_and_never_as_the_check_digit(
    number: str, place: int, other: int
) -> None:
    wrong_end = str((int(number[-1]) + other) % 10)
    assert not is_valid(number[:-1] + wrong_end)


@given(no_moments, st.sampled_from([12, 6, 4, 3, 2, 1]), st.sampled_from(MARKS), st.integers(0, 2))
def test_a_number_is_found_however_it_is_written(number: str, width: int, mark: str, script: int) -> None:
    written = mark.join(number[n : n + width] for n in range(0, 12, width))
    written = (written, written.translate(FULL), written.translate(KANJI))[script]
    for before, after in (("", ""), ("番号は", "です。"), ("（", "）"), ("2026年11月21日 ", "\n")):
        text = before + written + after
        assert any(text[one.start : one.end] == written for one in find(text)), text


@given(no_moments)
def test_a_field_that_holds_one_is_refused_and_the_answer_does_not_repeat_it(number: str) -> None:
    for value in (number, [number], {"備考": number}, int(number) if number[0] != "0" else number):
        with pytest.raises(HoldsMyNumber) as refused:
            demand_none({"電話": "0761-72-1111", "お問い合わせ": value})
        assert "お問い合わせ" in refused.value.detail
        assert number not in refused.value.detail
        assert refused.value.__cause__ is None


@given(numbers, st.sampled_from(["マイナンバー：", "個人番号 ", "My Number: ", "mynumber=", "まいなんばー"]))
def test_a_label_outweighs_whatever_else_the_number_could_be(number: str, label: str) -> None:
    assert find(label + number)
    for name in ("備考", "permit"):
        with pytest.raises(HoldsMyNumber):
            demand_none({name: label + number}, identifiers={"permit"})


@given(numbers)
def test_a_field_named_after_it_may_not_hold_it_and_a_declared_identifier_may_look_like_it(
    number: str,
) -> None:
    with pytest.raises(HoldsMyNumber):
        demand_none({"個人番号": number})
    demand_none({"免許証番号": number}, identifiers={"免許証番号"})


@given(st.integers(-2_208_988_800, 4_102_444_799).map(lambda s: dt.datetime.fromtimestamp(s, dt.UTC)))
def test_a_moment_is_none(at: dt.datetime) -> None:
    for form in ("%Y%m%d%H%M", "%Y-%m-%d %H:%M", "%Y%m%d-%H%M", "%Y%m%d%H%M%S", "%Y/%m/%d %H:%M:%S"):
        assert find(at.strftime(form)) == []
        assert find(f"日時 {at.strftime(form)} 受付") == []


@given(numbers, st.sampled_from(["円", " kWh", "m", " W", "件", "%", "ms", ".5", ",000", "A7", "_x"]))
def test_a_measured_value_and_a_part_of_a_code_are_none(number: str, unit: str) -> None:
    for digits in (number, number.translate(FULL)):
        assert find(f"合計 {digits}{unit}") == [] or digits[:1] in "０"
    assert find(f"1.{number}") == []
    assert find(f"AB{number}") == []
    assert find(f"urn:ngsi-ld:Device:{number}") == []
    assert find(f"https://example.jp/x/{number}") == []


@given(st.text("0123456789", min_size=1, max_size=40).filter(lambda digits: len(digits) != 12))
def test_a_run_of_another_length_is_none(digits: str) -> None:
    assert find(digits) == []


@given(numbers, st.text("0123456789", min_size=4, max_size=4))
def test_a_card_of_sixteen_digits_is_none(number: str, rest: str) -> None:
    groups = [number[:4], number[4:8], number[8:]]
    for four in ([*groups, rest], [rest, *groups]):
        if is_valid("".join(four[1:])) == is_valid("".join(four[:3])):
            continue
        assert find("-".join(four)) == []


@given(st.integers(0, 10**12 - 1), st.sampled_from(["{:,}", "¥{:,}", "{:,}円"]))
def test_an_amount_with_thousands_is_none(amount: int, form: str) -> None:
    assert find(form.format(amount)) == []


@given(st.text("0123456789", min_size=10, max_size=11))
def test_telephone_numbers_are_none(digits: str) -> None:
    for text in (digits, f"0{digits[1:4]}-{digits[4:6]}-{digits[6:]}", f"+81 {digits[1:]}"):
        assert find(text) == []


@given(st.text(max_size=300))
def test_any_text_can_be_looked_through_and_what_is_found_lies_in_it(text: str) -> None:
    for one in find(text):
        assert 0 <= one.start < one.end <= len(text)


@given(st.recursive(st.text(max_size=20) | st.integers() | st.none() | st.booleans() | st.floats(),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)))  # fmt: skip
def test_what_a_form_sends_is_looked_through_whatever_its_shape_is(value: Any) -> None:
    with contextlib.suppress(HoldsMyNumber):
        demand_none({"備考": value})
