"""Conditions put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_WAYS: Final = 50
"""Parts of one UNION; with more, an index is no longer quicker than looking at each entity."""


def either(terms: Iterable[str]) -> str:
    """`(a OR b)`, nested evenly: SQLite refuses expressions more than 1,000 deep."""
    return _joined(" OR ", list(terms))


def every(terms: Iterable[str]) -> str:
    """`(a AND b)`, nested evenly."""
    return _joined(" AND ", list(terms))


def _joined(word: str, terms: list[str]) -> str:
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return f"({_joined(word, terms[:middle])}{word}{_joined(word, terms[middle:])})"
