"""A breach and its clock."""

from __future__ import annotations

from datetime import date

import pytest

from kitamae.kernel.calendar import Calendar
from kitamae.kernel.people.requests import breach as breaches
from kitamae.kernel.people.requests.breach import Breach
from kitamae.kernel.problems import BadRequest, Conflict

KAGA = Calendar()
DAY = date(2026, 6, 1)


def begun(*reasons: str, persons: int = 1) -> Breach:
    return breaches.begun(DAY, DAY, list(reasons), persons, {"summary": "名簿を誤って送った"})


def due(breach: Breach) -> dict[str, tuple[str, str]]:
    return {one.step: (one.soon.isoformat(), one.last.isoformat()) for one in breaches.clock_of(breach, KAGA)}


def test_the_first_report_is_due_in_three_to_five_days_and_the_full_one_in_thirty() -> None:
    found = due(begun("sensitive"))
    assert found["prompt"] == ("2026-06-03", "2026-06-05")
    assert found["full"] == ("2026-06-30", "2026-06-30")


def test_a_wrongful_purpose_gives_sixty_days_and_a_day_off_moves_the_end() -> None:
    assert due(begun("wrongful"))["full"][1] == "2026-07-30"
    late = {**begun("sensitive"), "learnt": "2026-12-01"}
    assert due(late)["full"][1] == "2027-01-04"  # type: ignore[arg-type]


def test_more_than_a_hundred_persons_are_a_reason_by_themselves() -> None:
    assert begun(persons=100)["reasons"] == []
    assert breaches.clock_of(begun(persons=100), KAGA) == []
    assert begun(persons=101)["reasons"] == ["many"]
    grown = breaches.moved(begun(), "amend", DAY, DAY, {}, 500)
    assert grown["reasons"] == ["many"]


def test_it_is_closed_when_nothing_is_owed() -> None:
    breach = begun("property")
    with pytest.raises(Conflict, match="prompt, full, notify"):
        breaches.moved(breach, "close", DAY, DAY, {}, None)
    for step in ("prompt", "full", "notify", "close"):
        breach = breaches.moved(breach, step, DAY, DAY, {}, None)
    with pytest.raises(Conflict, match="closed"):
        breaches.moved(breach, "amend", DAY, DAY, {}, None)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(BadRequest, match="learnt: expected a day from 1900-01-01 to today"):
        breaches.begun(date(2026, 6, 2), DAY, [], 0, {"summary": "x"})
    with pytest.raises(BadRequest, match="reasons"):
        begun("bad-luck")
    with pytest.raises(BadRequest, match="summary"):
        breaches.begun(DAY, DAY, [], 0, {})
    with pytest.raises(BadRequest, match="day"):
        breaches.moved(begun(), "prompt", date(2026, 5, 31), DAY, {}, None)
    done = breaches.moved(begun("many", persons=200), "prompt", DAY, DAY, {}, None)
    with pytest.raises(Conflict, match="already"):
        breaches.moved(done, "prompt", DAY, DAY, {}, None)


def test_reasons_change_when_more_is_known_and_the_clock_with_them() -> None:
    breach = breaches.moved(begun("sensitive"), "amend", DAY, DAY, {}, None, ["wrongful"])
    assert breach["reasons"] == ["wrongful"]
    assert due(breach)["full"][1] == "2026-07-30"
    cleared = breaches.moved(breach, "amend", DAY, DAY, {}, None, [])
    assert breaches.clock_of(cleared, KAGA) == []
    assert breaches.moved(cleared, "close", DAY, DAY, {}, None)["done"] == {"close": "2026-06-01"}
    with pytest.raises(BadRequest, match="reasons"):
        breaches.moved(breach, "amend", DAY, DAY, {}, None, ["bad-luck"])


def test_that_they_are_many_follows_from_the_count_and_is_somebodys_word_only_without_one() -> None:
    assert begun("many", persons=0)["reasons"] == ["many"]
    counted = breaches.moved(begun("many", persons=0), "amend", DAY, DAY, {}, 80)
    assert counted["reasons"] == []
    assert begun("many", persons=100)["reasons"] == []
    assert breaches.moved(begun(persons=300), "amend", DAY, DAY, {}, 90)["reasons"] == []
    assert breaches.moved(begun(persons=300), "amend", DAY, DAY, {}, None, [])["reasons"] == ["many"]
