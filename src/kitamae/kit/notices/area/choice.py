"""What somebody asked to be told, and whether something concerns him."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kit.notices.area.announcement import Announcement, Item

WHOLE: Final = "all"
"""The district that is the whole city (`evacuation_state.WHOLE`)."""
MOST: Final = 50
"""Areas of one."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`areas`: ids of districts with their names; none: the whole city. `orders`, `alerts`: from which 警戒レベル on, 0: not at all. Whoever
    needs time to leave chooses orders from 3: what he needs is held nowhere.
    """

    language: str = "ja"
    areas: Mapping[str, str] = field(default_factory=dict)
    orders: int = 3
    alerts: int = 0
    shelters: bool = False

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        """From what `kept` says."""
        return cls(**{name: kept[name] for name in ("language", "areas", "orders", "alerts", "shelters")})

    def kept(self) -> dict[str, Any]:
        """As it is sealed."""
        return {**asdict(self), "areas": dict(self.areas)}

    def fitting(self, told: Announcement) -> Sequence[int]:
        """Which of the items concern him."""
        return [n for n, item in enumerate(told["items"]) if self._concerns(told["kind"], item)]

    def _concerns(self, kind: str, item: Item) -> bool:
        match kind:
            case "orders":
                return 0 < self.orders <= item["level"] and self._here(item["places"])
            case "alerts":
                return 0 < self.alerts <= item["level"]
            case _:
                return self.shelters

    def _here(self, places: Mapping[str, str]) -> bool:
        return not places or not self.areas or WHOLE in places or not self.areas.keys().isdisjoint(places)
