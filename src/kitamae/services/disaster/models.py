"""What warns of something now, as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """`level`: 警戒レベル, None where there is none. `in_force` False: lifted or withdrawn. `lost`: whoever raised it has fallen silent, and
    nobody knows: it stays in force. `odd`: its state is a word that nobody knows: it stays in force too.

    `hazards`: because of what the city orders (洪水, 土砂災害 …); empty where the order does not say.

    In UTC, `since`: of the last message; `issued`: of the last one by which it was in force.
    """

    id: str
    phenomenon: str
    name: str
    level: int | None
    in_force: bool
    withdrawn: bool
    area: str
    office: str
    headline: str
    since: datetime
    issued: datetime
    until: datetime | None
    lost: bool = False
    hazards: tuple[str, ...] = ()
    odd: bool = False

    @property
    def ordered(self) -> bool:
        """Whether the city orders it (避難情報), and nobody else warns of it."""
        return ":EvacuationOrder:" in self.id

    @property
    def gauge(self) -> str:
        """The river gauge that raised it, by its code; "": none did."""
        what, _, code = self.phenomenon.partition("-")
        return code if what == "gauge" else ""
