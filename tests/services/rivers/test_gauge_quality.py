"""Readings that no water makes are marked, those of the archive are left alone: faults are injected by a fixed method and labelled.

Method: the archive's series of gauges with at least 200 readings, `random.Random(20251016)`. A jump is one false report ten minutes after
a true one that is followed by a true one, 1, 2, 4 or 8 metres up or down; a stuck sensor repeats one true level for 96 hours in place of
what it measured. A marked reading that was not injected counts against precision, whatever was wrong with the real gauge.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.sdk.context import Reading
from kitamae.services.rivers import logic
from kitamae.services.rivers.models import Gauge
from kitamae.services.rivers.watch import alerts
from kitamae.services.rivers.watch.quality import STUCK, Judged, judged

BEGIN = datetime(2025, 10, 16, tzinfo=UTC)
TEN = timedelta(minutes=10)


def gauge(start: float = 2.0, danger: float = 3.0, flood: float = 3.5) -> Gauge:
    return Gauge("urn:ngsi-ld:RiverGauge:172065:1", "1", "川", "", "172065", None, None, start, danger, flood)


def verdicts(*levels: float, step: timedelta = TEN) -> list[Judged]:
    readings = [Reading(BEGIN + number * step, level) for number, level in enumerate(levels)]
    return list(judged(readings, lambda _: gauge()))


def told(steps: list[Judged]) -> list[tuple[str, str]]:
    """(minutes, state) of the alert."""
    made = alerts.steps(steps, gauge(), None, None)
    return [(one["状態"]["observedAt"][11:16], one["状態"]["value"]) for one in made]


def test_a_level_that_this_river_cannot_have_is_marked_and_raises_nothing() -> None:
    found = verdicts(2.2, 999.0, -99.0, 2.3)
    assert [one.doubt for one in found] == [None, "範囲外", "範囲外", None]
    assert told(found) == []


def test_a_sudden_rise_into_danger_counts_at_once_and_is_withdrawn_when_the_next_report_knows_nothing_of_it() -> (
    None
):
    found = verdicts(2.2, 4.4, 2.3)
    assert [one.doubt for one in found] == [None, "急変", None]
    assert told(found) == [("00:10", "発表中"), ("00:20", "取消")]


def test_a_sudden_rise_that_the_next_report_confirms_stays_in_force_and_ends_as_every_other() -> None:
    found = verdicts(2.2, 4.4, 4.5, 3.6, 2.9)
    assert [one.doubt for one in found] == [None, "急変", None, None, None]
    assert told(found)[0] == ("00:10", "発表中")
    assert told(found)[-1] == ("00:40", "解除")


def test_a_sudden_fall_does_not_end_an_alert_before_a_second_report_says_the_same() -> None:
    found = verdicts(3.2, 3.3, 0.0, 0.0)
    assert [one.doubt for one in found] == [None, None, "急変", None]
    assert told(found) == [("00:00", "発表中"), ("00:30", "解除")]
    assert told(verdicts(3.2, 3.3, 0.0, 3.4)) == [("00:00", "発表中")]


def test_the_same_level_for_two_days_is_a_stuck_sensor_and_neither_raises_nor_ends_anything() -> None:
    found = verdicts(*[3.2] * 60, step=timedelta(hours=1))
    assert [one.doubt for one in found] == [None] * 48 + ["固着"] * 12
    assert told(found) == [("00:00", "発表中")]
    assert not any(one.doubt for one in verdicts(*[2.2] * 20, step=timedelta(hours=3))), "too few to tell"


def test_a_gauge_that_falls_silent_in_danger_is_never_called_safe() -> None:
    found = list(judged([Reading(BEGIN, 3.2), Reading(BEGIN + timedelta(days=3), 2.1)], lambda _: gauge()))
    made = [one["状態"] for one in alerts.steps(found, gauge(), None, None)]
    assert [(one["value"], one["observedAt"][:10]) for one in made] == [
        ("発表中", "2025-10-16"),
        ("途絶", "2025-10-17"),
        ("解除", "2025-10-19"),
    ]


@given(st.lists(st.floats(0.5, 6.0).map(lambda level: round(level, 2)), min_size=1, max_size=40), st.data())
def test_one_by_one_or_together_the_verdicts_are_the_same(levels: list[float], data: st.DataObject) -> None:
    readings = [Reading(BEGIN + number * TEN, level) for number, level in enumerate(levels)]
    whole = list(judged(readings, lambda _: gauge()))
    cut = data.draw(st.integers(0, len(readings)))
    known = {one.at: one.doubt or logic.FINE for one in whole[:cut]}
    assert list(judged(readings, lambda _: gauge(), known)) == whole
    until = whole[cut - 1].at if cut else None
    before, present = list(alerts.steps(whole[:cut], gauge(), None, None)), {}
    for one in before:
        present = {**present, **one}
    after = list(alerts.steps(whole, gauge(), present or None, until))
    assert [*before, *after] == list(alerts.steps(whole, gauge(), None, None))


@pytest.fixture(scope="module")
def series(request: pytest.FixtureRequest) -> dict[str, tuple[Gauge, list[Reading]]]:
    shared: Path = request.getfixturevalue("shared")
    readings: dict[str, dict[datetime, float]] = defaultdict(dict)
    marks = {}
    with gzip.open(shared / "data" / "kaga" / "river_levels_ishikawa.jsonl.gz") as lines:
        for line in lines:
            one = json.loads(line)
            readings[one["code"]][datetime.fromisoformat(one["obsTime"]).astimezone(UTC)] = one["level"]
            marks[one["code"]] = gauge(one["startLevel"], one["warnLevel"], one["fladLevel"])
    return {
        code: (marks[code], [Reading(at, level) for at, level in sorted(known.items())])
        for code, known in readings.items()
    }


def test_a_verdict_that_is_no_word_of_ours_is_judged_anew() -> None:
    readings = [Reading(BEGIN, 2.2), Reading(BEGIN + TEN, 999.0)]
    known = {one.at: "点検中" for one in readings}
    assert [one.doubt for one in judged(readings, lambda _: gauge(), known)] == [None, "範囲外"]


def doubted(one: Gauge, readings: list[Reading]) -> set[datetime]:
    return {found.at for found in judged(readings, lambda _: one) if found.doubt}


def test_of_the_archive_only_a_sensor_that_stood_still_for_days_is_marked(
    series: dict[str, tuple[Gauge, list[Reading]]],
) -> None:
    found = {code: len(doubted(*one)) for code, one in series.items()}
    marked = {code: many for code, many in found.items() if many}
    assert marked == {"1700000011": 69}, "熊野川（井田）: 55.55 m for eight days"


@pytest.mark.parametrize(("metres", "least"), [(1, 0.0), (2, 0.99), (4, 0.99), (8, 1.0)])
def test_injected_jumps_are_marked(
    series: dict[str, tuple[Gauge, list[Reading]]], metres: int, least: float
) -> None:
    chance = random.Random(20251016)
    injected = hit = false = 0
    for one, readings in series.values():
        if len(readings) < 200:
            continue
        places = [
            number
            for number, (this, after) in enumerate(pairwise(readings))
            if timedelta(minutes=30) <= after.at - this.at <= timedelta(hours=2)
        ]
        wrong = [
            Reading(
                readings[number].at + TEN,
                round(readings[number].value + chance.choice((-1, 1)) * metres, 2),
            )
            for number in chance.sample(places[::3], min(20, len(places[::3])))
        ]
        marked = doubted(one, sorted([*readings, *wrong], key=lambda reading: reading.at))
        moments = {reading.at for reading in wrong}
        injected, hit, false = (
            injected + len(moments), hit + len(moments & marked), false + len(marked - moments),
        )  # fmt: skip
    print(f"jumps of {metres} m: {hit} of {injected} marked, {false} others marked")
    assert hit >= least * injected
    assert not false or hit / (hit + false) >= 0.99


def test_injected_stuck_sensors_are_marked(series: dict[str, tuple[Gauge, list[Reading]]]) -> None:
    chance = random.Random(20251016)
    windows = found = late = hit = false = 0
    for one, readings in series.values():
        places = [
            number
            for number in range(len(readings))
            if (ends := readings[number].at + timedelta(hours=96)) <= readings[-1].at
            and all(
                after.at - this.at <= timedelta(hours=3)
                for this, after in pairwise(readings[number:])
                if this.at < ends
            )
        ]
        if len(readings) < 200 or not places:
            continue
        begin = readings[chance.choice(places)]
        stuck = [
            Reading(reading.at, begin.value)
            if begin.at <= reading.at <= begin.at + timedelta(hours=96)
            else reading
            for reading in readings
        ]
        marked = doubted(one, stuck)
        labelled = {
            reading.at
            for reading in stuck
            if begin.at + STUCK <= reading.at <= begin.at + timedelta(hours=96)
        }
        windows, found = windows + 1, found + bool(labelled & marked)
        late, hit, false = late + len(labelled), hit + len(labelled & marked), false + len(marked - labelled)
    print(
        f"stuck: {found} of {windows} found; of readings after 48 h {hit} of {late} marked, {false} others marked"
    )
    assert found == windows >= 10
    assert hit >= 0.99 * late
