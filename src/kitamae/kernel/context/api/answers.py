"""Prepared answers, kept in memory up to a number of bytes; the least recently used go first.

Same row version, same bytes: an entry never has to be taken back, it is only no longer asked for.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

Entry = TypeVar("Entry")

_OVERHEAD: Final = 400
"""Bytes that an entry costs beside its text: keys, tuples, the bytes object's head."""


class Answers(Generic[Entry]):
    """Entries by (row key, row version, view); each is told how many bytes it holds."""

    __slots__ = ("_entries", "_most", "hits", "misses", "size")

    def __init__(self, most: int) -> None:
        self._entries: OrderedDict[Hashable, tuple[Entry, int]] = OrderedDict()
        self._most = most
        self.size = 0
        self.hits = 0
        self.misses = 0

    def get(self, key: Hashable) -> Entry | None:
        """The entry, which is now the most recently used."""
        found = self._entries.get(key)
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._entries.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, entry: Entry, size: int) -> None:
        """Keep it; one that would fill more than a hundredth of the room is not kept."""
        cost = size + _OVERHEAD
        if cost * 100 > self._most:
            return
        old = self._entries.pop(key, None)
        if old is not None:
            self.size -= old[1]
        self._entries[key] = (entry, cost)
        self.size += cost
        while self.size > self._most:
            _, (_, freed) = self._entries.popitem(last=False)
            self.size -= freed

    def __len__(self) -> int:
        return len(self._entries)
