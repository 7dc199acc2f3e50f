"""Linked entities in an answer: what relationships lead to, inline or beside them (4.5.23).

An entity is shown inline once on each way to it, and once altogether in a flat answer; `containedBy` names those that
the client has already. Which members a linked entity shows, the nested part of pick and omit says (4.21).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import represent
from kitamae.kernel.problems import TooManyResults

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from kitamae.kernel.context.entity import Attribute, Entity, Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.query.tree import Node, Path, Projection
    from kitamae.kernel.context.represent import Form

_KINDS: Final = {"Relationship": "entity", "ListRelationship": "entityList"}
MOST: Final = 10_000
"""Linked entities in one answer."""

Projections = tuple["Projection", ...]


@dataclass(frozen=True, slots=True)
class Level:
    """The form of the entities on one level, and what pick and omit say of those that they lead to."""

    form: Form
    pick: Projections = ()
    omit: Projections = ()

    @classmethod
    def of(cls, form: Form, pick: Projections, omit: Projections) -> Level:
        """A nested part of omit leaves the relationship itself where it is."""
        kept = frozenset(one.name for one in pick) or None
        gone = frozenset(one.name for one in omit if not one.linked) or None
        return cls(replace(form, pick=kept, omit=gone), pick, omit)

    def below(self, name: str) -> Level:
        """For the entities that the relationship `name` leads to."""
        pick = next((one.linked for one in self.pick if one.name == name), ())
        omit = next((one.linked for one in self.omit if one.name == name), ())
        return Level.of(replace(self.form, attrs=None), pick, omit)


def depth(projections: Projections) -> int:
    """How many relationships pick or omit follow."""
    return max((1 + depth(one.linked) for one in projections if one.linked), default=0)


def query_depth(node: Node | None) -> int:
    """How many relationships a query follows."""
    path: Path | None = getattr(node, "path", None)
    own = 0
    while path is not None and path.join is not None:
        own += 1
        path = path.join[1]
    return max([own, *(query_depth(term) for term in getattr(node, "terms", ()))])


class Joiner:
    """Fetches linked entities, each once. `fetch` answers None for what is not there or not to be seen.

    `seen`: what the client has already; `most`: how many of them at most; `pause`: waited for at every entity.
    """

    def __init__(
        self,
        context: Context,
        fetch: Callable[[str], Awaitable[Entity | None]],
        *,
        seen: Iterable[str] = (),
        most: int = MOST,
        pause: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._context, self._fetch_one, self._seen, self._most = context, fetch, frozenset(seen), most
        self._pause = pause or _no_pause
        self._known: dict[str, Entity | None] = {}
        self._inlined = 0

    async def inline(
        self, entity: Entity, level: Level, levels: int, way: frozenset[str] = frozenset()
    ) -> Json:
        """The entity, with what its relationships lead to inside them.

        Raises TooManyResults: a few entities that all know each other are on millions of ways.
        """
        await self._pause()
        self._inlined += 1
        if self._inlined > self._most:
            raise TooManyResults(f"more than {self._most} linked entities: ask for fewer levels")
        shown = represent.present(entity, self._context, level.form)
        if levels == 0:
            return shown
        way |= {entity["id"]}
        for name, instances in _relationships(entity, level.form):
            short = self._context.compact(name)
            if short not in shown:
                continue
            below = level.below(name)
            for place, instance in enumerate(instances):
                found = {
                    id: await self.inline(linked, below, levels - 1, way)
                    for id in _targets(instance)
                    if id not in way
                    and id not in self._seen
                    and (linked := await self._fetch(id)) is not None
                }
                if found:
                    _put(shown, short, place, len(instances), instance, found, level.form)
        return shown

    async def flat(self, entities: Iterable[Entity], level: Level, levels: int) -> list[Json]:
        """The entities, then those that they lead to, level by level, none twice."""
        front = [(entity, level) for entity in entities]
        met = {entity["id"] for entity, _ in front} | self._seen
        answer: list[Json] = []
        for remaining in range(levels, -1, -1):
            after: list[tuple[Entity, Level]] = []
            for entity, at in front:
                await self._pause()
                shown = represent.present(entity, self._context, at.form)
                if shown:
                    answer.append(shown)
                for name, instances in _relationships(entity, at.form) if remaining else ():
                    for id in (id for instance in instances for id in _targets(instance) if id not in met):
                        met.add(id)
                        linked = await self._fetch(id)
                        if linked is not None:
                            after.append((linked, at.below(name)))
            front = after
        return answer

    async def _fetch(self, id: str) -> Entity | None:
        if id not in self._known:
            if len(self._known) >= self._most:
                raise TooManyResults(f"more than {self._most} linked entities: ask for fewer levels")
            self._known[id] = await self._fetch_one(id)
        return self._known[id]


async def _no_pause() -> None:
    """For what may not wait, such as a transaction."""


def _relationships(entity: Entity, form: Form) -> Iterable[tuple[str, list[Attribute]]]:
    for name, instances in entity["attrs"].items():
        if form.attrs is not None and name not in form.attrs:
            continue
        if form.pick is not None and name not in form.pick:
            continue
        if form.omit is not None and name in form.omit:
            continue
        if form.datasets is not None:
            kept = [one for one in instances if one.get("datasetId", "@none") in form.datasets]
        else:
            kept = instances
        if kept and kept[0]["kind"] in _KINDS:
            yield name, kept


def _targets(instance: Attribute) -> list[str]:
    v = instance["v"]
    return [id for id in (v if isinstance(v, list) else [v]) if isinstance(id, str)]


def _put(
    shown: dict[str, Any],
    short: str,
    place: int,
    of: int,
    instance: Attribute,
    found: dict[str, Json],
    form: Form,
) -> None:
    """Into one relationship: beside its object, or in the simplified form in its place."""
    several = isinstance(instance["v"], list)
    if form.format == "simplified":
        value = [found.get(id, id) for id in _targets(instance)] if several else next(iter(found.values()))
        if isinstance(shown[short], dict) and "dataset" in shown[short]:
            datasets = {**shown[short]["dataset"], instance.get("datasetId", "@none"): value}
            shown[short] = {"dataset": datasets}
        else:
            shown[short] = value
        return
    target = shown[short][place] if of > 1 else shown[short]
    target[_KINDS[instance["kind"]]] = list(found.values()) if several else next(iter(found.values()))
