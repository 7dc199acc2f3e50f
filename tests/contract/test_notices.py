"""Handing notices over, on either store: never twice, ever more seldom after failures, and on paper what no channel takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from kitamae.kernel.context import clock
from kitamae.kernel.context.store import Store
from kitamae.kernel.people import notices
from kitamae.kernel.people.post import PerhapsTaken, PostFailed, RefusedForGood
from kitamae.kernel.people.vault import Vault
from kitamae.kernel.people.vault.problems import Erased, Tampered, VaultClosed
from kitamae.kit.notices import Pace, Sender, Told
from kitamae.kit.notices.channel import Reached

SECOND = 1_000_000


class Clock:
    """Microseconds."""

    def __init__(self) -> None:
        self.at = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        return self.at


class Wire:
    """A channel to everybody but `nobody`; `fails` with what it is told to, and to reach those in `unread` too."""

    name = "mail"

    def __init__(self) -> None:
        self.fails: Exception | None = None
        self.taken: list[Told] = []
        self.unread: dict[str, Exception] = {}
        self.looked: list[str] = []

    async def reach(self, person: str) -> Reached | None:
        self.looked.append(person)
        if person in self.unread:
            raise self.unread[person]
        return None if person == "nobody" else Reached(f"{person}@example.jp", "en")

    async def hand_over(self, to: Reached, told: Told) -> None:
        if self.fails is not None:
            raise self.fails
        self.taken.append(told)


class Post:
    """What a test has in its hands."""

    def __init__(self, store: Store, **pace: Any) -> None:
        self.store, self.clock, self.wire = store, Clock(), Wire()
        self.sender = self.another(**pace)

    def another(self, **pace: Any) -> Sender:
        """As after a restart."""
        return Sender(self.store, _closed, [self.wire], _write, Pace(**pace), now=self.clock)

    async def owe(self, person: str = "taro", after: int = 0) -> str:
        async def work(tx: Any) -> str:
            return await notices.owe(tx, person, notices.What("flag"), self.clock(), after, [1])

        return await self.store.transact(work)

    async def later(self, seconds: float) -> None:
        self.clock.at += int(seconds * SECOND)
        await self.sender.turn()

    async def one(self, number: str) -> notices.Notice:
        found = await notices.one(self.store, number)
        assert found
        return found


def _closed() -> Vault:
    raise VaultClosed("this test has none: what was told is noted all the same")


def _write(language: str, numbers: Sequence[str]) -> tuple[str, str]:
    return f"{language}", " ".join(numbers)


async def test_what_is_taken_is_told_once_with_when_and_how(store: Store) -> None:
    post = Post(store)
    number = await post.owe()
    for _ in range(3):
        await post.sender.turn()
    assert [(one.subject, one.text) for one in post.wire.taken] == [("en", number)]
    one = await post.one(number)
    assert (one["state"], one["how"], one["done"]) == ("sent", "mail", clock.text(post.clock()))
    assert await notices.all_due(store) == {}
    assert list(await notices.of(store, "taro", post.clock())) == [number]
    assert await notices.of(store, "hanako", post.clock()) == {}


async def test_what_is_not_taken_is_tried_ever_more_seldom_and_then_goes_on_paper(store: Store) -> None:
    post = Post(store, tries=10)
    number = await post.owe()
    post.wire.fails = PostFailed("down")
    await post.sender.turn()
    waits = []
    while due := await notices.due(store, number):
        waits.append((due["next"] - post.clock.at) // SECOND)
        post.sender = post.another(tries=10)
        post.clock.at = due["next"] - 1
        await post.sender.turn()
        assert await notices.due(store, number) == due
        post.clock.at += 1
        await post.sender.turn()
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    one = await post.one(number)
    assert (one["state"], one["why"]) == ("paper", "not-taken")


async def test_a_mail_server_that_is_down_is_not_asked_for_everybody_and_nobody_is_lost(store: Store) -> None:
    post = Post(store)
    numbers = [await post.owe(f"p{one}") for one in range(5)]
    post.wire.fails = PostFailed("down")
    await post.sender.turn()
    await post.sender.turn()
    assert sorted(one["tries"] for one in (await notices.all_due(store)).values()) == [0, 0, 0, 0, 1]
    assert "1 notices" in (await _trouble(post))
    post.wire.fails = None
    await post.later(31)
    assert {one.text for one in post.wire.taken} == set(numbers)
    assert await _trouble(post) == ""


async def _trouble(post: Post) -> str:
    await post.sender.turn()
    return post.sender.trouble


@pytest.mark.parametrize(
    ("fails", "why"), [(RefusedForGood("550"), "refused"), (PerhapsTaken("reset"), "unsure")]
)
async def test_what_is_refused_for_good_and_what_may_have_arrived_is_not_tried_again(
    store: Store, fails: Exception, why: str
) -> None:
    post = Post(store)
    number = await post.owe()
    post.wire.fails = fails
    await post.sender.turn()
    post.wire.fails = None
    await post.later(7200)
    one = await post.one(number)
    assert (one["state"], one["why"], post.wire.taken) == ("paper", why, [])


async def test_what_was_being_handed_over_when_the_process_died_goes_on_paper(store: Store) -> None:
    post = Post(store)
    number = await post.owe()

    class Died(BaseException):
        pass

    post.wire.fails = Died()  # type: ignore[assignment]  # as kill -9: nothing after it runs
    with pytest.raises(Died):
        await post.sender.turn()
    post.wire.fails = None
    again = post.another()
    await again.turn()
    assert post.wire.taken == []
    await again.recover()
    one = await post.one(number)
    assert (one["state"], one["why"]) == ("paper", "unsure")


async def test_another_workers_late_answer_takes_it_off_the_list(store: Store) -> None:
    post = Post(store)
    number = await post.owe()
    hand_over = post.wire.hand_over

    async def slowly(to: Reached, told: Told) -> None:
        await post.another().recover()  # meanwhile another worker serves it
        assert (await post.one(number))["state"] == "paper"
        await hand_over(to, told)

    post.wire.hand_over = slowly  # type: ignore[method-assign]
    await post.sender.turn()
    assert (await post.one(number))["state"] == "sent"


async def test_who_is_not_reached_gets_a_letter_and_holds_up_nobody(store: Store) -> None:
    post = Post(store)
    number, other = await post.owe("nobody"), await post.owe()
    await post.sender.turn()
    assert (await post.one(number))["why"] == "no-address"
    assert (await post.one(other))["state"] == "sent"


async def test_a_minute_has_so_many_letters_and_a_person_one_in_ten_minutes(store: Store) -> None:
    post = Post(store, a_minute=2)
    for one in range(5):
        await post.owe(f"p{one}")
    sent = []
    for _ in range(3):
        await post.sender.turn()
        sent.append(len(post.wire.taken))
        await post.later(61)
    assert sent == [2, 4, 5]
    for _ in range(2):
        await post.owe("p4")
        await post.later(5)
    assert len(post.wire.taken) == 5
    await post.later(601)
    assert len(post.wire.taken) == 6
    assert len(post.wire.taken[-1].notices) == 2


async def test_what_may_not_be_told_yet_is_neither_sent_nor_shown(store: Store) -> None:
    post = Post(store)
    await post.owe(after=post.clock() + 1000 * SECOND)
    await post.later(999)
    assert (post.wire.taken, await notices.of(store, "taro", post.clock())) == ([], {})
    await post.later(2)
    assert len(post.wire.taken) == 1
    assert len(await notices.of(store, "taro", post.clock())) == 1


async def test_a_rehearsal_hands_nothing_over_and_is_not_made_up_for(store: Store) -> None:
    post = Post(store, rehearsal=True)
    number = await post.owe()
    await post.sender.turn()
    assert ((await post.one(number))["state"], post.wire.taken) == ("rehearsed", [])
    await post.another().turn()
    assert post.wire.taken == []


async def test_what_was_told_since_the_backup_is_not_told_again(store: Store) -> None:
    post = Post(store)
    number = await post.owe()
    back = await _backup(store, number)
    await post.sender.turn()
    gone: Any = await store.get("", notices.TOLD, number)
    await store.transact(back)
    assert gone["how"] == "mail"
    assert await notices.restored(store) == 1
    await post.later(7200)
    assert len(post.wire.taken) == 1
    assert ((await post.one(number))["state"], (await post.one(number))["how"]) == ("sent", "mail")


async def _backup(store: Store, number: str) -> Any:
    """What puts it back as it is now, beside what the list of what was ended says since."""
    before, due = await notices.one(store, number), await notices.due(store, number)
    assert before
    assert due

    async def older(tx: Any) -> None:
        await notices.put(tx, number, before)
        await notices.put_due(tx, number, due)

    return older


async def test_what_perhaps_arrived_since_the_backup_is_not_sent_again(store: Store) -> None:
    post = Post(store)
    number = await post.owe()
    back = await _backup(store, number)
    post.wire.fails = PerhapsTaken("reset")
    await post.sender.turn()
    unsure = await post.one(number)
    await store.transact(back)
    post.wire.fails = None
    assert [await notices.restored(store) for _ in range(2)] == [1, 0]
    await post.later(7200)
    assert (post.wire.taken, await post.one(number)) == ([], unsure)


async def test_what_is_withheld_after_it_was_chosen_is_not_handed_over(store: Store) -> None:
    post = Post(store)
    number = await post.owe()
    reach = post.wire.reach

    async def late(looks: Sequence[int]) -> int:
        return post.clock() + 1000 * SECOND

    async def slowly(person: str) -> Reached | None:
        async def withhold(tx: Any) -> None:
            await notices.postpone(tx, "taro", post.clock(), late)

        await store.transact(withhold)
        return await reach(person)

    post.wire.reach = slowly  # type: ignore[method-assign]
    await post.sender.turn()
    assert (post.wire.taken, (await post.one(number))["state"]) == ([], "waiting")


@pytest.mark.parametrize("why", [Tampered("a record was changed"), Erased("its key is gone")])
async def test_who_cannot_be_looked_up_holds_up_nobody_and_is_not_looked_at_every_second(
    store: Store, why: Exception
) -> None:
    post = Post(store)
    await post.owe("taro")
    post.clock.at += 1
    await post.owe("hanako")
    post.wire.unread["taro"] = why
    for _ in range(5):
        await post.later(1)
    assert len(post.wire.taken) == 1
    assert post.wire.looked == ["taro", "hanako"]
    await post.later(30)
    assert post.wire.looked == ["taro", "hanako", "taro"]


async def test_while_the_vault_is_closed_nobody_is_tried_in_vain(store: Store) -> None:
    post = Post(store)
    number = await post.owe()
    post.wire.unread["taro"] = VaultClosed("sealed")
    with pytest.raises(VaultClosed):
        await post.sender.turn()
    due = await notices.due(store, number)
    assert due
    assert due["tries"] == 0


async def test_what_nobody_foresaw_stops_neither_the_sender_nor_the_others(store: Store) -> None:
    post = Post(store)
    number = await post.owe("taro")
    post.wire.fails = KeyError("taro")
    await post.sender._look()
    assert "KeyError" in post.sender.trouble
    assert "taro" not in post.sender.trouble
    post.wire.fails = None
    other = await post.owe("hanako")
    await post.sender._look()
    assert [told.text for told in post.wire.taken] == [other]
    one = await post.one(number)
    assert (one["state"], one["why"]) == ("paper", "unsure"), "it may have arrived: somebody decides"
