"""The archive of Ishikawa's gauges, replayed: alerts are raised where and when it says that the water was dangerous, and nowhere else."""

from __future__ import annotations

import asyncio
import gzip
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kitamae.intake.archive import Archive, Message
from kitamae.intake.device import Device
from kitamae.kernel.context.observations import Observations
from kitamae.services.disaster.alerts import cap
from kitamae.services.rivers import logic
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
            if "水位" in one and one.get(logic.VERDICT, {}).get("observedAt") != one["水位"]["observedAt"]
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


async def test_where_three_gauges_of_the_city_begin_to_report_no_alert_is_raised(
    town: Served, shared: Path
) -> None:
    device = Device.load(KAGA / "devices" / "river_gauge.toml")
    evening = Archive(
        archive(shared),
        device,
        since=datetime.fromisoformat("2025-10-16T18:45:00+09:00"),
        until=datetime.fromisoformat("2025-10-16T20:00:00+09:00"),
    )
    for message in evening:
        assert isinstance(message, Message)
        answer = await town.client.post(
            "/ngsi-ld/v1/entityOperations/upsert?options=update", json=[message.entity]
        )
        assert answer.status_code in (201, 204), answer.text
    await watched(town)
    known = await gauges(town)
    began = {one["名称"]["value"] for id, one in known.items() if ":172065:" in id and "水位" in one}
    assert began >= {"宇谷川（宇谷町）", "尾俣川（大槻橋下流）", "熊坂川（馬場先橋）"}
    assert all(one[logic.VERDICT]["value"] == "正常" for one in known.values() if "水位" in one)
    alerts = (await town.client.get("/ngsi-ld/v1/entities?type=Alert&limit=1000")).json()
    assert [one["id"] for one in alerts if ":17206:" in one["id"]] == []
    assert "川の水位（" not in (await town.client.get("/disaster")).text


def report(code: str, level: float, minutes: float, **more: Any) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    level_ = {"type": "Property", "value": level, "unitCode": "MTR", "observedAt": at}
    return {"id": f"urn:ngsi-ld:RiverGauge:172065:{code}", "type": "RiverGauge", "水位": level_, **more}


async def say(town: Served, *reports: dict[str, Any]) -> None:
    for one in reports:
        answer = await town.client.post("/ngsi-ld/v1/entityOperations/upsert?options=update", json=[one])
        assert answer.status_code in (201, 204), answer.text
        await watched(town)


UDANI = "1700000063"


async def test_a_gauge_in_danger_stands_on_the_page_with_a_way_to_it_and_as_cap(town: Served) -> None:
    await say(town, report(UDANI, 23.9, 30), report(UDANI, 24.1, 20), report(UDANI, 24.5, 10))
    shown = (await town.client.get("/disaster")).text
    assert "宇谷川（宇谷町）の水位（氾濫開始水位以上）" in shown
    assert f'href="/rivers/172065/{UDANI}"' in shown
    message = cap.read((await town.client.get(f"/disaster/cap/gauge-{UDANI}.xml")).content)
    assert (message.action, message.status, message.level) == ("correction", "actual", None), "it rose since"
    page = (await town.client.get(f"/rivers/172065/{UDANI}")).text
    assert "の速さで上がっています" in page
    await say(town, report(UDANI, 23.8, 1))
    shown = (await town.client.get("/disaster")).text
    assert "この1日に終わった情報" in shown
    assert (
        cap.read((await town.client.get(f"/disaster/cap/gauge-{UDANI}.xml")).content).action == "cancellation"
    )


async def test_a_reading_that_is_not_believed_is_shown_as_such_and_stays_in_history(town: Served) -> None:
    await say(town, report(UDANI, 23.3, 20), report(UDANI, 999.0, 10))
    assert "値がおかしいため" in (await town.client.get("/rivers")).text
    page = (await town.client.get(f"/rivers/172065/{UDANI}")).text
    assert "ありえない値か、まちがった日時" in page
    assert "999.00 m" in page
    drawn = await town.client.get(f"/rivers/172065/{UDANI}/chart.svg")
    assert drawn.status_code == 200
    assert "発表中" not in (await town.client.get("/ngsi-ld/v1/entities?type=Alert")).text


async def test_a_neighbours_gauge_is_not_the_citys_alert(town: Served) -> None:
    away = report(UDANI, 9.0, 5, 危険水位={"type": "Property", "value": 8.0})
    await say(town, {**away, "id": "urn:ngsi-ld:RiverGauge:172022:1"})
    assert (
        "urn:ngsi-ld:Alert:17202:gauge-1" in (await town.client.get("/ngsi-ld/v1/entities?type=Alert")).text
    )
    assert "届いていません" in (await town.client.get("/disaster")).text


async def test_what_came_while_the_program_was_down_is_judged_when_it_begins_again(tmp_path: Path) -> None:
    async with serving(tmp_path, city=KAGA, open=True) as served:
        await served.loaded()
        await say(served, report(UDANI, 23.5, 25))
        city = served.kitamae.city
        await city.stop()
        door = Observations(city.store, await city.broker.contexts.resolve(None))
        await door.hear([report(UDANI, 24.2, 15), report(UDANI, 24.3, 10)])
    async with serving(tmp_path, city=KAGA, open=True) as served:
        await watched(served)
        urn = f"urn:ngsi-ld:Alert:17206:gauge-{UDANI}"
        assert [value for _, value in await history(served, urn, "状態")] == ["発表中"]
        gauge = f"urn:ngsi-ld:RiverGauge:172065:{UDANI}"
        assert len(await history(served, gauge, logic.VERDICT)) == 3


async def test_with_the_policy_on_the_job_writes_its_verdicts_and_alerts_also_of_a_gauge_in_no_register(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, city=KAGA) as served:
        await served.loaded()
        city = served.kitamae.city
        door = Observations(city.store, await city.broker.contexts.resolve(None))
        high = {"type": "Property", "value": 8.0}
        stranger = {**report("9", 9.0, 5), "危険水位": high}
        assert await door.hear([report(UDANI, 24.2, 5), stranger]) == ["", ""]
        await watched(served)
        known = (await served.client.get("/ngsi-ld/v1/entities?type=Alert")).json()
        assert {one["id"].rpartition("-")[2] for one in known} == {UDANI, "9"}
        assert city.health.also["jobs:rivers"]() == ""
