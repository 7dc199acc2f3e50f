"""Which language is answered with: RFC 3282's weights, RFC 4647's lookup, and always something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.languages import choose, preferences
from kitamae.kernel.problems import BadRequest

STREET = {"fr": "Grand Place", "nl": "Grote Markt", "en-US": "Square"}


def test_weights_outrank_the_order_and_equal_ones_keep_it():
    assert preferences("fr;q=0.2, nl-BE ,ja; q=0.9,en") == ("nl-be", "en", "ja", "fr")


@pytest.mark.parametrize(
    ("lang", "tag"),
    [
        ("fr;q=0.2,nl;q=0.9", "nl"),
        ("FR", "fr"),
        ("nl-BE", "nl"),
        ("en", "en-US"),
        ("pt", "fr"),
        ("pt,*", "fr"),
        ("nl;q=0,fr", "fr"),
        ("pt, en-GB ;q=0.5", "en-US"),
    ],
)
def test_the_best_language_that_is_there_is_chosen(lang, tag):
    assert choose(STREET, lang) == (tag, STREET[tag])


def test_no_language_in_particular_comes_before_any_other_that_was_not_asked_for():
    assert choose({"ja": "湯", "@none": "♨"}, "pt") == ("@none", "♨")


@given(
    st.dictionaries(st.sampled_from(["ja", "ja-Hira", "en", "zh-Hant", "@none"]), st.text(), min_size=1),
    st.lists(st.sampled_from(["ja", "ja-Latn", "EN", "zh", "ko", "*"]), min_size=1).map(",".join),
)
def test_something_is_always_chosen_and_it_is_there(words, lang):
    tag, chosen = choose(words, lang)
    assert words[tag] == chosen


@pytest.mark.parametrize("lang", ["", "ja;q=2", "ja;q=-1", "ja;v=1", "ja;q=x", "日本語!", "ja,,en"])
def test_what_is_no_language_is_a_bad_request(lang):
    with pytest.raises(BadRequest, match="lang"):
        choose(STREET, lang)
