"""What a shelter is good for: silence is never safety."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.web import hazards
from kitamae.web.hazards import HAZARDS
from web.conftest import KNOWN, TOILET, UNKNOWN

ANYTHING = st.none() | st.booleans() | st.integers() | st.text() | st.just({"vocab": "unknown"}) | st.just([])


@given(st.dictionaries(st.sampled_from(list(HAZARDS)), ANYTHING))
def test_only_the_word_designated_ever_makes_a_yes(flags):
    shelter = {"id": "urn:x:1", "type": "EvacuationShelter", **flags}
    known = hazards.of(shelter)
    assert set(known.yes) == {HAZARDS[name] for name, code in flags.items() if code == "designated"}
    assert sorted((*known.yes, *known.no, *known.unknown)) == sorted(HAZARDS.values())


def test_a_shelter_without_any_flag_is_unknown_for_every_hazard():
    known = hazards.of({"id": "urn:x:1", "type": ["EvacuationShelter"]})
    assert known.nothing_known
    assert len(known.unknown) == 8


def test_a_vocabulary_value_counts_like_a_plain_one():
    flags = {key: {"vocab": "https://kitamae.example/terms#designated"} for key in HAZARDS}
    assert hazards.of({"id": "urn:x:1", "type": "EvacuationSite", **flags}).unknown == ()


def test_a_toilet_is_no_shelter():
    assert hazards.of({"id": "urn:x:1", "type": "PublicToilet"}) is None


@pytest.mark.parametrize("lang", ["ja", "ja_Hira", "en"])
def test_the_page_of_a_shelter_without_flags_says_in_words_that_it_may_not_be_safe(site, lang):
    warning = {"ja": "安全とは限りません", "ja_Hira": "あんぜんだと いえません", "en": "may not be safe"}[
        lang
    ]
    for page in (f"/entity/{UNKNOWN}", "/map?kind=EvacuationShelter", "/kind/EvacuationShelter"):
        assert (
            warning
            in site.get(
                page, params={"lang": lang} if "?" not in page else None, headers={"cookie": f"lang={lang}"}
            ).text
        )


def test_designated_and_not_designated_are_both_said(site):
    text = site.get(f"/entity/{KNOWN}").text
    assert "指定あり" in text
    assert "指定なし" in text
    assert "どの災害のときに使えるか" not in site.get(f"/entity/{TOILET}").text
