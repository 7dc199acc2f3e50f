"""The claims of the keel: each function does one work on a server that holds `count` entities."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks import population
from benchmarks.database import least
from benchmarks.harness import Result, Server, load

HISTORY = 1_440


def get_entity(one: Server) -> Result:
    """GET an entity of 1 kB by its id."""
    got = one.ask("GET", f"/ngsi-ld/v1/entities/{population.id_of(77)}")
    assert got["名称"]["value"] == "加賀市第77集会所", got
    rate, spread, cpu, p99 = load(one, "get.lua", str(one.count))
    return Result(
        f"GET entity by id ({population.kilobytes():.1f} kB)",
        rate,
        cpu,
        least(10_000, 6_000),
        spread=spread,
        p99=p99,
    )


def patch_attribute(one: Server) -> Result:
    """PATCH one attribute, durable, with history, 50 connections; every acknowledged write is in the history."""
    before = metric(one)
    rate, spread, cpu, p99 = load(one, "patch.lua", str(one.count))
    some = one.ask(
        "GET",
        f"/ngsi-ld/v1/temporal/entities?type={population.TYPE}&attrs=level&lastN=2&timerel=after"
        "&timeAt=2020-01-01T00:00:00Z&limit=5",
    )
    assert some, "the history of the patched attribute is empty"
    note = f"{metric(one) - before:.0f} changes kept"
    return Result(
        "PATCH one attribute, durable, with history, 50 connections",
        rate,
        cpu,
        least(3_500, 2_500),
        spread=spread,
        p99=p99,
        note=note,
    )


def metric(one: Server) -> float:
    """How many changes the server has committed."""
    return one.metric("kitamae_commit_changes_sum")


def batch_upsert(one: Server) -> Result:
    """Batch upsert of 100 whole entities a request: eight attributes each, all of them written to history every time."""
    return upsert(
        one, lambda entity: entity, f"whole entities of {population.kilobytes():.1f} kB, 8 attributes"
    )


def batch_readings(one: Server) -> Result:
    """Batch upsert of 100 entities a request as gateways send them: one reading each, with its unit and time."""
    return upsert(
        one,
        lambda entity: {name: entity[name] for name in ("id", "type", "level")},
        "one reading each with unit and time",
    )


def upsert(one: Server, cut: Callable[[dict[str, Any]], dict[str, Any]], what: str) -> Result:
    """10,000 entities in turn; every time round, each has another value and time."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False) as file:
        for turn in range(3):
            for start in range(0, 10_000, 100):
                entities = [population.entity(number) for number in range(start, start + 100)]
                for number, entity in enumerate(entities):
                    entity["level"] |= {
                        "value": start + number + turn / 10,
                        "observedAt": f"2026-02-0{turn + 1}T00:00:00Z",
                    }
                file.write(json.dumps([cut(entity) for entity in entities], ensure_ascii=False) + "\n")
    rate, spread, cpu, p99 = load(one, "upsert.lua", file.name, connections=8, weight=100)
    Path(file.name).unlink()
    work = f"batch upsert of 100 entities per request ({what}), durable, with history"
    return Result(work, rate, cpu, 12_000, " entities/s", spread, p99)


def query_hot(one: Server) -> Result:
    """Type and `q` on a declared index: 20 hits of all."""
    got = one.ask("GET", f"/ngsi-ld/v1/entities?type={population.TYPE}&q=bucket==17&limit=20")
    assert {entity["id"] for entity in got} == {population.id_of(17 * 20 + n) for n in range(20)}, got
    rate, spread, cpu, p99 = load(one, "query.lua", str(one.count // population.BUCKET), connections=20)
    return Result(
        f"query type + q on a declared index, 20 hits of {one.count:,}",
        rate,
        cpu,
        least(2_500, 1_500),
        spread=spread,
        p99=p99,
    )


def near(one: Server) -> Result:
    """Near a point: the 20 that are found of all; the more there are, the nearer."""
    within = round(250 * (100_000 / one.count) ** 0.5)
    draw = random.Random(3)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
        for _ in range(500):
            lon = round(draw.uniform(population.WEST + 0.02, population.EAST - 0.02), 5)
            lat = round(draw.uniform(population.SOUTH + 0.02, population.NORTH - 0.02), 5)
            file.write(
                f"/ngsi-ld/v1/entities?type={population.TYPE}&georel={quote(f'near;maxDistance=={within}')}"
                f"&geometry=Point&coordinates={quote(f'[{lon},{lat}]')}&limit=20\n"
            )
    path = Path(file.name).read_text().splitlines()[0]
    found = len(one.ask("GET", path))
    assert 0 < found <= 20, found
    rate, spread, cpu, p99 = load(one, "lines.lua", file.name, connections=20)
    Path(file.name).unlink()
    return Result(
        f"near query, 20 hits of {one.count:,}", rate, cpu, least(1_500, 1_000), spread=spread, p99=p99
    )


def history(one: Server) -> Result:
    """The last 1,440 readings (a day of minutes) of one attribute, of one of 20 gauges."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
        for gauge in range(20):
            file.write(
                f"/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:Gauge:bench:{gauge}"
                f"?attrs=level&lastN={HISTORY}&options=temporalValues\n"
            )
    got = one.ask("GET", Path(file.name).read_text().splitlines()[3])
    assert len(got["level"]["values"]) == HISTORY, len(got["level"]["values"])
    rate, spread, cpu, p99 = load(one, "lines.lua", file.name, connections=10)
    Path(file.name).unlink()
    return Result("one attribute's last 1,440 readings", rate, cpu, 300, spread=spread, p99=p99)


def prepare(one: Server) -> None:
    """All entities, and 20 gauges with 1,500 readings each."""
    for batch in population.batches(one.count):
        one.ask("POST", "/ngsi-ld/v1/entityOperations/create", batch)
    for minute in range(HISTORY + 60):
        at = f"2026-03-{1 + minute // 1440:02d}T{minute // 60 % 24:02d}:{minute % 60:02d}:00Z"
        one.ask(
            "POST",
            "/ngsi-ld/v1/entityOperations/upsert?options=update",
            [
                {
                    "id": f"urn:ngsi-ld:Gauge:bench:{gauge}",
                    "type": "Gauge",
                    "level": {"type": "Property", "value": minute / 100 + gauge, "observedAt": at},
                }
                for gauge in range(20)
            ],
        )


def memory(one: Server) -> Result:
    """Resident memory once there are 1,000,000 changes, after everything above has been asked of it."""
    while (done := metric(one)) < 1_000_000:
        turn = int(done)
        for start in range(0, 20_000, 500):
            one.ask(
                "POST",
                "/ngsi-ld/v1/entityOperations/upsert?options=update",
                [
                    {
                        "id": population.id_of(number),
                        "type": population.TYPE,
                        "level": {"type": "Property", "value": turn + number},
                    }
                    for number in range(start, start + 500)
                ],
            )
    return Result(
        "server memory with 100,000 entities and 1,000,000 changes",
        one.memory(),
        0.0,
        300,
        "MB",
        note=f"{metric(one):,.0f} changes",
    )
