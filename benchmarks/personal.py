"""The claims about personal data: a record read for a purpose with its receipt durable, and a person with 10,000 records erased.

Whoever reads sends a token, the policy is asked, the receipt and its leaf are committed, and only then is anything
decrypted. How many receipts were left is read from the ledger's checkpoint.
"""

from __future__ import annotations

import json
import statistics
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from benchmarks.harness import ROUNDS, Result, Server, load

PERSONS: Final = 2_000
RECORDS: Final = 10_000  # of whoever is erased
PURPOSE: Final = "identity"
FIELDS: Final = {
    "name": "計測 太郎",
    "kana": "ケイソク タロウ",
    "address": "計測市一丁目1番地",
    "birth_date": "1950-04-01",
}
_AT_ONCE: Final = 16


def personal_read(one: Server) -> Result:
    """Read of a personal record: authenticated, policy, decrypted, receipted, durable."""
    token = _token(one)
    _keep(one, token, [f"person-{n:05}" for n in range(PERSONS)])
    before = _logged(one)
    rate, spread, cpu, p99 = load(one, "person.lua", str(PERSONS), token)
    left = _logged(one) - before
    return Result(
        "personal record: policy, receipt, decrypted",
        rate,
        cpu,
        800,
        spread=spread,
        p99=p99,
        note=f"{left:,} receipts in the log",
    )


def erase(one: Server) -> Result:
    """Erase a person with 10,000 records; the slowest of the rounds counts."""
    token = _token(one)
    seconds = []
    before = one.cpu()
    for n in range(max(1, ROUNDS)):
        person = f"erased-{n}"
        _keep(one, token, [person] * RECORDS)
        began = time.perf_counter()
        told = _ask(one, token, "DELETE", f"/people/{person}/records?purpose={PURPOSE}")
        seconds.append(time.perf_counter() - began)
        if told["records"] != RECORDS:
            raise SystemExit(f"{told['records']} records were erased, not {RECORDS}")
        if _ask(one, token, "GET", f"/people/{person}/records?purpose={PURPOSE}")["records"]:
            raise SystemExit("an erased person was read")
    cpu = (one.cpu() - before) / len(seconds) / RECORDS * 1e6
    return Result(
        "erase a person with 10,000 records", max(seconds), cpu, 1, unit=" s",
        spread=(min(seconds), max(seconds)), note=f"median {statistics.median(seconds):.2f} s; CPU with writing a record",
    )  # fmt: skip


def _logged(one: Server) -> int:
    """The size of the log, once nothing is added to it any more."""
    sizes = [-1]
    while True:
        time.sleep(2)
        with urllib.request.urlopen(one.url + "/ledger/checkpoint", timeout=60) as answer:
            sizes.append(int(answer.read().split(b"\n")[1]))
        if sizes[-1] == sizes[-2]:
            return sizes[-1]


def _token(one: Server) -> str:
    return one.make_token(*[f"{action}:person:{PURPOSE}" for action in ("read", "write", "delete")])


def _keep(one: Server, token: str, persons: list[str]) -> None:
    sent = {"class": PURPOSE, "kind": "person", "fields": FIELDS}
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for _ in threads.map(
            lambda person: _ask(one, token, "POST", f"/people/{person}/records", sent), persons
        ):
            pass


def _ask(one: Server, token: str, method: str, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(one.url + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read())
