"""A visitor signs in with an e-mail address, as a browser and a mailbox see it."""

from __future__ import annotations

import email
import email.policy
import re
import smtplib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kitamae.adapters.mail import Smtp, post
from kitamae.kernel.people.post import Letter, PostFailed
from kitamae.settings import Settings
from serving import HERE, SAME, Served, serving

FROM = "noreply@city.example.jp"


def town(tmp_path: Path) -> Any:
    return serving(tmp_path / "data", mail=f"file://{tmp_path}/post", mail_from=FROM)


def letters(tmp_path: Path) -> list[Any]:
    found = [
        email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        for file in (tmp_path / "post").glob("*")
    ]
    return sorted(found, key=lambda one: str(one["To"]))


async def ask(served: Served, address: str, lang: str = "ja") -> Any:
    return await served.client.post(f"/sign-in/visitor?lang={lang}", data={"address": address}, headers=SAME)


async def enter(served: Served, letter: Any) -> Any:
    link = re.search(rf"{HERE}(/sign-in/visitor/(\S+))", letter.get_content())
    assert link
    page = await served.client.get(link[1])
    assert f'value="{link[2]}"' in page.text
    return await served.client.post("/sign-in/visitor/enter", data={"code": link[2]}, headers=SAME)


async def test_a_letter_signs_a_visitor_in_once_at_a_low_assurance_that_the_page_names(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as served:
        assert "メールを送りました" in (await ask(served, " Hanako@Example.JP ")).text
        (letter,) = letters(tmp_path)
        assert (letter["To"], letter["From"]) == ("hanako@example.jp", FROM)
        assert "サインインのためのリンク" in letter["Subject"]
        assert (await enter(served, letter)).headers["location"] == "/account"
        account = (await served.client.get("/account")).text
        assert "本人確認はしていません" in account
        assert (await served.client.get("/staff")).headers["location"] == "/account"
        entity = {"id": "urn:x:1", "type": "Town"}
        assert (
            await served.client.post("/ngsi-ld/v1/entities", json=entity, headers=SAME)
        ).status_code == 403
        assert (await enter(served, letter)).status_code == 400
        kept = [
            await served.kitamae.city.store.documents(None, kind)
            for kind in ("person", "link", "session", "spent")
        ]
        assert "hanako" not in str(kept)
        assert "visitor-" in str(kept)


async def test_one_address_gets_a_letter_a_minute_and_one_network_few(tmp_path: Path) -> None:
    async with town(tmp_path) as served:
        for _ in range(3):
            assert "メールを送りました" in (await ask(served, "a@example.jp")).text
        assert len(letters(tmp_path)) == 1
        for name in "bc":
            await ask(served, f"{name}@example.jp")
        assert (await ask(served, "d@example.jp")).status_code == 429
        assert len(letters(tmp_path)) == 3
        other_site = {"Origin": "https://other.example"}
        refused = await served.client.post(
            "/sign-in/visitor", data={"address": "e@example.jp"}, headers=other_site
        )
        assert refused.status_code == 403


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "a",
        "a@b",
        "a@b.c\nBcc: x@y.z",
        "a b@c.jp",
        "a@c.jp,d@e.jp",
        "<a@c.jp>",
        "あ@c.jp",
        "a@" + "b" * 260 + ".jp",
    ],
)
async def test_what_is_no_address_gets_no_letter(tmp_path: Path, typed: str) -> None:
    async with town(tmp_path) as served:
        answer = await ask(served, typed)
        assert (answer.status_code, "メールアドレスの書き方" in answer.text) == (400, True)
        assert letters(tmp_path) == []


async def test_a_letter_that_the_mail_server_does_not_take_is_said_kept_sealed_and_sent_later(
    tmp_path: Path,
) -> None:
    (tmp_path / "post").write_text("in the way")
    async with town(tmp_path) as served:
        assert "メールサーバーが、まだ受け取っていません" in (await ask(served, "hanako@example.jp")).text
        kept = await served.kitamae.city.store.documents(None, "letter")
        assert len(kept) == 1
        assert "hanako" not in str(kept)
    async with town(tmp_path) as served:  # a restart loses nothing
        letters_kept = served.kitamae.city.ways.letters
        assert letters_kept.waiting() == 1
        assert "1 letters wait for the mail server" in letters_kept.trouble()
        (tmp_path / "post").unlink()
        [(_, id, doc)] = await served.kitamae.city.store.documents(None, "letter")
        letters_kept._waiting._known[id] = {**doc, "next": 0}  # half a minute later
        await letters_kept.turn()
        (letter,) = letters(tmp_path)
        assert letter["Message-ID"] == f"<{id}@city.example.jp>"
        assert (await enter(served, letter)).headers["location"] == "/account"
        assert letters_kept.trouble() == ""


async def test_a_city_without_a_mail_server_says_so(tmp_path: Path) -> None:
    async with serving(tmp_path / "other") as served:
        assert "まだメールを送れません" in (await served.client.get("/sign-in/visitor")).text
        assert (await ask(served, "a@example.jp")).status_code == 404


async def test_the_letter_is_in_the_language_of_the_page(tmp_path: Path) -> None:
    async with town(tmp_path) as served:
        await ask(served, "a@example.jp", "en")
        (letter,) = letters(tmp_path)
        assert letter["Subject"] == "City OS: your sign-in link"


async def test_over_smtp_nothing_is_said_before_tls_but_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[Any] = []

    class Server:
        def __init__(self, host: str, port: int, **_: Any) -> None:
            said.append((host, port))

        def __enter__(self) -> Server:
            return self

        def __exit__(self, *_: object) -> None: ...

        def starttls(self, context: Any) -> None:
            said.append(("tls", context.check_hostname))

        def login(self, user: str, password: str) -> None:
            said.append((user, password))

        def ehlo_or_helo_if_needed(self) -> None: ...

        def mail(self, sender: str) -> tuple[int, bytes]:
            assert sender == FROM
            return 250, b""

        def rcpt(self, to: str) -> tuple[int, bytes]:
            said.append(to)
            return 250, b""

        def data(self, message: bytes) -> tuple[int, bytes]:
            assert b"To: a@example.jp\r\n" in message
            return 250, b""

        def quit(self) -> None: ...

    monkeypatch.setattr(smtplib, "SMTP", Server)
    monkeypatch.setattr(smtplib, "SMTP_SSL", Server)
    letter = Letter("a@example.jp", "s", "t")
    await post("smtp://u:p%40@mail.example.jp", FROM).send(letter)
    assert said == [("mail.example.jp", 587), ("tls", True), ("u", "p@"), "a@example.jp"]
    said.clear()
    await post("smtps://mail.example.jp", FROM).send(letter)
    await post("smtp://127.0.0.1:2525", FROM).send(letter)
    assert said == [("mail.example.jp", 465), "a@example.jp", ("127.0.0.1", 2525), "a@example.jp"]


async def test_a_mail_server_that_is_not_there_is_a_problem() -> None:
    with pytest.raises(PostFailed):
        await Smtp("smtp://127.0.0.1:1", FROM).send(Letter("a@example.jp", "s", "t"))


@pytest.mark.parametrize(
    "chosen",
    [
        {"mail": "mail.example.jp", "mail_from": FROM},
        {"mail": "smtp://mail.example.jp"},
        {"mail_from": FROM},
        {"mail": "http://x", "mail_from": FROM},
    ],
)
def test_a_mail_server_is_configured_whole_or_not_at_all(chosen: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings.chosen(**chosen)
