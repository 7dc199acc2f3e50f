"""PostgreSQL stops under a city that people look at: the disaster page stays, writes are refused, nothing acknowledged is lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from served_city import Served, servers

from postgres_server import Cluster, dsn, folder

KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"
ALERT = "urn:ngsi-ld:Alert:17206:rain"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    one = Cluster(folder())
    yield one
    one.remove()


def wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def write(city: Served, level: int) -> int:
    """The status of the answer."""
    said = {"名称": "大雨警報", "警戒レベル": level, "状態": "発表中", "有効期限": "2126-01-01T00:00:00Z"}
    at = f"2026-11-21T00:00:{level:02}Z"
    entity = {"id": ALERT, "type": "Alert"} | {
        name: {"type": "Property", "value": value, "observedAt": at} for name, value in said.items()
    }
    return city.ask("POST", "/ngsi-ld/v1/entityOperations/upsert", [entity])[0]


def shows(city: Served, text: str) -> None:
    """The page says it, a moment later at most: it is drawn once a second."""
    for _ in range(100):
        if text.encode() in city.ask("GET", "/disaster")[2]:
            return
        wait(0.1)
    raise AssertionError(f"the page never said {text}")


def test_the_page_stays_writes_are_refused_and_what_was_acknowledged_is_there_afterwards(
    cluster: Cluster, tmp_path: Path
) -> None:
    with servers() as start:
        city = start("--city", str(KAGA), "--open", "--store", dsn("city", cluster), data=tmp_path / "data")
        acknowledged = next(3 for _ in range(100) if write(city, 3) in (201, 204))
        shows(city, "警戒レベル3")
        cluster.stop()
        for step in range(20):
            status, _, body = city.ask("GET", f"/disaster?lang={('ja', 'en')[step % 2]}")
            assert status == 200
            assert "大雨警報".encode() in body
            assert "data-asof" in body.decode()
            status, _, _ = city.ask("GET", "/disaster", Cookie="kitamae_session=session_" + "x" * 43)
            assert status == 200, "whoever was signed in sees it too"
            assert write(city, 5) == 503
            wait(0.2)
        cluster.start()
        for _ in range(150):
            if write(city, 4) in (201, 204):
                break
            wait(0.2)
        level = json.loads(city.ask("GET", f"/ngsi-ld/v1/entities/{ALERT}")[2])
        assert level["警戒レベル"]["value"] == 4
        history = city.ask("GET", f"/ngsi-ld/v1/temporal/entities/{ALERT}?options=temporalValues")[2]
        values = [value for value, _ in json.loads(history)["警戒レベル"]["values"]]
        assert (acknowledged, values) == (3, [3, 4]), "what was refused is nowhere"
        shows(city, "警戒レベル4")
