"""The claim about subscriptions: 500 PATCHes a second against 10,000 subscriptions, of which 6 match each.

Five watch the entity by its id, one watches the type with a condition that one in a hundred such subscriptions has
right. The receiver and the writer are programs of their own on the same cores; every notification is counted by its id,
and for each subscription the values of an entity must come in the order in which they were written.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import population
from benchmarks.harness import Result, Server, own_address, server

RATE = int(os.environ.get("NOTIFY_RATE", "500"))
SECONDS = int(os.environ.get("NOTIFY_SECONDS", "20"))
ENTITIES = 1_980
BY_ID = 5
BUCKETS = ENTITIES // population.BUCKET + 1
PATIENCE = 120.0


def notified(*, guarded: bool = False) -> Result:
    """On a server of its own, so that nobody else's writes are matched against 10,000 subscriptions."""
    with server(guarded=guarded) as one, tempfile.TemporaryDirectory() as folder:
        out, host = Path(folder) / "came", own_address() if guarded else "127.0.0.1"
        with subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peer.receiver", str(out), host],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as receiver:
            assert receiver.stdin
            assert receiver.stdout
            subscribe(one, f"http://{host}:{int(receiver.stdout.readline())}/notify")
            before = one.cpu()
            sent = patch(one)
            waited = until_settled(one)
            cpu = one.cpu() - before
            receiver.stdin.close()
        return judge(sent, out, cpu, waited)


def subscribe(one: Server, uri: str) -> None:
    """10,000 subscriptions on 1,980 entities."""
    for batch in population.batches(ENTITIES):
        one.ask("POST", "/ngsi-ld/v1/entityOperations/create", batch)
    common = {
        "type": "Subscription",
        "watchedAttributes": ["level"],
        "notification": {"attributes": ["level"], "endpoint": {"uri": uri, "accept": "application/json"}},
    }
    for number in range(ENTITIES * BY_ID):
        chosen: dict[str, Any] = {
            "entities": [{"type": population.TYPE, "id": population.id_of(number % ENTITIES)}]
        }
        one.ask("POST", "/ngsi-ld/v1/subscriptions", common | chosen)
    for bucket in range(BUCKETS):
        chosen = {"entities": [{"type": population.TYPE}], "q": f"bucket=={bucket}"}
        one.ask("POST", "/ngsi-ld/v1/subscriptions", common | chosen)


def patch(one: Server) -> dict[int, tuple[int, float]]:
    """By number: (entity, when it was due), of what was acknowledged. Raises SystemExit for any other answer."""
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks.peer.patcher", *map(str, (one.port, RATE, SECONDS, ENTITIES))],
        check=True,
        stdout=subprocess.PIPE,  # what goes wrong is seen
        text=True,
        env={**os.environ, "TOKEN": one.token},
    ).stdout
    sent: dict[int, tuple[int, float]] = {}
    for line in said.splitlines():
        number, entity, due, _, status = line.split()
        if status != "204":
            raise SystemExit(f"PATCH {number} was answered {status}")
        sent[int(number)] = int(entity), float(due)
    return sent


def until_settled(one: Server) -> float:
    """Seconds until the server owes nothing any more."""
    began = time.monotonic()
    while one.metric("kitamae_notifications_owed") > 0 and time.monotonic() - began < PATIENCE:
        time.sleep(0.2)
    return time.monotonic() - began


def judge(sent: dict[int, tuple[int, float]], out: Path, cpu: float, waited: float) -> Result:
    """Every notification once or more, in order, and how long after its PATCH was due."""
    ids: Counter[str] = Counter()
    per_change: Counter[int] = Counter()
    last: dict[tuple[str, str], int] = {}
    delays: list[float] = []
    disorder = 0
    with out.open("rb") as file:
        for line in file:
            at, _, text = line.partition(b" ")
            message = json.loads(text)
            ids[message["id"]] += 1
            if ids[message["id"]] > 1:
                continue
            for entity in message["data"]:
                number = int(entity["level"]["value"])
                per_change[number] += 1
                delays.append(float(at) - sent[number][1])
                series = message["subscriptionId"], entity["id"]
                disorder += number < last.get(series, -1)
                last[series] = number
    delays.sort()
    wanted = len(sent) * (BY_ID + 1)
    wrong = sum(per_change[number] != BY_ID + 1 for number in sent)
    if wrong or disorder or len(delays) != wanted:
        raise SystemExit(
            f"{len(delays)} of {wanted} arrived; {wrong} changes not told 6 times; {disorder} out of order"
        )
    return Result(
        f"{RATE} PATCH/s against 10,000 subscriptions of which 6 match each: p99 to the receiver",
        delays[len(delays) * 99 // 100],
        cpu / len(sent) * 1e6,
        1.0,
        " s",
        (delays[0], delays[-1]),
        f"{delays[len(delays) // 2] * 1000:.0f} ms median",
        f"{len(delays):,} of {wanted:,} delivered, each entity in order; settled {waited:.1f} s after the last PATCH",
    )
