"""What is wrong with one gauge stops neither the others nor itself: a threshold taken away, another's alert in its place, a clock ahead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kitamae.adapters import sqlite
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.store import Store
from kitamae.kernel.people.policy import Facts, Policy
from kitamae.kernel.problems import Unavailable
from kitamae.sdk.changes import Changes
from kitamae.sdk.context import Reading
from kitamae.sdk.observing import Observing
from kitamae.sdk.reader import Reader
from kitamae.services.disaster import logic as disaster
from kitamae.services.rivers import jobs
from kitamae.services.rivers.models import Gauge
from kitamae.services.rivers.watch import alerts
from kitamae.services.rivers.watch.quality import judged

GAUGE = "urn:ngsi-ld:RiverGauge:172065:1"
ALERT = "urn:ngsi-ld:Alert:17206:gauge-1"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await sqlite.open(tmp_path / "kitamae.db")
    yield opened
    await opened.close()


class Room:
    """What the job asks of a service's room."""

    def __init__(self, store: Store) -> None:
        self.context, self.city, self.changes = Reader(store, CORE), None, Changes(CORE.expand)


def marks(danger: float | None, flood: float | None) -> Gauge:
    return Gauge(GAUGE, "1", "川", "", "172065", None, None, 2.0, danger, flood)


def job(store: Store) -> Observing:
    policy = Policy(facts=Facts(declared=frozenset({CORE.expand("Alert"), CORE.expand("RiverGauge")})))
    return Observing("rivers", ("Alert", "RiverGauge"), "", store, CORE, policy)


def report(level: float, at: datetime) -> dict[str, Any]:
    said = {"type": "Property", "value": level, "observedAt": at.isoformat().replace("+00:00", "Z")}
    return {"id": GAUGE, "type": "RiverGauge", "水位": said} | {
        name: {**said, "value": metres} for name, metres in (("危険水位", 3.0), ("氾濫開始水位", 3.5))
    }


async def seen(room: Room, watching: Observing, level: float, at: datetime) -> None:
    await watching.observe([report(level, at)])
    entity = await room.context.full(GAUGE)
    assert entity is not None
    await jobs.look(room, watching, entity)  # type: ignore[arg-type]  # all that it asks of a room


def test_a_threshold_that_was_taken_away_meanwhile_is_the_one_that_the_headline_names() -> None:
    found = list(judged([Reading(datetime(2026, 8, 1, tzinfo=UTC), 3.2)], lambda _: marks(3.0, None)))
    [raised] = alerts.steps(found, marks(None, None), None, None)
    assert "危険水位（3.00 m）以上" in raised["見出し"]["value"]


def test_an_alert_of_several_instances_is_read_by_its_own() -> None:
    now = datetime(2026, 8, 2, tzinfo=UTC)
    mine = {"value": "発表中", "observedAt": "2026-08-01T00:00:00Z"}
    twice = {
        "id": ALERT,
        "type": "Alert",
        "状態": [{"value": "解除", "datasetId": "urn:x:1"}, mine],
        "名称": [mine],
    }
    found = list(judged([Reading(now, 1.0)], lambda _: marks(3.0, 3.5)))
    assert [one["状態"]["value"] for one in alerts.steps(found, marks(3.0, 3.5), twice, None)] == ["解除"]
    assert [one.in_force for one in disaster.now([twice], now)[0]] == [True]


async def test_a_reading_of_a_time_that_has_not_come_is_out_of_range_and_the_next_ones_are_judged(
    store: Store,
) -> None:
    room, watching = Room(store), job(store)
    now = datetime.now(UTC).replace(microsecond=0)
    await seen(room, watching, 2.5, now - timedelta(minutes=30))
    await seen(room, watching, 9.0, now + timedelta(days=3650))
    assert await room.context.full(ALERT) is None
    await seen(room, watching, 3.2, now - timedelta(minutes=20))
    alert = await room.context.full(ALERT)
    assert alert is not None
    assert alert["状態"]["value"] == "発表中"
    await seen(room, watching, 2.6, now - timedelta(minutes=5))
    alert = await room.context.full(ALERT)
    assert alert is not None
    assert alert["状態"]["value"] == "解除"
    told = [one.value for one in await room.context.history(GAUGE, "水位の検査")]
    assert told == ["正常", "正常", "正常", "範囲外"]


