"""What a page says of what a shelter is good for: silence is never safety."""

from __future__ import annotations

import pytest

from web.conftest import KNOWN, TOILET, UNKNOWN


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
