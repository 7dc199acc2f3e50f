"""A case takes the steps that the law allows, and no other."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.calendar import Calendar
from kitamae.kernel.people.requests import case as cases
from kitamae.kernel.people.requests.case import Case, Move
from kitamae.kernel.people.requests.kinds import KINDS
from kitamae.kernel.problems import BadRequest, Conflict

KAGA = Calendar()
DAY = date(2026, 6, 1)


def begun(kind: str = "disclosure", **told: Any) -> Case:
    return cases.begun(
        kind, "p-1", "self", DAY, **{"about": "", "via": "self", "identity": "", "days": 0, **told}
    )


def after(case: Case, *moves: Move, on: date = DAY) -> Case:
    for move in moves:
        by = "p-1" if move.step in ("reply", "withdraw") else "staff-1"
        case = cases.moved(case, move, by, on, KAGA)
    return case


def test_thirty_days_and_thirty_more_once() -> None:
    case = begun()
    assert cases.due(case, KAGA).counted == date(2026, 7, 1)  # type: ignore[union-attr]
    longer = after(case, Move("extend", "文書が多い", days=30))
    assert cases.due(longer, KAGA).counted == date(2026, 7, 31)  # type: ignore[union-attr]
    with pytest.raises(Conflict, match="once"):
        after(longer, Move("extend", "また", days=1))
    for days in (0, 31):
        with pytest.raises(BadRequest, match="1 to 30"):
            after(case, Move("extend", "文書が多い", days=days))


def test_what_is_over_is_not_extended() -> None:
    with pytest.raises(Conflict, match="ended on 2026-07-01"):
        after(begun(), Move("extend", "文書が多い", days=30), on=date(2026, 7, 2))


def test_a_city_may_promise_fewer_days_than_the_law_and_never_more() -> None:
    assert begun(days=14)["days"] == 14
    assert begun(days=90)["days"] == 30


def test_while_a_correction_is_awaited_the_clock_stands_still() -> None:
    asked = after(begun(), Move("ask", "年度を書いてください"), on=date(2026, 6, 10))
    assert cases.due(asked, KAGA) is None
    with pytest.raises(Conflict):
        after(asked, Move("decide", outcome="whole"))
    corrected = after(asked, Move("correct", "7年度"), on=date(2026, 6, 20))
    assert cases.due(corrected, KAGA).counted == date(2026, 7, 11)  # type: ignore[union-attr]


def test_the_special_rule_needs_a_day_beyond_an_extension_and_replaces_it() -> None:
    with pytest.raises(BadRequest, match="2026-07-31"):
        after(begun(), Move("special", "著しく大量", until=date(2026, 7, 31)))
    case = after(begun(), Move("special", "著しく大量", until=date(2026, 12, 1)))
    assert cases.due(case, KAGA).counted == date(2026, 12, 1)  # type: ignore[union-attr]
    with pytest.raises(Conflict):
        after(case, Move("extend", "さらに", days=10))


def test_a_request_for_suspension_is_not_transferred() -> None:
    with pytest.raises(BadRequest, match="利用停止"):
        after(begun("suspension"), Move("transfer", "県へ"))
    assert after(begun("correction"), Move("transfer", "県へ"))["state"] == "transferred"
    assert "transfer" not in cases.possible(begun("suspension"))


def test_nothing_is_disclosed_before_it_is_known_who_asks_and_nothing_refused_without_a_reason() -> None:
    with pytest.raises(Conflict, match="第77条"):
        after(begun(), Move("decide", outcome="whole"))
    with pytest.raises(BadRequest, match="reason"):
        after(begun(), Move("decide", outcome="refusal"))
    known = after(begun(), Move("identify", identity="licence"), Move("decide", outcome="whole"))
    assert (known["state"], known["decided"]) == ("decided", "2026-06-01")


def test_a_complaint_is_answered_and_may_be_taken_up_again() -> None:
    case = after(begun("complaint"), Move("take"), Move("answer", "調べました"))
    assert case["state"] == "answered"
    assert after(case, Move("reply", "まだ分かりません"))["state"] == "taken"
    for step in ("decide", "ask", "special", "transfer", "identify"):
        with pytest.raises(BadRequest):
            after(case, Move(step, "x"))


def test_nobody_does_the_town_halls_part_in_a_case_of_his_own() -> None:
    for step in ("take", "answer", "close", "extend"):
        with pytest.raises(BadRequest, match="of his own"):
            cases.moved(begun("complaint"), Move(step, "x", days=3), "p-1", DAY, KAGA)


STEPS = st.sampled_from(
    [
        "take",
        "ask",
        "correct",
        "identify",
        "extend",
        "special",
        "answer",
        "reply",
        "decide",
        "transfer",
        "withdraw",
        "close",
    ]
)
MOVES = st.builds(
    Move,
    STEPS,
    text=st.sampled_from(["", "説明"]),
    reason=st.sampled_from(["", "理由"]),
    days=st.integers(0, 31),
    until=st.sampled_from([None, date(2026, 12, 1)]),
    outcome=st.sampled_from(["", "whole", "part", "refusal"]),
    identity=st.sampled_from(["", "licence"]),
)


@given(st.sampled_from(sorted(KINDS)), st.lists(st.tuples(MOVES, st.integers(0, 9)), max_size=12))
def test_whatever_is_tried_a_case_is_refused_or_whole(kind: str, tried: list[tuple[Move, int]]) -> None:
    case, today = begun(kind), DAY
    for move, later in tried:
        today += timedelta(days=later)
        offered = cases.possible(case)
        try:
            case = cases.moved(
                case, move, "p-1" if move.step in ("reply", "withdraw") else "staff-1", today, KAGA
            )
        except (BadRequest, Conflict):
            continue
        assert move.step in offered
        assert (case["state"] == "stopped") <= any(end is None for _, end in case["stops"])
        assert (case["state"] == "decided") <= bool(case["outcome"])
        if case["outcome"] in ("whole", "part"):
            assert case["identity"]
        found = cases.due(case, KAGA)
        assert (found is None) == (case["state"] not in ("received", "taken"))
