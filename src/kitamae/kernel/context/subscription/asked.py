"""The value that a condition cannot do without: `district==17;level>3` holds nowhere but where `district` is 17.

Thousands of subscriptions to one type, each with a value of its own, are told apart by it (see `index`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from kitamae.kernel.context.query.tree import SYSTEM, All, Compare, Op

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.query.tree import Node

Value: TypeAlias = "str | int | float"


def asked(q: Node | None) -> tuple[str, tuple[Value, ...]] | None:
    """An attribute (expanded) and the values of which it must have one; None: nothing so simple is asked."""
    for term in q.terms if isinstance(q, All) else (q,):
        if not isinstance(term, Compare) or term.op is not Op.EQUAL:
            continue
        name, *deeper = term.path.names
        if deeper or term.path.inside or term.path.join or name in SYSTEM:
            continue
        values = [value for value in term.values if type(value) in (str, int, float)]
        if len(values) == len(
            term.values
        ):  # truth values, ranges and times are compared in ways of their own
            return name, tuple(values)  # type: ignore[arg-type]  # checked above
    return None


def told(name: str, entity: Entity) -> Iterator[Value]:
    """Every text and number in the values of an attribute, its items and members included: more than `==` looks at."""
    for instance in entity["attrs"].get(name, ()):
        yield from _scalars(instance["v"])


def _scalars(value: Json) -> Iterator[Value]:
    if isinstance(value, dict):
        for member in value.values():
            yield from _scalars(member)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif isinstance(value, str | int | float):
        yield value
