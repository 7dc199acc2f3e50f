"""What a mail server says to a refusal stays between us: it names the mailbox."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from kitamae.adapters.mail import Smtp
from kitamae.kernel.people.post import Letter, PostFailed, RefusedForGood

FROM = "noreply@city.example.jp"


class Refuses:
    """Every mailbox, with the words it was given."""

    said = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        return self.said


@pytest.fixture
def refuses() -> Iterator[tuple[Refuses, Smtp]]:
    server = Refuses()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    post = Controller(server, hostname="127.0.0.1", port=port)
    post.start()
    yield server, Smtp(f"smtp://127.0.0.1:{port}", FROM)
    post.stop()


@pytest.mark.parametrize(
    ("said", "known", "kind"),
    [
        ("550 5.1.1 <hanako@example.jp>: no such mailbox", "127.0.0.1: 550 5.1.1", RefusedForGood),
        ("550-5.1.1 hanako@example.jp\r\n550 5.1.1 is gone", "127.0.0.1: 550 5.1.1", RefusedForGood),
        ("452 4.2.2 hanako@example.jp is over quota", "127.0.0.1: 452 4.2.2", PostFailed),
        ("550 hanako@example.jp 5.1.1", "127.0.0.1: 550", RefusedForGood),
        ("553 5.1.1<hanako@example.jp>", "127.0.0.1: 553", RefusedForGood),
    ],
)
async def test_a_refusal_is_known_by_its_code_and_names_nobody(
    refuses: tuple[Refuses, Smtp], said: str, known: str, kind: type[PostFailed]
) -> None:
    server, post = refuses
    server.said = said
    with pytest.raises(kind) as refused:
        await post.send(Letter("hanako@example.jp", "s", "t"))
    assert refused.type is kind
    assert refused.value.detail == known
