"""Notices under `kill -9`: a real server, a real SMTP server that answers late. No letter comes twice, and nobody is forgotten."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from served_city import Served, servers

from bare_kaga import bare
from kitamae.adapters import sqlite
from kitamae.kernel.context import clock
from kitamae.kernel.people import notices
from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.people.platform_purposes import CONTACT
from serving import serving

PERSONS = 40
BEFORE = (3, 0, 7)
"""How many letters go well before each kill."""
FROM = "noreply@city.example.jp"
NUMBER = re.compile(r"[2-9A-Z]{5}-[2-9A-Z]{5}")


class Mailbox:
    """Takes letters, and says to one address "never" (550). The letter after `hold` others is in it, and nobody hears of that until `let`."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.hold = -1
        self.holding, self.let = threading.Event(), threading.Event()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("gone"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.update(NUMBER.findall(_plain(envelope.content)))
        if self.hold >= 0:
            self.hold -= 1
            if self.hold < 0:
                self.holding.set()
                await asyncio.to_thread(self.let.wait, 60)
        return "250 OK"


def _plain(content: bytes) -> str:
    return str(email.message_from_bytes(content, policy=email.policy.default).get_content())


async def _owing(data: Path, city: Path) -> None:
    """A city that owes each of PERSONS a notice; one of them has a mailbox that is gone, one gave no address."""
    async with serving(data, city=city) as served:
        home = served.kitamae.city
        home._rooms.notices._paused = 2**62
        words = home.consents.notice(CONTACT.name, "ja")
        assert words
        for one in range(PERSONS):
            who = Principal(f"resident-{one:03}", "resident", assurance=3, session="x")
            if one:
                await home.consents.agree(who, CONTACT.name, "ja", words.version)
                name = "gone" if one == 1 else f"r{one:03}"
                said = {"email": f"{name}@example.jp", "language": "ja"}
                await home.vault.keep(SYSTEM, who.ref, CONTACT.name, "mail", said)

            async def owe(tx: Any, ref: str = who.ref) -> None:
                await notices.owe(tx, ref, notices.What("case", "2026-ABCDEF", "decide", 2), clock.now())

            await home.store.transact(owe)


async def _now(data: Path) -> dict[str, notices.Notice]:
    store = await sqlite.open(data / "kitamae.db")
    try:
        return await notices.every(store)
    finally:
        await store.close()


def _done(served: Served, mailbox: Mailbox, seconds: float) -> None:
    """Until every letter is in a mailbox, and what comes after it was noted: the store is the server's until it stops."""
    end = time.monotonic() + seconds
    while mailbox.taken.total() < PERSONS - 2:
        assert time.monotonic() < end, "some notices wait for ever"
        assert served.process.poll() is None
        time.sleep(0.1)
    time.sleep(2)


async def test_no_notice_is_sent_twice_or_forgotten_however_often_the_server_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, city = tmp_path / "data", bare(tmp_path / "city")
    file = city / "city.toml"
    text = file.read_text("utf-8").replace("[requests]", "[notices]\na_minute = 10000\n\n[requests]")
    file.write_text(text, "utf-8")
    await _owing(data, city)
    mailbox = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    post = Controller(mailbox, hostname="127.0.0.1", port=port)
    post.start()
    monkeypatch.setenv("KITAMAE_MAIL", f"smtp://127.0.0.1:{port}")
    monkeypatch.setenv("KITAMAE_MAIL_FROM", FROM)
    try:
        options = ("--city", str(city))

        def rounds() -> None:
            with servers() as start:
                for before in BEFORE:
                    mailbox.holding.clear()
                    mailbox.let.clear()
                    mailbox.hold = before
                    served: Served = start(*options, data=data)
                    assert mailbox.holding.wait(60), "it never came to that letter"
                    served.kill()  # in the middle of a hand-over
                    mailbox.let.set()
                served = start(*options, data=data)
                _done(served, mailbox, 120)
                assert served.stop() == 0

        await asyncio.to_thread(rounds)
    finally:
        post.stop()
    after = await _now(data)
    assert len(after) == PERSONS
    assert [number for number, count in mailbox.taken.items() if count > 1] == []
    states = Counter(one["state"] if one["state"] != "paper" else one["why"] for one in after.values())
    assert states["waiting"] == 0, states
    assert (states["no-address"], states["refused"]) == (1, 1)
    assert states["unsure"] == len(BEFORE), "one of each hand-over that was cut off"
    assert states["sent"] == PERSONS - 2 - states["unsure"]
    assert {number for number, one in after.items() if one["state"] == "sent"} <= mailbox.taken.keys()
    print(f"letters {mailbox.taken.total()}, states {dict(states)}")
