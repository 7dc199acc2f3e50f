"""Durable appends to the ledger over HTTP, and how long each takes until it is in a signed checkpoint."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from benchmarks.harness import Result, Server, load, server

TARGET = 3_000
STATEMENT = {"register": "wells", "statement": {"id": "urn:ngsi-ld:Sensor:probe"}}


def ledger() -> Result:
    """One statement a request, 50 connections; every one that was acknowledged is in the log at the end."""
    with server() as one:
        token = _token(one)
        slowest: list[float] = []
        done = threading.Event()
        probing = threading.Thread(target=_probe, args=(one, token, slowest, done))
        probing.start()
        try:
            rate, spread, cpu, p99 = load(one, "ledger.lua", token)
        finally:
            done.set()
            probing.join()
        last = _published(one, _append(one, token))
        size = int(_get(one, "/ledger/checkpoint").split(b"\n")[1])
        assert size == last + 1, f"the last entry that was acknowledged is {last}, and the log has {size}"
        assert slowest, "nothing was probed"
    note = f"{size:,} entries; in a signed checkpoint after {max(slowest):.2f} s at most, {len(slowest)} probes; bound: 1 s"
    return Result(
        "append to the ledger, durable, one statement a request, 50 connections",
        rate,
        cpu,
        TARGET,
        spread=spread,
        p99=p99,
        note=note,
    )


def _token(one: Server) -> str:
    command = [sys.executable, "-m", "kitamae", "token", "create", "bench", "operate:system:ledger"]
    made = subprocess.run([*command, "--data", str(one.data)], capture_output=True, text=True, check=True)
    return next(word for word in made.stdout.split() if word.startswith("kitamae_token_"))


def _append(one: Server, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{one.url}/ledger/entries", json.dumps(STATEMENT).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(json.loads(answer.read())["number"])


def _get(one: Server, path: str) -> bytes:
    with urllib.request.urlopen(one.url + path, timeout=60) as answer:
        found: bytes = answer.read()
    return found


def _published(one: Server, number: int) -> int:
    """Its index, once it is there."""
    while True:
        try:
            return int(json.loads(_get(one, f"/ledger/entries/{number}"))["index"])
        except urllib.error.HTTPError:
            time.sleep(0.02)


def _probe(one: Server, token: str, slowest: list[float], done: threading.Event) -> None:
    """From the acknowledgement on."""
    while not done.wait(0.5):
        number = _append(one, token)
        began = time.perf_counter()
        _published(one, number)
        slowest.append(time.perf_counter() - began)
