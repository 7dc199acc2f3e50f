"""The official places round: 国土地理院's form in, 自治体標準オープンデータセット out, in again elsewhere, and out the same."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from sheltering import register

from bare_kaga import bare
from kitamae.intake import give
from kitamae.intake.layout import known
from kitamae.intake.reading import Reading
from kitamae.intake.row import Taken
from serving import Served, serving
from signing_in import outside

KAGA = "172065"


def taken(file: Path, layout: str) -> list[dict[str, Any]]:
    """As `kitamae import` reads the file; not one row is refused."""
    with Reading(file, city=KAGA, layout=layout, source="test") as rows:
        found = list(rows)
    assert all(isinstance(one, Taken) for one in found), found
    return [one.entity for one in found if isinstance(one, Taken)]


async def published(served: Served, name: str) -> str:
    answer = await outside(served, "GET", f"/api/disaster/{name}")
    assert answer.status_code == 200, answer.text
    return str(answer.text)


@pytest.mark.parametrize(
    ("file", "gsi", "standard", "name", "number"),
    [
        ("shelters_evacuation", "gsi_evacuation_shelters", "evacuation_shelters", "designated_shelters", 62),
        ("shelters_emergency", "gsi_emergency_sites", "emergency_evacuation_sites", "emergency_sites", 53),
    ],
)
async def test_the_official_places_come_back_as_they_went(
    tmp_path: Path, shared: Path, file: str, gsi: str, standard: str, name: str, number: int
) -> None:
    source = shared / "data" / "kaga" / f"{file}.geojson"
    first = taken(source, gsi)
    async with serving(tmp_path / "one", city=bare(tmp_path / "city")) as served:
        await served.loaded()
        await register(served, *first)
        out = await published(served, f"{name}.csv")
    there = tmp_path / "out.csv"
    there.write_text(out, "utf-8", newline="")
    second = taken(there, standard)
    async with serving(tmp_path / "two", city=bare(tmp_path / "city2")) as served:
        await served.loaded()
        await register(served, *second)
        assert await published(served, f"{name}.csv") == out

    rows = list(csv.DictReader(out.splitlines()))
    assert len(rows) == len(first) == len(second) == number
    told = {one["properties"]["共通ID"]: one for one in json.loads(source.read_text("utf-8"))["features"]}
    assert {row["ID"] for row in rows} == told.keys()
    for row in rows:
        properties, at = told[row["ID"]]["properties"], told[row["ID"]]["geometry"]["coordinates"]
        assert (row["名称"], row["所在地_連結表記"]) == (properties["施設・場所名"], properties["住所"])
        assert [float(row["経度"]), float(row["緯度"])] == at
        for hazard in (
            "洪水",
            "崖崩れ、土石流及び地滑り",
            "高潮",
            "地震",
            "津波",
            "大規模な火事",
            "内水氾濫",
            "火山現象",
        ):
            if gsi == "gsi_emergency_sites":
                assert row[f"災害種別_{hazard}"] == properties[hazard]
            else:
                assert row[f"災害種別_{hazard}"] == "不明"
    again = {one["id"]: one for one in second}
    for one in first:
        known_of_both = {key: value for key, value in one.items() if key in again[one["id"]]}
        assert known_of_both == {key: again[one["id"]][key] for key in known_of_both}
        assert one.keys() <= again[one["id"]].keys()


def site(**flags: str) -> dict[str, Any]:
    values = {"名称": "広場", "管理番号": "1", **flags}
    return {
        "id": f"urn:ngsi-ld:EvacuationSite:{KAGA}:1",
        "type": "EvacuationSite",
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.3, 36.3]}},
        **{name: {"type": "Property", "value": value} for name, value in values.items()},
    }


def test_a_hazard_that_is_not_known_is_never_written_as_not_designated() -> None:
    layout = known()["emergency_evacuation_sites"]
    other = {**site(災害種別_洪水="designated"), "id": f"urn:ngsi-ld:EvacuationSite:{KAGA}:2"}
    with pytest.raises(give.NotTellableError, match="災害種別_洪水"):
        give.table(layout, [site(災害種別_洪水="unknown", 災害種別_地震="designated"), other], KAGA)
    out = give.table(layout, [site(災害種別_洪水="unknown", 災害種別_地震="designated")], KAGA)
    assert "災害種別_洪水" not in out.splitlines()[0]
    assert "災害種別_地震" in out.splitlines()[0]


def test_what_somebody_wrote_beside_an_attribute_is_not_given_in_its_place() -> None:
    layout, plain = known()["emergency_evacuation_sites"], site(災害種別_地震="designated")
    other = {"type": "Property", "value": "別の広場", "datasetId": "urn:x:1"}
    beside = {**plain, "名称": [other, plain["名称"]], "location": [plain["location"]]}
    assert give.table(layout, [beside], KAGA) == give.table(layout, [plain], KAGA)
