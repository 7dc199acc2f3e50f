"""What a query touches: for the rules that say which queries are too wide or too deep (clause 5.7.2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.kernel.context.query.tree import SYSTEM, All, AnyOf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kitamae.kernel.context.query.tree import Node, Path


def paths(node: Node) -> Iterator[Path]:
    """Every attribute path of a query, in order."""
    if isinstance(node, All | AnyOf):
        for term in node.terms:
            yield from paths(term)
    else:
        yield node.path


def every(node: Node) -> Iterator[Path]:
    """The same, and every path that one of them goes on with at the entity that it leads to."""
    for path in paths(node):
        step = path
        yield step
        while step.join is not None:
            step = step.join[1]
            yield step


def attributes(node: Node) -> frozenset[str]:
    """Expanded names of the entity's own attributes that a query asks for; createdAt and its like are none."""
    return frozenset(path.names[0] for path in paths(node) if path.names[0] not in SYSTEM)


def depth(node: Node) -> int:
    """How many relationships are followed, one after the other, at most: what joinLevel must allow."""
    return max(_joins(path) for path in paths(node))


def _joins(path: Path) -> int:
    return 0 if path.join is None else 1 + _joins(path.join[1])
