"""What somebody outside has not taken yet: kept in the store, and tried again until it is taken, or would be of no use any more.

Tried at once, then again after 30 seconds, a minute, two, at most an hour apart, by the one worker that serves it. What is given up is
counted for a day, so that somebody looks. It may be handed over twice where the server dies between that and noting it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Kept, Store, Transaction

SECOND: Final = 1_000_000
FIRST: Final = 30 * SECOND
_DAY: Final = 86_400 * SECOND
LONGEST: Final = 3_600 * SECOND
_LOOK: Final = 60.0
_log = structlog.get_logger("kitamae")


def pause(tries: int) -> int:
    """After so many tries that failed, microseconds until the next: 30 seconds, a minute, two, at most an hour."""
    return min(FIRST << min(tries - 1, 20), LONGEST)


class NotTaken(Exception):
    """Try again later."""


class OfNoUse(Exception):
    """It will never be taken."""


def entry(content: dict[str, Any], now: int, seconds: int, *, first: int = 0) -> dict[str, Any]:
    """A document that waits, to be kept by whoever knows what it follows from, in that transaction. `seconds`: after which it is of no
    use any more; `first`: when it is tried, after `now`. Moments and `first` in microseconds.
    """
    return {**content, "at": now, "tries": 0, "next": now + first, "until": now + seconds * SECOND}


class Waiting:
    """Documents of one kind. `run` is for one worker at a time."""

    def __init__(
        self,
        store: Store,
        kind: str,
        given_up: tuple[str, str],
        hand_over: Callable[[str, dict[str, Any]], Awaitable[None]],
        *,
        lane: str = "",
        now: Callable[[], int] = clock.now,
    ) -> None:
        """`hand_over(id, document)` raises NotTaken or OfNoUse; else it is taken. `given_up`: kind and id of the document that counts what
        was given up. `lane`: the field by whose value they wait apart, so that one receiver that is down delays no other.
        """
        self._store, self._kind, self._count, self._hand_over = store, kind, given_up, hand_over
        self._lane, self._now = lane, now
        self._known: dict[str, dict[str, Any]] = {}
        self._since: list[
            dict[str, dict[str, Any] | None]
        ] = []  # of each reading that goes on: what changed since it began
        self._given_up: dict[str, Any] = {}
        self._said = ""
        self._stale = False
        self._changed = asyncio.Event()
        store.on_documents(self._others)

    async def open(self) -> None:
        """Read what waits. What is taken or tried meanwhile is as it is then, not as it was read."""
        self._stale = False
        since: dict[str, dict[str, Any] | None] = {}
        self._since.append(since)
        try:
            read = {id: doc for _, id, doc in await self._store.documents(TENANT, self._kind)}
            self._given_up = await self._store.get(TENANT, *self._count) or {}
        finally:
            self._since = [one for one in self._since if one is not since]
        self._known = {id: doc for id, doc in (read | since).items() if doc is not None}

    def _is(self, id: str, doc: dict[str, Any] | None) -> None:
        """From now on; None: it is gone."""
        for one in self._since:
            one[id] = doc
        if doc is None:
            self._known.pop(id, None)
        else:
            self._known[id] = doc

    async def _others(self, kept: Sequence[Kept]) -> None:
        for one in kept:
            if one.kind == self._kind and one.doc is None:
                self._is(one.id, None)
            elif one.kind == self._kind and isinstance(one.doc, dict):
                self._is(one.id, one.doc)
                self._changed.set()
            elif (one.kind, one.id) == self._count:
                self._given_up = one.doc if isinstance(one.doc, dict) else {}

    def look(self) -> None:
        """After a commit of this worker that may have kept some."""
        self._stale = True
        self._changed.set()

    def came(self, kept: Mapping[str, dict[str, Any]]) -> None:
        """After a commit of this worker that kept these, by their ids."""
        for id, doc in kept.items():
            self._is(id, doc)
        self._changed.set()

    async def keep(self, id: str, doc: dict[str, Any]) -> None:
        """Durable when it returns."""

        async def put(tx: Transaction) -> None:
            await tx.put(TENANT, self._kind, id, doc)

        await self._store.transact(put)
        self._is(id, doc)
        self._changed.set()

    # --- handing over
    async def run(self) -> None:
        """Hand over what is due, until it is cancelled."""
        going: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                self._changed.clear()
                await self._again()
                going = {lane: task for lane, task in going.items() if not task.done()}
                for lane in self._due().keys() - going.keys():
                    going[lane] = asyncio.create_task(self._serve(lane))
                    going[lane].add_done_callback(lambda _: self._changed.set())
                later = [doc["next"] for doc in self._known.values() if doc.get(self._lane, "") not in going]
                pause = min(max((min(later) - self._now()) / SECOND, 0.1), _LOOK) if later else _LOOK
                try:
                    async with asyncio.timeout(pause):
                        await self._changed.wait()
                except TimeoutError:
                    continue
        finally:
            for task in going.values():
                task.cancel()
            await asyncio.gather(*going.values(), return_exceptions=True)

    async def turn(self) -> None:
        """Everything that is due now, once."""
        await self._again()
        await asyncio.gather(*(self._serve(lane) for lane in self._due()))

    async def _again(self) -> None:
        try:
            if self._stale:
                await self.open()
        except Exception:
            self._stale = True
            _log.exception("what waits is not read", kind=self._kind)

    def _due(self) -> dict[str, list[str]]:
        """Lane -> ids, the longest due first."""
        found = defaultdict(list)
        for id, doc in sorted(self._known.items(), key=lambda one: int(one[1]["next"])):
            if doc["next"] <= self._now():
                found[doc.get(self._lane, "")].append(id)
        return found

    async def _serve(self, lane: str) -> None:
        try:
            for id in self._due().get(lane, ()):
                if doc := self._known.get(id):
                    await self.attempt(id, doc)
        except Exception:  # the store fails: it is due still, and others must not wait for it
            _log.exception("what waits is not handed over", kind=self._kind)
            await asyncio.sleep(1)

    async def attempt(self, id: str, doc: dict[str, Any]) -> bool:
        """Whether it is gone: taken, or of no use any more."""
        try:
            await self._handed_over(id, doc)
        except OfNoUse as why:
            await self._give_up(id, str(why))
            return True
        except NotTaken as why:
            self._said = str(why)
            await self._later(id, doc)
            return False
        await self._drop(id)
        return True

    async def _handed_over(self, id: str, doc: dict[str, Any]) -> None:
        """What nobody foresaw is not taken either: it is tried ever more seldom, holds up nothing else, and is given up in the end."""
        try:
            await self._hand_over(id, doc)
        except (OfNoUse, NotTaken):
            raise
        except Exception as wrong:
            if type(wrong).__name__ != self._said:
                _log.exception("what waits is not handed over", kind=self._kind)
            raise NotTaken(type(wrong).__name__) from wrong

    async def _later(self, id: str, doc: dict[str, Any]) -> None:
        tries = doc["tries"] + 1
        after = {**doc, "tries": tries, "next": self._now() + pause(tries)}
        if after["next"] >= doc["until"]:
            await self._give_up(id, self._said)
            return

        async def keep(tx: Transaction) -> dict[str, Any] | None:
            if await tx.get(TENANT, self._kind, id) is None:
                return None
            await tx.put(TENANT, self._kind, id, after)
            return after

        self._is(id, await self._store.transact(keep))

    async def _drop(self, id: str) -> None:
        async def gone(tx: Transaction) -> None:
            await tx.drop(TENANT, self._kind, id)

        await self._store.transact(gone)
        self._is(id, None)

    async def _give_up(self, id: str, why: str) -> None:
        """Counted over a day, so that somebody looks."""
        now = self._now()

        async def gone(tx: Transaction) -> dict[str, Any]:
            before = await tx.get(TENANT, *self._count) or {}
            if not await tx.drop(TENANT, self._kind, id):
                return dict(before)
            fresh = before.get("at", 0) > now - _DAY
            told = {"at": now, "count": (before["count"] if fresh else 0) + 1, "why": why}
            await tx.put(TENANT, *self._count, told)
            return told

        self._given_up = await self._store.transact(gone)
        self._is(id, None)
        _log.warning("what waited is given up", kind=self._kind, why=why)

    # --- how it is
    @property
    def said(self) -> str:
        """Why the last one was not taken."""
        return self._said

    def waiting(self) -> int:
        """How many have not been taken yet."""
        return len(self._known)

    def stuck(self) -> tuple[int, str]:
        """How many wait after a first try that failed, and since when (RFC 3339 UTC)."""
        found = [doc["at"] for doc in self._known.values() if doc["tries"]]
        return len(found), clock.text(min(found)) if found else ""

    def given_up(self) -> tuple[int, str]:
        """How many were given up, up to a day after the last one, and why that one."""
        if self._given_up.get("at", 0) <= self._now() - _DAY:
            return 0, ""
        return int(self._given_up["count"]), str(self._given_up["why"])
