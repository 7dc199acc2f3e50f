"""Letters by SMTP, or into a folder where a demonstration or a test reads them."""

from __future__ import annotations

import asyncio
import re
import secrets
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from kitamae.kernel.people.post import Letter, PerhapsTaken, PostFailed, RefusedForGood

if TYPE_CHECKING:
    from kitamae.kernel.people.post import Post

_SECONDS: Final = 20
_ENHANCED: Final = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")


def post(server: str, sender: str) -> Post:
    """`smtp://user:password@host:587` (TLS is begun before anything is said), `smtps://`, or `file:///folder`."""
    if server.startswith("file://"):
        return Folder(Path(unquote(urlsplit(server).path)), sender)
    return Smtp(server, sender)


class Smtp:
    """RFC 5321 and 8314: never without TLS, but for a server on this machine."""

    def __init__(self, server: str, sender: str) -> None:
        parts = urlsplit(server)
        self._host = parts.hostname or ""
        self._implicit = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._implicit else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender = sender

    async def send(self, letter: Letter) -> None:
        """See `Post`."""
        try:
            await asyncio.to_thread(self._send, letter.to, _message(letter, self._sender))
        except (smtplib.SMTPException, OSError) as wrong:
            raise PostFailed(f"{self._host}: {type(wrong).__name__}") from wrong

    def _send(self, to: str, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        with (
            smtplib.SMTP_SSL(self._host, self._port, timeout=_SECONDS, context=context)
            if self._implicit
            else smtplib.SMTP(self._host, self._port, timeout=_SECONDS)
        ) as server:
            if not self._implicit and self._host not in ("127.0.0.1", "::1", "localhost"):
                server.starttls(context=context)
            if self._user:
                server.login(self._user, self._password)
            server.ehlo_or_helo_if_needed()
            self._demand(*server.mail(self._sender), ever=True)  # a refused sender is ours to mend
            self._demand(*server.rcpt(to))
            try:
                answer = server.data(message.as_bytes(policy=SMTP))
            except smtplib.SMTPDataError as refused:  # before anything of the letter was said
                answer = (refused.smtp_code, _bytes(refused.smtp_error))
            except (smtplib.SMTPServerDisconnected, OSError) as wrong:
                raise PerhapsTaken(
                    f"{self._host}: {type(wrong).__name__} while the letter was handed over"
                ) from wrong
            self._demand(*answer)
            with suppress(smtplib.SMTPException, OSError):  # it is taken, however the conversation ends
                server.quit()

    def _demand(self, code: int, said: bytes, *, ever: bool = False) -> None:
        """RFC 5321 4.2.1: 2xx yes, 4xx not now, 5xx never (`ever`: but perhaps later). Raises PostFailed with the code and the
        enhanced one (RFC 3463) alone: a server's own words name the mailbox, and would stand in logs and in `/health`.
        """
        if code // 100 == 2:
            return
        kind = RefusedForGood if code // 100 == 5 and not ever else PostFailed
        enhanced = _ENHANCED.match(said)
        raise kind(f"{self._host}: {code}{f' {enhanced[1].decode()}' if enhanced else ''}")


class Folder:
    """A file a letter, for its owner alone."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, letter: Letter) -> None:
        """See `Post`."""
        try:
            await asyncio.to_thread(self._write, bytes(_message(letter, self._sender)))
        except OSError as wrong:
            raise PostFailed(f"{self._folder}: {wrong.strerror}") from wrong

    def _write(self, content: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._folder / f"{secrets.token_hex(8)}.eml"
        file.touch(mode=0o600)
        file.write_bytes(content)


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode("ascii", "replace")


def _message(letter: Letter, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, letter.to, letter.subject
    message["Date"] = formatdate()
    if letter.id:  # the same at every try, so that a mailbox knows a letter that came twice
        message["Message-ID"] = f"<{letter.id}@{sender.rpartition('@')[2]}>"
    if letter.leave:
        message["List-Unsubscribe"] = f"<{letter.leave}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message
