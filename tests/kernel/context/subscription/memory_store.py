"""As much of a store as subscriptions need, in memory; what it holds survives the `Subscriptions` on top of it."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import orjson

from kitamae.kernel.context import clock
from kitamae.kernel.context.operations import Command
from kitamae.kernel.context.query import match
from kitamae.kernel.context.store import Change, Found, Owed, Row


class MemoryStore:
    def __init__(self) -> None:
        self.entities: dict[tuple[str, str], Any] = {}
        self.docs: dict[tuple[str, str, str], Any] = {}
        self.owed_rows: dict[int, Owed] = {}
        self.number = self.seq = 0
        self.at = clock.now()
        self.lock = asyncio.Lock()
        self.reborn()

    def reborn(self) -> None:
        """Whoever listened is gone, as after a restart."""
        self.watchers: list[Any] = []
        self.listeners: list[Any] = []
        self.reads = 0

    def on_change(self, watch: Any) -> None:
        self.watchers.append(watch)

    def on_owed(self, heard: Any) -> None:
        self.listeners.append(heard)

    def serves(self, name: str) -> bool:
        return True

    def on_serving(self, changed: Any) -> None:
        """There is no other worker."""

    def on_documents(self, heard: Any) -> None:
        """There is no other worker."""

    async def catch_up(self) -> None:
        """There is no other worker."""

    def tell(self, last: int) -> None:
        """What is owed since then."""
        owed = [one for number, one in sorted(self.owed_rows.items()) if number > last]
        for heard in self.listeners if owed else ():
            heard(owed)

    async def apply(self, commands: list[Command]) -> list[Any]:
        async with self.lock:
            effects, last = [], self.number
            for command in commands:
                self.at += 1
                key = (command.tenant, command.id)
                effect = command.operation.apply(self.entities.get(key), self.at)
                effects.append(effect)
                if effect.verb == "none":
                    continue
                self.seq += 1
                change = Change(
                    self.seq, command.tenant, command.id, "", effect.verb, self.at, "", [], effect.touched
                )
                for watch in self.watchers:
                    await watch(self, change, effect)
                if effect.after is None:
                    del self.entities[key]
                else:
                    self.entities[key] = effect.after
            self.tell(last)
            return effects

    async def find(self, query: Any) -> Found:
        found = [e for (t, _), e in self.entities.items() if t == query.tenant and match.entity(query, e)]
        return Found([Row(n, 1, orjson.dumps(e)) for n, e in enumerate(found)])

    async def transact(self, work: Any) -> Any:
        async with self.lock:
            await asyncio.sleep(0)
            last = self.number
            done = await work(self)
            self.tell(last)
            return done

    async def put(self, tenant: str, kind: str, id: str, doc: Any) -> None:
        self.docs[tenant, kind, id] = copy.deepcopy(doc)

    async def get(self, tenant: str, kind: str, id: str) -> Any:
        return copy.deepcopy(self.docs.get((tenant, kind, id)))

    async def drop(self, tenant: str, kind: str, id: str) -> bool:
        return self.docs.pop((tenant, kind, id), None) is not None

    async def documents(self, tenant: str | None, kind: str) -> list[tuple[str, str, Any]]:
        return [
            (t, i, copy.deepcopy(doc))
            for (t, k, i), doc in self.docs.items()
            if k == kind and tenant in (None, t)
        ]

    async def owe(self, tenant: str, queue: str, seq: int, payload: bytes) -> int:
        self.number += 1
        self.owed_rows[self.number] = Owed(self.number, tenant, queue, seq, self.at, payload)
        return self.number

    async def owed(self, queue: str, after: int, most: int) -> list[Owed]:
        self.reads += 1
        found = [one for one in self.owed_rows.values() if one.queue == queue and one.number > after][:most]
        await asyncio.sleep(0)
        return found

    async def queues(self) -> list[tuple[str, str, int]]:
        return list({one.queue: (one.tenant, one.queue, 1) for one in self.owed_rows.values()}.values())

    async def owing(self) -> list[tuple[str, int, int]]:
        sizes: dict[str, list[int]] = {}
        for one in self.owed_rows.values():
            sizes.setdefault(one.queue, []).append(len(one.payload))
        return [(queue, len(some), sum(some)) for queue, some in sizes.items()]

    async def settle(self, numbers: list[int]) -> None:
        await asyncio.sleep(0)
        for number in numbers:
            self.owed_rows.pop(number, None)
