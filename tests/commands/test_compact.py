"""`kitamae compact`: closed months leave the database when asked, and it says what that frees before."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from served_city import Served, at_once, servers

NAME = "urn:ngsi-ld:Gauge:1"


@pytest.fixture
def start() -> Any:
    with servers() as starting:
        yield starting


def city(start: Callable[..., Served], tmp_path: Path) -> Served:
    """With a reading of every hour of the first ten days of January, February and March 2025."""
    served = start("--open", data=tmp_path / "city")
    levels = [
        {"type": "Property", "value": hour, "observedAt": f"2025-0{month}-{day:02}T{hour:02}:00:00Z"}
        for month in (1, 2, 3)
        for day in range(1, 11)
        for hour in range(24)
    ]
    body = {"id": NAME, "type": "Gauge", "level": levels}
    assert served.ask("POST", "/ngsi-ld/v1/temporal/entities", body)[0] == 201
    return served


def history(served: Served) -> Any:
    path = f"/ngsi-ld/v1/temporal/entities/{NAME}?timerel=after&timeAt=2025-01-01T00:00:00Z"
    status, _, body = served.ask("GET", path)
    assert status == 200
    return json.loads(body)


def files(tmp_path: Path) -> list[str]:
    return sorted(path.name[:7] for path in (tmp_path / "city/history").glob("*.parquet"))


def test_it_says_what_would_move_and_moves_it_only_when_told_to(
    start: Callable[..., Served], tmp_path: Path
) -> None:
    served = city(start, tmp_path)
    before = history(served)
    data = ("--data", tmp_path / "city")
    tried = at_once("compact", "--until", "2025-02", "--dry-run", *data)
    assert tried.returncode == 0, tried.stderr
    assert re.findall(r"^(2025-\d\d)  240 readings, about 0\.[1-9] MB", tried.stdout, re.MULTILINE) == [
        "2025-01",
        "2025-02",
    ]
    assert "nothing was moved" in tried.stdout
    assert files(tmp_path) == []
    done = at_once("compact", "--until", "2025-02", *data)
    assert done.returncode == 0, done.stderr
    assert "480 readings left the database" in done.stdout
    assert files(tmp_path) == ["2025-01", "2025-02"]
    assert history(served) == before
    assert "2 months in files (2025-01 to 2025-02)" in at_once("status", *data).stdout
    assert "there is nothing to move" in at_once("compact", "--until", "2025-02", *data).stdout
    served.stop()
    assert at_once("compact", "--until", "2025-03", *data).returncode == 0  # by itself, with the lock
    assert files(tmp_path) == ["2025-01", "2025-02", "2025-03"]


def test_a_month_that_is_none_or_has_not_ended_is_refused_in_a_sentence(
    start: Callable[..., Served], tmp_path: Path
) -> None:
    city(start, tmp_path)
    for until in ("2025", "2025-13", "9999-01", "x", "0000-01"):
        said = at_once("compact", "--until", until, "--data", tmp_path / "city")
        assert said.returncode == 1
        assert said.stderr.startswith("kitamae: --until: ")
    assert files(tmp_path) == []
