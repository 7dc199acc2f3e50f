"""Emergency notices under `kill -9`: a real server, a push service and a mail server that answer late. Nobody is left out, no e-mail comes twice, and
what a browser gets twice bears one number, by which it shows it once.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import random
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
from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.people.platform_purposes import CONTACT
from kitamae.kit.notices.area import announcement
from kitamae.kit.notices.area.choice import Choice
from kitamae.kit.notices.area.sender import AT_ONCE, FEW
from serving import serving
from telling import Browser, PushService

BROWSERS, PERSONS, KILLS = 120, 24, 3
ORDER = announcement.Item(what="issued", level=4, stated=True, name="避難指示", places={})


class Mailbox:
    """Takes letters, slowly."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.taken[str(letter["To"])] += 1  # it is in the mailbox, whoever hears of it
        await asyncio.sleep(0.05)
        return "250 OK"


async def owing(data: Path, city: Path, service: PushService, browsers: list[Browser]) -> str:
    """A city with subscribers, and an order of which nobody was told yet; its number."""
    async with serving(data, city=city, open=True) as served:
        home = served.kitamae.city
        kept = home._rooms.area_notices.subscribers
        words = home.consents.notice(CONTACT.name, "ja")
        assert words
        for n, browser in enumerate(browsers):
            await kept.keep("push", {"endpoint": service.address(f"b{n}"), **browser.keys}, Choice())
        for n in range(PERSONS):
            who = Principal(f"resident-{n:03}", "resident", assurance=3, session="x")
            await home.consents.agree(who, CONTACT.name, "ja", words.version)
            said = {"email": f"r{n:03}@example.jp", "language": "ja"}
            await home.vault.keep(SYSTEM, who.ref, CONTACT.name, "mail", said)
            await kept.keep("mail", {"person": who.ref}, Choice())
        later = clock.now() + 2_000_000  # the server that told it would not be killed
        number = await home.store.transact(lambda tx: announcement.owe(tx, "orders", [ORDER], later))
    return str(number)


async def test_nobody_is_left_out_and_no_mailbox_gets_it_twice_however_often_the_server_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, city = tmp_path / "data", bare(tmp_path / "city")
    with (city / "city.toml").open("a", encoding="utf-8") as file:
        file.write('\n[notices]\npush_hosts = ["127.0.0.1"]\narea_a_minute = 10000\n')
    browsers, mailbox = [Browser() for _ in range(BROWSERS)], Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    post = Controller(mailbox, hostname="127.0.0.1", port=port)
    post.start()
    async with PushService() as service:
        service.pause = 0.05
        number = await owing(data, city, service, browsers)
        monkeypatch.setenv("KITAMAE_MAIL", f"smtp://127.0.0.1:{port}")
        monkeypatch.setenv("KITAMAE_MAIL_FROM", "noreply@city.example.jp")
        draw = random.Random(128)

        def come() -> int:
            return len(service.times()) + len(mailbox.taken)

        def rounds() -> None:
            with servers() as start:
                for killed in range(KILLS):
                    served: Served = start("--city", str(city), "--open", data=data)
                    least = come() + draw.randrange(5, 30) if killed < KILLS - 1 else BROWSERS + 3
                    end = time.monotonic() + 60
                    while come() < least and time.monotonic() < end:
                        time.sleep(0.005)
                    served.kill()
                served = start("--city", str(city), "--open", data=data)
                end, quiet, seen = time.monotonic() + 60, time.monotonic(), -1
                while time.monotonic() < end and time.monotonic() - quiet < 4:
                    if come() != seen:
                        seen, quiet = come(), time.monotonic()
                    time.sleep(0.1)
                assert served.stop() == 0

        try:
            await asyncio.to_thread(rounds)
        finally:
            post.stop()
    store = await sqlite.open(data / "kitamae.db")
    try:
        after = await announcement.one(store, number)
    finally:
        await store.close()
    assert after is not None
    assert after["state"] == "done", after
    assert len(service.times()) == BROWSERS
    again = service.times().total() - BROWSERS
    assert again <= KILLS * AT_ONCE
    assert {json.loads(browsers[int(name[1:])].read(body))["tag"] for name, _, body in service.taken} == {
        number
    }
    assert [to for to, count in mailbox.taken.items() if count > 1] == []
    counts = after["counts"]
    unsure = counts["mail"].get("unsure", 0)
    assert counts == {
        "push": {"sent": BROWSERS},
        "mail": {"sent": PERSONS - unsure} | ({"unsure": unsure} if unsure else {}),
    }
    assert unsure <= KILLS * FEW
    assert PERSONS - unsure <= len(mailbox.taken) <= PERSONS
    print(
        f"browsers {BROWSERS}, told twice under one number {again}; letters {mailbox.taken.total()}, unsure {unsure}"
    )
