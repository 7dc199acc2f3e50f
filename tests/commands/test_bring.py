"""`kitamae import` against a server in a process of its own, over its socket, over its port, and when it is stopped."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from served_city import Served, kitamae

Up = Callable[..., Served]
KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"
TOILETS = KAGA / "data" / "public_toilets.csv"
HEADER = "全国地方公共団体コード,ID,名称,緯度,経度,男性トイレ総数,女性トイレ総数,備考"


def told(result: Any) -> dict[str, Any]:
    (report,) = json.loads(result.stdout)
    return report


def count(served: Served, type: str) -> int:
    _, headers, _ = served.ask("GET", f"/ngsi-ld/v1/entities?type={type}&count=true&limit=1")
    return int({name.lower(): value for name, value in headers.items()}["ngsild-results-count"])


def loaded(served: Served) -> None:
    """Waits until the city's own facts are there."""
    for _ in range(400):
        status, _, body = served.ask("GET", "/health/ready")
        if status == 200 and json.loads(body)["checks"]["city:loaded"][0]["status"] == "pass":
            return
        time.sleep(0.1)
    raise AssertionError("the city is not loaded")


def broken(folder: Path) -> Path:
    """Four rows: one whole, one swapped, one with a formula for a name, one that is cut off."""
    path = folder / "broken.csv"
    path.write_text(
        f"{HEADER}\n172065,1,中央公園,36.32,136.33,2,1,\n172065,2,東公園,136.33,36.32,2,1,\n"
        "172065,3,=cmd|' /C calc'!A0,36.32,136.33,2,1,\n172065,4,西公",
        "cp932",
    )
    return path


def test_an_import_that_is_repeated_changes_nothing_twice(up: Up) -> None:
    served = up("--open")
    first = told(kitamae("import", TOILETS, "--json", "--data", served.data))
    assert (first["rows"], first["taken"], first["created"], first["same"], first["refused"]) == (
        17,
        17,
        17,
        0,
        [],
    )
    assert len(first["remarks"]) == 26
    again = told(kitamae("import", TOILETS, "--json", "--data", served.data))
    assert (again["created"], again["changed"], again["same"]) == (0, 0, 17)
    assert count(served, "PublicToilet") == 17


def test_a_table_that_ends_within_a_line_is_told_to_be_perhaps_cut_off(tmp_path: Path) -> None:
    whole = TOILETS.read_bytes()
    for cut, remarked in ((0, False), (len("管理棟併設".encode()), True)):
        path = tmp_path / "toilets.csv"
        path.write_bytes(whole[: len(whole) - cut] if cut else whole)
        remarks = told(kitamae("import", path, "--json", "--dry-run"))["remarks"]
        assert any("cut off" in one["note"] and one["line"] > 1 for one in remarks) == remarked
    assert f"kept     line {remarks[0]['line']}  nothing ends" in kitamae("import", path, "--dry-run").stdout


def test_a_dry_run_needs_no_server_and_writes_nothing(tmp_path: Path) -> None:
    result = kitamae("import", TOILETS, "--dry-run", "--data", tmp_path / "nowhere")
    assert result.returncode == 0
    assert "17 taken (nothing written (dry run))" in result.stdout
    assert not (tmp_path / "nowhere").exists()


def test_refused_rows_are_told_with_line_column_value_and_what_was_expected_and_the_others_are_taken(
    up: Up, tmp_path: Path
) -> None:
    served = up("--open")
    report = tmp_path / "report.csv"
    result = kitamae("import", broken(tmp_path), "--report", report, "--data", served.data)
    assert result.returncode == 1
    assert "4 rows, 2 taken (2 new" in result.stdout
    assert "line 3  緯度: '136.33': expected a latitude in Japan" in result.stdout
    with report.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["line"], row["outcome"]) for row in rows] == [
        ("3", "refused"),
        ("4", "kept"),
        ("5", "refused"),
    ]
    assert rows[1]["value"].startswith("'="), "a spreadsheet shows it and does not run it"
    assert count(served, "PublicToilet") == 2


def test_over_the_port_an_import_needs_a_token_for_its_type(up: Up) -> None:
    served = up()
    refused = kitamae("import", TOILETS, "--to", served.address)
    assert refused.returncode == 1
    assert "sign in or send a token" in refused.stdout
    assert "17 rows, 0 taken (0 new, 0 changed, 0 as before)" in refused.stdout
    token = kitamae("token", "create", "import", "write:PublicToilet", "--data", served.data).stdout.strip()
    taken = kitamae("import", TOILETS, "--to", served.address, KITAMAE_TOKEN=token)
    assert taken.returncode == 0, taken.stdout
    assert count(served, "PublicToilet") == 17


def test_a_stopped_city_is_imported_into_in_its_own_words(up: Up, tmp_path: Path) -> None:
    served = up("--city", str(KAGA))
    loaded(served)
    served.stop()
    changed = tmp_path / "toilets.csv"
    changed.write_text(TOILETS.read_text("utf-8").replace("錦城山公園", "錦城山公園（改）"), "utf-8")
    report = told(kitamae("import", changed, "--json", "--data", served.data))
    assert (report["created"], report["changed"], report["same"], report["error"]) == (0, 1, 16, "")
    again = up("--city", str(KAGA), data=served.data)
    _, _, body = again.ask("GET", "/ngsi-ld/v1/entities/urn:ngsi-ld:PublicToilet:172065:1?options=keyValues")
    assert json.loads(body)["名称"] == "錦城山公園（改）"
    assert count(again, "PublicToilet") == 17


def test_a_file_that_is_none_is_told_and_the_next_one_is_taken(up: Up, tmp_path: Path) -> None:
    served = up("--open")
    nothing = tmp_path / "nothing.csv"
    nothing.write_bytes(b"PK\x03\x04")
    result = kitamae("import", nothing, tmp_path / "missing.csv", TOILETS, "--data", served.data)
    assert result.returncode == 1
    assert "Excel workbook" in result.stdout
    assert "missing.csv: cannot be read: No such file" in result.stdout
    assert "Errno" not in result.stdout
    assert count(served, "PublicToilet") == 17


def test_no_city_and_no_file_and_no_layout_are_told_in_one_sentence(tmp_path: Path) -> None:
    assert "name the files" in kitamae("import").stderr
    assert "there is no city in" in kitamae("import", TOILETS, "--data", tmp_path / "nowhere").stderr
    unknown = kitamae("import", TOILETS, "--as", "toilets", "--dry-run")
    assert "no layout is called toilets" in unknown.stdout
