"""What somebody took in an emergency: what the duty would give, after a strong sign-in, in his place, and nothing is erased."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.policy import Facts, Policy, Question

LAW, AGREED = "identity", "letters"
TAKEN = frozenset({("", f"purpose:{LAW}"), ("", f"purpose:{AGREED}"), ("", "desk:incidents")})
FIREMAN = Principal("staff-1", "staff", assurance=2, session="s", emergency=TAKEN)
AGREES = {"resident-1"}
POLICY = Policy(
    facts=Facts(
        bases={LAW: "law", AGREED: "consent"},
        consented=lambda about, purpose: purpose == AGREED and about in AGREES,
    )
)


def asked(who: Principal, action: str, what: str, purpose: str = "", tenant: str = "") -> Question:
    return Question(who, action, what, tenant, purpose)  # type: ignore[arg-type]


def test_what_was_taken_is_allowed_and_the_decision_names_the_policy() -> None:
    for question in (
        asked(FIREMAN, "read", "person:resident-2", LAW),
        asked(FIREMAN, "write", "person:resident-2", LAW),
        asked(FIREMAN, "read", "desk:incidents"),
        asked(FIREMAN, "write", "desk:incidents"),
    ):
        decision = POLICY.decide(question)
        assert decision.allowed
        assert decision.because == ("break-glass",)


def test_it_erases_nothing_and_a_persons_consent_counts_as_ever() -> None:
    assert not POLICY.allows(asked(FIREMAN, "delete", "person:resident-2", LAW))
    assert not POLICY.allows(asked(FIREMAN, "delete", "desk:incidents"))
    assert POLICY.allows(asked(FIREMAN, "read", "person:resident-1", AGREED))
    assert not POLICY.allows(asked(FIREMAN, "read", "person:resident-2", AGREED))


def test_it_is_for_staff_who_are_strongly_signed_in_in_the_place_where_they_took_it() -> None:
    for who in (
        replace(FIREMAN, assurance=1),
        replace(FIREMAN, session=""),
        replace(FIREMAN, role="resident"),
        replace(FIREMAN, role="service"),
        replace(FIREMAN, tenants=frozenset({"noto"})),
        replace(FIREMAN, emergency=frozenset({("noto", f"purpose:{LAW}"), ("noto", "desk:incidents")})),
        replace(FIREMAN, emergency=frozenset()),
    ):
        assert not POLICY.allows(asked(who, "read", "person:resident-2", LAW))
        assert not POLICY.allows(asked(who, "read", "desk:incidents"))


@given(
    st.sampled_from(["read", "use", "write", "delete", "subscribe", "operate"]),
    st.sampled_from(["desk:staff", "desk:privacy", "desk:incidents", "person:resident-2", "system:keys"]),
    st.sampled_from(["", "own", LAW, AGREED, "other"]),
    st.sampled_from(["", "noto"]),
)
def test_whatever_is_asked_no_more_is_allowed_than_the_duty_would_allow(
    action: str, what: str, purpose: str, tenant: str
) -> None:
    on_duty = replace(FIREMAN, emergency=frozenset(), duties=TAKEN)
    if POLICY.allows(asked(FIREMAN, action, what, purpose, tenant)):
        assert POLICY.allows(asked(on_duty, action, what, purpose, tenant))
