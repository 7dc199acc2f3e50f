"""The claim about size: with 1,000,000 entities and 10,000,000 changes, GET, query and near are within 1.3 times.

The same server is measured when it holds 100,000 entities, and again when it holds the million. BENCH_DIR needs 20 GB.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from benchmarks import claims, population
from benchmarks.harness import Result, Server, server

ENTITIES: Final = 1_000_000
CHANGES: Final = 10_000_000
WITHIN: Final = 1.3
CLAIMS: Final = (claims.get_entity, claims.query_hot, claims.near)


def million() -> list[Result]:
    """On a server of its own."""
    with server() as one:
        claims.prepare(one)
        before = [claim(one) for claim in CLAIMS]
        grow(one)
        after = [claim(one) for claim in CLAIMS]
        note = f"{claims.metric(one):,.0f} changes; with 100,000 entities"
    return [
        replace(
            now,
            work=now.work if f"{ENTITIES:,}" in now.work else f"{now.work} of {ENTITIES:,}",
            target=was.rate / WITHIN,
            note=f"{note}: {was.rate:,.0f}/s",
        )
        for was, now in zip(before, after, strict=True)
    ]


def grow(one: Server) -> None:
    """All entities, then readings until there are as many changes as the claim says, all over the entities."""
    for start in range(one.count, ENTITIES, 500):
        batch = [population.entity(number) for number in range(start, start + 500)]
        one.ask("POST", "/ngsi-ld/v1/entityOperations/create", batch)
    one.count = ENTITIES
    turn = 0
    while claims.metric(one) < CHANGES:
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
