"""All of it on one city: who is subscribed, the channels that this city has, and who sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from kitamae.kit.notices.area.sender import Sender
from kitamae.kit.notices.area.subscribers import Subscribers

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Store
    from kitamae.kernel.people.seal import Seal
    from kitamae.kit.notices.area.channel import Channel
    from kitamae.kit.notices.area.line import Line
    from kitamae.kit.notices.area.mail import AreaMail
    from kitamae.kit.notices.area.push import WebPush
    from kitamae.kit.notices.area.sender import Words
    from kitamae.kit.notices.area.subscribers import By
    from kitamae.sdk.city import Notifying


@dataclass(frozen=True, slots=True)
class AreaNotices:
    """`line` None: the city has no account there."""

    subscribers: Subscribers
    sender: Sender
    push: WebPush
    line: Line | None

    @classmethod
    def of(
        cls,
        store: Store,
        seal: Seal,
        words: Words,
        push: WebPush,
        line: Line | None,
        mail: AreaMail | None,
        chosen: Notifying,
    ) -> Self:
        """`mail` None: the city sends no e-mail."""
        channels: dict[By, Channel] = {"push": push}
        if line:
            channels["line"] = line
        if mail:
            channels["mail"] = mail
        subscribers = Subscribers(store, seal)
        sender = Sender(
            *(store, subscribers, channels, words), rehearsal=chosen.rehearsal, a_minute=chosen.area_a_minute
        )
        return cls(subscribers, sender, push, line)
