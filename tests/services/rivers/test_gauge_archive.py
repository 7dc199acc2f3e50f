"""The archive of Ishikawa's gauges, replayed: alerts are raised where and when it says that the water was dangerous, and nowhere else."""

from __future__ import annotations

import asyncio
import gzip
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from kitamae.intake.archive import Archive, Message
from kitamae.intake.device import Device
from kitamae.kernel.context.observations import Observations
from kitamae.services.rivers import jobs
from serving import Served, serving

KAGA = Path(__file__).resolve().parents[3] / "cities" / "kaga"
TEMPORAL = "/ngsi-ld/v1/temporal/entities"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path, city=KAGA, open=True) as served:
        await served.loaded()
        yield served


def archive(shared: Path) -> Path:
    return shared / "data" / "kaga" / "river_levels_ishikawa.jsonl.gz"


async def replay(town: Served, path: Path) -> int:
    """As devices send, each gauge in its order; how many readings."""
    city = town.kitamae.city
    door = Observations(city.store, await city.broker.contexts.resolve(None))
    device, sent, waiting = Device.load(KAGA / "devices" / "river_gauge.toml"), 0, []
    for message in Archive(path, device):
        assert isinstance(message, Message), message
        waiting.append(message.entity)
        if len(waiting) == 500:
            assert await door.hear(waiting) == [""] * 500
            sent, waiting = sent + 500, []
    assert await door.hear(waiting) == [""] * len(waiting)
    return sent + len(waiting)


async def gauges(town: Served) -> dict[str, dict[str, Any]]:
    found = (await town.client.get("/ngsi-ld/v1/entities?type=RiverGauge&limit=1000")).json()
    return {one["id"]: one for one in found}


async def watched(town: Served) -> None:
    """Until every reading has its verdict."""
    for _ in range(3000):
        waiting = [
            one["id"]
            for one in (await gauges(town)).values()
            if "水位" in one and one.get(jobs.VERDICT, {}).get("observedAt") != one["水位"]["observedAt"]
        ]
        if not waiting:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(waiting)


async def history(town: Served, id: str, name: str) -> list[tuple[datetime, Any]]:
    """Oldest first, of all time."""
    found: list[tuple[datetime, Any]] = []
    until = "2100-01-01T00:00:00Z"
    while True:
        told = (
            await town.client.get(
                f"{TEMPORAL}/{id}?attrs={name}&options=temporalValues&timerel=before&timeAt={until}&lastN=1000"
            )
        ).json()
        values = told.get(name, {}).get("values", [])
        if not values:
            return sorted(found)
        found += [(datetime.fromisoformat(at), value) for value, at in values]
        until = min(at for _, at in values)


def said(path: Path) -> dict[str, dict[datetime, str]]:
    """Gauge -> moment -> what the archive calls it: flood, danger or calm."""
    told: dict[str, dict[datetime, str]] = defaultdict(dict)
    with gzip.open(path) as lines:
        for line in lines:
            one = json.loads(line)
            height = "flood" if one["isFlood"] else "danger" if one["isWarning"] else "calm"
            told[one["code"]][datetime.fromisoformat(one["obsTime"])] = height
    return told


async def raised(town: Served, gauge: str, moments: list[datetime]) -> dict[datetime, str]:
    """What the gauge's alert said at each of these moments."""
    municipality, code = gauge.split(":")[-2:]
    urn = f"urn:ngsi-ld:Alert:{municipality[:5]}:gauge-{code}"
    states, names = await history(town, urn, "状態"), await history(town, urn, "名称")
    told = {}
    for at in moments:
        in_force = _then(states, at) == "発表中"
        told[at] = ("flood" if "氾濫開始水位" in _then(names, at) else "danger") if in_force else "calm"
    return told


def _then(values: list[tuple[datetime, str]], at: datetime) -> str:
    before = bisect_right(values, at, key=lambda one: one[0])
    return values[before - 1][1] if before else ""


async def test_alerts_are_raised_on_the_gauges_and_at_the_times_where_the_archive_says_so(
    town: Served, shared: Path
) -> None:
    path = archive(shared)
    assert await replay(town, path) == 58_994
    await watched(town)
    told, wrong, dangerous = said(path), [], 0
    for id in await gauges(town):
        code = id.rpartition(":")[2]
        ours = await raised(town, id, sorted(told.get(code, {})))
        dangerous += sum(one != "calm" for one in told.get(code, {}).values())
        wrong += [(code, at, told[code][at], one) for at, one in ours.items() if one != told[code][at]]
    assert dangerous == 3_171, "readings that the archive calls dangerous, each moment of a gauge once"
    assert wrong == []
