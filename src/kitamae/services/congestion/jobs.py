"""Beside requests: every count is judged once and said as far as everybody may know it; every morning the next seven days are worked out.

Exact counts may be limited (`[[classes]]` of the city): the job reads them all the same, and what it writes is for everybody. What is still
to be done stands in the data: a count without a verdict of its moment, an outlook of another day.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from kitamae.sdk.congesting import Congesting
from kitamae.services.congestion import logic
from kitamae.services.congestion.counting.quality import BEYOND, FEW, FINE, TAKEN_BACK, judged
from kitamae.services.congestion.counting.slots import slots
from kitamae.services.congestion.outlook.days import Days
from kitamae.services.congestion.outlook.forecast import Outlook

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from kitamae.sdk.context import Reading
    from kitamae.sdk.observing import Observing
    from kitamae.sdk.room import Room
    from kitamae.services.congestion.counting.quality import Verdict
    from kitamae.services.congestion.models import Place
    from kitamae.services.congestion.outlook.forecast import Expected

TICK: Final = 300.0
"""Seconds after which the clock is asked, whatever is counted meanwhile: did a day begin?"""
MOST: Final = 2_000
"""Places."""
BACK: Final = timedelta(weeks=10)
"""How far a count is judged by what came before: eight whole weeks before its own."""
ANEW: Final = timedelta(weeks=2)
"""How far back a verdict may change by what came later: of what is older, less than the eight weeks before it are read."""
LEARNT: Final = 100_000
"""Counts at most that a forecast is made of; of one an hour, eleven years."""
AHEAD: Final = timedelta(minutes=5)
"""How far a counter's clock may be ahead: what is of a later time is 範囲外."""
AGAIN: Final = timedelta(minutes=30)
"""After which an outlook that could not be made is tried again."""
SWEEP: Final = timedelta(hours=1)
"""After which a place is looked through for counts that came late, which are not its present."""
_TOGETHER: Final = 200


async def start(room: Room, observing: Observing) -> None:
    """Until it is cancelled. Raises what the store raises."""
    work = Work(room, observing)
    with room.changes.follow(logic.TYPE, tenant=room.city.tenant if room.city else "") as following:
        await work.every()
        loop = asyncio.get_running_loop()
        tick = loop.time() + TICK
        while True:
            changed: Collection[str] = ()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(tick):
                    changed = await following.next()
            for id in changed:
                with observing.apart(id):
                    await work.look(id)
            if loop.time() >= tick:  # also where no five minutes pass without a count
                await work.every()
                tick = loop.time() + TICK


class Work:
    """On one city's places."""

    def __init__(self, room: Room, observing: Observing) -> None:
        self._observing = observing
        self._whole = observing.context
        city = room.city
        self._rules = city.congestion if city else Congesting()
        self._zone = ZoneInfo(city.timezone if city else "Asia/Tokyo")
        self._days = Days(tuple((one.begins, one.ends) for one in self._rules.events))
        self._tried: dict[str, datetime] = {}
        self._swept: dict[str, datetime] = {}

    async def every(self) -> None:
        """All places."""
        for entity in await self._whole.find([logic.TYPE], limit=MOST):
            with self._observing.apart(entity["id"]):
                await self.look(entity["id"])

    async def look(self, id: str) -> None:
        """Judge what is new of one place; work out its next days where nobody did today."""
        entity = await self._whole.full(id)
        if entity is None or logic.COUNT not in entity:
            return
        at = logic.facility_of(entity)
        place = logic.place(entity, self._zone, await self._whole.full(at) if at else None)
        now = datetime.now(UTC)
        if logic.is_new(entity) or now - self._swept.get(id, now - SWEEP) >= SWEEP:
            await self._judge(place, now)
            self._swept[id] = now
        today = now.astimezone(self._zone).date()
        if place.made == today or now - self._tried.get(id, now - AGAIN) < AGAIN:
            return
        self._tried[id] = now
        readings = await self._whole.history(id, logic.COUNT, last=LEARNT)
        verdicts = logic.latest(await self._whole.history(id, logic.VERDICT, last=LEARNT))
        made = await asyncio.to_thread(self._outlook, readings, verdicts, place, today, now)
        if made:
            begin = datetime.combine(today, time(), self._zone)
            await self._observing.observe(
                [_said(place, begin, logic.OUTLOOK, logic.written(made, self._rules.hide_under))]
            )

    async def _judge(self, place: Place, now: datetime) -> None:
        history = self._whole.history
        verdicts = await history(place.id, logic.VERDICT, last=LEARNT, since=now - BACK)
        known = logic.latest(verdicts)
        told = logic.latest(await history(place.id, logic.PUBLIC, last=LEARNT, since=now - BACK))
        readings = await history(place.id, logic.COUNT, last=LEARNT, since=now - BACK)
        when = {
            one.at: one.written or one.at for one in sorted(verdicts, key=lambda one: one.written or one.at)
        }
        fresh = [
            (one, verdict)
            for one, verdict in await asyncio.to_thread(self._judged, readings, known, place, now)
            if (one.at >= now - ANEW or one.at not in when or (one.written or one.at) > when[one.at])
            and (known.get(one.at) != verdict or (verdict == FINE and told.get(one.at) != int(one.value)))
        ]
        for begin in range(0, len(fresh), _TOGETHER):
            # in one transaction: a verdict says that what may be said of its count is said
            await self._observing.observe(
                [
                    part
                    for one, verdict in fresh[begin : begin + _TOGETHER]
                    for part in _public(place, one, verdict)
                ]
            )

    def _outlook(
        self,
        readings: Sequence[Reading],
        verdicts: Mapping[datetime, object],
        place: Place,
        today: date,
        now: datetime,
    ) -> dict[tuple[date, int], Expected]:
        believed = [
            (one.at, float(one.value))
            for one, verdict in self._judged(readings, verdicts, place, now)
            if verdict in (FINE, FEW)
        ]
        return Outlook(slots(believed, place.period, self._zone), self._days).at(today)

    def _judged(
        self, readings: Sequence[Reading], known: Mapping[datetime, object], place: Place, now: datetime
    ) -> list[tuple[Reading, Verdict]]:
        """Each moment once, as it was reported last, but what its desk took back; what is of the future can be no count."""
        once = {one.at: one for one in sorted(readings, key=lambda one: one.written or one.at)}
        ordered = sorted(
            (one for one in once.values() if known.get(one.at) != TAKEN_BACK), key=lambda one: one.at
        )
        past = [one for one in ordered if one.at <= now + AHEAD]
        later: list[tuple[Reading, Verdict]] = [(one, BEYOND) for one in ordered[len(past) :]]
        return [*judged(past, place, self._rules, self._days), *later]


def _public(place: Place, one: Reading, verdict: Verdict) -> list[dict[str, Any]]:
    """The number, where everybody may know it, and the verdict."""
    number = [_said(place, one.at, logic.PUBLIC, int(one.value))] if verdict == FINE else []
    return [*number, _said(place, one.at, logic.VERDICT, verdict)]


def _said(place: Place, at: datetime, name: str, value: object) -> dict[str, Any]:
    stamp = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    told = {"type": "Property", "value": value, "observedAt": stamp}
    return {"id": place.id, "type": logic.TYPE, name: told}
