"""Measure every claim, print the table, and keep it in docs/bench.md (`make bench`)."""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
from pathlib import Path

from benchmarks import claims
from benchmarks.harness import ROUNDS, SECONDS, Result, disk, machine, server

CLAIMS = (
    claims.get_entity,
    claims.query_hot,
    claims.near,
    claims.history,
    claims.patch_attribute,
    claims.batch_upsert,
    claims.memory,
)
PEERS = {
    "GET": "Orion-LD, 1 CPU + MongoDB on 4-8 CPU: 4,200/s",
    "PATCH": "Orion-LD, same: 1,400/s with history; Stellio, 8 vCPU: 120-417/s",
    "batch": "Scorpio: 20,000 entities in 62 s",
    "query": "Orion-LD: 2,500/s; Antares in memory: 3,076/s on one core",
}


def table(results: list[Result]) -> str:
    """Markdown."""
    lines = [
        "| work | at least | measured | least - most | server CPU / operation | p99 | peers' published figures |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in results:
        bound = f"{one.target:,.0f}{one.unit}" if one.unit != "MB" else f"at most {one.target:.0f} MB"
        got = f"**{one.rate:,.0f}**{one.unit if one.unit != 'MB' else ' MB'}{'' if one.held else ' (short)'}"
        peer = next((said for word, said in PEERS.items() if one.work.startswith(word)), "")
        spread = f"{one.spread[0]:,.0f} - {one.spread[1]:,.0f}" if one.spread[1] else ""
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
    if not shutil.which("wrk"):
        raise SystemExit("wrk is missing. As root: apt-get install wrk")
    results = []
    with server() as one:
        claims.prepare(one)
        for claim in CLAIMS:
            if not chosen.only or claim.__name__ in chosen.only:
                results.append(claim(one))
                print(table(results[-1:]).splitlines()[-1], flush=True)
    text = (
        f"{machine()}; fdatasync of 4 kB: {disk():.0f} us; {ROUNDS} rounds of {SECONDS} s, medians; "
        f"wrk on the same cores; {dt.datetime.now(dt.UTC):%Y-%m-%d}.\n\n{table(results)}\n"
    )
    print("\n" + text)
    if chosen.write:
        head = "# What was measured\n\n`make bench` made this table. Nothing is cached that durability would miss.\n\n"
        chosen.write.write_text(head + text, "utf-8")


main()
