from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context import clock
from kitamae.kernel.context.entity import Attribute, Entity
from kitamae.kernel.context.operations.observe import LATE, Observe
from kitamae.kernel.problems import Conflict

NOW = 1_700_000_000_000_000


def gauge(level: float, at: str | None, **more: Any) -> Entity:
    attribute: Attribute = {"kind": "Property", "v": level, "unitCode": "MTR"}
    if at:
        attribute["observedAt"] = at
    return {"id": "urn:ngsi-ld:RiverGauge:1", "type": ["RiverGauge"], "attrs": {"level": [attribute], **more}}


def test_the_first_reading_creates_the_entity() -> None:
    effect = Observe(gauge(1.0, "2026-01-01T00:00:00Z")).apply(None, NOW)
    assert effect.verb == "created"


def test_a_reading_that_is_known_is_no_change_however_its_time_is_written() -> None:
    known = Observe(gauge(1.0, "2026-01-01T00:00:00Z")).apply(None, NOW).after
    again = Observe(gauge(1.0, "2026-01-01T09:00:00.000+09:00")).apply(known, NOW + 1)
    assert (again.verb, again.after, again.touched, again.not_updated) == ("none", known, [], {})


def test_an_older_reading_leaves_the_present_and_is_told_to_be_late() -> None:
    known = Observe(gauge(1.0, "2026-01-01T00:10:00Z")).apply(None, NOW).after
    late = Observe(gauge(0.5, "2026-01-01T00:00:00Z")).apply(known, NOW + 1)
    assert (late.verb, late.after, late.not_updated) == ("none", known, {"level": LATE})


def test_what_is_there_under_that_name_and_of_another_type_is_not_written_over() -> None:
    other: Entity = {**gauge(1.0, "2026-01-01T00:00:00Z"), "type": ["Alert"]}
    there = Observe(other).apply(None, NOW).after
    with pytest.raises(Conflict):
        Observe(gauge(1.1, "2026-01-01T00:10:00Z")).apply(there, NOW + 1)
    both: Entity = {**other, "type": ["Alert", "RiverGauge"]}
    assert Observe(gauge(1.1, "2026-01-01T00:10:00Z")).apply(both, NOW + 1).verb == "updated"


def test_a_newer_reading_of_the_same_value_is_a_change() -> None:
    known = Observe(gauge(1.0, "2026-01-01T00:00:00Z")).apply(None, NOW).after
    newer = Observe(gauge(1.0, "2026-01-01T00:10:00Z")).apply(known, NOW + 1)
    assert newer.verb == "updated"
    assert [touched.name for touched in newer.touched] == ["level"]


def test_what_describes_the_device_changes_only_when_it_differs() -> None:
    name: Attribute = {"kind": "Property", "v": "宇谷川"}
    known = Observe(gauge(1.0, "2026-01-01T00:00:00Z", name=[name])).apply(None, NOW).after
    effect = Observe(gauge(1.1, "2026-01-01T00:10:00Z", name=[name])).apply(known, NOW + 1)
    assert [touched.name for touched in effect.touched] == ["level"]
    renamed: Attribute = {"kind": "Property", "v": "宇谷川（宇谷町）"}
    effect = Observe(gauge(1.1, "2026-01-01T00:20:00Z", name=[renamed])).apply(effect.after, NOW + 2)
    assert sorted(touched.name for touched in effect.touched) == ["level", "name"]


def test_what_an_old_message_says_of_its_device_does_not_overwrite_what_a_newer_one_said() -> None:
    old: Attribute = {"kind": "Property", "v": "宇谷川"}
    new: Attribute = {"kind": "Property", "v": "宇谷川（宇谷町）"}
    known = Observe(gauge(1.0, "2026-01-01T00:10:00Z", name=[new])).apply(None, NOW).after
    for at in ("2026-01-01T00:10:00Z", "2026-01-01T00:00:00Z"):
        assert Observe(gauge(1.0, at, name=[old])).apply(known, NOW + 1).verb == "none"
    added = Observe(gauge(1.0, "2026-01-01T00:00:00Z", note=[old])).apply(known, NOW + 1)
    assert [touched.name for touched in added.touched] == ["note"]


@given(st.lists(st.tuples(st.integers(0, 20), st.floats(0, 5)), min_size=1, max_size=30))
def test_whatever_the_order_the_present_is_the_first_heard_of_the_newest(
    readings: list[tuple[int, float]],
) -> None:
    state: Entity | None = None
    for minute, level in readings:
        at = clock.text(NOW + minute * 60_000_000)
        state = Observe(gauge(level, at)).apply(state, NOW).after
    assert state is not None
    newest = max(minute for minute, _ in readings)
    assert state["attrs"]["level"][0]["v"] == next(level for minute, level in readings if minute == newest)
