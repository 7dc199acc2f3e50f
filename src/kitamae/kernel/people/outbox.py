"""Letters that the mail server has not taken yet: kept in the store, sealed, and tried again until it does.

A letter is durable before anybody is told that it is on its way. It is handed over at once; where that fails it is tried
again after 30 seconds, a minute, two, at most an hour apart, by the one worker that serves the outbox, until it would be
of no use any more (a day, or as long as the link in it works). Then it is given up, and `/health` says so for a day.

What lies in the store is sealed with the city's `seal.key`: neither address nor text can be read there. A letter may be
sent twice where the server dies between handing it over and noting that; both have the same Message-ID.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, Final

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.people.jose.encoding import BadToken
from kitamae.kernel.people.post import Letter, PostFailed
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.seal import WrongSeal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.store import Kept, Store, Transaction
    from kitamae.kernel.people.post import Post
    from kitamae.kernel.people.seal import Seal

KIND: Final = "letter"
GIVEN_UP: Final = ("letters", "given up")
MOST: Final = 5_000
"""Letters that wait; with more than that something is wrong that waiting does not mend."""
_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
_FIRST: Final = 30 * _SECOND
_LONGEST: Final = 3_600 * _SECOND
_LOOK: Final = 60.0
_log = structlog.get_logger("kitamae")


class Outbox:
    """A `Post` in front of another one. `run` is for one worker at a time."""

    def __init__(
        self, store: Store, seal: Seal, carrier: Post, *, now: Callable[[], int] = clock.now
    ) -> None:
        """Call `open` before anything else."""
        self._store, self._seal, self._carrier, self._now = store, seal, carrier, now
        self._waiting: dict[str, dict[str, Any]] = {}
        self._given_up: dict[str, Any] = {}
        self._said = ""
        self._changed = asyncio.Event()
        store.on_documents(self._others)

    async def open(self) -> None:
        """Read what waits."""
        self._waiting = {id: doc for _, id, doc in await self._store.documents(TENANT, KIND)}
        self._given_up = await self._store.get(TENANT, *GIVEN_UP) or {}

    async def _others(self, kept: Sequence[Kept]) -> None:
        for one in kept:
            if one.kind == KIND and one.doc is None:
                self._waiting.pop(one.id, None)
            elif one.kind == KIND and isinstance(one.doc, dict):
                self._waiting[one.id] = one.doc
                self._changed.set()
            elif (one.kind, one.id) == GIVEN_UP:
                self._given_up = one.doc if isinstance(one.doc, dict) else {}

    # --- sending
    async def send(self, letter: Letter) -> None:
        """Durable when it returns or raises: PostFailed says that the mail server has not taken it yet, or, where too many
        letters wait already, that this one is not kept.
        """
        if len(self._waiting) >= MOST:
            raise PostFailed(f"{len(self._waiting)} letters wait for the mail server already")
        id, now = secrets.token_hex(8), self._now()
        sealed = self._seal.write(
            KIND, {"to": letter.to, "subject": letter.subject, "text": letter.text}, letter.seconds
        )
        doc = {
            "sealed": sealed,
            "at": now,
            "tries": 0,
            "next": now + _FIRST,
            "until": now + letter.seconds * _SECOND,
        }

        async def keep(tx: Transaction) -> None:
            await tx.put(TENANT, KIND, id, doc)

        await self._store.transact(keep)
        self._waiting[id] = doc
        self._changed.set()
        if not await self._try(id, doc):
            raise PostFailed(f"it is kept, and tried again: {self._said}")

    async def run(self) -> None:
        """Hand over what is due, until it is cancelled."""
        while True:
            self._changed.clear()
            await self.turn()
            due = min((doc["next"] for doc in self._waiting.values()), default=None)
            pause = _LOOK if due is None else min(max((due - self._now()) / _SECOND, 0.1), _LOOK)
            try:
                async with asyncio.timeout(pause):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def turn(self) -> None:
        """Everything that is due now, once."""
        for id, doc in sorted(self._waiting.items(), key=lambda one: int(one[1]["next"])):
            if doc["next"] <= self._now():
                await self._try(id, doc)

    async def _try(self, id: str, doc: dict[str, Any]) -> bool:
        """Whether the letter is gone: taken, or of no use any more."""
        try:
            letter = Letter(**self._seal.read(KIND, doc["sealed"]), id=id)
        except (BadToken, WrongSeal, TypeError) as why:
            await self._give_up(id, str(why))
            return True
        try:
            await self._carrier.send(letter)
        except PostFailed as failed:
            self._said = failed.detail or failed.title
            await self._later(id, doc)
            return False
        await self._drop(id)
        return True

    async def _later(self, id: str, doc: dict[str, Any]) -> None:
        tries = doc["tries"] + 1
        wait = min(_FIRST * 2 ** min(tries - 1, 10), _LONGEST)
        after = {**doc, "tries": tries, "next": self._now() + wait}
        if after["next"] >= doc["until"]:
            await self._give_up(id, self._said)
            return

        async def keep(tx: Transaction) -> None:
            if await tx.get(TENANT, KIND, id) is not None:
                await tx.put(TENANT, KIND, id, after)

        await self._store.transact(keep)
        if id in self._waiting:
            self._waiting[id] = after

    async def _drop(self, id: str) -> None:
        async def gone(tx: Transaction) -> None:
            await tx.drop(TENANT, KIND, id)

        await self._store.transact(gone)
        self._waiting.pop(id, None)

    async def _give_up(self, id: str, why: str) -> None:
        """Counted over a day, so that somebody looks."""
        now = self._now()

        async def gone(tx: Transaction) -> dict[str, Any]:
            before = await tx.get(TENANT, *GIVEN_UP) or {}
            if not await tx.drop(TENANT, KIND, id):
                return dict(before)
            fresh = before.get("at", 0) > now - _DAY
            told = {"at": now, "count": (before["count"] if fresh else 0) + 1, "why": why}
            await tx.put(TENANT, *GIVEN_UP, told)
            return told

        self._given_up = await self._store.transact(gone)
        self._waiting.pop(id, None)
        _log.warning("a letter is given up", why=why)

    # --- how it is
    def waiting(self) -> int:
        """How many letters the mail server has not taken yet."""
        return len(self._waiting)

    def given_up(self) -> int:
        """How many were given up, up to a day after the last one."""
        return int(self._given_up["count"]) if self._given_up.get("at", 0) > self._now() - _DAY else 0

    def trouble(self) -> str:
        """For `/health`: what waits after a first try that failed, and what was given up; else nothing."""
        stuck = [doc for doc in self._waiting.values() if doc["tries"]]
        told = []
        if stuck:
            since = clock.text(min(doc["at"] for doc in stuck))
            told.append(
                f"{len(stuck)} letters wait for the mail server since {since} ({self._said or 'not asked yet'})"
            )
        if lost := self.given_up():
            told.append(f"{lost} letters were given up ({self._given_up['why']})")
        return "; ".join(told)
