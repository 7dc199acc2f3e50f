"""The claim about size: with 1,000,000 entities and 10,000,000 changes, GET, query and near are within 1.3 times.

A server is measured when it holds 100,000 entities, and one that holds the million beside it. BENCH_DIR needs 20 GB. Growing takes most of
an hour: with GROWN=DIR it happens there once (`python -m benchmarks.million`), whatever else the machine does, and DIR is measured later.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks import claims, population
from benchmarks.harness import Result, Server, server

ENTITIES: Final = 1_000_000
CHANGES: Final = 10_000_000
WITHIN: Final = 1.3
GROWN: Final = Path(os.environ["GROWN"]) if "GROWN" in os.environ else None
CLAIMS: Final = (claims.get_entity, claims.query_hot, claims.near)


def million() -> list[Result]:
    """On two servers of its own, one after the other."""
    demand_embedded()
    with server() as one:
        claims.prepare(one)
        before = [claim(one) for claim in CLAIMS]
    with Server(GROWN / "data") if GROWN else server() as one:
        changes = grow(one)
        after = [claim(one) for claim in CLAIMS]
        note = f"{changes:,.0f} changes; with 100,000 entities"
    return [
        replace(
            now,
            work=now.work if f"{ENTITIES:,}" in now.work else f"{now.work} of {ENTITIES:,}",
            target=was.rate / WITHIN,
            note=f"{note}: {was.rate:,.0f}/s",
        )
        for was, now in zip(before, after, strict=True)
    ]


def grow(one: Server) -> float:
    """All entities, then readings until there are as many changes as the claim says, all over the entities; how many changes.
    What was grown before stays as it is.
    """
    one.count = ENTITIES
    done = GROWN / "changes" if GROWN else None
    if done and done.exists():
        return float(done.read_text())
    for start in range(0, ENTITIES, 500):
        batch = [population.entity(number) for number in range(start, start + 500)]
        one.ask("POST", "/ngsi-ld/v1/entityOperations/upsert", batch)
    turn = 0
    while (changes := claims.metric(one)) < CHANGES:
        turn += 1
        for start in range(0, ENTITIES, 1_000):
            one.ask(
                "POST",
                "/ngsi-ld/v1/entityOperations/upsert?options=update",
                [
                    {
                        "id": population.id_of(number),
                        "type": population.TYPE,
                        "level": {"type": "Property", "value": turn + number / 1_000},
                    }
                    for number in range(start, start + 1_000)
                ],
            )
    if done:
        done.write_text(str(changes))
    return changes


def demand_embedded() -> None:
    """What is grown in a directory is SQLite's: beside another store's figures it would be compared with what it is not. Raises SystemExit."""
    if GROWN and os.environ.get("STORE", "sqlite") != "sqlite":
        raise SystemExit("GROWN=DIR holds a city on SQLite: leave out GROWN, or STORE")


if __name__ == "__main__":
    assert GROWN, "GROWN=DIR says where"
    demand_embedded()
    with Server(GROWN / "data") as fresh:
        grow(fresh)
