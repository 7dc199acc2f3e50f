"""Hands over what is due to all whom it concerns, for one worker at a time, some at a time: the memory that it takes does not grow with them.

Before some are told, that they are being told is durable; afterwards, what became of it. Where the process dies in between, web push and LINE
are told once more under the same number, by which the other side knows it again and shows it once; an e-mail that may have arrived is not sent
again, and counts as `unsure`. What is not taken now waits (`waiting.py`) and is tried again as long as it is of use.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.waiting import FIRST, NotTaken, OfNoUse, Waiting, entry
from kitamae.kit.notices.area import announcement, subscribers
from kitamae.kit.notices.area.announcement import SECOND, USE
from kitamae.kit.notices.area.channel import Message
from kitamae.kit.notices.area.orders import still
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


class Handed(NamedTuple):
    """To whom at once, what became of it, in which language, which items, and the name of the group."""

    some: Sequence[Subscriber]
    how: Became
    language: str = ""
    fitting: tuple[int, ...] = ()
    group: str = ""


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
        begun = await self._store.transact(lambda tx: announcement.closed(tx, number))
        if begun is None:
            return
        told, due = begun
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
            await self._end(number, by, place, became, told)
        return True

    async def _recover(self, number: str, told: Announcement, due: Due) -> Due:
        """Who was being told when a process died."""
        by = CHANNELS[due["channel"]]
        whom = [one for id in due["begun"] if (one := await self._kept.one(id))]
        again = self._quiet(told) or (by in self.channels and self.channels[by].twice)
        became = await self._carry(number, told, by, whom) if again else [Handed(whom, "unsure")]
        await self._end(number, by, due, became, told)
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
        self, number: str, by: By, place: Due, became: Sequence[Handed], told: Announcement
    ) -> None:
        quiet = self._quiet(told)
        later = {
            f"{number} {one.some[0].id}": self._entry(number, told, one)
            for one in became
            if one.how == "later"
        }

        async def work(tx: Transaction) -> bool:
            there = await announcement.due(tx, number)
            if there is None or there["begun"] != place["begun"]:
                return False
            counts: Counter[str] = Counter()
            for one in became:
                counts["rehearsed" if quiet else "again" if one.how == "later" else one.how] += len(one.some)
            if not quiet:
                await subscribers.became(tx, [(one.id, part.how) for part in became for one in part.some])
                for id, doc in later.items():
                    await tx.put(TENANT, AGAIN, id, doc)
            await announcement.count(tx, number, by, counts)
            await tx.put(TENANT, announcement.DUE, number, {**place, "begun": []})
            return True

        if await self._store.transact(work) and later and not quiet:
            self._waiting.came(later)

    def _entry(self, number: str, told: Announcement, part: Handed) -> dict[str, Any]:
        """What waits is the very group that was tried, under its name: whoever took it already knows it again. Of use no longer than it was."""
        content = {
            "number": number, "subscribers": [one.id for one in part.some], "group": part.group, "language": part.language,
            "fitting": list(part.fitting), "lane": self._lane(part.some[0]), "begun": False,
        }  # fmt: skip
        return {
            **entry(content, self._now(), USE // SECOND, first=FIRST),
            "until": clock.micros(told["at"]) + USE,
        }

    # --- handing over
    async def _carry(
        self, number: str, told: Announcement, by: By, whom: Sequence[Subscriber]
    ) -> list[Handed]:
        channel = self.channels.get(by)
        if self._quiet(told):
            return [Handed(whom, "sent")]  # told to nobody, and counted as rehearsed
        if channel is None:  # the operator has switched it off
            return [Handed(whom, "refused")]
        groups: dict[tuple[str, tuple[int, ...]], list[Subscriber]] = defaultdict(list)
        for one in whom:
            groups[one.choice.language, tuple(one.choice.fitting(told))].append(one)
        parts = [
            Handed(some[begin : begin + channel.most], "later", language, fitting)
            for (language, fitting), some in groups.items()
            for begin in range(0, len(some), channel.most)
        ]
        parts = [part._replace(group=_group(number, part.some)) for part in parts]
        done = await asyncio.gather(
            *(self._one(channel, part.some, self._message(number, told, part)) for part in parts)
        )
        return [part._replace(how=how) for part, how in zip(parts, done, strict=True)]

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

    def _message(self, number: str, told: Announcement, part: Handed) -> Message:
        items = [told["items"][n] for n in part.fitting]
        title, line = self._words.message(part.language, told["kind"], items)
        urgent = told["kind"] == "orders" or any(one["level"] >= 4 for one in announcement.standing(items))
        leave = self._words.leave(part.some[0].id)
        return Message(
            number, title, line, self._words.link, part.language, part.group, urgent=urgent, leave=leave
        )

    def _quiet(self, told: Announcement) -> bool:
        return self.rehearsal or told["rehearsal"]

    def _lane(self, one: Subscriber) -> str:
        return f"{one.by} {self.channels[one.by].lane(one.to)}"

    async def _once_more(self, id: str, doc: dict[str, Any]) -> None:
        """What waited, by what counts of everything that is told. Raises NotTaken, OfNoUse."""
        number, told = doc["number"], await announcement.one(self._store, doc["number"])
        by: By = doc["lane"].partition(" ")[0]
        known = [one for each in doc["subscribers"] if (one := await self._kept.one(each))]
        if told is None or by not in self.channels:
            await self._settle(id, doc, by, dict.fromkeys(doc["subscribers"], "gone"))
            return
        if told["restore"] != await announcement.restore(self._store):
            await self._settle(id, doc, by, {})
            return
        if self._now() - clock.micros(told["at"]) > USE:
            raise OfNoUse("it came too late")
        if self._quiet(told) or doc["begun"]:
            how = "rehearsed" if self._quiet(told) else "unsure"
            await self._settle(id, doc, by, dict.fromkeys(doc["subscribers"], how))
            return
        left = await still(self._store, told)
        fitting = [n for n in doc["fitting"] if n in left]
        told = {**told, "items": [left.get(n, item) for n, item in enumerate(told["items"])]}
        some = [one for one in known if set(one.choice.fitting(told)) & set(fitting)]
        became = {one: "gone" for one in doc["subscribers"] if one not in {each.id for each in known}}
        if not some:  # nothing of it holds for them any more, and of what holds now they are told
            await self._settle(id, doc, by, became)
            return
        channel = self.channels[by]
        if not channel.twice:
            await self._mark(id)  # unmarked with the next try
        part = Handed(some, "later", doc["language"], tuple(fitting), doc["group"])
        how = await self._one(channel, some, self._message(number, told, part))
        if how == "later":
            raise NotTaken(f"{doc['lane']} does not take it")
        await self._settle(id, doc, by, became | {one.id: how for one in some})

    async def _mark(self, id: str) -> None:
        async def work(tx: Transaction) -> None:
            there: Any = await tx.get(TENANT, AGAIN, id)
            if there is not None:
                await tx.put(TENANT, AGAIN, id, {**there, "begun": True})

        await self._store.transact(work)

    async def _settle(self, id: str, doc: Mapping[str, Any], by: By, became: Mapping[str, str]) -> None:
        """`became`: by subscriber; whoever is not in it stays counted as one whom it reached too late."""
        counts = Counter(became.values())

        async def work(tx: Transaction) -> None:
            if await tx.drop(TENANT, AGAIN, id):
                await announcement.count(tx, doc["number"], by, {**counts, "again": -len(became)})
                await subscribers.became(tx, list(became.items()))

        await self._store.transact(work)


def _group(number: str, some: Sequence[Subscriber]) -> str:
    """A name of this announcement for these: the same at every try, and nobody's."""
    return hashlib.sha256(" ".join([number, *sorted(one.id for one in some)]).encode()).hexdigest()[:32]
