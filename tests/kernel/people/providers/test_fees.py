"""Money: whole yen, one rounding rule."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from kitamae.kernel.people.providers import fees
from kitamae.kernel.people.providers.fees import Plan
from kitamae.kernel.people.providers.records import Counts, Line, nothing

yen = some.integers(-(10**9), 10**9)
counts = some.integers(0, 10**9)
PARTS = (1, 2, 3, 4, 6, 12)


def used(**of: int) -> Counts:
    return {**nothing(), **of}  # type: ignore[typeddict-item]


def line(amount: int, *, taxed: bool = True) -> Line:
    return {"what": "correction", "yen": amount, "taxed": taxed, "told": {}}


def test_a_fraction_of_a_yen_is_dropped_towards_zero() -> None:
    assert [fees.dropped(*one) for one in ((199, 100), (-199, 100), (0, 7), (100, 100))] == [1, -1, 0, 1]


@given(some.lists(some.tuples(yen, some.booleans()), max_size=6), some.integers(0, 100))
def test_a_statement_and_its_correction_by_the_same_amounts_come_to_nothing(
    told: list[tuple[int, bool]], tax: int
) -> None:
    there = fees.total([line(amount, taxed=taxed) for amount, taxed in told], tax)
    back = fees.total([line(-amount, taxed=taxed) for amount, taxed in told], tax)
    assert (there.net + back.net, there.tax + back.tax, there.total + back.total) == (0, 0, 0)


@given(some.lists(some.tuples(some.integers(0, 10**9), some.booleans()), max_size=6), some.integers(0, 100))
def test_the_tax_is_worked_out_once_and_never_more_than_it_would_be_exactly(
    told: list[tuple[int, bool]], tax: int
) -> None:
    made = fees.total([line(amount, taxed=taxed) for amount, taxed in told], tax)
    exact = sum(amount for amount, taxed in told if taxed) * tax
    assert 0 <= exact - made.tax * 100 < 100
    assert made.total == made.net + made.tax


@given(some.integers(0, 10**9), some.sampled_from(PARTS))
def test_the_parts_of_a_year_are_the_years_sum_to_the_yen(year: int, parts: int) -> None:
    paid = [fees.instalment(year, parts, part) for part in range(parts)]
    assert sum(paid) == year
    assert max(paid) - min(paid) <= 1


@given(some.integers(1, 10**9), some.sampled_from(PARTS), some.integers(1, 12))
def test_in_every_twelve_months_the_whole_of_it_falls_due(year: int, parts: int, begins: int) -> None:
    plan = Plan("p", council={"company": year}, parts=parts, council_from=begins)
    due = [fees.council(plan, "company", month) for month in range(1, 13)]
    assert sum(one["yen"] for some_ in due for one in some_) == year
    assert sum(bool(some_) for some_ in due) == parts
    assert fees.council(plan, "volunteer", begins) == []


@given(counts, counts, counts, some.integers(0, 10**6), some.integers(0, 10**5))
def test_more_use_never_costs_less_and_what_is_free_costs_nothing(
    read: int, write: int, more: int, free: int, price: int
) -> None:
    plan = Plan("p", free=free, per_thousand=price)

    def costs(**of: int) -> int:
        return sum(one["yen"] for one in fees.lines(plan, used(**of), 30, 30))

    assert costs(read=read, write=write) <= costs(read=read + more, write=write)
    assert costs(read=min(read, free)) == 0
    assert costs(read=read, write=write, refused=more, notification=more) == costs(read=read, write=write)


def test_what_the_city_answered_with_an_error_of_its_own_is_not_paid_for() -> None:
    plan = Plan("p", per_thousand=1_000)
    assert [one["yen"] for one in fees.lines(plan, used(read=5, write=5, failed=3), 30, 30)] == [7]
    assert fees.charged(Plan("n", counts=("notification",)), used(notification=4, failed=3)) == 4


@given(some.integers(1, 10**8), some.integers(1, 31))
def test_a_part_of_a_month_costs_that_part_of_the_base_unless_the_plan_says_otherwise(
    base: int, days: int
) -> None:
    (part,) = fees.lines(Plan("p", base=base), nothing(), days, 31)
    (whole,) = fees.lines(Plan("p", base=base, prorated=False), nothing(), days, 31)
    assert 0 <= base * days - part["yen"] * 31 < 31
    assert whole["yen"] == base
