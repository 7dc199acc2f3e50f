"""The claim about figures over periods: 100,000 instances of one attribute in every question, no two windows alike.

While it is asked, late instances are written into the middle of the series and others are deleted. Every answer is kept,
and compared afterwards with what numpy makes of the series as it was between the question and its answer.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import uvloop

from benchmarks.database import least
from benchmarks.harness import ROUNDS, SECONDS, Result, Server, server
from benchmarks.peer.connection import Connection, connect, request

ENTITY = "urn:ngsi-ld:Gauge:bench:years"
PATH = f"/ngsi-ld/v1/temporal/entities/{ENTITY}"
BEGIN = datetime(2025, 1, 31, tzinfo=UTC)
STEP = 300  # seconds between two readings
COUNT, WINDOW = 110_000, 100_000  # readings in all, and in a window
CONNECTIONS = 6
EVERY = 0.1  # seconds between two writes to the series
DRAW = random.Random(11)
METHODS = ("avg", "min,max", "sum,totalCount", "avg,min,max,totalCount", "stddev", "distinctCount", "sumsq")
PERIODS = {"P1D": 86_400, "PT6H": 21_600, "P1W": 604_800, "P1M": None, "PT0S": 0, "PT12H": 43_200}


@dataclass
class Asked:
    """A window (seconds since BEGIN), what was asked of it, and between which versions of the series it was answered."""

    start: int
    end: int
    methods: str
    period: str
    first: int
    last: int = 0
    seconds: float = 0.0
    answer: bytes = b""


@dataclass
class Series:
    """The client's own copy: times in seconds since BEGIN, values, ids of what was written late; all versions of it."""

    versions: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = field(default_factory=list)
    late: list[int] = field(default_factory=list)

    def put(self, at: int, value: float | None) -> None:
        """The next version: with `value` at `at`, or without what was there."""
        times, values = self.versions[-1]
        place = int(np.searchsorted(times, at))
        if value is None:
            self.versions.append((np.delete(times, place), np.delete(values, place)))
        else:
            self.versions.append((np.insert(times, place, at), np.insert(values, place, value)))


def aggregated(*, guarded: bool = False) -> Result:
    """On a server of its own."""
    with server(guarded=guarded) as one:
        series = prepare(one)
        rates, spent, delays = [], [], []
        uvloop.run(ask(one, series, 1.0))
        for _ in range(ROUNDS):
            before = one.cpu()
            asked, seconds = uvloop.run(ask(one, series, SECONDS))
            spent.append((one.cpu() - before) / len(asked) * 1e6)
            rates.append(len(asked) / seconds)
            delays += [each.seconds for each in asked]
            for each in asked:
                judge(series, each)
            del series.versions[:-1]
        p99 = statistics.quantiles(delays, n=100)[98]
    note = f"every answer checked, {len(series.late)} late writes of which half were deleted again"
    work = "aggregated temporal over 100,000 instances in each of distinct windows"
    spread = min(rates), max(rates)
    return Result(
        work,
        statistics.median(rates),
        statistics.median(spent),
        least(100, 60),
        spread=spread,
        p99=f"{p99 * 1e3:.0f}ms",
        note=note,
    )


