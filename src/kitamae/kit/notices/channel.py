"""What a channel is: something that knows where it reaches a person, and hands a text over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Told:
    """What goes out: that there is a notice. `letter`: its number, the same at every try; `notices`: of which it tells."""

    letter: str
    subject: str
    text: str
    notices: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Reached:
    """Where one person is reached, and in which of the city's languages he wants to hear."""

    at: str
    language: str


class Channel(Protocol):
    """One way to a person. `name` is kept with what went by it: `mail`."""

    @property
    def name(self) -> str:
        """A word that pages know how to say."""
        ...

    async def reach(self, person: str) -> Reached | None:
        """None: this person did not ask to be told so. A look at the address leaves a receipt. Raises VaultClosed."""
        ...

    async def hand_over(self, to: Reached, told: Told) -> None:
        """It is the other side's when it returns. Raises PostFailed (later), RefusedForGood, PerhapsTaken."""
        ...
