"""Watches the gauges: judges each new reading once, and raises, changes and ends their alerts.

What there is to do stands in the readings themselves: each one that has no verdict (水位の検査 of its moment) is still to be judged. So
nothing is lost when the program stops in the middle, and nothing is done twice.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from kitamae.sdk.context import told
from kitamae.services.rivers import logic
from kitamae.services.rivers.watch import alerts
from kitamae.services.rivers.watch.quality import WINDOW, judged

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.sdk.context import Reading
    from kitamae.sdk.observing import Observing
    from kitamae.sdk.room import Room
    from kitamae.services.rivers.models import Gauge
    from kitamae.services.rivers.watch.quality import Doubt

TICK: Final = 60.0
"""Seconds after which the clock is asked, whatever is reported meanwhile: who has been silent for too long?"""
MOST: Final = 10_000
"""Gauges: about as many as Japan has."""
AHEAD: Final = timedelta(minutes=5)
"""How far a gauge's clock may be ahead. What is of a later time is 範囲外, and the gauge's other readings are judged as if it were not."""
_TOGETHER: Final = 200
"""Readings in one transaction."""
_MARKS: Final = {"start": "観測開始水位", "danger": "危険水位", "flood": "氾濫開始水位"}


async def start(room: Room, observing: Observing) -> None:
    """Until it is cancelled. Raises what the store raises."""
    tenant = room.city.tenant if room.city else ""
    with room.changes.follow("RiverGauge", tenant=tenant) as following:
        for entity in await room.context.find(["RiverGauge"], limit=MOST, full=True):
            with observing.apart(entity["id"]):
                await look(room, observing, entity)
        loop = asyncio.get_running_loop()
        tick = loop.time() + TICK
        while True:
            changed: list[str] = []
            with suppress(TimeoutError):
                async with asyncio.timeout_at(tick):
                    changed = await following.next()
            for id in changed:
                known = await room.context.full(id)
                if known is not None:
                    with observing.apart(id):
                        await look(room, observing, known)
            if loop.time() >= tick:  # also where in a flood there is no minute without a report
                await _silent(room, observing)
                tick = loop.time() + TICK


async def look(room: Room, observing: Observing, entity: dict[str, Any]) -> None:
    """Judge what is new of one gauge (normalized)."""
    gauge, upto = logic.gauge(entity), _upto(entity)
    if gauge.at is None or upto == gauge.at <= _latest():
        return
    if upto and upto > _latest():
        upto = await _before(room, gauge, logic.VERDICT)
    since = upto - WINDOW if upto else None
    history = room.context.history
    reported = logic.levels(await history(gauge.id, logic.LEVEL, last=None, since=since))
    latest = _latest()
    readings = [one for one in reported if one.at <= latest]
    known = {one.at: str(one.value) for one in await history(gauge.id, logic.VERDICT, last=None, since=since)}
    found = list(judged(readings, await _thresholds(room, gauge), known))
    if ahead := [one.at for one in reported if one.at > latest and one.at not in known]:
        await observing.observe([_verdict(gauge, at, "範囲外") for at in ahead])
    fresh = [one for one in found if one.at not in known]
    for begin in range(0, len(fresh), _TOGETHER):
        part = fresh[begin : begin + _TOGETHER]
        present = await room.context.full(alerts.urn(gauge))
        until = [one for one in found if one.at <= part[-1].at]
        # in one transaction: a verdict says that what follows from its reading is done
        await observing.observe(
            [
                *alerts.steps(until, gauge, present, upto),
                *(_verdict(gauge, one.at, one.doubt) for one in part),
            ]
        )
        upto = max(upto, part[-1].at) if upto else part[-1].at


def _verdict(gauge: Gauge, at: datetime, doubt: Doubt | None) -> dict[str, Any]:
    said = {"type": "Property", "value": doubt or logic.FINE, "observedAt": _text(at)}
    return {"id": gauge.id, "type": "RiverGauge", logic.VERDICT: said}


async def _silent(room: Room, observing: Observing) -> None:
    """Alerts of gauges that say nothing any more; and again what failed."""
    now = datetime.now(UTC)
    for entity in await room.context.find(["RiverGauge"], limit=MOST, full=True):
        with observing.apart(entity["id"]):
            if entity["id"] in observing.failing:
                await look(room, observing, entity)
            await _hush(room, observing, entity, now)


async def _hush(room: Room, observing: Observing, entity: dict[str, Any], now: datetime) -> None:
    gauge = logic.gauge(entity)
    at = gauge.at
    if at is not None and at > _latest():
        at = await _before(room, gauge, logic.LEVEL)
    if at is None or now - at <= alerts.SILENT:
        return
    present = await room.context.full(alerts.urn(gauge))
    if present and (ended := alerts.lost(gauge, present, at, now)):
        await observing.observe([ended])


def _latest() -> datetime:
    return datetime.now(UTC) + AHEAD


async def _before(room: Room, gauge: Gauge, name: str) -> datetime | None:
    """When the last was that is not from the future."""
    known = await room.context.history(gauge.id, name, last=1_000)
    return max((one.at for one in known if one.at <= _latest()), default=None)


async def _thresholds(room: Room, gauge: Gauge) -> Callable[[Reading], Gauge]:
    """The gauge with the thresholds that the city knew when it learned a reading: whoever runs it may set them anew."""
    set_ = {
        field: [
            one for one in await room.context.history(gauge.id, name, last=None) if logic.is_level(one.value)
        ]
        for field, name in _MARKS.items()
    }

    def then(reading: Reading) -> Gauge:
        learned = reading.written or reading.at
        marks: dict[str, Any] = {
            field: next((one.value for one in reversed(known) if (one.written or one.at) <= learned), None)
            for field, known in set_.items()
        }
        return replace(gauge, **marks)

    return then


def _upto(entity: dict[str, Any]) -> datetime | None:
    said = told(entity, logic.VERDICT).get("observedAt")
    return datetime.fromisoformat(said).astimezone(UTC) if said else None


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
