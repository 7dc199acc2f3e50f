"""`kitamae migrate`: a served city moves into another store."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from served_city import Served, at_once, servers

import postgres_server

NAME = "urn:ngsi-ld:Room:1"


@pytest.fixture
def start() -> Any:
    with servers() as starting:
        yield starting


def write(served: Served, n: int) -> int:
    entity = {"id": NAME, "type": "Room", "temperature": {"type": "Property", "value": n}}
    return served.ask("POST", "/ngsi-ld/v1/entityOperations/upsert", [entity])[0]


def history(served: Served) -> bytes:
    status, _, body = served.ask("GET", f"/ngsi-ld/v1/temporal/entities/{NAME}?timeproperty=modifiedAt")
    assert status == 200
    return body


@pytest.mark.parametrize("kind", ["postgresql", "directory"])
def test_what_was_acknowledged_before_during_and_after_the_move_is_there(
    start: Callable[..., Served], tmp_path: Path, kind: str
) -> None:
    old = start("--open", data=tmp_path / "old")
    if kind == "directory":
        target, there = str(tmp_path / "new"), ["--data", str(tmp_path / "new")]
    else:
        target = postgres_server.dsn(f"m{abs(hash(str(tmp_path))):x}")
        there = ["--data", str(tmp_path / "other"), "--store", target]
    assert write(old, 0) == 201
    acknowledged = [0]
    refused = threading.Event()

    def keep_writing() -> None:
        while not refused.is_set():
            if write(old, len(acknowledged)) == 204:
                acknowledged.append(len(acknowledged))
            else:
                refused.set()

    writing = threading.Thread(target=keep_writing)
    writing.start()
    moved = at_once("migrate", target, "--data", tmp_path / "old")
    writing.join(30)
    assert moved.returncode == 0, moved.stderr
    assert "serve it from there" in moved.stdout
    status, headers, body = old.ask("GET", f"/ngsi-ld/v1/entities/{NAME}")
    assert status == 503
    assert b"the city has moved to" in body
    assert "retry-after" in headers
    old.stop()

    data = Path(there[1])
    new = start("--open", *there[2:], data=data)
    values = [one["value"] for one in json.loads(history(new))["temperature"]]
    assert sorted(values) == acknowledged
    assert write(new, 1000) == 204
    new.stop()

    back = at_once("status", "--data", tmp_path / "old")
    assert back.returncode == 1
    assert "the city has moved to" in back.stderr
    again = start("--open", "--stay", data=tmp_path / "old")
    assert again.ask("GET", f"/ngsi-ld/v1/entities/{NAME}")[0] == 200


def test_a_target_that_is_not_empty_is_refused_and_the_city_stays(
    start: Callable[..., Served], tmp_path: Path
) -> None:
    old = start("--open", data=tmp_path / "old")
    assert write(old, 0) == 201
    other = start("--open", data=tmp_path / "other")
    in_use = at_once("migrate", tmp_path / "other", "--data", tmp_path / "old")
    assert in_use.returncode == 1
    assert "in use" in in_use.stderr
    other.stop()
    taken = at_once("migrate", tmp_path / "other", "--data", tmp_path / "old")
    assert taken.returncode == 1
    assert "a city already" in taken.stderr
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "minutes.txt").write_text("議事録")
    papers = at_once("migrate", tmp_path / "papers", "--data", tmp_path / "old")
    assert papers.returncode == 1
    assert "is not empty" in papers.stderr
    nobody = at_once("migrate", "postgresql://nobody@127.0.0.1:1/none", "--data", tmp_path / "old")
    assert nobody.returncode == 1
    assert "not reached" in nobody.stderr
    assert write(old, 1) == 204
