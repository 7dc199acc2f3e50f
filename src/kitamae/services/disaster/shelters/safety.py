"""Whether a shelter is safe for what threatens now: by what it is designated for (災害対策基本法 第49条の4), and never by silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kitamae.sdk import hazards

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


@dataclass(frozen=True, slots=True)
class Threat:
    """All that threatens. `kinds`: words of `hazards.HAZARDS`; `unlisted`: of what no kind is designated for; `unclear`: somebody warns or
    orders, and it is not known of what.
    """

    kinds: frozenset[str] = frozenset()
    unlisted: tuple[Alert, ...] = ()
    unclear: bool = False

    def __bool__(self) -> bool:
        return bool(self.kinds or self.unlisted or self.unclear)


def threat(alerts: Iterable[Alert]) -> Threat:
    """Of what is in force. An order counts by the hazards that it names."""
    kinds: set[str] = set()
    unlisted: list[Alert] = []
    unclear = False
    for one in alerts:
        found = (
            one.hazards if one.ordered else ("洪水",) if one.gauge else OF_PHENOMENON.get(one.phenomenon, ())
        )
        known = {hazards.HAZARDS[key] for kind in found if (key := f"災害種別_{kind}") in hazards.HAZARDS}
        kinds |= known
        if one.phenomenon in NO_KIND:
            unlisted.append(one)
        elif not known or len(known) < len(found):
            unclear = True
    return Threat(frozenset(kinds), tuple(unlisted), unclear)


def safe(entity: Mapping[str, Any], now: Threat) -> Safe | None:
    """Of an EvacuationShelter, simplified; None where nothing threatens. Where it is not clear what does, nothing is safe."""
    known = hazards.of(dict(entity))
    if not now or known is None:
        return None if not now else "unknown"
    said = known.safe(now.kinds)
    return "unknown" if now.unclear and said == "yes" else said
