"""What is flagged, and what is not, from the looks alone."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kitamae.kernel.context import clock
from kitamae.kernel.people.watching import Detector, Flagging, Sight, hours, rules
from kitamae.kernel.people.watching.habit import Habit, Past, robust
from kitamae.kernel.people.watching.sight import attention

MONDAY = clock.micros("2026-06-01T00:00:00Z")  # nine in the morning in Japan
MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def sight(number: int, at: int, person: str = "", who: str = "staff-1", **more: Any) -> Sight:
    return Sight(number, at, who, person or f"p-{number}", more.pop("purpose", "tax"), **more)


def fed(detector: Detector, sights: Iterable[Sight]) -> dict[tuple[str, int], Flagging]:
    found = [detector.feed(one) for one in sights]
    return {(one.who, one.day): one for one in found if one}


def ordinary(days: int, persons: int = 10, who: str = "staff-1", first: int = 0) -> list[Sight]:
    """Working days with as many persons, twenty minutes apart."""
    found = []
    for day in range(days):
        at = MONDAY + (day // 5 * 7 + day % 5) * DAY
        number = first + day * 1_000
        found += [sight(number + n, at + n * 20 * MINUTE, f"{who}-{number + n}", who) for n in range(persons)]
    return found


def reasons(found: dict[tuple[str, int], Flagging]) -> list[str]:
    return [one.kind for flag in found.values() for one in flag.reasons]


def test_an_ordinary_week_flags_nobody() -> None:
    assert fed(Detector(), ordinary(5)) == {}


def test_each_rule_says_which_receipts_it_rests_on() -> None:
    for kind, more in (
        ("no-consent", {"agreed": False}),
        ("off-purpose", {"duties": frozenset({"care"})}),
        ("oneself", {"related": frozenset({"oneself"})}),
        ("household", {"related": frozenset({"household"})}),
        ("crowd", {"others": 9}),
    ):
        (flag,) = fed(Detector(), [sight(1, MONDAY), sight(2, MONDAY + HOUR, **more)]).values()
        assert [(one.kind, one.numbers) for one in flag.reasons] == [(kind, (2,))]
        assert (flag.who, flag.day) == ("staff-1", hours.day(MONDAY))


def test_a_neighbour_at_the_counter_is_no_reason_and_looking_again_and_again_is() -> None:
    looks = [sight(n, MONDAY + n * HOUR, "p-1", related=frozenset({"neighbour"})) for n in range(3)]
    assert fed(Detector(), looks[:1]) == {}
    assert reasons(fed(Detector(), looks)) == ["neighbour"]


def test_many_at_night_are_flagged_and_night_duty_is_not() -> None:
    night = MONDAY + 12 * HOUR
    looks = [sight(n + 900_000, night + 28 * DAY + n * 10 * MINUTE) for n in range(12)]
    assert reasons(fed(Detector(), [*ordinary(20), *looks])) == ["off-hours"]
    used = [sight(n, night + n * DAY) for n in range(6)]
    later = [sight(100 + n, night + 7 * DAY + n * 10 * MINUTE) for n in range(8)]
    detector = Detector()
    fed(detector, used)
    assert fed(detector, later) == {}


def test_a_disaster_that_brings_everybody_in_at_night_flags_nobody() -> None:
    night = MONDAY + 15 * HOUR
    looks = [
        sight(n * 10 + who, night + n * 10 * MINUTE, who=f"staff-{who}", purpose="disaster")
        for n in range(8)
        for who in range(8)
    ]
    detector = Detector()
    fed(detector, looks[: len(looks) // 2])
    assert fed(detector, looks[len(looks) // 2 :]) == {}


def test_five_times_as_many_persons_as_ever_are_flagged_by_what_is_usual_and_not_by_the_rules() -> None:
    looks = ordinary(20)
    much = [sight(900_000 + n, MONDAY + 28 * DAY + n * 5 * MINUTE, f"x-{n}") for n in range(60)]
    (flag,) = fed(Detector(), [*looks, *much]).values()
    assert {one.kind for one in flag.reasons} == {"volume", "pace"}
    volume = next(one for one in flag.reasons if one.kind == "volume")
    assert volume.figures == {"persons": 60, "usual": 10}
    assert fed(Detector(baseline=False), [*looks, *much]) == {}


def test_a_season_in_which_everybody_has_more_to_do_flags_nobody() -> None:
    looks = [one for who in range(6) for one in ordinary(20, who=f"staff-{who}", first=who * 100_000)]
    season = [
        sight(900_000 + n * 10 + who, MONDAY + 28 * DAY + n * 15 * MINUTE, f"x-{n}-{who}", f"staff-{who}")
        for n in range(30)
        for who in range(6)
    ]
    assert fed(Detector(), [*sorted(looks, key=lambda one: one.at), *season]) == {}


def test_a_program_is_not_judged_by_the_hours_of_people() -> None:
    night = MONDAY + 15 * HOUR
    looks = [sight(n, night + n * 1_000, who="token-1") for n in range(400)]
    assert fed(Detector(), looks) == {}


def test_one_after_another_is_flagged_and_what_one_search_found_is_one_step() -> None:
    quick = [sight(n, MONDAY + n * 10_000_000, beside=n > 0) for n in range(30)]
    (flag,) = fed(Detector(), quick).values()
    assert (flag.reasons[0].kind, flag.reasons[0].figures) == ("sequence", {"persons": 30, "beside": 29})
    assert fed(Detector(), [sight(n, MONDAY) for n in range(30)]) == {}


def test_how_often_and_by_whom_somebody_was_looked_at_is_counted_in_days() -> None:
    day = 20_000
    earlier = [
        (day, "staff-1"), (day - 1, "staff-1"), (day - 1, "staff-1"), (day - 28, "staff-1"), (day - 29, "staff-1"),
        (day, "staff-2"), (day - 6, "staff-3"), (day - 7, "staff-4"), (day, "token-1"),
    ]  # fmt: skip
    assert attention(earlier, "staff-1", day) == (2, 2)


def test_one_wild_day_moves_neither_middle_nor_spread() -> None:
    values = [1.0, 1.1, 0.9, 1.0, 1.05, 0.95, 1.0]
    assert abs(robust([*values, 9.0], 0.01).middle - robust(values, 0.01).middle) < 0.05


LOOKS = st.lists(
    st.tuples(
        st.integers(0, 3 * DAY), st.integers(1, 3), st.integers(1, 12),
        st.sampled_from([frozenset(), frozenset({"household"}), frozenset({"neighbour"})]), st.integers(0, 9),
    ),
    max_size=60,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(LOOKS, st.integers(0, 60))
def test_a_detector_that_begins_again_in_the_middle_of_a_day_flags_the_same(
    drawn: list[tuple[int, int, int, frozenset[Any], int]], cut: int
) -> None:
    sights = [
        sight(number, MONDAY + at, f"p-{person}", f"staff-{who}", related=related, others=others)
        for number, (at, who, person, related, others) in enumerate(sorted(drawn, key=lambda one: one[0]))
    ]
    whole, first = Detector(), Detector()
    expected = fed(whole, sights)
    before = fed(first, sights[:cut])
    again = Detector(day=first.day)
    again.habits.update(
        {who: Habit.from_json(one.as_json()) for who, one in copy.deepcopy(first.habits).items()}
    )
    fed(again, [one for one in sights[:cut] if hours.day(one.at) == first.day])
    assert before | fed(again, sights[cut:]) == expected
    assert again.habits == whole.habits


@given(st.lists(st.tuples(*[st.integers(0, 1_000)] * 7), max_size=60))
def test_a_habit_is_what_it_was_after_it_was_kept(days: list[tuple[int, ...]]) -> None:
    habit = Habit()
    for day, *counts in days:
        habit.add(Past(day, "tax", *counts), ["tax"])
    assert Habit.from_json(habit.as_json()) == habit
    assert len(habit.days) == min(40, len(days))


def test_a_long_day_is_judged_by_its_last_receipts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    def counted(numbers: Iterable[int]) -> list[int]:
        made = sorted(numbers)
        lengths.append(len(made))
        return made

    monkeypatch.setattr(rules, "sorted", counted, raising=False)
    night = MONDAY + 12 * HOUR
    (flag,) = fed(Detector(), [sight(n, night + n * 4_000_000) for n in range(1, 2_001)]).values()
    assert max(lengths) <= 1_000
    for one in flag.reasons:
        assert one.numbers == tuple(range(2_001 - len(one.numbers), 2_001))
