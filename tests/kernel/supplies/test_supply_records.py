"""However steps follow each other, what is left, open and arrived agree with them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.supplies import counted, is_open, left, state
from kitamae.kernel.supplies.records import Supply

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["sent", "arrived", "declined", "withdrawn"]), st.integers(1, 50), st.booleans()
    ),
    max_size=12,
)


def supply(amount: int, late: bool, steps: list[tuple[str, int, bool]]) -> Supply:
    def step(what: Any, many: int, undone: bool) -> Any:
        one = {"what": what, "amount": many if what in ("asked", "sent", "arrived") else 0}
        return one | ({"undone": {"at": "", "by": ""}} if undone else {})

    every = [step("asked", amount, False), *(step(*one) for one in steps)]
    return {"shelter": "s", "item": "水", "amount": amount, "unit": "本", "late": late, "steps": every}


@given(st.integers(1, 100), st.booleans(), STEPS)
def test_the_state_follows_from_the_steps_that_stand(amount: int, late: bool, steps: Any) -> None:
    one = supply(amount, late, steps)
    sent = sum(many for what, many, undone in steps if what == "sent" and not undone)
    arrived = sum(many for what, many, undone in steps if what == "arrived" and not undone)
    ended = {what for what, _, undone in steps if not undone} & {"declined", "withdrawn"}
    assert (counted(one, "sent"), counted(one, "arrived")) == (sent, arrived)
    assert left(one) == max(0, amount - max(sent, arrived))
    assert is_open(one) == (not late and not ended and arrived < amount)
    if is_open(one):
        assert state(one) == ("sent" if not left(one) else "part" if sent or arrived else "asked")


@given(st.integers(1, 100), STEPS)
def test_taking_the_last_step_back_gives_what_was_before(amount: int, steps: Any) -> None:
    if steps:
        before = supply(amount, False, steps[:-1])
        undone = supply(amount, False, [*steps[:-1], (*steps[-1][:2], True)])
        assert (state(before), left(before)) == (state(undone), left(undone))
