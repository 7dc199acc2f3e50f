"""Measure every claim, print the table, and keep it in docs/bench.md (`make bench`): each run and store in a section of its own."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
from pathlib import Path

from benchmarks import claims
from benchmarks.aggregated import aggregated
from benchmarks.congestion import congestion
from benchmarks.decided import decided
from benchmarks.guarded import guarded
from benchmarks.harness import ROUNDS, SECONDS, Result, disk, machine, server
from benchmarks.kept import STORES, commit, keep
from benchmarks.ledger import ledger
from benchmarks.million import million
from benchmarks.notified import notified
from benchmarks.outage import outage
from benchmarks.personal import erase, personal_read
from benchmarks.situation import situation

CLAIMS = (
    claims.get_entity,
    claims.query_hot,
    claims.near,
    claims.history,
    claims.patch_attribute,
    claims.batch_upsert,
    claims.batch_readings,
    claims.memory,
)
PERSONAL = (personal_read,)
"""On a server of its own; where persons' keys lie in keys.db, not on PostgreSQL."""
EMBEDDED = (erase, ledger)
"""With the embedded store alone: they find the city by its data directory."""
ON_SERVER = (outage,)
"""With PostgreSQL alone: it is stopped."""
ALONE = (aggregated, notified, decided, situation)
"""On a server of its own."""
APART = (guarded, million, congestion)
"""Each in a section of its own."""
LONG = (million, congestion)
"""Only when they are asked for by name: they take their time, or a series that is not on every machine."""
PEERS = {
    "GET": "Orion-LD, 1 CPU + MongoDB on 4-8 CPU: 4,200/s",
    "PATCH": "Orion-LD, same: 1,400/s with history; Stellio, 8 vCPU: 120-417/s",
    "batch": "Scorpio: 20,000 entities in 62 s",
    "append": "Tessera on a SAS disk, 12 cores: 2,900/s",
    "aggregated": "Stellio, 8 vCPU: 42/s",
    "500 PATCH": "Antares on 8 vCPU: 8.4 % delivered at 500/s",
    "query": "Orion-LD: 2,500/s; Antares in memory: 3,076/s on one core",
}

DIGITS = {" s": 2, " WAPE": 3}


def table(results: list[Result]) -> str:
    """Markdown."""
    lines = [
        "| work | at least | measured | least - most | server CPU / operation | p99 | peers' published figures |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in results:
        unit, digits = (" MB" if one.unit == "MB" else one.unit), DIGITS.get(one.unit, 0)
        bound = f"{'at most ' if one.ceiling else ''}{one.target:,.{2 if one.target < 1 else 0}f}{unit}"
        got = f"**{one.rate:,.{digits}f}**{unit}{'' if one.held else ' (short)'}"
        peer = next((said for word, said in PEERS.items() if one.work.startswith(word)), "")
        least, most = one.spread
        spread = f"{least:,.{digits}f} - {most:,.{digits}f}" if most else ""
        cpu = f"{one.cpu:,.0f} us" if one.cpu else ""
        note = f" ({one.note})" if one.note else ""
        lines.append(f"| {one.work}{note} | {bound} | {got} | {spread} | {cpu} | {one.p99} | {peer} |")
    return "\n".join(lines)


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="names of claims; all when none is given")
    parser.add_argument("--write", type=Path, help="where to keep the table")
    chosen = parser.parse_args()
    store = os.environ.get("STORE") or "sqlite"
    if store not in STORES:
        raise SystemExit(f"STORE={store}: expected {' or '.join(STORES)}")
    sections = [one.__name__ for one in APART]
    if chosen.write and not set(chosen.only) <= {*sections}:
        raise SystemExit(f"--write keeps whole sections: name no claim, or only {' and '.join(sections)}")
    if not shutil.which("wrk") and chosen.only != [congestion.__name__]:
        raise SystemExit("wrk is missing. As root: apt-get install wrk")
    done: dict[str, list[Result]] = {}

    def take(result: Result, run: str = "whole") -> None:
        done.setdefault(run, []).append(result)
        print(table([result]).splitlines()[-1], flush=True)

    loaded = [claim for claim in CLAIMS if not chosen.only or claim.__name__ in chosen.only]
    if loaded:
        with server() as one:
            claims.prepare(one)
            for claim in loaded:
                take(claim(one))
    personal = [claim for claim in PERSONAL if not chosen.only or claim.__name__ in chosen.only]
    if personal:
        with server() as one:
            for claim in personal if not one.store else ():
                take(claim(one))
    for alone in (*(EMBEDDED if store == "sqlite" else ON_SERVER), *ALONE):
        if not chosen.only or alone.__name__ in chosen.only:
            take(alone())
    for apart in APART:
        if apart.__name__ in chosen.only or (not chosen.only and apart not in LONG):
            for result in apart():
                take(result, apart.__name__)
    head = (
        f"{machine()}; {STORES[store]}, at {commit() or 'an unknown commit'}; fdatasync of 4 kB: {disk():.0f} us; "
        f"{ROUNDS} rounds of {SECONDS} s, medians; wrk on the same cores; {dt.datetime.now(dt.UTC):%Y-%m-%d}."
    )
    for run, results in done.items():
        body = f"{head}\n\n{table(results)}\n"
        print("\n" + body)
        if chosen.write:
            keep(chosen.write, run, store, body)


main()
