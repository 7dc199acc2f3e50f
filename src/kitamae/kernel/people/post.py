"""Sending a letter to an address that somebody typed in: the city keeps neither, once the mail server has taken it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Protocol

from kitamae.kernel.problems import BadRequest, Unavailable

_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII
)
_LONGEST: Final = 254


class PostFailed(Unavailable):
    """The mail server did not take it."""

    title = "The e-mail could not be sent"


class NotKept(PostFailed):
    """Nor is it tried again: too many letters wait already."""


class RefusedForGood(PostFailed):
    """It says that it never will: there is no such mailbox, for one."""


class PerhapsTaken(PostFailed):
    """The whole letter was handed over, and no answer came: it may be on its way."""


@dataclass(frozen=True, slots=True)
class Letter:
    """Plain text. `to` is an address as `address` gives it back; after `seconds` it is of no use any more. `id`: its own; `leave`: the
    address at which one click ends such letters (RFC 8058), "" where there is none.
    """

    to: str
    subject: str
    text: str
    seconds: int = 86_400
    id: str = ""
    leave: str = ""


class Post(Protocol):
    """Whoever carries letters."""

    async def send(self, letter: Letter) -> None:
        """Handed over when it returns. Raises PostFailed; NotKept, RefusedForGood, PerhapsTaken where that is known."""
        ...


def address(text: str) -> str:
    """An e-mail address as it was meant, in small letters. Raises BadRequest."""
    found = text.strip().lower()
    if len(found) > _LONGEST or not _ADDRESS.fullmatch(found):
        raise BadRequest("expected an e-mail address, such as name@example.jp")
    return found
