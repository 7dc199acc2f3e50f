"""Names, URIs, scopes and times, as the specification spells them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context import clock, lexical
from kitamae.kernel.problems import BadRequest


@given(
    st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1).filter(lambda text: text[0].isalpha())
)
def test_letters_and_numbers_of_any_script_make_a_name(name):
    assert lexical.is_name(name)
    assert lexical.is_name(unicodedata.normalize("NFD", name))
    assert lexical.is_name(name + "_1")


@given(st.text(), st.characters(categories=["P", "S", "Z", "C"], exclude_characters="_"), st.text())
def test_a_name_with_anything_else_in_it_is_none(before, other, after):
    assert not lexical.is_name(before + other + after)


@given(
    st.text(
        alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='<>"{}|\\^`'),
        min_size=1,
    )
)
def test_every_printable_character_that_rfc_3986_knows_may_stand_in_a_uri(rest):
    assert lexical.is_uri("urn:" + rest)


@given(st.text(max_size=3), st.characters(categories=["C", "Z"]), st.text(max_size=3))
def test_nothing_invisible_may_stand_in_a_uri(before, hidden, after):
    assert not lexical.is_uri(f"urn:加賀:{before}{hidden}{after}")


@pytest.mark.parametrize("text", ["", ":", "urn", "urn:", "加賀:1", "1a:b", "a b:c", "//a", "#a"])
def test_what_does_not_begin_as_a_uri_is_none(text):
    assert not lexical.is_uri(text)


@pytest.mark.parametrize(
    "stamp", ["2026-11-21T07:14:46Z", "2026-11-21T07:14:46.1Z", "2024-02-29T00:00:00.000000Z"]
)
def test_a_time_is_kept_as_it_was_written(stamp):
    assert lexical.time(stamp, "observedAt") == stamp


@pytest.mark.parametrize(
    "stamp", ["2026-11-21t07:14:46z", "2026-11-21T07:14:46.123456789Z", "2026-11-21T07:14:46,5Z"]
)
def test_a_time_in_another_spelling_means_the_same_in_ours(stamp):
    assert clock.micros(lexical.time(stamp, "observedAt")) == clock.micros(stamp)


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-21",
        "2026-11-21T07:14:46",
        "2026-11-21T07:14:46+00:00",
        "x",
        "",
        5,
        None,
        "2023-02-29T00:00:00Z",
    ],
)
def test_what_is_no_time_in_utc_is_refused_with_its_place(stamp):
    with pytest.raises(BadRequest, match=r"水位\.observedAt"):
        lexical.time(stamp, "水位.observedAt")


def test_a_scope_gets_the_slash_that_it_may_go_without_and_is_said_once():
    assert lexical.scopes(["加賀/山代", "/加賀/山代", "/a_1"]) == ["/加賀/山代", "/a_1"]
    assert lexical.scopes([]) == []


@pytest.mark.parametrize(
    "scope", ["", "/", "//a", "/a/", "/a//b", "/9", "a b", "/a,b", "/#", "/+", 5, None, ["/a", 5]]
)
def test_what_is_no_scope_is_refused(scope):
    with pytest.raises(BadRequest, match="scope"):
        lexical.scopes(scope)