@pytest.mark.parametrize("broken", [999.0, 3.2], ids=["out of range", "stuck"])
async def test_a_gauge_that_is_broken_for_days_in_danger_is_never_called_safe(
    store: Store, broken: float
) -> None:
    room, watching = Room(store), job(store)
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=123)
    for hour in range(120):
        await seen(room, watching, 3.2 if hour == 0 else broken, begin + timedelta(hours=hour))
    told = [one.value for one in await room.context.history(ALERT, "状態", last=None)]
    assert told == ["発表中", "途絶"]
    await seen(room, watching, 2.4, begin + timedelta(hours=121))
    alert = await room.context.full(ALERT)
    assert alert is not None
    assert alert["状態"]["value"] == "解除"


@given(st.lists(st.sampled_from([2.4, 3.2, 3.3, 3.6, 999.0]), min_size=1, max_size=12), st.data())
@settings(max_examples=8, deadline=None)
def test_one_by_one_through_the_job_or_together_the_alert_is_lifted_by_what_is_believed(
    levels: list[float], data: st.DataObject
) -> None:
    """Each level for six hours: a window is 60 hours, the whole series up to 72."""
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=75)
    every = [
        (begin + timedelta(hours=6 * n + 2 * m), level) for n, level in enumerate(levels) for m in range(3)
    ]

    async def told() -> list[tuple[str, str]]:
        with TemporaryDirectory() as folder:
            opened = await sqlite.open(Path(folder) / "kitamae.db")
            room, watching = Room(opened), job(opened)
            for at, level in every:
                await seen(room, watching, level, at)
            states = await room.context.history(ALERT, "状態", last=None)
            await opened.close()
        return [(str(one.value), one.at.isoformat()) for one in states]

    whole = list(judged([Reading(at, level) for at, level in every], lambda _: marks(3.0, 3.5)))
    steps = alerts.steps(whole, marks(3.0, 3.5), None, None)
    expected = {one["状態"]["observedAt"].replace("Z", "+00:00"): one["状態"]["value"] for one in steps}
    assert asyncio.run(told()) == [(value, at) for at, value in expected.items()]


async def test_who_fell_silent_is_found_also_while_others_report_without_a_pause(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "TICK", 0.05)
    room, watching = Room(store), job(store)
    await seen(room, watching, 3.2, datetime.now(UTC) - timedelta(hours=30))
    other = {"id": GAUGE[:-1] + "2", "type": "RiverGauge"}
    store.on_commit(room.changes.heard)
    running = asyncio.ensure_future(jobs.start(room, watching))  # type: ignore[arg-type]  # all that it asks of a room
    try:
        for number in range(200):
            said = {
                "type": "Property",
                "value": 2.2 + number / 100,
                "observedAt": f"2026-08-01T00:{number // 60:02}:{number % 60:02}Z",
            }
            await watching.observe([other | {"水位": said}])
            await asyncio.sleep(0.01)
            alert = await room.context.full(ALERT)
            assert alert is not None
            if alert["状態"]["value"] == "途絶":
                break
        else:
            pytest.fail("the minute never came")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_fails_for_one_is_told_and_ends_when_it_goes_again(store: Store) -> None:
    watching = job(store)
    for thing in ("a", "b"):
        with watching.apart(thing):
            raise TypeError("no threshold")
    assert watching.trouble() == "a: TypeError (and 1 more)"
    for thing in ("a", "b"):
        with watching.apart(thing):
            pass
    assert watching.trouble() == ""
    with pytest.raises(Unavailable), watching.apart("a"):
        raise Unavailable("the store does not answer")


def test_a_gauge_that_fell_silent_in_danger_stays_unknown_until_it_reports() -> None:
    at = datetime(2026, 8, 1, tzinfo=UTC)
    lost = {"id": ALERT, "type": "Alert", "状態": {"value": "途絶", "observedAt": at.isoformat()}}
    [shown], _ = disaster.now([lost], at + timedelta(days=9))
    assert shown.lost