def stamp(seconds: int) -> str:
    """As the broker reads it."""
    return (BEGIN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def prepare(one: Server) -> Series:
    """110,000 readings: a year of five minutes."""
    draw = random.Random(7)
    times = np.arange(COUNT) * STEP + np.array([draw.randrange(60) for _ in range(COUNT)])
    values = np.array([round(draw.gauss(20, 8), 2) for _ in range(COUNT)])
    one.ask("POST", "/ngsi-ld/v1/entities", {"id": ENTITY, "type": "Gauge"})
    for start in range(0, COUNT, 2_000):
        some = [
            reading(int(at), float(value))
            for at, value in zip(times[start : start + 2_000], values[start : start + 2_000], strict=True)
        ]
        one.ask("POST", PATH + "/attrs", {"level": some})
    return Series([(times, values)])


def reading(at: int, value: float) -> dict[str, Any]:
    """One instance, as the temporal API takes it."""
    return {"type": "Property", "value": value, "observedAt": stamp(at)}


async def ask(one: Server, series: Series, seconds: float) -> tuple[list[Asked], float]:
    """All that was asked and answered in about so many seconds."""
    answered: list[Asked] = []
    began = time.monotonic()
    until = began + seconds
    async with asyncio.TaskGroup() as group:
        group.create_task(write(one, series, until))
        for _ in range(CONNECTIONS):
            group.create_task(read(one, series, until, answered))
    return answered, time.monotonic() - began


async def read(one: Server, series: Series, until: float, answered: list[Asked]) -> None:
    """One question after the other."""
    connection = await connect(one.port)
    while time.monotonic() < until:
        start = DRAW.randrange((COUNT - WINDOW) * STEP)
        asked = Asked(
            start,
            start + WINDOW * STEP,
            DRAW.choice(METHODS),
            DRAW.choice(list(PERIODS)),
            len(series.versions) - 1,
        )
        path = (
            f"{PATH}?attrs=level&timerel=between&timeAt={stamp(asked.start)}&endTimeAt={stamp(asked.end)}"
            f"&format=aggregatedValues&aggrMethods={asked.methods}&aggrPeriodDuration={asked.period}"
        )
        began = time.monotonic()
        status, asked.answer = await connection.ask(request("GET", path, token=one.token))
        asked.seconds = time.monotonic() - began
        assert status == 200, asked.answer
        asked.last = len(series.versions)  # a write that is under way may be in it
        answered.append(asked)


async def write(one: Server, series: Series, until: float) -> None:
    """Late instances, and every second one of them deleted again; acknowledged before the next."""
    connection = await connect(one.port)
    times = series.versions[-1][0]
    turn = 0
    while time.monotonic() < until:
        at = DRAW.randrange(int(times[-1]))
        if at in times:
            continue
        value = round(
            DRAW.gauss(500, 100), 2
        )  # far from the others: an answer without it is seen to be wrong
        body = json.dumps({"level": [reading(at, value)]}).encode()
        status, said = await connection.ask(request("POST", PATH + "/attrs", body, one.token))
        assert status == 204, said
        series.put(at, value)
        series.late.append(at)
        turn += 1
        if turn % 2 == 0:
            await delete(connection, series, at, one.token)
        await asyncio.sleep(EVERY)


async def delete(connection: Connection, series: Series, at: int, token: str) -> None:
    """By its instanceId, which history tells."""
    window = f"timerel=between&timeAt={stamp(at)}&endTimeAt={stamp(at + 1)}"
    _, said = await connection.ask(request("GET", f"{PATH}?attrs=level&{window}", token=token))
    (found,) = [one for one in json.loads(said)["level"] if one["observedAt"] == stamp(at)]
    path = f"{PATH}/attrs/level/{found['instanceId']}"
    status, said = await connection.ask(request("DELETE", path, token=token))
    assert status == 204, said
    series.put(at, None)


def judge(series: Series, asked: Asked) -> None:
    """Ends the benchmark unless the answer is right for the series as it was between question and answer."""
    told = json.loads(asked.answer)["level"]
    possible = series.versions[asked.first : asked.last + 1]
    if not any(right(told, asked, times, values) for times, values in possible):
        raise SystemExit(
            f"wrong: {asked.methods} over {asked.period} from {stamp(asked.start)}: {told!s:.300}"
        )


def right(told: dict[str, Any], asked: Asked, times: Any, values: Any) -> bool:
    """Whether numpy finds the same periods and figures."""
    edges = np.array(boundaries(asked))
    low, high = np.searchsorted(times, (asked.start, asked.end))
    times, values = times[low:high], values[low:high]
    first = np.searchsorted(times, edges[:-1])
    filled = np.append(first[1:], len(times)) > first
    begins = [stamp(int(edge)) for edge in edges[:-1][filled]]
    cuts = np.split(values, first[filled][1:])
    for method in asked.methods.split(","):
        if [row[1] for row in told[method]] != begins:
            return False
        expected = [FIGURE[method](cut) for cut in cuts]
        if not np.allclose([row[0] for row in told[method]], expected, rtol=1e-10, atol=0):
            return False
    return True


FIGURE: dict[str, Any] = {
    "totalCount": len,
    "distinctCount": lambda cut: len(np.unique(cut)),
    "sum": np.sum,
    "avg": np.mean,
    "min": np.min,
    "max": np.max,
    "stddev": np.std,
    "sumsq": lambda cut: np.sum(cut * cut),
}


def boundaries(asked: Asked) -> list[int]:
    """Where periods begin, and the end of the last one."""
    if asked.period == "PT0S":
        return [asked.start, asked.end]
    if asked.period == "P1M":
        return months(asked)
    step = PERIODS[asked.period]
    assert step
    return [*range(asked.start, asked.end, step), asked.end]


def months(asked: Asked) -> list[int]:
    """The same day and time of every month, or its last day."""
    begin = BEGIN + timedelta(seconds=asked.start)
    found = []
    for k in range(400):
        year, month = divmod(begin.year * 12 + begin.month - 1 + k, 12)
        last = (datetime(year + month // 11, (month + 1) % 12 + 1, 1, tzinfo=UTC) - timedelta(days=1)).day
        edge = begin.replace(year=year, month=month + 1, day=min(begin.day, last)) - BEGIN
        found.append(edge.days * 86_400 + edge.seconds)
        if found[-1] >= asked.end:
            break
    return [*found[:-1], asked.end]
