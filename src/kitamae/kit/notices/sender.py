"""Hands over what is due, for one worker at a time; what no channel takes goes on paper.

Before a letter is handed over, that it is being handed over is durable; after it was taken, that it was. So a notice is never sent
twice: where the process dies between the two, nobody knows whether the other side has it, and it goes on paper with that reason, for
somebody to decide. What is certainly not taken is tried again, ever more seldom, and goes on paper after so many tries.

All that waits for one person goes as one letter: it says no more than that there is something.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.people import notices
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.post import PerhapsTaken, PostFailed, RefusedForGood
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.people.waiting import pause
from kitamae.kernel.problems import Problem
from kitamae.kit.notices import record
from kitamae.kit.notices.channel import Told

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.notices import Due, Notice, State
    from kitamae.kernel.people.vault import Vault
    from kitamae.kit.notices.channel import Channel, Reached

SECOND: Final = 1_000_000
PAUSE: Final = 10 * SECOND
"""After a failure nothing is tried for so long: it may be the mail server, and not the mailbox."""
APART: Final = 600 * SECOND
"""Between two letters to one person; what comes meanwhile goes with the next one."""
_LOOK: Final = 1.0
_ENDING: Final = 5.0
"""Seconds in which what is being handed over is finished when the city stops."""
_log = structlog.get_logger("kitamae")


@dataclass(frozen=True, slots=True)
class Pace:
    """`rehearsal`: nothing is sent. `a_minute`: letters at most; `tries`: after so many failures a notice goes on paper."""

    rehearsal: bool = False
    a_minute: int = 60
    tries: int = 12


class Sender:
    """`vault()` raises VaultClosed; `write(language, numbers)` makes subject and text."""

    def __init__(
        self,
        store: Store,
        vault: Callable[[], Vault],
        channels: Sequence[Channel],
        write: Callable[[str, Sequence[str]], tuple[str, str]],
        pace: Pace,
        *,
        now: Callable[[], int] = clock.now,
    ) -> None:
        self._store, self._vault, self._channels = store, vault, channels
        self._write, self.pace, self._now = write, pace, now
        self._paused, self._carried = 0, False
        self._minute: deque[int] = deque()
        self._told: dict[str, int] = {}
        self.trouble = ""

    async def run(self) -> None:
        """Until it is cancelled; what is being handed over then is finished first."""
        self._carried = False
        while True:
            work = asyncio.create_task(self._look())
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                await asyncio.wait({work}, timeout=_ENDING)
                raise
            await asyncio.sleep(_LOOK)

    async def _look(self) -> None:
        try:
            if not self._carried and (back := await notices.restored(self._store)):
                _log.warning("notices that were told since the backup are not told again", count=back)
            self._carried = True
            await self.recover()
            await self.turn()
        except Problem as problem:
            self.trouble = problem.detail or problem.title
            _log.error("notices are not sent", why=self.trouble)
        except Exception as error:  # what was being handed over goes on paper with the next look
            self.trouble = f"notices are not sent: {type(error).__name__}"
            _log.exception("notices are not sent")

    async def recover(self) -> None:
        """What was being handed over when a process died goes on paper: it may have arrived."""
        cut: dict[str, list[str]] = {}
        for number, waits in (await notices.all_due(self._store)).items():
            if waits["letter"]:
                cut.setdefault(waits["letter"], []).append(number)
        for letter, numbers in cut.items():
            await self._onto_paper(numbers, letter, "unsure")

    async def turn(self) -> None:
        """Everything that is due now and that the pace allows, once."""
        now = self._now()
        waiting = await notices.all_due(self._store)
        self.trouble = self._failing(waiting)
        if now < self._paused:
            return
        due: dict[str, list[str]] = {}
        for number, waits in sorted(waiting.items(), key=lambda one: one[1]["next"]):
            if waits["next"] <= now:
                due.setdefault(waits["person"], []).append(number)
        self._told = {person: at for person, at in self._told.items() if at > now - APART}
        for person, numbers in due.items():
            if person in self._told and not self.pace.rehearsal:
                continue
            if not self._within_pace() or not await self._tell(person, numbers):
                return

    def _failing(self, waiting: dict[str, Due]) -> str:
        failed = [one for one in waiting.values() if one["tries"]]
        return f"{len(failed)} notices were not taken yet and are tried again" if failed else ""

    def _within_pace(self) -> bool:
        now = self._now()
        while self._minute and self._minute[0] <= now - 60 * SECOND:
            self._minute.popleft()
        return len(self._minute) < self.pace.a_minute

    async def _tell(self, person: str, numbers: Sequence[str]) -> bool:
        """Whether to go on with the others."""
        if self.pace.rehearsal:
            await self._settle(person, numbers, "", "rehearsed", "")
            return True
        for channel in self._channels:
            try:
                to = await channel.reach(person)
            except VaultClosed:
                raise
            except (
                Problem
            ) as why:  # of this person alone: the others must not wait, nor he be looked at every second
                _log.warning("where somebody is reached is not read", why=str(why) or why.title)
                await self._later(numbers, "")
                return True
            if to is not None:
                return await self._hand_over(channel, to, person, numbers)
        await self._onto_paper(numbers, "", "no-address" if self._channels else "no-channel")
        return True

    async def _hand_over(self, channel: Channel, to: Reached, person: str, numbers: Sequence[str]) -> bool:
        letter = secrets.token_hex(8)
        numbers = await self._begin(numbers, letter)
        if not numbers:
            return True
        subject, text = self._write(to.language, numbers)
        self._minute.append(self._now())
        try:
            await channel.hand_over(to, Told(letter, subject, text, numbers))
        except PerhapsTaken as why:
            _log.warning("nobody knows whether a notice was taken", why=why.detail)
            await self._onto_paper(numbers, letter, "unsure")
        except RefusedForGood as why:
            _log.warning("a notice is refused", why=why.detail)
            await self._onto_paper(numbers, letter, "refused")
        except PostFailed as why:
            _log.warning("a notice is not taken yet", why=why.detail)
            await self._later(numbers, letter)
            self._paused = self._now() + PAUSE
            return False
        else:
            self._told[person] = self._now()
            await self._settle(person, numbers, letter, "sent", channel.name)
        return True

    async def _begin(self, numbers: Sequence[str], letter: str) -> list[str]:
        """Durable before anything is said to the other side. What was postponed since it was chosen is not begun."""
        now = self._now()

        async def work(tx: Transaction) -> list[str]:
            begun = []
            for number in numbers:
                waits = await notices.due(tx, number)
                if waits is not None and not waits["letter"] and waits["next"] <= now:
                    await notices.put_due(tx, number, {**waits, "letter": letter})
                    begun.append(number)
            return begun

        return await self._store.transact(work)

    async def _settle(self, person: str, numbers: Sequence[str], letter: str, state: State, how: str) -> None:
        """It was told: with the person's records and in the ledger, or, where that cannot be, at least with the notice."""
        at = self._now()

        async def change(tx: Transaction) -> list[str]:
            done = []
            for number in numbers:
                notice, waits = await notices.one(tx, number), await notices.due(tx, number)
                ours = waits is not None and waits["letter"] == letter
                if notice is None or not (ours or self._thought_lost(notice, letter)):
                    continue
                after: Notice = {
                    **notice, "state": state, "how": how, "why": "", "letter": letter, "done": clock.text(at),
                }  # fmt: skip
                await notices.told(tx, number, after)
                done.append(number)
            return done

        try:
            await record.keep(self._vault(), SYSTEM, person, state, how, at, change)
        except record.Nothing:
            return
        except Problem as problem:  # it is told, whatever else: it must not be told again
            _log.error("that a notice was sent has no entry in the ledger", why=str(problem))
            await self._store.transact(change)

    @staticmethod
    def _thought_lost(notice: Notice, letter: str) -> bool:
        """Another worker took over, and did not know how it had gone on here."""
        return bool(letter) and (notice["state"], notice["letter"]) == ("paper", letter)

    async def _later(self, numbers: Sequence[str], letter: str) -> None:
        now = self._now()
        tired: list[str] = []

        async def work(tx: Transaction) -> None:
            tired.clear()
            for number in numbers:
                waits = await notices.due(tx, number)
                if waits is None or waits["letter"] != letter:
                    continue
                tries = waits["tries"] + 1
                if tries >= self.pace.tries:
                    tired.append(number)
                    continue
                again = now + pause(tries)
                await notices.put_due(tx, number, {**waits, "tries": tries, "next": again, "letter": ""})

        await self._store.transact(work)
        if tired:
            await self._onto_paper(tired, letter, "not-taken")

    async def _onto_paper(self, numbers: Sequence[str], letter: str, why: str) -> None:
        at = self._now()

        async def work(tx: Transaction) -> None:
            for number in numbers:
                notice, waits = await notices.one(tx, number), await notices.due(tx, number)
                if waits is None or waits["letter"] != letter or (not letter and waits["next"] > at):
                    continue  # somebody else has it, or it was postponed since it was chosen
                await tx.drop("", notices.DUE, number)
                if notice is None:
                    continue
                after: Notice = {**notice, "state": "paper", "why": why, "letter": letter}
                if why == "unsure":
                    await notices.on_paper(tx, number, after, at)
                else:
                    await notices.put(tx, number, after)

        await self._store.transact(work)
