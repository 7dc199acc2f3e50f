"""Data about a person: for the person, and for a purpose; everybody else is refused, the machinery too."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.people.person import NOBODY, OWN, SYSTEM, Principal
from kitamae.kernel.people.policy import Facts, Policy, Question
from kitamae.kernel.people.policy.policy import of_city
from kitamae.kernel.problems import Forbidden

HANA = Principal("resident-1", "resident", assurance=3, session="s")
NURSE = Principal(
    "staff-1", "staff", assurance=2, session="s",
    duties=frozenset({("", "purpose:health.visits"), ("", "purpose:health.letters")}),
)  # fmt: skip
PROGRAM = Principal("token-1", "service", frozenset({"read:person:health.visits", "read:*"}), 1)
LAW, AGREED = "health.visits", "health.letters"
CONSENTS = {(HANA.ref, AGREED)}


@pytest.fixture
def policy() -> Policy:
    CONSENTS.clear()
    CONSENTS.add((HANA.ref, AGREED))
    return Policy(
        facts=Facts(
            bases={LAW: "law", AGREED: "consent"},
            consented=lambda about, purpose: (about, purpose) in CONSENTS,
        )
    )


def about(who: Principal, purpose: str = "own", person: str = HANA.ref) -> Question:
    return Question(who, "read", f"person:{person}", "", purpose)


def test_everybody_sees_what_is_held_about_himself_and_not_about_others(policy: Policy) -> None:
    assert policy.allows(about(HANA))
    assert not policy.allows(about(HANA, person="resident-2"))
    assert not policy.allows(about(HANA, LAW))
    assert not policy.allows(about(replace(HANA, session="")))
    assert not policy.allows(about(NOBODY, person=""))


def test_staff_see_it_for_a_purpose_after_a_strong_sign_in_and_programs_with_a_token_for_it(
    policy: Policy,
) -> None:
    for who in (NURSE, PROGRAM):
        assert policy.allows(about(who, LAW))
        assert not policy.allows(about(who, "own"))
        assert not policy.allows(about(who, ""))
        assert not policy.allows(about(replace(who, tenants=frozenset({"noto"})), LAW))
    assert not policy.allows(about(replace(NURSE, duties=frozenset()), LAW))
    assert not policy.allows(about(replace(NURSE, duties=frozenset({("noto", f"purpose:{LAW}")})), LAW))
    assert policy.allows(about(replace(NURSE, duties=frozenset({("*", f"purpose:{LAW}")})), LAW))
    assert not policy.allows(about(replace(NURSE, assurance=1), LAW))
    assert not policy.allows(about(replace(NURSE, session=""), LAW))
    assert not policy.allows(about(PROGRAM, AGREED))


def test_a_consent_that_was_withdrawn_counts_from_the_next_question_on(policy: Policy) -> None:
    assert policy.allows(about(NURSE, AGREED))
    CONSENTS.clear()
    assert not policy.allows(about(NURSE, AGREED))


def test_the_machinery_keeps_and_neither_looks_nor_erases(policy: Policy) -> None:
    assert policy.allows(replace(about(SYSTEM, LAW), action="write"))
    for purpose in (LAW, OWN):
        for action in ("read", "delete"):
            assert not policy.allows(replace(about(SYSTEM, purpose), action=action))


def test_a_service_whose_papers_lapsed_sees_nothing_any_more(policy: Policy) -> None:
    policy.change(facts=replace(policy.facts, without_papers=frozenset({"health"})))
    with pytest.raises(Forbidden, match="health has no published privacy impact assessment"):
        policy.demand(about(NURSE, LAW))


def test_the_policies_are_ten_at_most_and_each_has_a_name() -> None:
    text = (of_city.__wrapped__.__globals__["HERE"] / "city.cedar").read_text("utf-8")
    count = text.count("permit (") + text.count("forbid (")
    assert count == text.count("@id(") <= 10


texts = st.text(max_size=30)
principals = st.builds(
    Principal,
    texts,
    st.sampled_from(["anyone", "resident", "visitor", "staff", "device", "service"]),
    st.frozensets(texts, max_size=3),
    st.integers(0, 3),
    tenants=st.frozensets(texts, max_size=2),
)


@given(
    principals,
    st.sampled_from(["read", "use", "write", "delete", "subscribe", "operate"]),
    texts,
    texts,
    texts,
)
def test_whatever_is_asked_of_a_system_part_only_staff_there_and_tokens_for_it_are_let_in(
    who: Principal, action: str, part: str, tenant: str, purpose: str
) -> None:
    question = Question(who, action, f"system:{part}", tenant, purpose)  # type: ignore[arg-type]
    if Policy().allows(question):
        assert not who.tenants.isdisjoint({tenant, "*"})
        scope = "write" if action == "delete" else action
        assert who.role == "staff" or who.scopes & {f"{scope}:system:{part}", f"{scope}:*"}
