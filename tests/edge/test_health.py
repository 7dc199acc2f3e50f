from __future__ import annotations

from pathlib import Path
from typing import Any

from kitamae.edge.health import Health
from kitamae.kernel.context import clock
from kitamae.kernel.context.store import Owed
from kitamae.kernel.problems import StoreFull

MINUTE = 60_000_000


class Stored:
    """A store that says what the test wants."""

    def __init__(self, *, full: bool = False, waits: int | None = None) -> None:
        self.full, self.waits = full, waits
        self.writes = 0

    async def transact(self, work: Any) -> None:
        self.writes += 1
        if self.full:
            raise StoreFull("the disk is full")

    async def queues(self) -> list[tuple[str, str, int]]:
        return [] if self.waits is None else [("", "urn:s", 1)]

    async def owed(self, queue: str, after: int, most: int) -> list[Owed]:
        assert self.waits is not None
        return [Owed(1, "", queue, 1, clock.now() - self.waits, b"")]


def health(store: Any, tmp_path: Path, *, free: int = 0, loading: str = "") -> Health:
    return Health(store, tmp_path, free, 15, lambda: loading)


async def test_a_city_that_can_serve_says_so(tmp_path: Path) -> None:
    status, report = await health(Stored(), tmp_path).ready()
    assert (status, report["status"]) == (200, "pass")


async def test_a_store_that_cannot_write_is_not_ready_and_says_why(tmp_path: Path) -> None:
    status, report = await health(Stored(full=True), tmp_path).ready()
    assert (status, report["status"]) == (503, "fail")
    assert report["checks"]["store:writable"][0]["output"] == "the disk is full"


async def test_too_little_room_is_not_ready(tmp_path: Path) -> None:
    assert (await health(Stored(), tmp_path, free=10**12).ready())[0] == 503


async def test_a_city_being_loaded_is_not_ready(tmp_path: Path) -> None:
    status, report = await health(Stored(), tmp_path, loading="kaga is being loaded").ready()
    assert status == 503
    assert report["checks"]["city:loaded"][0]["output"] == "kaga is being loaded"


async def test_a_receiver_that_is_down_warns_and_does_not_take_the_city_off(tmp_path: Path) -> None:
    assert (await health(Stored(waits=MINUTE), tmp_path).ready())[1]["status"] == "pass"
    status, report = await health(Stored(waits=16 * MINUTE), tmp_path).ready()
    assert (status, report["status"]) == (200, "warn")


async def test_asking_often_costs_no_commits(tmp_path: Path) -> None:
    store = Stored()
    asked = health(store, tmp_path)
    for _ in range(50):
        await asked.ready()
    assert store.writes == 1
