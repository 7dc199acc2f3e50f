"""A question, as far as the caller may ask it: who may not see an attribute may not filter, sort or search by it either."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kitamae.kernel.context.query import reach
from kitamae.kernel.context.query.tree import OrderBy, Path, TypeQ
from kitamae.kernel.problems import Forbidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.veil.hidden import Hidden


def narrowed(query: EntityQuery, hidden: Hidden, also: tuple[str, ...] = ()) -> EntityQuery | None:
    """The question that the store may be asked; None: nothing that he may see can match. `also`: attributes of which an entity must have
    one besides, looked at with `attributes` before. Raises Forbidden naming the attribute.
    """
    asked = types(query)
    for name in _by(query):
        demand(name, asked, hidden)
    for name in _beyond(query):  # of entities that a relationship leads to: of whatever type
        demand(name, frozenset(), hidden)
    attrs = attributes(query.attrs, asked, hidden)
    if query.attrs and not attrs:
        return None
    gone = apart(replace(query, attrs=(*attrs, *also)), hidden)
    if gone - hidden.types and any(True for _ in _beyond(query)):
        raise Forbidden(
            f"something that is asked by is not open data in {min(gone)}: ask by it without following relationships"
        )
    return replace(query, attrs=attrs, without=query.without | hidden.types | gone)


def elsewhere(query: EntityQuery, hidden: Hidden) -> EntityQuery | None:
    """The question that other sources may be asked for him; None: none. Raises Forbidden as `narrowed`: they judge its conditions."""
    named = query.types.any_of
    left = tuple(together for together in named if not hidden.all_of(together))
    return None if named and not left else narrowed(replace(query, types=TypeQ(left)), hidden)


def tells(hidden: Hidden, types: frozenset[str], names: Iterable[str]) -> bool:
    """Would a condition on these attributes of entities of these types (empty: any) tell of what is hidden?"""
    of = [some for type_, some in hidden.attributes.items() if not types or type_ in types]
    return any(not some.isdisjoint(names) for some in of) or not hidden.types.isdisjoint(types)


def apart(query: EntityQuery, hidden: Hidden) -> frozenset[str]:
    """Types in which something is hidden that the question asks by. It names other types, or it would be refused; but an entity may be of
    both, and is none that he finds by it.
    """
    names = {*_by(query), *query.attrs}
    return frozenset(type_ for type_, some in hidden.attributes.items() if not names.isdisjoint(some))


def attributes(names: tuple[str, ...], types: frozenset[str], hidden: Hidden) -> tuple[str, ...]:
    """Of attributes of which an entity must have one: those that count for him. Raises Forbidden where that depends on the type."""
    seen = []
    for name in names:
        of = {type_ for type_, some in hidden.attributes.items() if name in some}
        if types and types <= of:
            continue
        demand(name, types, hidden)
        seen.append(name)
    return tuple(seen)


def demand(name: str, types: frozenset[str], hidden: Hidden) -> None:
    """`types`: those that the question is about; empty: any. Raises Forbidden."""
    of = sorted(type_ for type_, some in hidden.attributes.items() if name in some)
    of = [type_ for type_ in of if not types or type_ in types]
    if of:
        raise Forbidden(
            f"{name} of {of[0]} is not open data: only who may see it may ask by it; name other types, or another attribute"
        )


def types(query: EntityQuery) -> frozenset[str]:
    """What an entity can be: empty, any."""
    return frozenset(name for together in query.types.any_of for name in together)


def _by(query: EntityQuery) -> Iterator[str]:
    if query.q is not None:
        yield from reach.attributes(query.q)
    if query.geo is not None:
        yield query.geo.geoproperty
    for key in query.order:
        if isinstance(key.path, Path):
            yield key.path.names[0]


def _beyond(query: EntityQuery) -> Iterator[str]:
    found = [*reach.paths(query.q)] if query.q is not None else []
    found += [key.path for key in query.order if isinstance(key, OrderBy) and isinstance(key.path, Path)]
    for path in found:
        step = path
        while step.join is not None:
            step = step.join[1]
            yield step.names[0]
