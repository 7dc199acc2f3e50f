"""Letters that the mail server has not taken yet: kept in the store, sealed, and tried again until it does (`waiting.py`).

A letter is durable before anybody is told that it is on its way. It is handed over at once, and again where that fails, until it
would be of no use any more (a day, or as long as the link in it works). Then it is given up, and `/health` says so for a day. What the
server refuses for good (there is no such mailbox) is forgotten at once: whoever typed the address is told the same as everybody.

What lies in the store is sealed with the city's `seal.key`: neither address nor text can be read there. A letter may be
sent twice where the server dies between handing it over and noting that; both have the same Message-ID.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.people.jose.encoding import BadToken
from kitamae.kernel.people.post import Letter, NotKept, PostFailed, RefusedForGood
from kitamae.kernel.people.seal import WrongSeal
from kitamae.kernel.people.waiting import FIRST, NotTaken, OfNoUse, Waiting, entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.store import Store
    from kitamae.kernel.people.post import Post
    from kitamae.kernel.people.seal import Seal

KIND: Final = "letter"
GIVEN_UP: Final = ("letters", "given up")
_log = structlog.get_logger("kitamae")
MOST: Final = 5_000
"""Letters that wait; with more than that something is wrong that waiting does not mend."""


class Outbox:
    """A `Post` in front of another one. `run` is for one worker at a time."""

    def __init__(
        self, store: Store, seal: Seal, carrier: Post, *, now: Callable[[], int] = clock.now
    ) -> None:
        """Call `open` before anything else."""
        self._seal, self._carrier, self._now = seal, carrier, now
        self._waiting = Waiting(store, KIND, GIVEN_UP, self._hand_over, now=now)
        self.open, self.run, self.turn = self._waiting.open, self._waiting.run, self._waiting.turn
        self.waiting = self._waiting.waiting

    async def send(self, letter: Letter) -> None:
        """Durable when it returns or raises: PostFailed says that the mail server has not taken it yet, NotKept that this one
        is not kept, because too many letters wait already.
        """
        if self.waiting() >= MOST:
            raise NotKept(f"{self.waiting()} letters wait for the mail server already")
        id = secrets.token_hex(8)
        sealed = self._seal.write(
            KIND, {"to": letter.to, "subject": letter.subject, "text": letter.text}, letter.seconds
        )
        doc = entry({"sealed": sealed}, self._now(), letter.seconds, first=FIRST)
        await self._waiting.keep(id, doc)
        if not await self._waiting.attempt(id, doc):
            raise PostFailed(f"it is kept, and tried again: {self._waiting.said}")

    async def _hand_over(self, id: str, doc: dict[str, Any]) -> None:
        try:
            letter = Letter(**self._seal.read(KIND, doc["sealed"]), id=id)
        except (BadToken, WrongSeal, TypeError) as why:
            raise OfNoUse(str(why)) from why
        try:
            await self._carrier.send(letter)
        except (
            RefusedForGood
        ) as refused:  # somebody mistyped his address: no trouble of the city's, and nothing to count
            _log.info("the mail server refuses a letter for good", why=refused.detail)
        except PostFailed as failed:
            raise NotTaken(failed.detail or failed.title) from failed

    # --- how it is
    def given_up(self) -> int:
        """How many were given up, up to a day after the last one."""
        return self._waiting.given_up()[0]

    def trouble(self) -> str:
        """For `/health`: what waits after a first try that failed, and what was given up; else nothing."""
        told = []
        stuck, since = self._waiting.stuck()
        if stuck:
            told.append(
                f"{stuck} letters wait for the mail server since {since} ({self._waiting.said or 'not asked yet'})"
            )
        lost, why = self._waiting.given_up()
        if lost:
            told.append(f"{lost} letters were given up ({why})")
        return "; ".join(told)
