"""Hands over what is due to all whom it concerns, for one worker at a time, some at a time: the memory that it takes does not grow with them.

Before some are told, that they are being told is durable; afterwards, what became of it. Where the process dies in between, web push and LINE
are told once more under the same number, by which the other side knows it again and shows it once; an e-mail that may have arrived is not sent
again, and counts as `unsure`. What is not taken now waits (`waiting.py`) and is tried again as long as it is of use.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.waiting import FIRST, NotTaken, Waiting, entry
from kitamae.kit.notices.area import announcement, subscribers
from kitamae.kit.notices.area.announcement import SECOND, USE
from kitamae.kit.notices.area.channel import Message
from kitamae.kit.notices.area.subscribers import BUCKETS, CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kit.notices.area.announcement import Announcement, Due, Item
    from kitamae.kit.notices.area.channel import Became, Channel
    from kitamae.kit.notices.area.subscribers import By, Subscriber, Subscribers

AGAIN: Final = "announcement-again"
GIVEN_UP: Final = ("announcements", "given up")
AT_ONCE: Final = 50
"""Subscribers who are being told at the same time; of a channel on which nothing comes twice fewer, since of those nobody knows after a crash."""
FEW: Final = 10
TOLERATED: Final = 5
"""Failures in a row of one push service: then the others who are reached there wait."""
PAUSE: Final = 30 * SECOND
_TOGETHER: Final = 8
_LOOK: Final = 0.5
_ENDING: Final = 5.0
_log = structlog.get_logger("kitamae")


class Words(Protocol):
    """What goes out is said by somebody who speaks the city's languages."""

    @property
    def link(self) -> str:
        """The page that says what to do now."""
        ...

    def leave(self, id: str) -> str:
        """Where that subscriber leaves in one tap."""
        ...

    def message(self, language: str, kind: str, items: Sequence[Item]) -> tuple[str, str]:
        """Title and line about these items."""
        ...


