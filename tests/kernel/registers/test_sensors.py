"""The sensor register, on each store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from stores import STORES

from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.people.mynumber import HoldsMyNumber
from kitamae.kernel.problems import BadRequest
from kitamae.kernel.registers import entry as entries
from kitamae.kernel.registers.sensors import BadSensorsError, NotRegistered, Sensors, checked, read

KAGA = Path(__file__).resolve().parents[3] / "cities" / "kaga" / "sensors.toml"
CAMERA = {
    "name": {"ja": "駅前のカメラ"}, "kind": "camera", "accountable": "加賀市", "purpose": ["traffic"],
    "technology": ["de_identified_video"], "identifies": "de_identified", "retention_days": 0, "longitude": "136.35", "latitude": "36.32",
}  # fmt: skip


@pytest_asyncio.fixture(params=sorted(STORES))
async def sensors(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    store = await STORES[request.param](tmp_path)
    yield Sensors(store, CORE.expand)
    await store.close()


async def put(sensors: Sensors, id: str, state: str, said: Any) -> Any:
    return await sensors.register.store.transact(lambda tx: sensors.put(tx, id, state, said, "sensors"))


async def test_an_entry_its_entity_and_its_statement_in_the_ledger_come_together(sensors: Sensors) -> None:
    made = await put(sensors, "camera-1", "installed", CAMERA)
    row = await sensors.register.store.row("", "urn:ngsi-ld:RegisteredSensor:camera-1")
    assert row is not None
    attrs = orjson.loads(row.doc)["attrs"]
    assert attrs[CORE.expand("location")][0]["v"]["coordinates"] == [136.35, 36.32]
    [leaf] = await sensors.register.store.leaves(0, 10)
    told = orjson.loads(leaf.data)
    assert (told["register"], told["statement"]["id"]) == ("sensors", "camera-1")
    assert told["statement"]["sha256"] == entries.digest("camera-1", "installed", made["said"])
    assert made["changes"][0]["number"] == leaf.number


async def test_what_it_says_already_makes_no_change(sensors: Sensors) -> None:
    for _ in range(2):
        await put(sensors, "camera-1", "installed", CAMERA)
    assert len((await sensors.register.entry("camera-1"))["changes"]) == 1
    await put(sensors, "camera-1", "removed", CAMERA)
    assert [one["what"] for one in (await sensors.register.entry("camera-1"))["changes"]] == [
        "installed",
        "removed",
    ]


async def test_only_what_is_installed_may_write(sensors: Sensors) -> None:
    store = sensors.register.store
    with pytest.raises(NotRegistered):
        await store.transact(lambda tx: sensors.demand_installed(tx, "camera-1"))
    await put(sensors, "camera-1", "suspended", CAMERA)
    with pytest.raises(NotRegistered, match="suspended"):
        await store.transact(lambda tx: sensors.demand_installed(tx, "camera-1"))
    await put(sensors, "camera-1", "installed", CAMERA)
    assert (await store.transact(lambda tx: sensors.demand_installed(tx, "camera-1")))["id"] == "camera-1"


async def test_a_citys_file_is_loaded_once_and_what_the_desk_changed_since_stays(sensors: Sensors) -> None:
    assert await sensors.load(KAGA) == 4
    assert await sensors.load(KAGA) == 0
    gauge = await sensors.register.entry("river-1700000063")
    await put(sensors, "river-1700000063", "suspended", gauge["said"])
    assert await sensors.load(KAGA) == 0
    assert (await sensors.register.entry("river-1700000063"))["state"] == "suspended"


async def test_a_my_number_in_an_entry_is_refused_and_nothing_is_kept(sensors: Sensors) -> None:
    with pytest.raises(HoldsMyNumber):
        await put(sensors, "camera-1", "installed", {**CAMERA, "contact": "個人番号 123456789018"})
    assert await sensors.register.entries() == []
    assert await sensors.register.store.leaves(0, 10) == []


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"name": {"en": "Camera"}}, "name"),
        ({"purpose": ["curiosity"]}, "purpose"),
        ({"kind": "spy"}, "kind"),
        ({"retention_days": True}, "retention_days"),
        ({"longitude": "1e9", "latitude": "1"}, "longitude"),
        ({"longitude": ""}, "longitude"),
        ({"since": "yesterday"}, "since"),
        ({"owner": "x"}, "owner"),
        ({"identifies": ""}, "camera"),
        ({"accountable": ""}, "camera"),
        ({"place": "x" * 501}, "place"),
    ],
)
def test_a_field_that_is_not_in_order_is_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(BadRequest, match=named):
        checked(CAMERA | wrong)


def test_a_citys_file_that_is_not_in_order_names_the_entry(tmp_path: Path) -> None:
    path = tmp_path / "sensors.toml"
    path.write_text('[sensor.a]\nname = { ja = "x" }\nkind = "spy"\n', "utf-8")
    with pytest.raises(BadSensorsError, match=r"sensor\.a: kind"):
        read(path)


async def test_what_is_in_the_citys_file_no_more_is_suspended_with_its_statement_and_writes_nothing(
    sensors: Sensors, tmp_path: Path
) -> None:
    path = tmp_path / "sensors.toml"
    one = '[sensor.gauge-1]\nname = {ja = "水位計"}\n'
    path.write_text(one + '[sensor.gauge-2]\nname = {ja = "雨量計"}\n', "utf-8")
    await sensors.load(path)
    await put(sensors, "desk-1", "installed", {"name": {"ja": "窓口のもの"}})
    path.write_text(one, "utf-8")
    assert await sensors.load(path) == 1
    entry = await sensors.register.entry("gauge-2")
    assert (entry["state"], entry["changes"][-1]["what"], entry["changes"][-1]["by"]) == (
        "suspended",
        "suspended",
        "city",
    )
    assert entry["changes"][-1]["number"] == (await sensors.register.store.leaves(0, 99))[-1].number
    with pytest.raises(NotRegistered):
        await sensors.register.store.transact(lambda tx: sensors.demand_installed(tx, "gauge-2"))
    for id in ("gauge-1", "desk-1"):
        assert (await sensors.register.entry(id))["state"] == "installed"
    await put(sensors, "gauge-2", "installed", entry["said"])
    assert await sensors.load(path) == 0, "what the desk says since stands"
    path.unlink()
    assert await sensors.load(path) == 1
    assert (await sensors.register.entry("gauge-1"))["state"] == "suspended"
