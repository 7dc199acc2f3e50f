"""The job: it follows the receipts in the order of the ledger, behind the commit, and raises flags.

How far it has come, and what is usual for whom, are documents (`watched`) that commit together: stopped anywhere, it goes on
behind the last receipt that it judged. Flags have ids that follow from what they are about, so judging some receipts
twice raises nothing twice. One worker at a time does this (`Alone`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.watching import hours
from kitamae.kernel.people.watching.detector import Detector, Flagging
from kitamae.kernel.people.watching.habit import Habit
from kitamae.kernel.people.watching.rules import QUICK
from kitamae.kernel.people.watching.sight import STAFF, Relation, Sight, attention

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kitamae.kernel.calendar import Calendar
    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.vault import Look, Vault
    from kitamae.kernel.people.vault.outside import Seen
    from kitamae.kernel.people.watching.flags import Flags

WATCHED: Final = "watched"
UPTO: Final = "/upto"
"""The document that says how far it has come; the others are habits, by reference, which has no slash."""
TOGETHER: Final = 200
"""Leaves that are judged in one step."""
_SECONDS: Final = 5.0
_PROGRAM: Final = "token-"
_EMERGENCY: Final = "break-glass"
"""The basis of looks that have a review of their own."""
_log = structlog.get_logger("kitamae")


async def _unknown(who: str, at: int) -> frozenset[str] | None:
    """Nobody's duties are known."""
    return None


class Watcher:
    """`vault()` raises VaultClosed. `duties`: for which purposes looking was part of somebody's work at a moment (microseconds
    UTC), None where that is not known; `agreed`: whether this person had agreed to this purpose then. `calendar`: when this town hall is closed.
    """

    def __init__(
        self,
        store: Store,
        vault: Callable[[], Vault],
        flags: Flags,
        *,
        duties: Callable[[str, int], Awaitable[frozenset[str] | None]] = _unknown,
        agreed: Callable[[str, str, int], Awaitable[bool]],
        calendar: Calendar = hours.USUAL,
    ) -> None:
        self._store, self._vault, self._flags = store, vault, flags
        self._duties, self._agreed, self._calendar = duties, agreed, calendar
        self._detector: Detector | None = None
        self._upto = self._before_today = 0
        self._common: dict[tuple[str, str], frozenset[str]] = {}
        self._last: dict[str, Look] = {}
        self.trouble = ""

    async def run(self) -> None:
        """Until it is cancelled."""
        self._detector = None  # another worker may have gone on meanwhile
        while True:
            try:
                while await self.step():
                    pass
                await self._flags.tidy()
                self.trouble = ""
            except Exception as error:
                self._detector = None
                if self.trouble != str(error):
                    _log.error("looks at personal data are not watched", why=str(error))
                self.trouble = str(error) or type(error).__name__
            await asyncio.sleep(_SECONDS)

    async def step(self) -> bool:
        """Judge some more receipts; whether there may be more. Durable when it returns."""
        detector = self._detector or await self._begin()
        self._detector = None  # what is cut off here is begun again
        leaves = await self._store.leaves(self._upto, TOGETHER)
        if leaves:
            upto = leaves[-1].number
            found: dict[tuple[str, int], Flagging] = {}
            for seen in await self._vault().outside.looks(SYSTEM, self._upto, upto, STAFF):
                flagging = await self._judge(detector, seen)
                if flagging is not None:
                    found[flagging.who, flagging.day] = flagging
            for one in found.values():
                await self._flags.add(one)
            await self._keep(detector, upto)
        self._detector = detector
        return len(leaves) == TOGETHER

    async def _begin(self) -> Detector:
        """As far as it had come: habits from their documents, today by looking at its receipts once more."""
        detector = Detector(calendar=self._calendar)
        self._common, self._last = {}, {}
        self._upto = self._before_today = 0
        for _, ref, doc in await self._store.documents(TENANT, WATCHED):
            if ref == UPTO:
                self._upto, self._before_today = doc["number"], doc["beforeToday"]
                detector.day = doc["day"]
            else:
                detector.habits[ref] = Habit.from_json(doc)
        after = self._before_today
        while after < self._upto and (leaves := await self._store.leaves(after, TOGETHER)):
            upto = min(leaves[-1].number, self._upto)  # their numbers have gaps
            for seen in await self._vault().outside.looks(SYSTEM, after, upto, STAFF):
                await self._judge(detector, seen)
            after = upto
        return detector

    async def _keep(self, detector: Detector, upto: int) -> None:
        at = {"number": upto, "day": detector.day, "beforeToday": self._before_today}

        async def work(tx: Transaction) -> None:
            await tx.put(TENANT, WATCHED, UPTO, at)
            for who in detector.changed:
                await tx.put(TENANT, WATCHED, who, detector.habits[who].as_json())

        await self._store.transact(work)
        detector.changed.clear()
        self._upto = upto

    async def _judge(self, detector: Detector, seen: Seen) -> Flagging | None:
        look = seen.look
        if look.own or not look.person or not look.who.startswith((STAFF, _PROGRAM)):
            return None  # one's own, an erased person's, or the machinery's own (retention)
        if hours.day(look.at) > detector.day:
            self._before_today = look.number - 1
            self._common = {}
        return detector.feed(await self._sight(seen))

    async def _sight(self, seen: Seen) -> Sight:
        look, before = seen.look, self._last.get(seen.look.who)
        self._last[look.who] = look
        earlier = [(hours.day(one.at), one.who) for one in seen.earlier if not one.own]
        returned, others = attention(earlier, look.who, hours.day(look.at))
        related: frozenset[Relation] = frozenset()
        beside = False
        if look.who.startswith(STAFF):
            related = _relations(await self._shared(look, look.who))
            if before and before.person != look.person and look.at - before.at <= QUICK:
                beside = _relations(await self._shared(look, before.person)) == {"neighbour"}
        known = (
            frozenset({look.purpose}) if look.basis == _EMERGENCY else await self._duties(look.who, look.at)
        )
        agreed = look.basis != "consent" or await self._agreed(look.person, look.purpose, look.at)
        return Sight(
            *(look.number, look.at, look.who, look.person, look.purpose),
            agreed=agreed,
            duties=known,
            related=related,
            returned=returned,
            others=others,
            beside=beside,
        )

    async def _shared(self, look: Look, other: str) -> frozenset[str]:
        key = (look.person, other)
        if key not in self._common:
            self._common[key] = await self._vault().outside.common(SYSTEM, look.tenant, other, look.person)
        return self._common[key]


def _relations(fields: frozenset[str]) -> frozenset[Relation]:
    """What agreeing in these fields makes of two persons."""
    if "person" in fields or ("name" in fields and fields & {"address", "birth_date"}):
        return frozenset({"oneself"})
    if "address" in fields:
        return frozenset({"household"})
    found: set[Relation] = set()
    if "address.block" in fields:
        found.add("neighbour")
    if "name.family" in fields:
        found.add("family-name")
    return frozenset(found)
