"""PostgreSQL stops while people look and write: `benchmarks.outage` with seconds in place of its minute."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.outage import Traffic
from served_city import servers

from bare_kaga import bare
from postgres_server import Cluster, binaries, dsn, folder

pytestmark = pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not on this machine")
SHELTERS = [f"urn:ngsi-ld:EvacuationShelter:172065:load-{n}" for n in range(4)]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    one = Cluster(folder())
    yield one
    one.remove()


def wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def test_no_view_fails_every_write_is_answered_and_no_acknowledged_one_is_lost(
    cluster: Cluster, tmp_path: Path
) -> None:
    with servers() as start:
        city = start(
            "--city", str(bare(tmp_path / "city")), "--open", "--store", dsn("city", cluster), data=tmp_path / "data"
        )  # fmt: skip
        made = [
            {"id": id, "type": "EvacuationShelter", "開設状況": {"type": "Property", "value": "開設"}}
            for id in SHELTERS
        ]
        assert city.ask("POST", "/ngsi-ld/v1/entityOperations/upsert", made)[0] == 201
        assert city.ask("GET", "/disaster")[0] == 200
        with Traffic(city.address, SHELTERS) as traffic:
            wait(2)
            acknowledged = traffic.writes[204]
            cluster.stop()
            wait(6)
            refused, views = traffic.writes[503], traffic.views[200]
            wait(1)
            assert traffic.writes[503] > refused, "still refused"
            assert traffic.views[200] > views, "still shown"
            cluster.start()
            for _ in range(200):
                if traffic.writes[204] > acknowledged + 40:
                    break
                wait(0.1)
        assert set(traffic.views) == {200}, "no view failed"
        assert set(traffic.writes) == {204, 503}, "acknowledged, or refused so that a phone keeps it"
        assert traffic.writes[204] > acknowledged + 40 > 40, "written before and after"
        assert traffic.lost() == {}
        last = json.loads(city.ask("GET", f"/ngsi-ld/v1/entities/{SHELTERS[0]}")[2])["避難者数"]["value"]
        assert last >= traffic.acknowledged[SHELTERS[0]][-1]
