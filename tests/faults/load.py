"""Writers who go on whatever happens, and remember what they were told about each write.

Each write has a number of its own, which is the value of the attribute `n` that it writes. A writer waits for its answer
before it writes the next one, so for each writer the numbers of an entity can only rise.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faults.server import Server

Told = Literal["kept", "refused", "unknown"]
DELETED = "urn:ngsi-ld:null"
_API = "/ngsi-ld/v1"


@dataclass
class Ledger:
    """What was said of every write. `writers`: number -> who wrote it."""

    told: dict[str, dict[int, Told]] = field(default_factory=dict)
    writers: dict[int, str] = field(default_factory=dict)
    deleted: dict[str, list[Told]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)  # answers that no fault excuses

    def count(self, what: Told) -> int:
        """Of all writes, deletions too."""
        numbers = sum(told == what for of in self.told.values() for told in of.values())
        return numbers + sum(told == what for of in self.deleted.values() for told in of)


class Load:
    """`async with Load(servers, "round-1", writers=4) as load:` writes until the end of the block.

    `writers` of each of five kinds, spread over the servers; each rests `pace` seconds after an answer. Two of them race on
    each `Raced` entity, over different servers where there are several.
    """

    def __init__(self, servers: Sequence[Server], name: str, writers: int = 4, pace: float = 0.02) -> None:
        self.ledger = Ledger()
        self._servers, self._name = servers, name
        self._numbers = count(1)
        self._kept = asyncio.Condition()
        self._total = 0
        self._stop = False
        self._tasks: list[asyncio.Task[None]] = []
        self._writers, self._pace = writers, pace

    def id_of(self, kind: str, number: int) -> str:
        """`urn:ngsi-ld:Sensor:round-1:0`."""
        return f"urn:ngsi-ld:{kind}:{self._name}:{number}"

    async def __aenter__(self) -> Load:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=30),
            connector=aiohttp.TCPConnector(limit=0),
        )
        for n in range(self._writers):
            there = self._servers[n % len(self._servers)]
            batch = [self.id_of("Batch", 10 * n + one) for one in range(10)]
            writers = [
                self._sensor(there, f"sensor {n}", self.id_of("Sensor", n)),
                self._batch(there, f"batch {n}", batch),
                self._guest(there, f"guest {n}", self.id_of("Guest", n)),
                self._sensor(self._servers[0], f"left {n}", self.id_of("Raced", n)),
                self._sensor(self._servers[-1], f"right {n}", self.id_of("Raced", n)),
            ]
            self._tasks += [asyncio.create_task(one) for one in writers]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop = True
        for server in self._servers:
            server.alive.set()  # who waits for it may go home
        await asyncio.gather(*self._tasks)
        await self._session.close()

    async def more(self, writes: int) -> None:
        """Until so many more writes were acknowledged. Raises TimeoutError when they do not come."""
        async with asyncio.timeout(120), self._kept:
            until = self._total + writes
            await self._kept.wait_for(lambda: self._total >= until)

    # --- writers
    async def _sensor(self, server: Server, writer: str, id: str) -> None:
        there = False
        while not self._stop:
            number = self._take(writer)
            if there:
                told, _ = await self._ask(server, "PATCH", f"/entities/{id}/attrs", _n(number))
            else:
                entity = {"id": id, "type": id.split(":")[2], **_n(number)}
                told, _ = await self._ask(server, "POST", "/entityOperations/upsert?options=update", [entity])
                there = told == "kept"
            await self._note(id, number, told)

    async def _batch(self, server: Server, writer: str, ids: Sequence[str]) -> None:
        while not self._stop:
            numbers = [self._take(writer) for _ in ids]
            entities = [{"id": id, "type": "Batch", **_n(n)} for id, n in zip(ids, numbers, strict=True)]
            told, answer = await self._ask(
                server, "POST", "/entityOperations/upsert?options=update", entities
            )
            failed = (
                {one["entityId"] for one in answer.get("errors", ())} if isinstance(answer, dict) else set()
            )
            for id, number in zip(ids, numbers, strict=True):
                await self._note(id, number, "refused" if id in failed else told)

    async def _guest(self, server: Server, writer: str, id: str) -> None:
        there: bool | None = False  # None: nobody knows
        while not self._stop:
            if there is not True:
                number = self._take(writer)
                told, _ = await self._ask(
                    server,
                    "POST",
                    "/entities",
                    {"id": id, "type": "Guest", **_n(number)},
                    known=(409,) if there is None else (),
                )
                await self._note(id, number, told)
                there = True if told == "kept" else None if told == "unknown" or there is None else there
            if there is not False:
                told, answer = await self._ask(server, "DELETE", f"/entities/{id}", known=(404,))
                if told == "refused" and answer is not None and answer.get("status") == 404:
                    told = (
                        "unknown"  # the client itself asks again on a new connection when an old one breaks
                    )
                self.ledger.deleted.setdefault(id, []).append(told)
                there = False if told == "kept" else None if told == "unknown" or there is None else there

    # --- what they are told
    def _take(self, writer: str) -> int:
        number = next(self._numbers)
        self.ledger.writers[number] = writer
        return number

    async def _note(self, id: str, number: int, told: Told) -> None:
        self.ledger.told.setdefault(id, {})[number] = told
        if told == "kept":
            async with self._kept:
                self._total += 1
                self._kept.notify_all()

    async def _ask(
        self, server: Server, method: str, path: str, sent: Any = None, known: tuple[int, ...] = ()
    ) -> tuple[Told, Any]:
        """`known`: answers that an earlier, unknown outcome explains."""
        await asyncio.sleep(self._pace)
        await server.alive.wait()
        try:
            async with self._session.request(method, server.address + _API + path, json=sent) as response:
                answer = await response.json(content_type=None) if response.content_length != 0 else None
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.01)
            return "refused", None  # nobody was there to hear it
        except (aiohttp.ClientError, TimeoutError):
            return "unknown", None
        if response.status in (200, 201, 204, 207):
            return "kept", answer
        if response.status not in (503, 507, *known):
            self.ledger.wrong.append(f"{method} {path}: {response.status} {answer}")
        return "refused", answer


def _n(number: int) -> dict[str, Any]:
    return {"n": {"type": "Property", "value": number}}
