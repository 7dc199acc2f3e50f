"""Entities in the order that was asked for (clause 4.23): sorted by value, or by distance.

Texts are compared in the manner of the ICU root collation as far as Unicode decomposition alone can do it: base letters
first (kana without voicing marks, katakana as hiragana, either case), then marks, then case; kanji by code point.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from kitamae.kernel.context.query import geometry
from kitamae.kernel.context.query.build import moment
from kitamae.kernel.context.query.match import plain, targets
from kitamae.kernel.problems import TooComplex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.query.tree import EntityQuery, OrderBy

T = TypeVar("T")
Place: TypeAlias = tuple[int, Any]
"""Rank of the data type, then the value."""
Places: TypeAlias = tuple[Place | None, ...]

FURTHEST: Final = 20_000
"""Where a page may end in an order that no index has."""
_AT_ONCE: Final = 2_000
"""Items that are sorted together at least: Python does nothing else while it sorts."""
_MOMENTS: Final = {"Time": 5, "Date": 6, "DateTime": 7}
_KATAKANA: Final = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}


def places(keys: tuple[OrderBy, ...], entity: Entity) -> Places:
    """Where an entity stands by each key; None for nowhere (the attribute is null, or not there)."""
    return tuple(_place(one, entity) for one in keys)


def sort(keys: tuple[OrderBy, ...], items: Iterable[T], places_of: Callable[[T], Places]) -> list[T]:
    """Sorted by all keys, otherwise as they came. Those without a value come last, whatever the direction."""
    found = list(items)
    for number, one in reversed(
        list(enumerate(keys))
    ):  # a sort keeps what earlier ones did: the first key goes last
        there: list[tuple[Place, T]] = []
        missing: list[T] = []
        for item in found:
            place = places_of(item)[number]
            if place is None:
                missing.append(item)
            else:
                there.append((place, item))
        there.sort(key=lambda pair: pair[0], reverse=one.descending)
        there.sort(key=lambda pair: pair[0][0])  # data types have one order in both directions
        found = [item for _, item in there] + missing
    return found


class First(Generic[T]):
    """The first `most` of `sort`, of however many items: a few times `most` of them are kept and sorted at once."""

    def __init__(self, most: int, keys: tuple[OrderBy, ...], places_of: Callable[[T], Places]) -> None:
        self._most, self._keys, self._places_of = most, keys, places_of
        self._kept: list[T] = []
        self._full = max(2 * most, _AT_ONCE)

    def add(self, item: T) -> None:
        """In the order in which equal ones are to stand."""
        self._kept.append(item)
        if len(self._kept) == self._full:
            self._kept = self.found()

    def found(self) -> list[T]:
        """Of all that were added."""
        return sort(self._keys, self._kept, self._places_of)[: self._most]


def page_end(query: EntityQuery) -> int:
    """Where its page ends. Raises TooComplex far behind the first one: all before it would have to be kept and sorted."""
    end = query.offset + query.limit
    if end > FURTHEST:
        raise TooComplex(
            f"orderBy: only the first {FURTHEST:,} in an order are shown; narrow the query, or order by id or createdAt"
        )
    return end


def _place(by: OrderBy, entity: Entity) -> Place | None:
    match by.path:
        case "id":
            return 1, entity["id"]
        case "type":
            return 1, sorted(entity["type"])
        case "scope":
            return 1, (entity.get("scope") or ["/"])[0]
        case "createdAt" | "modifiedAt":
            return _value(entity.get(by.path), ignore_case=False)
    found = next(targets(by.path, entity), None)
    if found is None:
        return None
    kind, value = found
    if by.nearest is not None and kind == "GeoProperty":
        metres = geometry.distance(by.nearest, value)
        return None if metres is None else (-1, metres)
    return _value(value, ignore_case=by.ignore_case)


def _value(value: Json, *, ignore_case: bool) -> Place | None:
    """Ordered by data type first (clause 4.23.2)."""
    value = plain(value)
    match value:
        case None:
            return None
        case bool():
            return 4, value
        case int() | float():
            return 0, value
        case str():
            told = moment(value)
            return (_MOMENTS[told.kind], told.at) if told else (1, text(value, ignore_case=ignore_case))
        case dict():
            return 2, 0
        case _:
            return 3, 0


def text(value: str, *, ignore_case: bool = False) -> tuple[str, ...]:
    """A key that sorts texts by letters, then marks, then case."""
    whole = unicodedata.normalize("NFKD", value)
    letters = "".join(letter for letter in whole if not unicodedata.combining(letter)).casefold()
    levels = (letters.translate(_KATAKANA), whole.casefold().translate(_KATAKANA))
    return levels if ignore_case else (*levels, whole.swapcase(), value)
