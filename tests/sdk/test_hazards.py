"""What a shelter is good for: silence is never safety."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kitamae.sdk import hazards
from kitamae.sdk.hazards import HAZARDS

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


@given(
    st.dictionaries(st.sampled_from(list(HAZARDS)), ANYTHING),
    st.sets(st.sampled_from(list(HAZARDS.values()))),
)
def test_it_is_safe_only_where_it_is_designated_for_all_that_threatens(flags, kinds):
    known = hazards.of({"id": "urn:x:1", "type": "EvacuationShelter", **flags})
    assert (known.safe(kinds) == "yes") == (bool(kinds) and kinds <= set(known.yes))
    assert (known.safe(kinds) == "no") == bool(kinds & set(known.no))
