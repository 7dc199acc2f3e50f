from __future__ import annotations

from dataclasses import replace

import pytest

from kitamae.kernel.people.person import NOBODY, SYSTEM, Principal
from kitamae.kernel.people.policy import Policy, Question
from kitamae.kernel.problems import Forbidden, NotSignedIn

STAFF = Principal("staff-1", "staff", assurance=1)
GAUGE = Principal("token-1", "device", frozenset({"write:entity:https://example.org/RiverGauge"}), 1)


def test_reading_what_is_public_needs_nobody_and_changing_it_somebody() -> None:
    Policy().demand(Question(NOBODY, "read", "entity:https://example.org/RiverGauge"))
    with pytest.raises(NotSignedIn):
        Policy().demand(Question(NOBODY, "write", "entity:https://example.org/RiverGauge"))


def test_a_token_reaches_as_far_as_its_scopes() -> None:
    Policy().demand(Question(GAUGE, "write", "entity:https://example.org/RiverGauge"))
    for action, what in (("write", "entity:https://example.org/Town"), ("subscribe", "subscription")):
        with pytest.raises(Forbidden):
            Policy().demand(Question(GAUGE, action, what))  # type: ignore[arg-type]  # both are actions


def test_open_opens_the_broker_and_not_the_house() -> None:
    Policy(open=True).demand(Question(NOBODY, "write", "entity:x"))
    with pytest.raises(NotSignedIn):
        Policy(open=True).demand(Question(NOBODY, "operate", "system:metrics"))


def test_staff_and_the_system_may_change_what_is_public() -> None:
    for who in (STAFF, SYSTEM):
        Policy().demand(Question(who, "write", "entity:x"))


def test_the_work_of_a_desk_is_not_even_read_by_others() -> None:
    officer = replace(STAFF, duties=frozenset({("", "desk:privacy")}))
    Policy().demand(Question(officer, "read", "desk:privacy"))
    with pytest.raises(Forbidden, match="the desk privacy, which is none of your duties"):
        Policy().demand(Question(STAFF, "read", "desk:privacy"))
    for who, refused in (
        (NOBODY, NotSignedIn),
        (Principal("resident-1", "resident", session="s"), Forbidden),
    ):
        with pytest.raises(refused):
            Policy(open=True).demand(Question(who, "read", "desk:privacy"))


def test_a_type_that_nobody_declared_is_written_by_nobody() -> None:
    policy = Policy(declared=frozenset({"x:Shelter"}))
    for who in (Principal("s", "staff"), Principal("d", "device", frozenset({"write:*"})), SYSTEM):
        policy.demand(Question(who, "write", "entity:x:Shelter"))
        with pytest.raises(Forbidden, match="declares the entity type x:Household"):
            policy.demand(Question(who, "write", "entity:x:Household"))


def test_what_is_of_such_a_type_may_be_deleted_by_who_might_have_written_it() -> None:
    policy = Policy(declared=frozenset())
    policy.demand(Question(STAFF, "delete", "entity:x:Household"))
    program = replace(GAUGE, role="service")
    policy.demand(Question(program, "delete", "entity:https://example.org/RiverGauge"))
    with pytest.raises(Forbidden, match="a device deletes nothing"):
        policy.demand(Question(GAUGE, "delete", "entity:https://example.org/RiverGauge"))
    for who, refused in ((GAUGE, Forbidden), (NOBODY, NotSignedIn)):
        with pytest.raises(refused):
            policy.demand(Question(who, "delete", "entity:x:Household"))


def test_what_is_there_may_be_read_whether_it_was_declared_or_not() -> None:
    Policy(declared=frozenset()).demand(Question(NOBODY, "read", "entity:x:Household"))


def test_open_takes_any_type() -> None:
    Policy(open=True, declared=frozenset()).demand(Question(NOBODY, "write", "entity:x:Household"))


def test_a_token_for_everything_does_no_desks_work() -> None:
    program = Principal("token-1", "service", frozenset({"read:*", "write:*"}), 1)
    for action in ("read", "write"):
        assert not Policy().allows(Question(program, action, "desk:privacy"))  # type: ignore[arg-type]
