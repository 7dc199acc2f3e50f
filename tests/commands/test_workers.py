"""Two workers serve one city from one PostgreSQL."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from served_city import Served, kitamae, servers

import postgres_server
from receivers import Receiver

Workers = tuple[Served, Served]


def schema(place: Path) -> str:
    """The address of a schema of the test's own."""
    return postgres_server.dsn("w" + hashlib.blake2s(str(place).encode(), digest_size=8).hexdigest())


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Of one empty broker. Shared, so each test has entities of its own; the last one kills a worker."""
    place = tmp_path_factory.mktemp("workers")
    store = schema(place)
    with servers() as start:
        yield (
            start("--open", "--store", store, data=place / "a"),
            start("--open", "--store", store, data=place / "b"),
        )


def put(worker: Served, id: str, value: Any) -> None:
    sent = [{"id": f"urn:ngsi-ld:T:{id}", "type": "T", "v": {"type": "Property", "value": value}}]
    status, _, body = worker.ask("POST", "/ngsi-ld/v1/entityOperations/upsert", sent)
    assert status in (201, 204), body


def value(worker: Served, id: str) -> Any:
    status, _, body = worker.ask("GET", f"/ngsi-ld/v1/entities/urn:ngsi-ld:T:{id}?options=keyValues")
    return json.loads(body)["v"] if status == 200 else status


def subscribe(worker: Served, receiver: str) -> str:
    sent = {
        "type": "Subscription",
        "entities": [{"type": "T"}],
        "notification": {"endpoint": {"uri": receiver}, "format": "keyValues"},
    }
    status, headers, body = worker.ask("POST", "/ngsi-ld/v1/subscriptions", sent)
    assert status == 201, body
    return headers["Location"].rpartition("/")[2]


def again(headers: dict[str, str]) -> str | None:
    """After how many seconds."""
    return next((value for name, value in headers.items() if name.lower() == "retry-after"), None)


def told(receiver: Receiver) -> list[Any]:
    """The values in the order in which they came, without those that were sent again."""
    return list({one["id"]: one["data"][0]["v"] for one in receiver.messages}.values())


def test_what_one_worker_acknowledged_the_other_one_reads(workers: Workers) -> None:
    for n in range(20):
        put(workers[n % 2], "1", n)
        assert value(workers[1 - n % 2], "1") == n
    path = "/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:T:1?options=temporalValues"
    found = json.loads(workers[0].ask("GET", path)[2])
    assert [one[0] for one in found["v"]["values"]] == list(range(20))
    assert json.loads(workers[1].ask("GET", "/health")[2])["status"] == "pass"


def test_of_two_that_create_one_entity_at_the_same_time_one_succeeds(workers: Workers) -> None:
    def create(turn: int) -> int:
        sent = {"id": f"urn:ngsi-ld:Raced:{turn // 2}", "type": "Raced"}
        return workers[turn % 2].ask("POST", "/ngsi-ld/v1/entities", sent)[0]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(create, range(80)))
    assert [sorted(pair) for pair in zip(answers[::2], answers[1::2], strict=True)] == [[201, 409]] * 40


async def test_a_subscription_is_matched_by_whoever_writes_next_and_told_once_in_order(
    workers: Workers,
) -> None:
    a, b = workers
    async with Receiver() as receiver:
        id = await asyncio.to_thread(subscribe, a, receiver.uri)
        for n in range(30):
            await asyncio.to_thread(put, workers[(n + 1) % 2], "1", n)
        await receiver.got(30)
        assert told(receiver) == list(range(30))
        assert len(receiver.messages) == 30
        seen = json.loads((await asyncio.to_thread(b.ask, "GET", f"/ngsi-ld/v1/subscriptions/{id}"))[2])
        assert seen["id"] == id
        assert (await asyncio.to_thread(b.ask, "DELETE", f"/ngsi-ld/v1/subscriptions/{id}"))[0] == 204
        assert (await asyncio.to_thread(a.ask, "GET", f"/ngsi-ld/v1/subscriptions/{id}"))[0] == 404
        await asyncio.to_thread(put, a, "1", "unheard")
        other = await asyncio.to_thread(subscribe, b, receiver.uri)
        await asyncio.to_thread(put, a, "2", "heard")
        await receiver.got(31)
        assert told(receiver)[30:] == ["heard"], other


async def test_when_a_worker_is_killed_the_other_one_tells_what_was_owed(workers: Workers) -> None:
    a, b = workers
    async with Receiver() as receiver:
        ids = [await asyncio.to_thread(subscribe, a, f"{receiver.uri}/{n}") for n in range(8)]
        receiver.status = 503
        for n in range(5):
            await asyncio.to_thread(put, workers[n % 2], "1", n)
        a.kill()
        receiver.status = 204
        await asyncio.to_thread(put, b, "1", 5)
        await receiver.got(len(ids) * 6)
        by = {
            id: [one["data"][0]["v"] for one in receiver.messages if one["subscriptionId"] == id]
            for id in ids
        }
        assert {id: list(dict.fromkeys(values)) for id, values in by.items()} == {
            id: [*range(6)] for id in ids
        }


def test_while_the_database_is_away_writes_are_refused_and_afterwards_nothing_is_missing(
    tmp_path: Path,
) -> None:
    own = postgres_server.Cluster(postgres_server.folder())
    try:
        with servers() as start:
            worker = start("--open", "--store", postgres_server.dsn("city", own), data=tmp_path / "a")
            put(worker, "1", "before")
            own.stop(signal.SIGQUIT)  # as if the power went
            sent = {"v": {"type": "Property", "value": "never"}}
            status, headers, body = worker.ask("PATCH", "/ngsi-ld/v1/entities/urn:ngsi-ld:T:1/attrs", sent)
            assert (status, again(headers)) == (503, "1"), body
            status, headers, _ = worker.ask("GET", "/ngsi-ld/v1/entities/urn:ngsi-ld:T:1")
            assert (status, again(headers)) == (503, "1")
            own.start()
            assert value(worker, "1") == "before"
            put(worker, "1", "after")
            assert value(worker, "1") == "after"
    finally:
        own.remove()


def test_two_workers_that_load_one_city_at_the_same_time_load_it_once(tmp_path: Path) -> None:
    store = schema(tmp_path)
    with servers() as start:
        one, two = (start("--city", "cities/kaga", "--store", store, data=tmp_path / name) for name in "ab")
        counts = []
        for worker in (one, two):
            while json.loads(worker.ask("GET", "/health")[2])["status"] == "fail":
                pass
            found = worker.ask("GET", "/ngsi-ld/v1/entities?type=PublicToilet&count=true&limit=0")
            counts.append(found[1]["ngsild-results-count"])
            assert worker.ask("GET", "/")[0] == 200
        assert counts[0] == counts[1] != "0"
        assert [one.stop(), two.stop()] == [0, 0]
    down = kitamae("upgrade", "--to", "0", "--store", store)
    assert (down.returncode, down.stdout) == (
        0,
        "version 1 -> 0\n",
    ) or "expected a version from 1" in down.stderr
    again = kitamae("upgrade", "--store", store)
    assert again.returncode == 0, again.stderr
