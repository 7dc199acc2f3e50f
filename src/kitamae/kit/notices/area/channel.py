"""What a channel to subscribers is, and what becomes of a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Became = Literal["sent", "gone", "refused", "later", "unsure"]
"""Taken; there is nobody any more; will never be taken; not taken now; nobody knows."""


@dataclass(frozen=True, slots=True)
class Message:
    """At most a line and a link. `number`: the announcement's, the same at every try, so that whoever gets it twice shows it once. `group`: a
    name of it for those to whom it goes at once, the same at every try too, of which nobody learns who they are. `urgent`: it may wake a device that sleeps. `leave`: where one leaves in one tap, for the channels that carry it.
    """

    number: str
    title: str
    line: str
    link: str
    language: str
    group: str
    urgent: bool = False
    leave: str = ""


class Channel(Protocol):
    """`name`: a word that pages know how to say. `most`: how many subscribers one message may be handed over for. `twice`: whether the other
    side shows what comes twice once; where it does not, what may have arrived is not sent again.
    """

    name: str
    most: int
    twice: bool

    def lane(self, to: Mapping[str, Any]) -> str:
        """Whose servers they are: of those that are down nobody else's wait."""
        ...

    async def hand_over(self, to: Sequence[Mapping[str, Any]], message: Message) -> Became:
        """To all of these addresses as `subscribers` keeps them."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
