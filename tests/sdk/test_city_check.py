from __future__ import annotations

import json
import shutil
from pathlib import Path

from kitamae.commands.check import run
from kitamae.sdk import check

KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"


def test_kaga_and_every_service_are_in_order() -> None:
    assert run(KAGA) == 0


def test_every_row_device_and_name_that_is_not_in_order_is_found(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(KAGA, tmp_path / "copy"))
    toilets = folder / "data/public_toilets.csv"
    toilets.write_text(
        toilets.read_text("utf-8").replace("36.345503,136.365893", "0,0").replace("36.351945", "x"), "utf-8"
    )
    context = folder / "context.jsonld"
    context.write_text(context.read_text("utf-8").replace('"位置の根拠":', '"場所の根拠":'), "utf-8")
    profile, findings = check.city(folder)
    assert profile is not None
    told = [str(finding) for finding in findings]
    assert [one.partition(": ")[0] for one in told] == [
        "data/public_toilets.csv:12",
        "data/public_toilets.csv:18",
        "data/hot_springs.csv",
    ]
    assert "expected a latitude in Japan" in told[0]
    assert "位置の根拠 has no term" in told[2]
    assert run(folder) == 1


def test_a_broken_profile_or_device_is_one_finding(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(KAGA, tmp_path / "copy"))
    (folder / "devices/river_gauge.toml").write_text("topic = 1", "utf-8")
    profile, (finding,) = check.city(folder)
    assert profile is None
    assert "river_gauge.toml" in str(finding)


def komatsu(folder: Path) -> Path:
    """The neighbour's profile in a copy of Kaga's folder: its code, its boundary (a square here), and Kaga's rows."""
    profile = (folder / "city.toml").read_text("utf-8")
    for old, new in (
        ('"kaga"', '"komatsu"'),
        ('"172065"', '"172031"'),
        ('"17206"', '"17203"'),
        ("[136.243860, 36.136293, 136.497942, 36.383414]", "[136.40, 36.20, 136.70, 36.50]"),
    ):
        assert old in profile
        profile = profile.replace(old, new)
    (folder / "city.toml").write_text(profile, "utf-8")
    square = [[[136.4, 36.35], [136.7, 36.35], [136.7, 36.5], [136.4, 36.5], [136.4, 36.35]]]
    boundary = json.loads((folder / "data/boundary.geojson").read_text("utf-8"))
    boundary["features"][0]["properties"]["全国地方公共団体コード"] = "172031"
    boundary["features"][0]["geometry"]["coordinates"] = square
    (folder / "data/boundary.geojson").write_text(json.dumps(boundary), "utf-8")
    return folder


def test_another_citys_rows_in_a_copied_folder_are_named_with_file_line_and_why(tmp_path: Path) -> None:
    folder = komatsu(Path(shutil.copytree(KAGA, tmp_path / "copy")))
    hubs = folder / "data/hubs.csv"
    hubs.write_text(
        "\n".join(
            [*hubs.read_text("utf-8").splitlines()[:2], "ekimae,駅前,エキマエ,Ekimae,36.402,136.452,x", ""]
        ),
        "utf-8",
    )
    _, findings = check.city(folder)
    told = [str(finding) for finding in findings]
    assert (
        "data/hubs.csv:2: place: expected one within the boundary of 172031, got 36.3073, 136.31"
        in " ".join(told)
    )
    assert not [one for one in told if one.startswith("data/hubs.csv:3")]
    toilets = [one for one in told if one.startswith("data/public_toilets.csv:")]
    assert len(toilets) == 17
    assert (
        "data/public_toilets.csv:2: 全国地方公共団体コード: expected 172031, this city's, got '172065'"
        in toilets[0]
    )
    towns = [one for one in told if one.startswith("data/towns.csv")]
    assert towns[-1].endswith("further rows are another city's")


def test_a_boundary_that_was_not_replaced_is_named_and_the_bbox_stands_in_for_it(tmp_path: Path) -> None:
    folder = komatsu(Path(shutil.copytree(KAGA, tmp_path / "copy")))
    shutil.copy(KAGA / "data/boundary.geojson", folder / "data/boundary.geojson")
    _, findings = check.city(folder)
    told = [str(finding) for finding in findings]
    assert (
        "data/boundary.geojson:1: 全国地方公共団体コード: expected 172031, this city's, got '172065'"
        in told[0]
    )
    assert any(
        one.startswith("data/hot_springs.csv:2: place: expected one within the bbox of city.toml")
        for one in told
    )


def test_a_city_that_does_not_speak_all_five_languages_is_told_which_are_missing(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(KAGA, tmp_path / "copy"))
    profile = folder / "city.toml"
    text = profile.read_text("utf-8").replace('"en", "zh", "ko"]', '"en"]').replace(', ko = "가가시"', "")
    profile.write_text(text, "utf-8")
    device = folder / "devices/river_gauge.toml"
    device.write_text(device.read_text("utf-8").replace(', zh = "危机管理型水位计"', ""), "utf-8")
    _, findings = check.city(folder)
    told = [str(finding) for finding in findings]
    assert told == [
        "city.toml: name has no ko",
        "city.toml: languages: expected all of ja, ja_Hira, en, zh, ko; zh, ko missing",
        "devices/river_gauge.toml: name has no zh",
    ]
