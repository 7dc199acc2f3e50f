"""What a shelter is designated for (災害対策基本法 第49条の4), read so that silence never passes for safety."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from kitamae.sdk.context import short

if TYPE_CHECKING:
    from collections.abc import Collection

    from kitamae.sdk.context import Entity

Safe = Literal["yes", "no", "unknown"]
"""Designated for every kind that is asked for; expressly not for one of them; neither."""

HAZARDS: Final[dict[str, str]] = {
    "災害種別_洪水": "洪水",
    "災害種別_土砂災害": "がけ崩れ・土石流・地すべり",
    "災害種別_高潮": "高潮",
    "災害種別_地震": "地震",
    "災害種別_津波": "津波",
    "災害種別_大規模な火事": "大規模な火事",
    "災害種別_内水氾濫": "内水氾濫",
    "災害種別_火山現象": "火山現象",
}
"""Attributes of 推奨データセット, one for each kind of the law's ordinance, and how a page calls them (a key of the
catalogs)."""
SHELTERS: Final = frozenset({"EvacuationShelter", "EvacuationSite"})


@dataclass(frozen=True, slots=True)
class Hazards:
    """The words of each: designated, expressly not designated, and not known."""

    yes: tuple[str, ...]
    no: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def nothing_known(self) -> bool:
        """No flag at all: 29 of Kaga's 62 指定避難所."""
        return not self.yes and not self.no

    def safe(self, kinds: Collection[str]) -> Safe:
        """When all of these kinds threaten at once (words of HAZARDS). Of no kind at all nothing is known."""
        if not set(kinds).isdisjoint(self.no):
            return "no"
        return "yes" if kinds and set(kinds) <= set(self.yes) else "unknown"


def of(entity: Entity) -> Hazards | None:
    """None for what is no shelter. What is neither `designated` nor `notDesignated` is unknown, whatever it says."""
    types = entity["type"]
    if SHELTERS.isdisjoint(map(short, [types] if isinstance(types, str) else types)):
        return None
    said = {word: _code(entity.get(attribute)) for attribute, word in HAZARDS.items()}
    return Hazards(
        yes=tuple(word for word, code in said.items() if code == "designated"),
        no=tuple(word for word, code in said.items() if code == "notDesignated"),
        unknown=tuple(word for word, code in said.items() if code not in ("designated", "notDesignated")),
    )


def _code(value: Any) -> str:
    """The choice, whether it is kept as a Property or as a VocabProperty."""
    plain = value.get("vocab") if isinstance(value, dict) else value
    return short(plain) if isinstance(plain, str) else ""
