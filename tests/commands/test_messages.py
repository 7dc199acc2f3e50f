"""`kitamae import jma|cap` against a server in a process of its own, and without any."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bulletins import ELSEWHERE, cap, jma
from served_city import Served, at_once, kitamae

Up = Callable[..., Served]
KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two messages, one deeper in, and one that is none."""
    (tmp_path / "bosai" / "deep").mkdir(parents=True)
    (tmp_path / "bosai" / "a.xml").write_bytes(jma(("大雨警報", "03", "発表"), ("雷注意報", "14", "発表")))
    (tmp_path / "bosai" / "deep" / "b.xml").write_bytes(
        jma(("大雨警報", "03", "発表"), area=ELSEWHERE, status="訓練")
    )
    (tmp_path / "bosai" / "c.xml").write_bytes(b"<Report>")
    return tmp_path / "bosai"


def lines(stdout: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stdout.splitlines()]


def test_a_dry_run_prints_a_line_for_each_message_and_fails_where_one_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    done = at_once("import", "jma", folder, "--dry-run", "--json", "--data", tmp_path / "none")
    assert done.returncode == 1
    first, refused, exercise = lines(done.stdout)
    assert first["file"].endswith("a.xml")
    assert (first["title"], first["status"], first["kind"], first["level"]) == (
        "石川県気象特別警報・警報・注意報", "actual", ["大雨警報", "雷注意報"], 3,
    )  # fmt: skip
    assert first["areas"] == [{"code": "1720600", "name": "加賀市"}]
    assert first["times"]["reported"] == "2026-08-01T00:00:00Z"
    assert refused.keys() == {"file", "error"}
    assert "no well-formed XML" in refused["error"]
    assert (exercise["status"], exercise["areas"][0]["name"]) == ("exercise", "輪島市")
    (folder / "c.xml").unlink()
    assert at_once("import", "jma", folder, "--dry-run", "--data", tmp_path / "none").returncode == 0
    assert not (tmp_path / "none").exists()


def test_messages_reach_the_running_city_and_twice_is_once(up: Up, folder: Path) -> None:
    served = up("--city", str(KAGA), "--open")
    done = kitamae("import", "jma", folder, "--city", KAGA, "--data", served.data)
    assert done.returncode == 1, "one of them was refused"
    assert "2" in done.stdout.splitlines()[-1]
    _, _, body = served.ask("GET", "/ngsi-ld/v1/entities?type=Alert")
    assert {one["id"] for one in json.loads(body)} == {
        f"urn:ngsi-ld:Alert:17206:{what}" for what in ("rain", "thunder")
    }
    for _ in range(100):  # the page is drawn once a second
        _, _, page = served.ask("GET", "/disaster")
        if "大雨警報" in page.decode():
            break
        threading.Event().wait(0.1)
    assert "大雨警報" in page.decode()
    (folder / "c.xml").unlink()
    again = kitamae("import", "jma", folder, "--city", KAGA, "--data", served.data)
    assert again.returncode == 0
    assert "0" in again.stdout.splitlines()[-1]


def test_what_one_run_withdrew_does_not_come_back_with_a_late_original_in_another(
    up: Up, tmp_path: Path
) -> None:
    served = up("--city", str(KAGA), "--open")
    late, taken_back, next_one = (tmp_path / f"{name}.xml" for name in ("late", "taken-back", "next"))
    late.write_bytes(jma(("大雨特別警報", "33", "発表"), at="2026-08-01T09:00:00+09:00"))
    taken_back.write_bytes(jma(at="2026-08-01T10:00:00+09:00", info="取消"))
    next_one.write_bytes(jma(("大雨警報", "03", "発表"), at="2026-08-01T11:00:00+09:00"))
    for file, known in (
        (taken_back, {}),
        (late, {}),
        (next_one, {"大雨警報": "発表中"}),
        (late, {"大雨警報": "発表中"}),
    ):
        done = kitamae("import", "jma", file, "--city", KAGA, "--data", served.data)
        assert done.returncode == 0, done.stderr
        _, _, body = served.ask("GET", "/ngsi-ld/v1/entities?type=Alert&options=keyValues")
        assert {one["名称"]: one["状態"] for one in json.loads(body)} == known, file.name


def test_cap_of_an_unknown_sender_is_refused_also_in_a_dry_run(tmp_path: Path) -> None:
    (tmp_path / "one.xml").write_bytes(cap())
    done = at_once(
        "import",
        "cap",
        tmp_path / "one.xml",
        "--dry-run",
        "--json",
        "--city",
        KAGA,
        "--data",
        tmp_path / "none",
    )
    assert done.returncode == 1
    assert "cap_senders" in lines(done.stdout)[0]["error"]


def test_a_file_that_is_called_like_a_format_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("jma").write_text("名称\n", "utf-8")
    done = at_once("import", "jma", "--dry-run", "--json", "--data", tmp_path / "none")
    assert json.loads(done.stdout)[0]["file"] == "jma"


def test_what_is_meant_for_tables_is_refused_with_messages_and_a_file_too_long_is_not_read(
    folder: Path, tmp_path: Path
) -> None:
    done = at_once("import", "jma", folder, "--dry-run", "--report", tmp_path / "r.csv")
    assert done.returncode != 0
    assert "--report" in done.stderr
    assert not (tmp_path / "r.csv").exists()
    with (tmp_path / "long.xml").open("wb") as file:
        file.truncate(5_000_000_000)
    done = at_once("import", "jma", tmp_path / "long.xml", "--dry-run", "--json")
    assert "10,000,000 bytes" in lines(done.stdout)[0]["error"]
