from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.sdk.context import Reading
from kitamae.services.rivers import logic

NOW = datetime(2025, 10, 16, 10, 0, tzinfo=UTC)


def entity(level: float | None = None, minutes_ago: int = 0, **more: Any) -> dict[str, Any]:
    thing: dict[str, Any] = {
        "id": "urn:ngsi-ld:RiverGauge:172065:1700000063",
        "type": "RiverGauge",
        "名称": {"type": "Property", "value": "宇谷川（宇谷町）"},
        "観測開始水位": {"type": "Property", "value": 23.04},
        "危険水位": {"type": "Property", "value": 24.09},
        "氾濫開始水位": {"type": "Property", "value": 24.39},
        "location": {
            "type": "GeoProperty",
            "value": {"type": "Point", "coordinates": [136.40805, 36.301777]},
        },
        **more,
    }
    if level is not None:
        at = (NOW - timedelta(minutes=minutes_ago)).isoformat().replace("+00:00", "Z")
        thing["水位"] = {"type": "Property", "value": level, "unitCode": "MTR", "observedAt": at}
    return thing


@pytest.mark.parametrize(
    ("level", "state"),
    [
        (23.0, "below"),
        (23.04, "watch"),
        (24.08, "watch"),
        (24.09, "danger"),
        (24.39, "flood"),
        (30.0, "flood"),
    ],
)
def test_a_level_is_measured_against_the_thresholds(level: float, state: str) -> None:
    assert logic.state(logic.gauge(entity(level)), NOW) == state


def test_a_report_from_the_future_says_nothing_of_now() -> None:
    assert logic.state(logic.gauge(entity(23.0, minutes_ago=-31)), NOW) == "old"
    assert logic.state(logic.gauge(entity(23.0, minutes_ago=-2)), NOW) == "below"


def test_a_gauge_that_never_reported_is_silent_and_not_low() -> None:
    assert logic.state(logic.gauge(entity()), NOW) == "silent"


def test_a_report_older_than_thirty_minutes_says_nothing_of_now() -> None:
    assert logic.state(logic.gauge(entity(23.0, minutes_ago=30)), NOW) == "below"
    assert logic.state(logic.gauge(entity(23.0, minutes_ago=31)), NOW) == "old"
    assert logic.height(logic.gauge(entity(24.5, minutes_ago=31))) == "flood"


def test_a_level_that_nobody_timed_is_no_report() -> None:
    untimed = entity(水位={"type": "Property", "value": 23.1})
    assert logic.state(logic.gauge(untimed), NOW) == "silent"


def test_a_gauge_without_a_dangerous_level_can_still_flood() -> None:
    known = {name: value for name, value in entity(24.4).items() if name != "危険水位"}
    assert logic.state(logic.gauge(known), NOW) == "flood"
    assert [name for name, _ in logic.gauge(known).marks] == ["観測開始水位", "氾濫開始水位"]


def test_the_urgent_come_first_and_the_unknown_before_the_low() -> None:
    gauges = [
        logic.gauge(entity(level, ago))
        for level, ago in ((23.0, 0), (None, 0), (23.5, 90), (23.5, 0), (25.0, 0))
    ]
    ordered = [logic.state(one, NOW) for one in logic.in_order(gauges, NOW)]
    assert ordered == ["flood", "watch", "old", "silent", "below"]


@given(st.none() | st.floats(-10, 100), st.integers(-5, 2000))
def test_only_a_fresh_report_can_ever_be_called_low(level: float | None, minutes_ago: int) -> None:
    one = logic.gauge(entity(level, minutes_ago))
    if logic.state(one, NOW) == "below":
        assert level is not None
        assert level < 23.04
        assert minutes_ago <= 30


@given(st.floats(-10, 100))
def test_the_bar_holds_the_level_and_every_threshold(level: float) -> None:
    one = logic.gauge(entity(level))
    low, high = logic.scale(one)
    assert low < min(level, 23.04)
    assert high > max(level, 24.39)


def test_an_entity_with_nothing_in_it_is_still_a_gauge() -> None:
    one = logic.gauge({"id": "urn:x", "type": "RiverGauge"})
    assert (logic.state(one, NOW), one.name, one.marks) == ("silent", "urn:x".rpartition(":")[2], [])
    assert logic.scale(one) == (0.0, 1.0)


def test_a_level_that_is_not_believed_says_nothing_of_now_but_a_sudden_rise_into_danger_does() -> None:
    def doubted(level: float, why: str) -> str:
        one = entity(level)
        one["水位の検査"] = {"type": "Property", "value": why, "observedAt": one["水位"]["observedAt"]}
        return logic.state(logic.gauge(one), NOW)

    assert doubted(23.5, "正常") == "watch"
    assert doubted(24.5, "急変") == "flood"
    assert {doubted(23.5, "急変"), doubted(24.5, "固着"), doubted(99.0, "範囲外")} == {"doubt"}
    earlier = entity(
        23.5, 水位の検査={"type": "Property", "value": "固着", "observedAt": "2025-10-16T09:00:00Z"}
    )
    assert logic.state(logic.gauge(earlier), NOW) == "watch", "a verdict of another moment"


def test_the_rate_of_rise_is_that_of_the_last_hour_and_leaves_out_what_is_not_believed() -> None:
    def at(minutes: int, level: float) -> Reading:
        return Reading(NOW - timedelta(minutes=minutes), level)

    readings = [at(70, 2.0), at(60, 2.1), at(10, 9.9), at(0, 2.6)]
    assert logic.rise(readings, {readings[2].at}) == pytest.approx(0.5)
    assert logic.rise([at(150, 2.0), at(0, 2.6)], ()) is None
    assert logic.rise([], ()) is None
