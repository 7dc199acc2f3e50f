"""The claim about the disaster page: 2,000 views a second while 200 statuses a second are written.

The city is Kaga with all of its shelters open and a warning in force; writes go through the broker, wrk asks for the page, both on the
server's own cores.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.database import database
from benchmarks.harness import ROUNDS, SECONDS, Result, Server, load
from benchmarks.peer.patcher import people

WRITES = 200
PAGE = "/disaster"
_KAGA = Path(__file__).parent.parent / "cities" / "kaga"
_SLACK = 4  # seconds: wrk warms up for one, and starts and stops


def situation() -> Result:
    """On a server of its own. Raises SystemExit when a view or a write fails, or the page does not show the last of them."""
    with _kaga() as one, tempfile.TemporaryDirectory() as folder:
        shelters = _opened(one)
        ids = Path(folder) / "shelters"
        ids.write_text("\n".join(shelters))
        command = [
            *(sys.executable, "-m", "benchmarks.peer.patcher", str(one.port), str(WRITES)),
            *(str(ROUNDS * (SECONDS + 1) + _SLACK), str(len(shelters)), str(ids)),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            rate, spread, cpu, p99 = load(one, "page.lua", PAGE)
            said, _ = writer.communicate()
        rows = [line.split() for line in said.splitlines()]
        if wrong := [row for row in rows if row[4] != "204"]:
            raise SystemExit(f"{len(wrong)} of {len(rows)} writes failed: {wrong[0]}")
        last = {int(row[1]): int(row[0]) for row in sorted(rows, key=lambda row: int(row[0]))}
        behind = _until_shown(one, sum(map(people, last.values())))
        waits = sorted(float(row[3]) for row in rows)
        note = (
            f"{len(rows):,} writes at {WRITES}/s, p99 {waits[len(waits) * 99 // 100] * 1000:.0f} ms, none refused; "
            f"{_size(one):.0f} kB a view; the last write is on the page after {behind:.1f} s"
        )
        return Result(
            f"views of {PAGE} while statuses of {len(shelters)} open shelters are written (CPU with the writes)",
            *(rate, cpu, 2_000),
            spread=spread,
            p99=p99,
            note=note,
        )


@contextlib.contextmanager
def _kaga() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix=".bench-", dir=os.environ.get("BENCH_DIR", ".")))
    try:
        with database() as store, Server(folder / "data", store, city=_KAGA) as one:
            for _ in range(600):
                if (
                    len(
                        one.ask(
                            "GET",
                            "/ngsi-ld/v1/entities?type=EvacuationShelter&limit=1000&attrs=%E5%90%8D%E7%A7%B0",
                        )
                    )
                    > 60
                ):
                    break
                time.sleep(0.1)
            time.sleep(2)  # the rest of the city's folder
            yield one
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _opened(one: Server) -> list[str]:
    """The ids of all shelters, each open with somebody in it; and it rains."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def said(**values: object) -> dict[str, object]:
        return {
            name: {"type": "Property", "value": value, "observedAt": at} for name, value in values.items()
        }

    found = [
        entity["id"] for entity in one.ask("GET", "/ngsi-ld/v1/entities?type=EvacuationShelter&limit=1000")
    ]
    opened = [{"id": id, "type": "EvacuationShelter"} | said(開設状況="開設", 避難者数=1) for id in found]
    rain = {"id": "urn:ngsi-ld:Alert:17206:rain", "type": "Alert"} | said(
        名称="大雨警報", 警戒レベル=3, 状態="発表中"
    )
    one.ask("POST", "/ngsi-ld/v1/entityOperations/upsert?options=update", [*opened, rain])
    return found


def _until_shown(one: Server, people: int) -> float:
    """Seconds until the page says so many people. Raises SystemExit after ten."""
    began = time.monotonic()
    while time.monotonic() - began < 10:
        with urllib.request.urlopen(one.url + PAGE, timeout=10) as answer:
            if f"：{people}人" in answer.read().decode():
                return time.monotonic() - began
        time.sleep(0.1)
    raise SystemExit(f"{PAGE} never said {people} people")


def _size(one: Server) -> float:
    """Of a view as it is sent, in kB (10^3)."""
    request = urllib.request.Request(one.url + PAGE, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return len(answer.read()) / 1000
