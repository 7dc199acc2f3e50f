from __future__ import annotations

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
