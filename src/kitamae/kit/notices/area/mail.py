"""By e-mail to who is signed in and made sure of an address: it stays in the vault, is read when it is used, and each use leaves a receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kitamae.kernel.people.post import Letter, PerhapsTaken, PostFailed, RefusedForGood
from kitamae.kernel.problems import Problem, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.people.post import Post
    from kitamae.kit.notices.area.channel import Became, Message
    from kitamae.kit.notices.mail import Mail


class AreaMail:
    """A `Channel`. `addresses` knows where a person is reached, and asks his consent."""

    name = "mail"
    most = 1
    twice = False

    def __init__(self, addresses: Mail, post: Post) -> None:
        self._addresses, self._post = addresses, post

    def lane(self, to: Mapping[str, Any]) -> str:
        """See `Channel`: there is one mail server."""
        return "mail"

    async def hand_over(self, to: Sequence[Mapping[str, Any]], message: Message) -> Became:
        """See `Channel`. Who withdrew his consent, or was erased, is gone."""
        (one,) = to
        try:
            there = await self._addresses.reach(str(one["person"]))
        except Unavailable:  # the vault is closed, the store full: it is not for good
            return "later"
        except Problem:
            return "refused"
        if there is None:
            return "gone"
        text = f"{message.line}\n{message.link}\n"
        letter = Letter(there.at, message.title, text, id=message.group, leave=message.leave)
        try:
            await self._post.send(letter)
        except PerhapsTaken:
            return "unsure"
        except RefusedForGood:
            return "refused"
        except PostFailed:
            return "later"
        return "sent"

    async def close(self) -> None:
        """See `Channel`: letters have no connection that stays."""
