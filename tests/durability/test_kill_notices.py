"""Notices under `kill -9`: a real server, a real SMTP server that answers late. No letter comes twice, and nobody is forgotten."""

from __future__ import annotations

import asyncio
import email
import email.policy
import random
import re
import socket
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
KILLS = 3
FROM = "noreply@city.example.jp"
NUMBER = re.compile(r"[2-9A-Z]{5}-[2-9A-Z]{5}")


class Mailbox:
    """Takes letters, slowly, and says to one address "never" (550)."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.draw = random.Random(120)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("gone"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.update(
            NUMBER.findall(_plain(envelope.content))
        )  # it is in the mailbox, whoever hears of it
        await asyncio.sleep(self.draw.uniform(0.0, 0.06))
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


def _settled(mailbox: Mailbox, seconds: float) -> None:
    """Until nothing new has come for some seconds."""
    end, seen, quiet = time.monotonic() + seconds, -1, 0.0
    while time.monotonic() < end and quiet < 6:
        count = mailbox.taken.total()
        quiet = quiet + 0.2 if count == seen else 0.0
        seen = count
        time.sleep(0.2)


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
            draw = random.Random(2026)
            with servers() as start:
                for _ in range(KILLS):
                    before = mailbox.taken.total()
                    served: Served = start(*options, data=data)
                    while mailbox.taken.total() < before + 3 and served.process.poll() is None:
                        time.sleep(0.005)
                    time.sleep(draw.uniform(0.0, 0.25))
                    served.kill()
                served = start(*options, data=data)
                _settled(mailbox, 120)
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
    assert states["unsure"] <= KILLS
    assert states["sent"] == PERSONS - 2 - states["unsure"]
    assert {number for number, one in after.items() if one["state"] == "sent"} <= mailbox.taken.keys()
    print(f"letters {mailbox.taken.total()}, states {dict(states)}")
