"""Letters by SMTP, or into a folder where a demonstration or a test reads them."""

from __future__ import annotations

import asyncio
import secrets
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from kitamae.kernel.people.post import Letter, PostFailed

if TYPE_CHECKING:
    from kitamae.kernel.people.post import Post

_SECONDS: Final = 20


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
            await asyncio.to_thread(self._send, _message(letter, self._sender))
        except (smtplib.SMTPException, OSError) as wrong:
            raise PostFailed(f"{self._host}: {type(wrong).__name__}") from wrong

    def _send(self, message: EmailMessage) -> None:
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
            server.send_message(message)


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


def _message(letter: Letter, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, letter.to, letter.subject
    message["Date"] = formatdate()
    if letter.id:  # the same at every try, so that a mailbox knows a letter that came twice
        message["Message-ID"] = f"<{letter.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message
