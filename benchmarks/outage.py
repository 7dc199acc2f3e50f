"""The claim about a store that goes away: PostgreSQL is stopped for a minute under a city that people look at and write to.

No view of the disaster page fails, a write is answered 503, and none that was acknowledged is lost.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import runpy
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

from benchmarks.harness import HERE, Result, Server

PAGE = "/disaster"
DOWN = int(os.environ.get("SECONDS_DOWN", "60"))
AROUND = 15
"""Seconds before and after."""
_TESTS = Path(__file__).parent.parent / "tests" / "postgres_server.py"
_KAGA = Path(__file__).parent.parent / "cities" / "kaga"
_PAUSE = 0.02


@dataclass
class Traffic:
    """Readers of the page and writers of counts, each writer of a shelter of its own, until the block ends.

    `views`, `writes`: how often which status came (0: no answer); `slowest`: seconds of a view; `acknowledged`: by shelter the counts that
    were.
    """

    address: str
    shelters: list[str]
    readers: int = 2
    views: Counter[int] = field(default_factory=Counter)
    writes: Counter[int] = field(default_factory=Counter)
    acknowledged: dict[str, list[int]] = field(default_factory=dict)
    slowest: float = 0.0

    def __enter__(self) -> Self:
        self._over, self._lock = threading.Event(), threading.Lock()
        self._threads = [
            threading.Thread(target=self._read, args=(n,), daemon=True) for n in range(self.readers)
        ]
        self._threads += [
            threading.Thread(target=self._write, args=(id,), daemon=True) for id in self.shelters
        ]
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for one in self._threads:
            one.join(60)

    def lost(self) -> dict[str, set[int]]:
        """By shelter the counts that were acknowledged and are not in its history."""
        found = {}
        for id, sent in self.acknowledged.items():
            path = (
                f"/ngsi-ld/v1/temporal/entities/{quote(id)}?options=temporalValues&attrs={quote('避難者数')}"
            )
            with urllib.request.urlopen(self.address + path, timeout=60) as answer:
                known = {value for value, _ in json.load(answer)["避難者数"]["values"]}
            if gone := set(sent) - known:
                found[id] = gone
        return found

    def _read(self, number: int) -> None:
        path = f"{PAGE}?lang={('ja', 'en', 'zh', 'ko')[number % 4]}"
        while not self._over.is_set():
            began = time.monotonic()
            status = self._ask("GET", path)
            with self._lock:
                self.views[status] += 1
                self.slowest = max(self.slowest, time.monotonic() - began)

    def _write(self, id: str) -> None:
        number = 0
        while not self._over.wait(_PAUSE):
            number += 1
            at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            said = {"避難者数": {"type": "Property", "value": number, "observedAt": at}}
            status = self._ask("PATCH", f"/ngsi-ld/v1/entities/{quote(id)}/attrs", said)
            with self._lock:
                self.writes[status] += 1
                if status == 204:
                    self.acknowledged.setdefault(id, []).append(number)

    def _ask(self, method: str, path: str, said: Any = None) -> int:
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        try:
            body = None if said is None else json.dumps(said)
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
        except OSError:
            return 0
        else:
            return answer.status
        finally:
            connection.close()


def outage() -> Result:
    """On a server and a PostgreSQL of its own. Raises SystemExit when a view fails, a write is answered otherwise, or one is lost."""
    postgres = runpy.run_path(str(_TESTS))
    folder = Path(
        tempfile.mkdtemp(prefix=".bench-pg-", dir=os.environ.get("BENCH_DIR", tempfile.gettempdir()))
    )
    (folder / "cluster").mkdir()
    folder.chmod(0o755)  # the server runs as another user, and its folder lies in here
    cluster = postgres["Cluster"](folder / "cluster")
    try:
        with Server(folder / "data", postgres["dsn"]("city", cluster), city=_KAGA) as one:
            return _measured(one, cluster, opened(one.url, 8))
    finally:
        cluster.remove()
        shutil.rmtree(folder, ignore_errors=True)


def opened(address: str, most: int) -> list[str]:
    """Ids of so many shelters of the city at `address`, once it is loaded."""
    for _ in range(600):
        with (
            contextlib.suppress(OSError, ValueError),
            urllib.request.urlopen(
                f"{address}/ngsi-ld/v1/entities?type=EvacuationShelter&limit={most}", timeout=60
            ) as answer,
        ):
            if len(found := [one["id"] for one in json.load(answer)]) == most:
                return found
        time.sleep(0.1)
    raise SystemExit("the city has no shelters")


def _measured(one: Server, cluster: Any, shelters: list[str]) -> Result:
    seconds = DOWN + 2 * AROUND
    command = ["wrk", "-t1", "-c50", "--latency", "--timeout", "10s", "-s", str(HERE / "load" / "page.lua")]
    subprocess.run([*command, "-d2", one.url, "--", PAGE], check=True, capture_output=True)  # warm
    before = one.cpu()
    with (
        Traffic(one.url, shelters) as traffic,
        subprocess.Popen(
            [*command, f"-d{seconds}", one.url, "--", PAGE], stdout=subprocess.PIPE, text=True
        ) as wrk,
    ):
        time.sleep(AROUND)
        cluster.stop()
        time.sleep(DOWN)
        cluster.start()
        out, _ = wrk.communicate()
    used = one.cpu() - before
    if wrong := re.search(r"(Non-2xx.*|Socket errors.*)", out):
        raise SystemExit(f"views failed: {wrong[1]}")
    if set(traffic.views) != {200} or set(traffic.writes) != {204, 503}:
        raise SystemExit(f"views {dict(traffic.views)}, writes {dict(traffic.writes)}")
    if lost := traffic.lost():
        raise SystemExit(f"acknowledged and not there: {lost}")
    done, p99 = re.search(r"(\d+) requests in ([\d.]+)s", out), re.search(r"99%\s+(\S+)", out)
    assert done, out
    count = int(done[1])
    note = (
        f"none failed; of {traffic.writes.total():,} writes {traffic.writes[503]:,} were answered 503, and "
        f"none of the {traffic.writes[204]:,} acknowledged ones is lost"
    )
    return Result(
        f"views of {PAGE} with PostgreSQL stopped for {DOWN} of {seconds} s (CPU with the writes)",
        *(count / float(done[2]), used / count * 1e6, 2_000),
        p99=p99[1] if p99 else "",
        note=note,
    )
