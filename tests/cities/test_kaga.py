"""Kaga's folder says what its sources say, and nothing else."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kitamae.intake.reading import Reading
from kitamae.intake.row import Taken
from kitamae.sdk.city import City

KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"
HAZARDS = {
    "災害種別_洪水": "洪水",
    "災害種別_土砂災害": "崖崩れ、土石流及び地滑り",
    "災害種別_高潮": "高潮",
    "災害種別_地震": "地震",
    "災害種別_津波": "津波",
    "災害種別_大規模な火事": "大規模な火事",
    "災害種別_内水氾濫": "内水氾濫",
    "災害種別_火山現象": "火山現象",
}


@pytest.fixture(scope="module")
def entities() -> dict[str, dict[str, Any]]:
    every = list(City.read(KAGA).entities())
    assert len({entity["id"] for entity in every}) == len(every)
    return {entity["id"]: entity for entity in every}


def of(entities: dict[str, dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [entity for entity in entities.values() if entity["type"] == kind]


def test_the_city_has_what_the_issue_asks_for(entities: dict[str, dict[str, Any]]) -> None:
    assert Counter(entity["type"] for entity in entities.values()) == {
        "AdministrativeArea": 1,
        "Town": 237,
        "Koaza": 1160,
        "Hub": 7,
        "HotSpring": 3,
        "EvacuationSite": 53,
        "EvacuationShelter": 62,
        "PublicToilet": 17,
        "RiverGauge": 4,
        "PopulationByAge": 15,
    }


def test_every_attribute_and_type_has_its_term_in_the_context(entities: dict[str, dict[str, Any]]) -> None:
    terms = City.read(KAGA).context["@context"]
    used = {entity["type"] for entity in entities.values()} | {
        name for entity in entities.values() for name in entity if name not in ("id", "type", "location")
    }
    assert used <= terms.keys()
    assert len(set(terms.values())) == len(terms), "two terms for one IRI would not compact back"


def test_terms_borrowed_from_the_standard_data_models_are_terms_there(shared: Path) -> None:
    published: set[str] = set()
    for file in (shared / "data/open-data-standard/cio").glob("*/datamodels.context-ngsi.jsonld"):
        published |= set(json.loads(file.read_text("utf-8"))["@context"].values())
    context = City.read(KAGA).context["@context"]
    borrowed = [iri for iri in context.values() if iri.startswith("cio:")]
    assert len(borrowed) > 40
    assert {context["cio"] + iri.removeprefix("cio:") for iri in borrowed} <= published


def test_a_hazard_is_designated_not_designated_or_unknown_and_nothing_else(
    entities: dict[str, dict[str, Any]],
) -> None:
    for entity in of(entities, "EvacuationShelter") + of(entities, "EvacuationSite"):
        for name in HAZARDS:
            assert entity[name]["value"] in ("designated", "notDesignated", "unknown")


def test_29_of_the_62_shelters_are_unknown_in_every_hazard_and_33_name_the_site_they_have_it_from(
    entities: dict[str, dict[str, Any]],
) -> None:
    unknown = 0
    for shelter in of(entities, "EvacuationShelter"):
        site = shelter.get("同一住所の指定緊急避難場所")
        if site is None:
            assert all(shelter[name] == {"type": "Property", "value": "unknown"} for name in HAZARDS)
            unknown += 1
        else:
            origin = entities[site["object"]]
            assert origin["住所"] == shelter["住所"]
            for name in HAZARDS:
                assert shelter[name]["value"] == origin[name]["value"]
                assert shelter[name]["根拠"] == site
    assert unknown == 29


def test_shelters_and_sites_are_those_of_the_gsi(entities: dict[str, dict[str, Any]], shared: Path) -> None:
    for kind, file in (("EvacuationShelter", "evacuation"), ("EvacuationSite", "emergency")):
        features = json.loads((shared / f"data/kaga/shelters_{file}.geojson").read_text("utf-8"))["features"]
        assert len(features) == len(of(entities, kind))
        for feature in features:
            told = feature["properties"]
            entity = entities[f"urn:ngsi-ld:{kind}:172065:{told['共通ID']}"]
            assert entity["名称"]["value"] == told["施設・場所名"]
            assert entity["住所"]["value"] == told["住所"]
            assert entity["location"]["value"] == feature["geometry"]
            if kind == "EvacuationSite":
                for name, column in HAZARDS.items():
                    said = "designated" if told[column] == "1" else "notDesignated"
                    assert entity[name]["value"] == said


def test_towns_and_koaza_are_the_1397_rows_of_the_source(
    entities: dict[str, dict[str, Any]], shared: Path
) -> None:
    rows = json.loads((shared / "data/kaga/towns.json").read_text("utf-8"))
    expected = {(row["town"], row["koaza"], row["lng"], row["lat"]) for row in rows}
    towns = {
        (town["名称"]["value"], "", *town["location"]["value"]["coordinates"])
        for town in of(entities, "Town")
    }
    koaza = {
        (one["町名"]["value"], one["名称"]["value"], *one["location"]["value"]["coordinates"])
        for one in of(entities, "Koaza")
    }
    assert len(rows) == 1397
    assert towns | koaza == expected
    for one in of(entities, "Koaza"):
        assert entities[one["町"]["object"]]["名称"]["value"] == one["町名"]["value"]


def test_the_toilets_are_those_of_the_source_with_their_dirt(
    entities: dict[str, dict[str, Any]], shared: Path
) -> None:
    given = [o for o in Reading(shared / "data/kaga/public_toilets.csv") if isinstance(o, Taken)]
    assert len(given) == 17
    for outcome in given:
        ours = {name: value for name, value in entities[outcome.entity["id"]].items() if name != "出典"}
        assert ours == outcome.entity


def test_gauges_and_thresholds_are_those_of_the_readings(
    entities: dict[str, dict[str, Any]], shared: Path
) -> None:
    told: dict[str, tuple[Any, ...]] = {}
    with gzip.open(shared / "data/kaga/river_levels_ishikawa.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["townCode"] == "17206":
                told[row["code"]] = (row["name"], row["startLevel"], row["warnLevel"], row["fladLevel"])
    gauges = {
        gauge["管理番号"]["value"]: (
            gauge["名称"]["value"],
            *(gauge[name]["value"] for name in ("観測開始水位", "危険水位", "氾濫開始水位")),
        )
        for gauge in of(entities, "RiverGauge")
    }
    assert gauges == told
    assert all("水位" not in gauge for gauge in of(entities, "RiverGauge")), (
        "no reading before a device sends one"
    )


@pytest.mark.parametrize(
    ("kind", "file", "first"),
    [("国勢調査", "census_1980-2015", 1980), ("将来推計", "ipss2018_2015-2045", 2015)],
)
def test_population_is_that_of_the_source(
    entities: dict[str, dict[str, Any]], shared: Path, kind: str, file: str, first: int
) -> None:
    for sex, name in (("total", "総人口"), ("male", "男性"), ("female", "女性")):
        series = json.loads((shared / f"data/kaga/population_{file}_{sex}.json").read_text("utf-8"))
        for entity in of(entities, "PopulationByAge"):
            if entity["人口種別"]["value"] != kind:
                continue
            nth = (entity["年"]["value"] - first) // 5
            assert entity[name]["value"] == series[0]["Population"][nth]
            if sex != "total":
                ages = entity["年齢別人口"]["json"]
                assert [ages[age][name] for age in ages] == [band["Population"][nth] for band in series[1:]]


def test_every_point_lies_in_the_city_as_the_map_shows_it(entities: dict[str, dict[str, Any]]) -> None:
    west, south, east, north = City.read(KAGA).bbox
    for entity in entities.values():
        place = entity.get("location", {}).get("value")
        if place and place["type"] == "Point":
            longitude, latitude = place["coordinates"]
            assert west <= longitude <= east, entity["id"]
            assert south <= latitude <= north, entity["id"]


def test_every_file_of_facts_is_named_in_the_sources() -> None:
    sources = (KAGA / "SOURCES.md").read_text("utf-8")
    for data in City.read(KAGA).data:
        assert f"| {data.file}" in sources
        assert data.source


def test_hubs_and_hot_springs_stand_where_their_grounds_say() -> None:
    with (KAGA / "data/evacuation_shelters.csv").open(encoding="utf-8") as file:
        halls = {row["名称"]: (row["緯度"], row["経度"]) for row in csv.DictReader(file)}
    with (KAGA / "data/towns.csv").open(encoding="utf-8") as file:
        places = halls | {row["名称"]: (row["緯度"], row["経度"]) for row in csv.DictReader(file)}
    for name in ("hubs", "hot_springs"):
        with (KAGA / f"data/{name}.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                grounds = row["位置の根拠"].removeprefix("町「").removesuffix("」")
                assert places[grounds] == (row["緯度"], row["経度"])
