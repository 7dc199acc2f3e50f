"""Whether a shelter is safe for what threatens now: by what it is designated for (災害対策基本法 第49条の4), and never by silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kitamae.sdk import hazards
from kitamae.sdk.context import told

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from kitamae.sdk.hazards import Safe
    from kitamae.services.disaster.models import Alert

_WATER: Final = ("洪水", "内水氾濫", "土砂災害")
OF_PHENOMENON: Final[dict[str, tuple[str, ...]]] = {
    "rain": _WATER,
    "record-rain": _WATER,
    "snowmelt": ("洪水", "土砂災害"),
    "landslide": ("土砂災害",),
    "flood": ("洪水",),
    "river-flood": ("洪水",),
    "surge": ("高潮",),
    "tsunami": ("津波",),
    "earthquake": ("地震",),
    "earthquake-early-warning": ("地震",),
    "eruption": ("火山現象",),
}
"""For which kinds a shelter must be designated when this is in force. Rain: for all that 気象庁's warnings of rain are about."""
NO_KIND: Final = frozenset({
    "storm", "snowstorm", "wind", "wind-and-snow", "snow", "waves", "thunder", "fog", "dry-air", "avalanche", "cold", "frost", "icing",
    "snow-accretion", "tornado",
})  # fmt: skip
"""What the law's ordinance designates nothing for: it makes no shelter unsafe, and none is known to be safe for it."""
BASIS: Final = "根拠"
"""A flag that has it was not said of the building: it is that of the 指定緊急避難場所 at the same address."""


@dataclass(frozen=True, slots=True)
class Threat:
    """All that threatens. `kinds`: words of `hazards.HAZARDS`; `unlisted`: of what no kind is designated for; `unclear`: somebody warns or
    orders, and it is not known of what; `unheard`: warnings do not arrive, or not all were read.
    """

    kinds: frozenset[str] = frozenset()
    unlisted: tuple[Alert, ...] = ()
    unclear: bool = False
    unheard: bool = False

    def __bool__(self) -> bool:
        return bool(self.kinds or self.unlisted or self.unclear or self.unheard)


def threat(alerts: Iterable[Alert], *, unheard: bool = False) -> Threat:
    """Of what is in force. An order counts by the hazards that it names. `unheard`: there may be more, of which nothing is known."""
    kinds: set[str] = set()
    unlisted: list[Alert] = []
    unclear = False
    for one in alerts:
        found = (
            one.hazards if one.ordered else ("洪水",) if one.gauge else OF_PHENOMENON.get(one.phenomenon, ())
        )
        unclear = unclear or one.odd
        known = {hazards.HAZARDS[key] for kind in found if (key := f"災害種別_{kind}") in hazards.HAZARDS}
        kinds |= known
        if one.phenomenon in NO_KIND:
            unlisted.append(one)
        elif not known or len(known) < len(found):
            unclear = True
    return Threat(frozenset(kinds), tuple(unlisted), unclear, unheard)


def safe(entity: Mapping[str, Any], now: Threat, grounds: Collection[str] = ()) -> Safe | None:
    """Of an EvacuationShelter, simplified; None where nothing threatens. Where it is not clear what does, or something for which nothing
    is designated, nothing is safe; nor is a building by what was said of the ground beside it (`grounds`: of `borrowed`).
    """
    known = hazards.of(dict(entity))
    if not now or known is None:
        return None if not now else "unknown"
    said = known.safe(now.kinds)
    doubtful = now.unclear or now.unheard or now.unlisted or not now.kinds.isdisjoint(grounds)
    return "unknown" if doubtful and said == "yes" else said


def designated(entity: Mapping[str, Any], now: Threat) -> tuple[str, ...]:
    """For which of the kinds that threaten it is designated, itself or the ground at its address; in the order of `hazards.HAZARDS`."""
    known = hazards.of(dict(entity))
    return tuple(one for one in known.yes if one in now.kinds) if known else ()


def borrowed(entity: Mapping[str, Any]) -> frozenset[str]:
    """The kinds (words of `hazards.HAZARDS`) whose flag is not of the building. `entity` normalized, with the city's short names."""
    return frozenset(word for name, word in hazards.HAZARDS.items() if BASIS in told(entity, name))
