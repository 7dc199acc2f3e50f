"""Announcements on both stores: each concerned subscriber once, whatever dies in between, in memory that does not grow with them."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from kitamae.kernel.context import clock
from kitamae.kernel.context.store import Store
from kitamae.kernel.people import swept
from kitamae.kernel.people.ended import MARK
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.seal import Seal
from kitamae.kit.notices.area import announcement, subscribers
from kitamae.kit.notices.area.announcement import Item, owe
from kitamae.kit.notices.area.channel import Became, Message
from kitamae.kit.notices.area.choice import Choice
from kitamae.kit.notices.area.sender import AT_ONCE, Sender
from kitamae.kit.notices.area.subscribers import By, Subscribers

ORDER = Item(what="issued", level=4, stated=True, name="避難指示", places={"003": "七日市町"})
RAIN = Item(what="raised", level=3, stated=True, name="大雨警報", places={})
DAY = 86_400_000_000


class Words:
    link = "https://city.example.jp/disaster"

    def leave(self, id: str) -> str:
        return id

    def message(self, language: str, kind: str, items: Sequence[Item]) -> tuple[str, str]:
        return f"{language} {kind}", ",".join(one["name"] for one in items)


class Carrier:
    """A channel that notes whom it was given for, how many at once, and stops for good after so many."""

    def __init__(self, name: By, *, twice: bool, dies_after: int = 1 << 60) -> None:
        self.name, self.most, self.twice, self._dies_after = name, 1, twice, dies_after
        self.taken: Counter[str] = Counter()
        self.numbers: set[str] = set()
        self.away = self.together = 0
        self.dead = asyncio.Event()
        self.how: Became = "sent"

    def lane(self, to: Mapping[str, Any]) -> str:
        return self.name

    async def hand_over(self, to: Sequence[Mapping[str, Any]], message: Message) -> Became:
        self.away += 1
        self.together = max(self.together, self.away)
        await asyncio.sleep(0)
        self.taken.update(str(next(iter(one.values()))) for one in to)
        self.numbers.add(message.number)
        if self.taken.total() >= self._dies_after:
            self.dead.set()
            await asyncio.Event().wait()
        self.away -= 1
        return self.how

    async def close(self) -> None:
        pass


async def subscribed(store: Store, seal: Seal, by: By, count: int, choice: Choice) -> None:
    """Many at once, as `Subscribers.keep` keeps each."""
    kept = Subscribers(store, seal)
    made: dict[str, str] = {}
    for n in range(count):
        to = {"endpoint" if by == "push" else "person": f"{by}-{n}"}
        made[kept.id(by, f"{by}-{n}")] = seal.write(
            "subscriber", {"by": by, "to": to, "choice": choice.kept()}
        )

    async def work(tx: Any) -> None:
        index: dict[int, dict[str, str]] = {}
        for id, sealed in made.items():
            await tx.put(TENANT, subscribers.KIND, id, {"sealed": sealed, "at": clock.text(clock.now())})
            index.setdefault(subscribers._bucket(id), {})[id] = by
        for bucket, ids in index.items():
            known = await tx.get(TENANT, subscribers.INDEX, str(bucket)) or {}
            await tx.put(TENANT, subscribers.INDEX, str(bucket), {**known, **ids})

    await store.transact(work)
    assert (await kept.counts())[by] == count


def sender(store: Store, seal: Seal, *channels: Carrier, **more: Any) -> Sender:
    by: Any = {one.name: one for one in channels}
    return Sender(store, Subscribers(store, seal), by, Words(), a_minute=10_000, **more)


async def told(
    store: Store, one: Sender, kind: Any = "orders", item: Item = ORDER
) -> announcement.Announcement:
    number = await store.transact(lambda tx: owe(tx, kind, [item], clock.now()))
    await one.turn()
    await one.settled()
    after = await announcement.one(store, number)
    assert after is not None
    return after


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    return Seal(tmp_path / "seal.key")


async def test_each_whom_it_concerns_is_told_once_and_the_others_are_not(store: Store, seal: Seal) -> None:
    push = Carrier("push", twice=True)
    await subscribed(store, seal, "push", 150, Choice(areas={"003": "七日市町"}))
    kept = Subscribers(store, seal)
    await kept.keep("push", {"endpoint": "elsewhere"}, Choice(areas={"004": "三木町"}))
    await kept.keep("push", {"endpoint": "later"}, Choice(orders=0, alerts=2))
    after = await told(store, sender(store, seal, push))
    assert (after["state"], after["counts"]) == ("done", {"push": {"sent": 150}})
    assert (len(push.taken), max(push.taken.values())) == (150, 1)
    assert await announcement.all_due(store) == {}


async def test_a_sender_that_dies_leaves_nobody_out_tells_again_only_who_shows_it_once_and_no_mailbox_twice(
    store: Store, seal: Seal
) -> None:
    for by, count in (("push", 130), ("mail", 30)):
        await subscribed(store, seal, by, count, Choice())  # type: ignore[arg-type]
    push, dying = Carrier("push", twice=True, dies_after=70), Carrier("mail", twice=False, dies_after=12)
    number = await store.transact(lambda tx: owe(tx, "orders", [ORDER], clock.now()))

    async def until_dead(mail: Carrier, which: Carrier) -> None:
        one = sender(store, seal, push, mail)
        await one.turn()
        await which.dead.wait()
        for task in one._going.values():
            task.cancel()
        await asyncio.gather(*one._going.values(), return_exceptions=True)

    await until_dead(dying, push)
    assert 0 < len(push.taken) < 130
    push._dies_after, push.away = 1 << 60, 0
    await until_dead(dying, dying)
    mail = Carrier("mail", twice=False)
    last = sender(store, seal, push, mail)
    await last.turn()
    await last.settled()
    after = await announcement.one(store, number)
    assert after is not None
    assert (len(push.taken), push.numbers) == (130, {number})
    assert sum(count - 1 for count in push.taken.values()) <= AT_ONCE
    assert max((dying.taken + mail.taken).values()) == 1
    unsure = after["counts"]["mail"]["unsure"]
    assert 0 < unsure <= 10
    assert after["counts"] == {"push": {"sent": 130}, "mail": {"sent": 30 - unsure, "unsure": unsure}}


async def test_ten_thousand_are_told_in_memory_that_does_not_grow_with_them(
    tmp_path: Path, seal: Seal
) -> None:
    from stores import STORES

    store = await STORES["sqlite"](tmp_path)
    peaks = []
    push = Carrier("push", twice=True)
    for more in (1_000, 9_000):
        await subscribed_more(store, seal, more)
        tracemalloc.start()
        after = await told(store, sender(store, seal, push))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert after["counts"] == {"push": {"sent": 10_000}}
    assert push.together <= AT_ONCE
    assert peaks[1] < 8_000_000, peaks
    print("peak bytes", peaks)
    await store.close()


async def subscribed_more(store: Store, seal: Seal, count: int) -> None:
    """In steps, so that the test itself holds no more."""
    kept = Subscribers(store, seal)
    there = (await kept.counts()).get("push", 0)
    for begin in range(there, there + count, 500):

        async def work(tx: Any, begin: int = begin) -> None:
            index: dict[int, dict[str, str]] = {}
            for n in range(begin, begin + 500):
                id = kept.id("push", f"e{n}")
                doc = {"by": "push", "to": {"endpoint": f"e{n}"}, "choice": Choice().kept()}
                await tx.put(
                    TENANT,
                    subscribers.KIND,
                    id,
                    {"sealed": seal.write("subscriber", doc), "at": "2026-11-22T00:00:00Z"},
                )
                index.setdefault(subscribers._bucket(id), {})[id] = "push"
            for bucket, ids in index.items():
                known = await tx.get(TENANT, subscribers.INDEX, str(bucket)) or {}
                await tx.put(TENANT, subscribers.INDEX, str(bucket), {**known, **ids})

        await store.transact(work)


async def test_what_comes_within_moments_is_one_announcement_and_what_comes_later_another(
    store: Store,
) -> None:
    now = clock.now()
    numbers = [
        await store.transact(lambda tx, at=at, name=name: owe(tx, "alerts", [{**RAIN, "name": name}], at))  # type: ignore[misc]
        for at, name in ((now, "大雨警報"), (now + 1_000_000, "洪水警報"), (now + 1_000_000, "洪水警報"), (now + 6_000_000, "雷注意報"))
    ]  # fmt: skip
    assert numbers[0] == numbers[1] == numbers[2] != numbers[3]
    first = await announcement.one(store, numbers[0])
    assert first is not None
    assert [one["name"] for one in first["items"]] == ["大雨警報", "洪水警報"]
    orders = {await store.transact(lambda tx: owe(tx, "orders", [ORDER], now)) for _ in range(2)}
    assert len(orders) == 2


async def test_what_joins_until_somebody_is_told_is_told_to_all(store: Store, seal: Seal) -> None:
    push = Carrier("push", twice=True)
    await subscribed(store, seal, "push", 3, Choice(alerts=2))
    now = clock.now() - 10_000_000
    number = await store.transact(lambda tx: owe(tx, "alerts", [RAIN], now))
    begun = await store.transact(lambda tx: announcement.closed(tx, number))
    assert begun is not None
    assert [one["name"] for one in begun[0]["items"]] == ["大雨警報"]
    late = {**RAIN, "name": "洪水警報"}
    other = await store.transact(lambda tx: owe(tx, "alerts", [late], now))  # type: ignore[list-item]
    assert other != number, "nothing joins what is being told"
    one = sender(store, seal, push)
    await one.turn()
    await one.settled()
    assert (push.numbers, push.taken.total()) == ({number, other}, 6)


async def test_what_waits_is_tried_no_longer_than_the_announcement_is_of_use_and_not_after_a_restore(
    store: Store, seal: Seal
) -> None:
    now = clock.now()
    push = Carrier("push", twice=True)
    push.how = "later"
    await subscribed(store, seal, "push", 2, Choice())
    one = sender(store, seal, push, now=lambda: now)
    number = await store.transact(lambda tx: owe(tx, "orders", [ORDER], now - announcement.USE + 60_000_000))
    await one.turn()
    await one.settled()
    docs = [doc for _, _, doc in await store.documents(TENANT, "announcement-again")]
    assert [doc["until"] - now for doc in docs] == [60_000_000] * 2
    push.how, push.taken = "sent", Counter()
    await store.transact(lambda tx: tx.put(TENANT, *MARK, {"restore": "another", "out": False}))
    now += 31_000_000
    await one._waiting.turn()
    assert (push.taken.total(), await store.documents(TENANT, "announcement-again")) == (0, [])
    assert ((await announcement.one(store, number)) or {})["counts"] == {"push": {"again": 2}}


async def test_addresses_that_nobody_proved_keep_nobody_out_and_who_was_told_once_stays(
    store: Store, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribers, "MOST", subscribers.BUCKETS * 2)
    now = clock.now()
    kept = Subscribers(store, seal, now=lambda: now)
    proven = await kept.keep("push", {"endpoint": "told once"}, Choice())
    await store.transact(lambda tx: subscribers.became(tx, [(proven, "sent")]))
    for n in range(300):
        now += 1_000_000
        last = await kept.keep("push", {"endpoint": f"made up {n}"}, Choice())
        assert await kept.one(last) is not None
    mail = await kept.keep("mail", {"person": "p"}, Choice())
    assert await kept.one(proven) is not None
    assert await kept.one(mail) is not None
    assert sum((await kept.counts()).values()) <= subscribers.MOST
    await store.transact(lambda tx: subscribers.became(tx, [(proven, "refused"), (last, "refused")]))
    assert (await kept.one(last), await kept.one(proven) is not None) == (None, True)


async def test_what_was_written_before_a_restore_or_is_hours_old_is_told_to_nobody(
    store: Store, seal: Seal
) -> None:
    push = Carrier("push", twice=True)
    await subscribed(store, seal, "push", 1, Choice())
    old = await store.transact(lambda tx: owe(tx, "orders", [ORDER], clock.now() - announcement.USE - 1))
    number = await store.transact(lambda tx: owe(tx, "orders", [ORDER], clock.now()))
    await store.transact(lambda tx: tx.put(TENANT, *MARK, {"restore": "another", "out": False}))
    one = sender(store, seal, push)
    await one.turn()
    await one.settled()
    states = {of: (await announcement.one(store, of) or {}).get("state") for of in (old, number)}
    assert states == {old: "restored", number: "restored"}
    assert (await told(store, one))["counts"] == {"push": {"sent": 1}}
    late = await store.transact(lambda tx: owe(tx, "orders", [ORDER], clock.now() - announcement.USE - 1))
    await one.turn()
    await one.settled()
    assert (await announcement.one(store, late) or {}).get("state") == "late"
    assert push.taken.total() == 1


async def test_who_chose_nothing_anew_for_two_years_is_forgotten_and_the_ledger_says_how_many(
    store: Store, seal: Seal
) -> None:
    now = clock.now()
    old = Subscribers(store, seal, now=lambda: now - (subscribers.DAYS + 1) * DAY)
    await old.keep("push", {"endpoint": "old"}, Choice())
    kept = Subscribers(store, seal)
    stays = await kept.keep("push", {"endpoint": "new"}, Choice())
    await kept.tidy()
    assert [id for _, id, _ in await store.documents(TENANT, subscribers.KIND)] == [stays]
    assert (await kept.counts())["push"] == 1
    assert "'subscriber': 1" in str(await store.documents(TENANT, swept.KIND))
