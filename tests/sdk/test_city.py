from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kitamae.intake.deliver import Delivery
from kitamae.sdk.city import BadCityError, City, Loaded, load

KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"


class Broker:
    """Keeps what it is given, and counts the entities that it was given."""

    def __init__(self, most: int = 10_000) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.given = 0
        self.most = most

    async def upsert(self, entities: Sequence[dict[str, Any]]) -> Delivery:
        delivery = Delivery()
        for entity in entities:
            if self.given == self.most:
                raise ConnectionError("cut off")
            self.given += 1
            (delivery.same if entity["id"] in self.kept else delivery.created).append(entity["id"])
            self.kept[entity["id"]] = entity
        return delivery

    async def delete(self, ids: Sequence[str]) -> None:
        for one in ids:
            del self.kept[one]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(KAGA, tmp_path / "nanao"))


async def test_a_second_start_writes_nothing() -> None:
    city, broker = City.read(KAGA), Broker()
    first = await load(city, broker)
    assert first.written == len(broker.kept) == 1559
    kept = Loaded.from_json(first.as_json())
    assert (await load(city, broker, kept)).written == 0
    assert broker.given == 1559


async def test_a_load_that_is_cut_off_and_repeated_ends_in_the_same_state() -> None:
    city, broker, whole = City.read(KAGA), Broker(most=600), Broker()
    with pytest.raises(ConnectionError):
        await load(city, broker)
    broker.most = 10_000
    again, at_once = await load(city, broker), await load(city, whole)
    assert (again.digest, again.ids, again.written) == (at_once.digest, at_once.ids, 959)
    assert broker.kept == whole.kept


async def test_a_fact_that_left_the_folder_leaves_the_broker_and_what_others_wrote_stays(copy: Path) -> None:
    broker = Broker()
    before = await load(City.read(copy), broker)
    broker.kept["urn:ngsi-ld:Alert:1"] = {"id": "urn:ngsi-ld:Alert:1"}
    hubs = copy / "data/hubs.csv"
    hubs.write_text("".join(hubs.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    after = await load(City.read(copy), broker, before)
    assert set(before.ids) - set(after.ids) == {"urn:ngsi-ld:Hub:172065:sakumi"}
    assert "urn:ngsi-ld:Hub:172065:sakumi" not in broker.kept
    assert "urn:ngsi-ld:Alert:1" in broker.kept


async def test_nothing_is_written_when_one_row_of_the_folder_is_wrong(copy: Path) -> None:
    toilets = copy / "data/public_toilets.csv"
    toilets.write_text(
        toilets.read_text("utf-8").replace("36.345503,136.365893", "136.365893,36.345503"), "utf-8"
    )
    broker = Broker()
    with pytest.raises(BadCityError, match=r"public_toilets\.csv:18: 緯度: .*swapped"):
        await load(City.read(copy), broker)
    assert broker.given == 0


async def test_a_fact_that_the_broker_refuses_is_told_and_the_city_is_not_taken_for_loaded() -> None:
    class Strict(Broker):
        async def upsert(self, entities: Sequence[dict[str, Any]]) -> Delivery:
            return Delivery(refused={entities[0]["id"]: "its type is not declared"})

    with pytest.raises(BadCityError, match="its type is not declared"):
        await load(City.read(KAGA), Strict())


def test_a_changed_file_changes_the_digest(copy: Path) -> None:
    before = City.read(copy).digest()
    assert City.read(copy).digest() == before
    (copy / "data/hubs.csv").write_text((copy / "data/hubs.csv").read_text("utf-8") + "\n", "utf-8")
    assert City.read(copy).digest() != before


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('code = "172065"', 'code = "172066"', "172065"),
        ('as = "hubs"', 'as = "hub"', "no layout is called hub"),
        ('"Hub", ', "", "Hub is not among types"),
        ('file = "data/hubs.csv"', 'file = "../../etc/passwd"', "outside the folder"),
        ('timezone = "Asia/Tokyo"', 'timezone = "Asia/Kaga"', "timezone"),
        ("bbox = [136.24", "bbox = [176.24", "bbox"),
        ("context.jsonld", "missing.jsonld", "missing.jsonld"),
        ('id = "kaga"', "id = ", "city.toml"),
        ('tenant = ""', 'mayor = ""', "mayor"),
    ],
)
def test_a_profile_that_is_not_in_order_is_refused_with_its_place(
    copy: Path, old: str, new: str, says: str
) -> None:
    profile = copy / "city.toml"
    text = profile.read_text("utf-8")
    assert old in text
    profile.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(BadCityError, match=says):
        City.read(copy)


def test_a_city_says_how_long_history_is_kept_of_its_own_types_only(copy: Path) -> None:
    path = copy / "city.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("history_days = {}", "history_days = { RiverGauge = 365 }"), "utf-8")
    assert City.read(copy).history_days == {"RiverGauge": 365}
    for wrong, why in (
        ("{ RiverGague = 365 }", "RiverGague is not among types"),
        ("{ RiverGauge = 0 }", "1"),
    ):
        path.write_text(text.replace("history_days = {}", f"history_days = {wrong}"), "utf-8")
        with pytest.raises(BadCityError, match=why):
            City.read(copy)
