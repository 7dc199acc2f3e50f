"""Who the invented people are."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kitamae.kernel.people import mynumber
from kitamae.sandbox.people import invent
from kitamae.sdk.city import City

CITY = City.read(Path(__file__).resolve().parents[2] / "cities" / "kaga")
DAY = date(2026, 11, 21)


@given(st.integers(0, 2**40), st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_the_same_seed_makes_the_same_people_and_nobody_is_left_without_a_home(seed: int, count: int) -> None:
    people = invent(CITY, count, seed, DAY)
    assert people == invent(CITY, count, seed, date(2026, 1, 2))
    assert len({one.id for one in people}) == len(people) == count
    ids = {one.id: one for one in people}
    for one in people:
        assert one.house >= 0
        assert one.age == DAY.year - one.born.year
        for parent in one.parents:
            assert ids[parent].age - one.age >= 20 or ids[parent].spouse, one
        if one.spouse:
            assert ids[one.spouse].spouse == one.id
            assert ids[one.spouse].house == one.house


def test_another_seed_makes_other_people() -> None:
    assert [one.name for one in invent(CITY, 50, 1, DAY)] != [one.name for one in invent(CITY, 50, 2, DAY)]


def test_they_are_as_old_as_the_city_and_live_in_its_towns_in_households() -> None:
    people = invent(CITY, 2_000, 7, DAY)
    old = sum(one.age >= 65 for one in people) / len(people)
    assert 0.33 < old < 0.42  # 将来推計 2025: 37 %
    towns = {one["名称"]["value"] for one in CITY.entities() if one["type"] == "Town"}
    for one in people:
        town = re.fullmatch(r"石川県加賀市(.+)9999番地の9\d{3}（試験）", one.address)
        assert town, one.address
        assert town[1] in towns
    sizes = Counter(Counter(one.house for one in people).values())
    assert sizes[1] > 50
    assert sizes[2] > 100
    assert sizes[3] + sizes[4] > 50
    for house in {one.house for one in people}:
        assert len({(one.address, one.family) for one in people if one.house == house}) == 1


def test_nobody_in_it_can_be_taken_for_somebody_real() -> None:
    for one in invent(CITY, 500, 3, DAY):
        assert one.name.endswith("（試験）")
        assert one.address.endswith("（試験）")
        assert one.entered("email").endswith(".example")
        area, local, _ = one.entered("phone").split("-")
        assert (area, local[0]) == ("03", "0")  # 市内局番 begin with 2 to 9
        mynumber.demand_none({name: one.entered(name) for name in ("email", "phone", "address", "name")})
        mynumber.demand_none(one.card())


@pytest.mark.parametrize(
    "field", ["email", "phone", "telephone", "topics", "name", "kana", "address", "anything"]
)
def test_whatever_a_purpose_asks_for_something_is_entered(field: str) -> None:
    [one] = invent(CITY, 1, 1, DAY)
    assert one.entered(field)
