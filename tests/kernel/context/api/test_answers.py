from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.api.answers import Answers


def test_the_least_recently_used_goes_first() -> None:
    kept: Answers[str] = Answers(200_000)
    for number in range(150):
        kept.put(number, str(number), 1_000)
        kept.get(0)
    assert kept.get(0) == "0"
    assert kept.get(1) is None
    assert kept.get(149) == "149"


def test_what_would_push_out_everything_is_not_kept() -> None:
    kept: Answers[str] = Answers(100_000)
    kept.put("small", "a", 100)
    kept.put("huge", "b", 50_000)
    assert (kept.get("small"), kept.get("huge")) == ("a", None)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2_000))))
def test_it_never_holds_more_than_it_may(puts: list[tuple[int, int]]) -> None:
    kept: Answers[int] = Answers(10_000)
    for key, size in puts:
        kept.put(key, size, size)
        assert kept.size <= 10_000
        assert (kept.size == 0) == (len(kept) == 0)
