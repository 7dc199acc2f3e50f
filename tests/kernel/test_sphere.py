from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.sphere import metres

places = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


@given(places)
def test_opposite_each_other_two_places_are_half_a_round_apart(one: tuple[float, float]) -> None:
    other = (one[0] - 180 if one[0] > 0 else one[0] + 180, -one[1])
    assert math.isclose(metres(one, other), math.pi * 6_371_008.8, rel_tol=1e-6)


@given(places, places)
def test_it_is_as_far_there_as_back(one: tuple[float, float], other: tuple[float, float]) -> None:
    assert math.isclose(metres(one, other), metres(other, one), abs_tol=1e-3)
