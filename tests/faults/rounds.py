"""One fault after the other on one city, each under a load of its own, judged when the load is over."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING

from faults.judge import judge
from faults.kinds import EMBEDDED, Scene, clock_steps, small_disk
from faults.load import Load
from faults.receivers import Receiver
from faults.server import Server

if TYPE_CHECKING:
    from pathlib import Path

    from faults.judge import Verdict

DISK_MB = 128
EVERYTHING = ("Sensor", "Batch", "Guest", "Raced")


def subscribers(times: int) -> list[Receiver]:
    """One of each kind; the rude ones are rude so many times in a round."""
    return [
        Receiver("well-mannered", EVERYTHING),
        Receiver("slow", ("Raced",), pause=0.02),
        Receiver("answers 500 now and then", ("Sensor", "Guest"), refuses=15, times=times),
        Receiver("loses its answers", ("Batch", "Raced"), drops=25, times=times),
        Receiver("behind a network that repeats and reorders", ("Sensor",), holds=15, times=times),
        Receiver("second", EVERYTHING),
    ]


class City:
    """`async with City(place, size) as city:` a server with its subscribers; then `round` after `round`.

    `place`: an empty directory. `size`: how much of each fault.
    """

    def __init__(self, place: Path, size: int = 1, seed: int = 2026) -> None:
        self.faults = EMBEDDED
        self._server = Server(place / "data")
        self._size = size
        self._draw = random.Random(seed)
        self._receivers = subscribers(2 * size)
        self._rest = contextlib.AsyncExitStack()

    async def __aenter__(self) -> City:
        async with self._rest as opening:
            opening.enter_context(small_disk(self._server, DISK_MB * self._size))
            opening.push_async_callback(self._server.down)
            await self._server.up()
            for one in self._receivers:
                opening.push_async_callback(one.die)
                await one.listen()
                await one.subscribe(self._server)
            self._rest = opening.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rest.aclose()

    async def round(self, name: str) -> Verdict:
        """Load, the fault, the end of the load, and what is to be said about it."""
        fault = self.faults[name]
        for one in self._receivers:
            one.forget()
        async with Load(
            self._server, f"round-{self._draw.randrange(10**9)}", writers=2, pace=0.02 / self._size
        ) as load:
            note = await fault(Scene(self._server, load, self._receivers, self._draw, self._size))
        by_time = fault is not clock_steps
        verdict = await judge(name, self._server, load.ledger, self._receivers, by_time=by_time)
        verdict.note = note
        return verdict
