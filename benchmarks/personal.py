"""The claims about personal data: a record read for a purpose with its receipt durable, and a person with 10,000 records erased.

Whoever reads sends a token, the policy is asked, the receipt and its leaf are committed, and only then is anything
decrypted. How many receipts were left is read from the ledger's checkpoint.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.harness import HERE, ROUNDS, Result, Server, load
from kitamae.app import Kitamae
from kitamae.directory.lock import Lock
from kitamae.kernel.people import secret
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.vault import Ordered
from kitamae.settings import Settings

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Transaction

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


def erase() -> Result:
    """Erase a person with 10,000 records, as two members of staff decided; the slowest of the rounds counts. In this process: over HTTP
    the second of them comes with a passkey.
    """
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=os.environ.get("BENCH_DIR", ".")) as folder:
        seconds, cpu = asyncio.run(_erased(Path(folder)))
    return Result(
        "erase a person with 10,000 records", max(seconds), cpu, 1, unit=" s",
        spread=(min(seconds), max(seconds)), note=f"median {statistics.median(seconds):.2f} s; CPU of erasing, a record",
    )  # fmt: skip


async def _erased(folder: Path) -> tuple[list[float], float]:
    """(Seconds of each round, microseconds of this process for each record.)"""
    shutil.copytree(HERE / "city", folder / "city")
    settings = Settings.chosen(data=folder / "data", city=folder / "city")
    seconds, used = [], 0.0

    async def decided(tx: Transaction, upto: int) -> None:
        """The second word is another row; what is measured is the erasing."""

    with Lock(folder / "data") as lock:
        kitamae = Kitamae(settings, lock)
        async with kitamae.running():
            vault, people = kitamae.city.vault, kitamae.city.people
            made, _ = await people.tokens.issue("bench", [f"delete:person:{PURPOSE}"])
            who = await people.who(secret.digest(made))
            for n in range(max(1, ROUNDS)):
                person = f"erased-{n}"
                for _ in range(RECORDS):
                    await vault.keep(SYSTEM, person, PURPOSE, "person", FIELDS)
                cpu, began = time.process_time(), time.perf_counter()
                told = await vault.erase_for(
                    who, person, PURPOSE, Ordered("staff-other", {"why": "計測のため"}, decided)
                )
                seconds.append(time.perf_counter() - began)
                used += time.process_time() - cpu
                if told.records != RECORDS:
                    raise SystemExit(f"{told.records} records were erased, not {RECORDS}")
    return seconds, used / len(seconds) / RECORDS * 1e6


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
