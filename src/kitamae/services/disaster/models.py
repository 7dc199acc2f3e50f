"""What warns of something now, as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """`level`: 警戒レベル, None where there is none. `since` in UTC: of the last message. `in_force` False: lifted or withdrawn."""

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
    until: datetime | None