class Sender:
    """On one store. `a_minute`: e-mails at most."""

    def __init__(
        self,
        store: Store,
        kept: Subscribers,
        channels: Mapping[By, Channel],
        words: Words,
        *,
        rehearsal: bool = False,
        a_minute: int = 600,
        now: Callable[[], int] = clock.now,
    ) -> None:
        self._store, self._kept, self.channels, self._words = store, kept, channels, words
        self.rehearsal, self._a_minute, self._now = rehearsal, a_minute, now
        self._waiting = Waiting(store, AGAIN, GIVEN_UP, self._once_more, lane="lane", now=now)
        self._going: dict[str, asyncio.Task[None]] = {}
        self._down: dict[str, tuple[int, int]] = {}
        self._minute: deque[int] = deque()
        self._trouble = ""

    async def run(self) -> None:
        """Until it is cancelled; those who are being told then are told first."""
        await self._waiting.open()
        later = asyncio.create_task(self._waiting.run())
        try:
            while True:
                await self.turn()
                await asyncio.sleep(_LOOK)
        finally:
            later.cancel()
            going = [later, *self._going.values()]
            self._going = {}
            for task in going[1:]:
                task.cancel()
            await asyncio.gather(*going, return_exceptions=True)

    async def turn(self) -> None:
        """Begin with what is due; what is slow keeps nothing else waiting."""
        self._going = {number: task for number, task in self._going.items() if not task.done()}
        for number, due in (await announcement.all_due(self._store)).items():
            if due["next"] <= self._now() and number not in self._going and len(self._going) < _TOGETHER:
                self._going[number] = asyncio.create_task(self._safely(number))

    async def settled(self) -> None:
        """Until what was begun is over."""
        await asyncio.gather(*self._going.values())

    def trouble(self) -> str:
        """For `/health`."""
        lost, why = self._waiting.given_up()
        return self._trouble or (f"{lost} subscribers were not told ({why})" if lost else "")

    async def close(self) -> None:
        """Close every connection."""
        for channel in self.channels.values():
            await channel.close()

    async def _safely(self, number: str) -> None:
        try:
            await self._tell(number)
            self._trouble = ""
        except Exception as error:  # it is due still, and looked at again
            self._trouble = f"an announcement is not told: {type(error).__name__}"
            _log.exception("an announcement is not told", number=number)

    # --- one announcement
    async def _tell(self, number: str) -> None:
        told, due = await announcement.one(self._store, number), await announcement.due(self._store, number)
        if told is None or due is None:
            return
        if told["restore"] != await announcement.restore(self._store):
            await self._over(number, "restored")  # whoever was told before the restore is not told again
        elif self._now() - clock.micros(told["at"]) > USE:
            await self._over(number, "late")
        else:
            if due["begun"]:
                due = await self._recover(number, told, due)
            for channel in range(due["channel"], len(CHANNELS)):
                first = due["bucket"] if channel == due["channel"] else 0
                for bucket in range(first, BUCKETS):
                    here = (channel, bucket) == (due["channel"], due["bucket"])
                    if not await self._bucket(number, told, channel, bucket, due["after"] if here else ""):
                        return
            await self._over(number, "done")

    async def _over(self, number: str, state: announcement.State) -> None:
        await self._store.transact(lambda tx: announcement.over(tx, number, state, self._now()))

    async def _bucket(self, number: str, told: Announcement, which: int, bucket: int, after: str) -> bool:
        """False: somebody else has it."""
        by = CHANNELS[which]
        ids = [id for id in await self._kept.ids(bucket, by) if id > after]
        channel = self.channels.get(by)
        step = AT_ONCE if channel is None else max(AT_ONCE, channel.most) if channel.twice else FEW
        for begin in range(0, len(ids), step):
            some = ids[begin : begin + step]
            whom = [one for id in some if (one := await self._kept.one(id)) and one.choice.fitting(told)]
            if not whom:
                continue
            place = announcement.Due(
                next=self._now(),
                channel=which,
                bucket=bucket,
                after=some[-1],
                begun=[one.id for one in whom],
            )
            if not await self._begin(number, place):
                return False
            became = await self._carry(number, told, by, whom)
            await self._end(number, by, place, became, quiet=self._quiet(told))
        return True

    async def _recover(self, number: str, told: Announcement, due: Due) -> Due:
        """Who was being told when a process died."""
        by = CHANNELS[due["channel"]]
        whom = [one for id in due["begun"] if (one := await self._kept.one(id))]
        again = self._quiet(told) or (by in self.channels and self.channels[by].twice)
        became: list[tuple[Subscriber, Became]] = (
            await self._carry(number, told, by, whom) if again else [(one, "unsure") for one in whom]
        )
        await self._end(number, by, due, became, quiet=self._quiet(told))
        return {**due, "begun": []}

    async def _begin(self, number: str, place: Due) -> bool:
        async def work(tx: Transaction) -> bool:
            there = await announcement.due(tx, number)
            if there is None or there["begun"]:
                return False
            await tx.put(TENANT, announcement.DUE, number, dict(place))
            return True

        return await self._store.transact(work)

    async def _end(
        self, number: str, by: By, place: Due, became: Sequence[tuple[Subscriber, Became]], *, quiet: bool
    ) -> None:
        async def work(tx: Transaction) -> None:
            there = await announcement.due(tx, number)
            if there is None or there["begun"] != place["begun"]:
                return
            counts: Counter[str] = Counter()
            for one, how in became:
                counts["rehearsed" if quiet else "again" if how == "later" else how] += 1
                if quiet:
                    continue
                if how == "gone":
                    await subscribers.drop(tx, one.id)
                elif how == "later":
                    content = {
                        "number": number,
                        "subscriber": one.id,
                        "lane": self._lane(one),
                        "begun": False,
                    }
                    await tx.put(
                        TENANT,
                        AGAIN,
                        f"{number} {one.id}",
                        entry(content, self._now(), USE // SECOND, first=FIRST),
                    )
            await announcement.count(tx, number, by, counts)
            await tx.put(TENANT, announcement.DUE, number, {**place, "begun": []})

        await self._store.transact(work)
        if any(how == "later" for _, how in became):
            self._waiting.look()

    # --- handing over
    async def _carry(
        self, number: str, told: Announcement, by: By, whom: Sequence[Subscriber]
    ) -> list[tuple[Subscriber, Became]]:
        channel = self.channels.get(by)
        if self._quiet(told):
            return [(one, "sent") for one in whom]  # told to nobody, and counted as rehearsed
        if channel is None:  # the operator has switched it off
            return [(one, "refused") for one in whom]
        groups: dict[tuple[str, tuple[int, ...]], list[Subscriber]] = defaultdict(list)
        for one in whom:
            groups[one.choice.language, tuple(one.choice.fitting(told))].append(one)
        parts = [
            (key, some[begin : begin + channel.most])
            for key, some in groups.items()
            for begin in range(0, len(some), channel.most)
        ]
        done = await asyncio.gather(
            *(self._one(channel, some, self._message(number, told, *key, some)) for key, some in parts)
        )
        return [(one, how) for (_, some), how in zip(parts, done, strict=True) for one in some]

    async def _one(self, channel: Channel, some: Sequence[Subscriber], message: Message) -> Became:
        lane = channel.lane(some[0].to)
        failures, until = self._down.get(lane, (0, 0))
        if failures >= TOLERATED and until > self._now():
            return "later"
        if channel.name == "mail":
            await self._room()
        how = await channel.hand_over([one.to for one in some], message)
        if how == "later":
            self._down[lane] = (self._down.get(lane, (0, 0))[0] + 1, self._now() + PAUSE)
        else:
            self._down.pop(lane, None)
        return how

    async def _room(self) -> None:
        """Until one more e-mail fits into this minute."""
        while True:
            now = self._now()
            while self._minute and self._minute[0] <= now - 60 * SECOND:
                self._minute.popleft()
            if len(self._minute) < self._a_minute:
                self._minute.append(now)
                return
            await asyncio.sleep(0.5)

    def _message(
        self,
        number: str,
        told: Announcement,
        language: str,
        fitting: Sequence[int],
        some: Sequence[Subscriber],
    ) -> Message:
        items = [told["items"][n] for n in fitting]
        title, line = self._words.message(language, told["kind"], items)
        urgent = told["kind"] == "orders" or any(one["level"] >= 4 for one in announcement.standing(items))
        leave = self._words.leave(some[0].id)
        return Message(number, title, line, self._words.link, language, urgent=urgent, leave=leave)

    def _quiet(self, told: Announcement) -> bool:
        return self.rehearsal or told["rehearsal"]

    def _lane(self, one: Subscriber) -> str:
        return f"{one.by} {self.channels[one.by].lane(one.to)}"

    async def _once_more(self, id: str, doc: dict[str, Any]) -> None:
        """What waited. Raises NotTaken."""
        number, told = doc["number"], await announcement.one(self._store, doc["number"])
        one = await self._kept.one(doc["subscriber"])
        if told is None or one is None or one.by not in self.channels:
            await self._settle(id, number, doc["lane"].partition(" ")[0], "gone")
            return
        channel = self.channels[one.by]
        if doc["begun"]:
            await self._settle(id, number, one.by, "unsure")
            return
        if not channel.twice:
            await self._mark(id)  # unmarked with the next try
        fitting = one.choice.fitting(told)
        how = (
            await self._one(channel, [one], self._message(number, told, one.choice.language, fitting, [one]))
            if fitting
            else "gone"
        )
        if how != "later":
            await self._settle(id, number, one.by, how, gone=one.id if how == "gone" and fitting else "")
            return
        raise NotTaken(f"{doc['lane']} does not take it")

    async def _mark(self, id: str) -> None:
        async def work(tx: Transaction) -> None:
            there: Any = await tx.get(TENANT, AGAIN, id)
            if there is not None:
                await tx.put(TENANT, AGAIN, id, {**there, "begun": True})

        await self._store.transact(work)

    async def _settle(self, id: str, number: str, by: str, how: str, gone: str = "") -> None:
        async def work(tx: Transaction) -> None:
            if await tx.drop(TENANT, AGAIN, id):
                await announcement.count(tx, number, by, {"again": -1, how: 1})
                if gone:
                    await subscribers.drop(tx, gone)

        await self._store.transact(work)
