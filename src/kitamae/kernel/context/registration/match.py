"""Does a registration concern what is asked for (clauses 5.10.2 and 5.12)?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.query import geometry, match, pattern
from kitamae.kernel.context.query.tree import Wanted

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.query.tree import Geo, Node, ScopeQ
    from kitamae.kernel.context.registration.model import EntityInfo, Information, Interval, Registration
    from kitamae.kernel.context.temporal.query import TemporalQuery

_LOCATION: Final = CORE.expand("location")


@dataclass(frozen=True, slots=True)
class Question:
    """Which registrations. `entities` are alternatives (none: any); `attrs` expanded, one of them is enough; who has nothing
    but what is `omitted` is of no use.

    `filters` are conditions on the Context Source Properties, `geo` on one of the source's places. `around`: where the
    entities asked for are; `datasets`: instances asked for; both exclude only who said that it has none there, or none such.
    """

    entities: tuple[Wanted, ...] = ()
    attrs: frozenset[str] = frozenset()
    filters: tuple[Node, ...] = ()
    geo: Geo | None = None
    scope: ScopeQ | None = None
    time: TemporalQuery | None = None
    around: Geo | None = None
    datasets: frozenset[str] = frozenset()
    omitted: frozenset[str] = frozenset()


def relevant(question: Question, registration: Registration) -> tuple[int, ...]:
    """Which of its information concerns what is asked, by position; nothing: the registration does not match."""
    source = registration.described
    if not _in_time(question.time, registration):
        return ()
    if question.scope is not None and not match.scope(question.scope, source.get("scope", [])):
        return ()
    if not all(match.node(one, source) for one in question.filters):
        return ()
    if question.geo is not None and not match.geo(question.geo, source):
        return ()
    named = registration.doc.get("datasetId", ())
    if question.datasets and named and question.datasets.isdisjoint(named):
        return ()
    if not _reaches(question.around, registration.doc.get("location")):
        return ()
    return tuple(n for n, one in enumerate(registration.information) if informs(question, one))


def informs(question: Question, information: Information) -> bool:
    """Could this source know something of that?"""
    if question.attrs and information.attrs and not question.attrs & information.attrs:
        return False
    if information.attrs and information.attrs <= question.omitted:
        return False
    if not question.entities or not information.entities:
        return True
    return any(_same(wanted, here) for wanted in question.entities for here in information.entities)


def _same(wanted: Wanted, here: EntityInfo) -> bool:
    """Could one entity be both? Of two patterns nobody can say, so they could."""
    if here.types and not match.types(wanted.types, list(here.types)):  # of NGSIv2, none: any type
        return False
    if here.id is not None:
        if wanted.ids:
            return here.id in wanted.ids
        return wanted.id_pattern is None or pattern.compiled(wanted.id_pattern)(here.id)
    if here.id_pattern is not None and wanted.ids:
        found = pattern.compiled(here.id_pattern)
        return any(found(id) for id in wanted.ids)
    return True


def _reaches(around: Geo | None, place: Json) -> bool:
    """Could what lies in that place stand in that relation?"""
    if around is None or place is None or around.geoproperty != _LOCATION or around.georel == "disjoint":
        return True
    if around.georel != "near":
        return geometry.related(replace(around, georel="intersects"), place)
    return around.max_distance is None or geometry.related(replace(around, min_distance=None), place)


def _in_time(time: TemporalQuery | None, registration: Registration) -> bool:
    """Without a temporal query only sources of what is true now count: those that name no interval."""
    if time is None or time.timerel is None or time.at is None:
        return registration.observation is None and registration.management is None
    interval = registration.observation if time.timeproperty == "observedAt" else registration.management
    if interval is None:
        return False
    match time.timerel:
        case "before":
            return interval.start < time.at
        case "after":
            return interval.end is None or interval.end > time.at
        case "between":
            return _overlap(interval, time.at, time.end)


def _overlap(interval: Interval, start: int, end: int | None) -> bool:
    return (end is None or interval.start < end) and (interval.end is None or interval.end >= start)
