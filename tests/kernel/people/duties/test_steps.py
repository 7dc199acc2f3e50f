"""At any moment duties are exactly what they were before a change, or exactly what they are after it: of everybody at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context import clock
from kitamae.kernel.people.duties.steps import ACCOUNT, Approved, State, Step, back, carried, state

SECOND = 1_000_000
DUTIES = ["counter", "disaster", "systems", ACCOUNT]
PERSONS = ["staff-a", "staff-b", "staff-c"]
moments = st.integers(1, 40)


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[str, int, list[Step]]]:
    """(number, from when on, steps), in the order in which they were approved."""
    made = []
    for number in range(draw(st.integers(1, 8))):
        at = draw(moments)
        pairs = draw(st.sets(st.tuples(st.sampled_from(PERSONS), st.sampled_from(DUTIES)), min_size=1))
        steps: list[Step] = [
            {
                "person": person, "duty": duty, "gives": draw(st.booleans()), "tenants": [""],
                "until": clock.text((at + draw(moments)) * SECOND) if duty != ACCOUNT and draw(st.booleans()) else None,
            }
            for person, duty in sorted(pairs)
        ]  # fmt: skip
        made.append((str(number), at, steps))
    return made


def kept(made: list[tuple[str, int, list[Step]]]) -> dict[str, list[Approved]]:
    of: dict[str, list[Approved]] = {person: [] for person in PERSONS}
    for number, at, steps in made:
        for step in steps:
            mark = {"transfer": number, "at": clock.text(at * SECOND), "by": "", "second": ""}
            of[step["person"]].append({**step, **mark, "decided": clock.text(int(number) * SECOND)})  # type: ignore[typeddict-item]
    return of


def what(now: State) -> tuple[bool, set[tuple[str, int | None]]]:
    return now.left, {(one.duty, one.until) for one in now.held}


@given(changes(), moments)
def test_a_change_counts_for_all_of_its_persons_from_its_moment_on_and_not_a_microsecond_earlier(
    made: list[tuple[str, int, list[Step]]], at: int
) -> None:
    _, moment, steps = made[-1]
    without = kept(made[:-1])
    every = kept(made)
    last = at * SECOND
    for person in PERSONS:
        before, after = state(without[person], last), state(every[person], last)
        if last < moment * SECOND:
            assert what(before) == what(after)
        elif moment == at:  # nothing was approved later that counts from the same moment
            for step in (one for one in steps if one["person"] == person):
                if step["duty"] == ACCOUNT:
                    assert after.left is not step["gives"]
                elif not after.left:
                    assert (step["duty"] in {one.duty for one in after.held}) is step["gives"]


@given(changes(), moments)
def test_nothing_changes_between_two_moments_that_were_told(
    made: list[tuple[str, int, list[Step]]], at: int
) -> None:
    for steps in kept(made).values():
        now = state(steps, at * SECOND)
        end = now.again if now.again is not None else 100 * SECOND
        assert what(state(steps, (at * SECOND + end) // 2)) == what(now)
        assert what(state(steps, end - 1)) == what(now)


@given(changes(), moments)
def test_what_is_undone_is_as_if_it_had_never_been(
    made: list[tuple[str, int, list[Step]]], later: int
) -> None:
    every = kept(made)
    number, moment, steps = made[-1]
    at = (moment + later - 1) * SECOND
    undone = [back(every[step["person"]], step, number, at) for step in steps]
    both = kept([*made, ("90", moment + later - 1, undone)])
    for person in PERSONS:
        assert what(state(both[person], at)) == what(state(kept(made[:-1])[person], at))


@given(changes(), st.integers(0, 8), st.data())
def test_after_a_restore_nobody_holds_what_was_not_his_before_it_and_what_was_given_back_is_there(
    made: list[tuple[str, int, list[Step]]], known: int, data: st.DataObject
) -> None:
    at = data.draw(moments) * SECOND
    for person, now in kept(made).items():
        then = kept(made[:known])[person]
        after, before = state(carried(now, then), at), state(now, at)
        assert after.left == before.left
        assert what(after)[1] <= what(before)[1]
        gave = {one["duty"] for one in then if one["gives"]}
        assert {one for one in what(before)[1] if one[0] in gave} <= what(after)[1]
        assert carried(now, carried(now, then)) == carried(now, then)
