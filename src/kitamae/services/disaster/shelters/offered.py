"""Open shelters as everybody is shown them: safe for what threatens or not, how full, and from a town how far."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from kitamae.sdk.context import point
from kitamae.services.disaster.shelters import crowding, nearness
from kitamae.services.disaster.shelters.safety import designated, safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kitamae.sdk.hazards import Safe
    from kitamae.sdk.sheltering import Sheltering
    from kitamae.services.disaster.models import Alert
    from kitamae.services.disaster.shelters.crowding import Band
    from kitamae.services.disaster.shelters.nearness import Town, Way
    from kitamae.services.disaster.shelters.safety import Threat
    from kitamae.services.disaster.shelters.shelter import Shelter

_RANK: Final[dict[Safe | None, int]] = {"yes": 0, None: 0, "unknown": 2, "no": 3}


@dataclass(frozen=True, slots=True)
class Offered:
    """One that is open. `entity`: all that is known of it, simplified. `safe` None: nothing threatens. `way` None: nobody said from where,
    or nobody knows where it is. `designated`: for which of what threatens; `ground`: by what was said of the ground at its address, not of
    the building. `all_named`: for every kind that is known to threaten.
    """

    shelter: Shelter
    entity: Mapping[str, Any]
    band: Band
    over: bool
    safe: Safe | None
    designated: tuple[str, ...] = ()
    ground: bool = False
    all_named: bool = False
    way: Way | None = None

    @property
    def rank(self) -> int:
        """What comes before distance: safe, then designated as far as it is known what threatens, then unknown, then not; of each, those
        that are full last.
        """
        level = 1 if self.safe == "unknown" and self.all_named else _RANK[self.safe]
        return 2 * level + (self.band == "full")


@dataclass(frozen=True, slots=True)
class Near:
    """What a reader asked who says where he is. `said` None: nothing; `town`: the one that he means; `choices`: where several fit, or,
    by the rows of the syllabary, all of them where he said nothing of which. `orders`: of the city's orders, those for that town.
    """

    shelters: Sequence[Offered]
    said: str | None = None
    town: Town | None = None
    choices: Sequence[Town] = ()
    rows: Mapping[str, Sequence[Town]] = field(default_factory=dict)
    orders: Sequence[Alert] = ()

    @property
    def first(self) -> Offered | None:
        """The nearest that is known to be safe, or that is open where nothing threatens; full only where the others are too."""
        return next((one for one in self.shelters if one.rank < 2 and one.way), None) if self.town else None

    @property
    def lost(self) -> bool:
        """No town is called so."""
        return bool(self.said) and self.town is None and not self.choices


def offered(
    shelters: Iterable[Shelter],
    entities: Mapping[str, Mapping[str, Any]],
    rules: Sheltering,
    threat: Threat,
    grounds: Mapping[str, frozenset[str]],
) -> list[Offered]:
    """`shelters`: open ones, as they are `current`; `grounds`: by id, of `safety.borrowed`. Those that are safe first; of each, those with
    room; then by name.
    """
    shown = [
        _offered(one, entities[one.id], rules, threat, grounds.get(one.id, frozenset()))
        for one in crowding.in_order(shelters, rules) if one.id in entities
    ]  # fmt: skip
    return sorted(shown, key=lambda one: one.rank)


def _offered(
    one: Shelter, entity: Mapping[str, Any], rules: Sheltering, threat: Threat, grounds: frozenset[str]
) -> Offered:
    named = designated(entity, threat)
    return Offered(
        one, entity, crowding.band(crowding.indoors(one), rules), crowding.over(one), safe(entity, threat, grounds),
        named, not grounds.isdisjoint(named), bool(named) and len(named) == len(threat.kinds),
    )  # fmt: skip


def near(
    shelters: Sequence[Offered], towns: Sequence[Town], force: Iterable[Alert], whole: str, said: str | None
) -> Near:
    """`whole`: how an order calls the whole city."""
    if said is None:
        return Near(shelters)
    found = nearness.sought(said, towns)
    if len(found) != 1:
        rows = {} if said.strip() else nearness.rows(towns)
        return Near(shelters, said, choices=found[: nearness.MOST], rows=rows)
    town = found[0]
    there = [_with_way(one, town) for one in shelters]
    there.sort(key=lambda one: (one.rank, one.way.metres if one.way else math.inf))
    ordered = [one for one in force if one.ordered and {town.name, whole} & set(one.area.split("、"))]
    return Near(there, said, town, orders=ordered)


def _with_way(one: Offered, town: Town) -> Offered:
    at = point(one.entity)
    way = nearness.way(town.at, at) if at else None
    return replace(one, way=way)
