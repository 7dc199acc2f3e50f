"""`kitamae replay`: over the API and over MQTT, into a server in a process of its own."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served_city import Served, at_once, kitamae

from mosquitto import Mosquitto, mosquitto

Up = Callable[..., Served]
KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"
ID = "urn:ngsi-ld:RiverGauge:172065:1700000063"


def message(minute: int, level: float, code: str = "1700000063", **more: Any) -> dict[str, Any]:
    return {
        "code": code,
        "townCode": "17206",
        "name": "宇谷川（宇谷町）",
        "obsTime": f"2025-10-16T18:{minute:02d}:00+09:00",
        "level": level,
        "startLevel": 23.04,
        "warnLevel": 24.09,
        "fladLevel": 24.39,
        "latitude": 36.301777,
        "longitude": 136.40805,
        **more,
    }


def archive(folder: Path, *messages: Any, name: str = "archive.jsonl.gz") -> Path:
    path = folder / name
    lines = "".join(
        (one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)) + "\n" for one in messages
    )
    path.write_bytes(gzip.compress(lines.encode()) if name.endswith(".gz") else lines.encode())
    return path


def replay(path: Path, *options: str | Path) -> dict[str, Any]:
    result = at_once("replay", path, "--json", *options)
    assert result.stdout, result.stderr
    return {"exit": result.returncode, **json.loads(result.stdout)}


def history(served: Served) -> list[tuple[float, str]]:
    path = f"/ngsi-ld/v1/temporal/entities/{ID}?attrs=%E6%B0%B4%E4%BD%8D&options=temporalValues"
    status, _, body = served.ask("GET", path)
    if status == 404:
        return []
    return [(level, at[14:16]) for level, at in json.loads(body).get("水位", {}).get("values", [])]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    with mosquitto(folder) as running:
        yield running


def test_readings_play_in_the_order_of_their_time_and_once(up: Up, tmp_path: Path) -> None:
    served = up("--city", str(KAGA))
    path = archive(tmp_path, message(30, 23.3), message(10, 23.1), message(20, 23.2), message(20, 23.2))
    first = replay(path, "--data", served.data)
    assert (first["exit"], first["read"], first["new"], first["known"], first["late"]) == (0, 4, 3, 1, 0)
    assert history(served) == [(23.1, "10"), (23.2, "20"), (23.3, "30")]
    again = replay(path, "--data", served.data)
    assert (again["new"], again["known"], again["late"]) == (0, 4, 0)


def test_over_the_port_with_a_token_and_only_what_was_asked_for(up: Up, tmp_path: Path) -> None:
    served = up("--city", str(KAGA))
    path = archive(tmp_path, *(message(minute, 23 + minute / 100) for minute in range(30)))
    refused = replay(path, "--to", served.address, "--city", KAGA)
    assert (refused["exit"], refused["new"]) == (1, 0)
    assert "token" in refused["error"]
    token = kitamae("token", "create", "gauges", "write:RiverGauge", "--data", served.data).stdout.strip()
    span = ("--from", "2025-10-16T18:10:00+09:00", "--until", "2025-10-16T18:20:00+09:00")
    played = replay(path, "--to", served.address, "--city", KAGA, "--token", token, *span)
    assert (played["exit"], played["read"], played["new"]) == (0, 10, 10)


def test_an_earlier_window_goes_to_history_behind_a_later_one(up: Up, tmp_path: Path) -> None:
    served = up("--city", str(KAGA))
    path = archive(tmp_path, *(message(minute, 23 + minute / 100) for minute in range(20)))
    later = replay(path, "--data", served.data, "--from", "2025-10-16T18:10:00+09:00")
    whole = replay(path, "--data", served.data)
    assert (later["new"], whole["new"], whole["known"], whole["late"]) == (10, 0, 10, 10)
    assert len(history(served)) == 20
    _, _, body = served.ask("GET", f"/ngsi-ld/v1/entities/{ID}?options=keyValues")
    assert json.loads(body)["水位"] == 23.19


def test_over_mqtt_the_readings_arrive_and_a_repetition_changes_nothing(
    up: Up, tmp_path: Path, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITAMAE_MQTT", broker.url)
    served = up("--city", str(KAGA))
    path = archive(tmp_path, *(message(minute, 23 + minute / 100) for minute in range(50)))
    for _ in range(2):
        played = replay(path, "--to", broker.url, "--city", KAGA)
        assert (played["exit"], played["sent"]) == (0, 50)
        until(lambda: len(history(served)) == 50)
    assert history(served) == [(23 + minute / 100, f"{minute:02d}") for minute in range(50)]


def test_what_is_played_while_the_server_is_away_is_there_when_it_comes_back(
    up: Up, tmp_path: Path, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITAMAE_MQTT", broker.url)
    served = up("--city", str(KAGA))
    path = archive(tmp_path, message(1, 23.1))
    replay(path, "--to", broker.url, "--city", KAGA)
    until(lambda: len(history(served)) == 1)
    served.kill()
    replay(archive(tmp_path, message(2, 23.2), message(3, 23.3)), "--to", broker.url, "--city", KAGA)
    again = up("--city", str(KAGA), data=served.data)
    until(lambda: len(history(again)) == 3)


def test_a_line_that_is_no_reading_is_told_and_the_others_are_played(up: Up, tmp_path: Path) -> None:
    served = up("--city", str(KAGA))
    bad = ["{", "[]", message(1, 1e9), message(2, 23.2, obsTime="yesterday"), message(3, 23.3, townCode="1")]
    played = replay(archive(tmp_path, *bad, message(4, 23.4), name="archive.jsonl"), "--data", served.data)
    assert (played["exit"], played["read"], played["new"]) == (1, 6, 1)
    assert [refusal["line"] for refusal in played["refused"]] == [1, 2, 3, 4, 5]
    assert all("expected" in refusal["expected"] for refusal in played["refused"])


def test_an_archive_that_breaks_off_plays_what_is_whole_and_says_so(up: Up, tmp_path: Path) -> None:
    served = up("--city", str(KAGA))
    path = archive(
        tmp_path, *(message(minute % 60, 23 + minute / 1000, code=str(minute)) for minute in range(500))
    )
    path.write_bytes(path.read_bytes()[:-200])
    played = replay(path, "--data", served.data)
    assert played["exit"] == 1
    assert "breaks off" in played["error"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--speed", "fast"), "--speed fast"),
        (("--speed", "0"), "--speed 0"),
        (("--device", "drone"), "--device drone"),
        (("--to", "ftp://x"), "--to ftp://x"),
        (("--to", "mqtt://"), "expected the address"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(tmp_path: Path, options: tuple[str, str], says: str) -> None:
    result = at_once("replay", archive(tmp_path, message(1, 23.1)), "--city", KAGA, *options)
    assert result.returncode == 1
    assert says in result.stdout + result.stderr


def test_an_archive_that_is_not_there_is_told_in_one_sentence(up: Up, tmp_path: Path) -> None:
    result = at_once("replay", tmp_path / "none.gz", "--city", KAGA, "--data", up("--open").data)
    assert (result.returncode, result.stdout) == (1, "none.gz: cannot be read: No such file or directory\n")


def test_it_plays_as_many_times_faster_as_it_is_told(up: Up, tmp_path: Path) -> None:
    served = up("--city", str(KAGA))
    path = archive(tmp_path, message(0, 23.1), message(1, 23.2))
    played = replay(path, "--data", served.data, "--speed", "30")
    assert played["new"] == 2
    assert played["seconds"] >= 2, "a minute, thirty times faster"


def until(true: Callable[[], bool]) -> None:
    for _ in range(400):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it does not happen")
