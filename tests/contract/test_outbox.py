"""No letter is lost between the person and the mail server, on either store."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitamae.kernel.context.store import Store
from kitamae.kernel.people.outbox import GIVEN_UP, KIND, Outbox
from kitamae.kernel.people.post import Letter, PostFailed, RefusedForGood
from kitamae.kernel.people.seal import Seal

SECOND = 1_000_000
LETTER = Letter("hanako@example.jp", "件名", "本文")


class Carrier:
    """A mail server that is up or down."""

    def __init__(self) -> None:
        self.up = True
        self.fails: Exception | None = None
        self.taken: list[Letter] = []

    async def send(self, letter: Letter) -> None:
        if self.fails:
            raise self.fails
        if not self.up:
            raise PostFailed("mail.example: ConnectionRefusedError")
        self.taken.append(letter)


class Clock:
    """Microseconds."""

    def __init__(self) -> None:
        self.at = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        return self.at


async def outbox(store: Store, tmp_path: Path, carrier: Carrier, clock: Clock) -> Outbox:
    made = Outbox(store, Seal(tmp_path / "seal.key", clock), carrier, now=clock)
    await made.open()
    return made


async def test_a_letter_that_is_taken_leaves_nothing(store: Store, tmp_path: Path) -> None:
    carrier, clock = Carrier(), Clock()
    letters = await outbox(store, tmp_path, carrier, clock)
    await letters.send(LETTER)
    assert [(one.to, one.subject, one.text) for one in carrier.taken] == [
        ("hanako@example.jp", "件名", "本文")
    ]
    assert await store.documents(None, KIND) == []
    assert (letters.waiting(), letters.trouble()) == (0, "")


async def test_one_that_is_not_taken_waits_sealed_is_tried_ever_more_seldom_and_outlives_a_restart(
    store: Store, tmp_path: Path
) -> None:
    carrier, clock = Carrier(), Clock()
    letters = await outbox(store, tmp_path, carrier, clock)
    carrier.up = False
    with pytest.raises(PostFailed, match="tried again"):
        await letters.send(LETTER)
    assert "hanako" not in str(await store.documents(None, KIND))
    assert "1 letters wait" in letters.trouble()
    waits = []
    for _ in range(9):
        [(_, _, doc)] = await store.documents(None, KIND)
        waits.append((doc["next"] - clock.at) // SECOND)
        clock.at = doc["next"] - 1
        await letters.turn()
        clock.at += 1
        letters = await outbox(store, tmp_path, carrier, clock)
        await letters.turn()
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    carrier.up = True
    clock.at += 3600 * SECOND
    await letters.turn()
    assert len(carrier.taken) == 1
    assert await store.documents(None, KIND) == []


async def test_one_that_is_of_no_use_any_more_is_given_up_and_counted_for_a_day(
    store: Store, tmp_path: Path
) -> None:
    carrier, clock = Carrier(), Clock()
    letters = await outbox(store, tmp_path, carrier, clock)
    carrier.up = False
    for _ in range(2):
        with pytest.raises(PostFailed):
            await letters.send(Letter("a@example.jp", "x", "y", seconds=100))
    for wait in (31, 61):
        clock.at += wait * SECOND
        await letters.turn()
    assert (letters.waiting(), letters.given_up()) == (0, 2)
    assert letters.trouble() == "2 letters were given up (mail.example: ConnectionRefusedError)"
    assert (await outbox(store, tmp_path, carrier, clock)).given_up() == 2
    clock.at += 86_401 * SECOND
    assert letters.trouble() == ""
    assert await store.get("", *GIVEN_UP) is not None


async def test_a_letter_whose_seal_is_lost_is_given_up_and_harms_no_other(
    store: Store, tmp_path: Path
) -> None:
    carrier, clock = Carrier(), Clock()
    letters = await outbox(store, tmp_path, carrier, clock)
    carrier.up = False
    with pytest.raises(PostFailed):
        await letters.send(LETTER)
    (tmp_path / "seal.key").unlink()
    again = await outbox(store, tmp_path, carrier, clock)
    carrier.up = True
    await again.send(Letter("b@example.jp", "x", "y"))
    clock.at += 31 * SECOND
    await again.turn()
    assert [one.to for one in carrier.taken] == ["b@example.jp"]
    assert again.given_up() == 1


async def test_what_nobody_foresaw_is_tried_ever_more_seldom_and_keeps_no_other_letter(
    store: Store, tmp_path: Path
) -> None:
    carrier, clock = Carrier(), Clock()
    letters = await outbox(store, tmp_path, carrier, clock)
    carrier.fails = UnicodeError("hanako@example.jp cannot be written so")
    with pytest.raises(PostFailed, match="tried again"):
        await letters.send(LETTER)
    clock.at += 30 * SECOND
    await letters.turn()
    [(_, _, doc)] = await store.documents(None, KIND)
    assert (doc["tries"], doc["next"] - clock.at) == (2, 60 * SECOND)
    assert ("UnicodeError" in letters.trouble(), "hanako" in letters.trouble()) == (True, False)
    carrier.fails = None
    await letters.send(LETTER)
    assert len(carrier.taken) == 1
    clock.at = doc["next"]
    await letters.turn()
    assert (len(carrier.taken), letters.waiting(), letters.trouble()) == (2, 0, "")


async def test_what_the_server_refuses_for_good_is_forgotten_and_is_no_trouble_of_the_citys(
    store: Store, tmp_path: Path
) -> None:
    carrier, clock = Carrier(), Clock()
    letters = await outbox(store, tmp_path, carrier, clock)
    carrier.fails = RefusedForGood("mail.example: 550 5.1.1")
    await letters.send(LETTER)
    assert await store.documents(None, KIND) == []
    assert (letters.waiting(), letters.given_up(), letters.trouble()) == (0, 0, "")
