"""What just changed, for pages that keep themselves up to date and for jobs that react.

A listener is told which entities changed, not how often: what comes while it is busy is folded together, so a slow
reader costs memory for the entities it follows and nothing more. Nothing here is durable: what must not be missed
is a subscription.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kitamae.kernel.context.store import Change


@dataclass(eq=False, slots=True)
class Following:
    """One listener. `types` are expanded; empty: everything."""

    tenant: str
    types: frozenset[str]
    _waiting: dict[str, None] = field(default_factory=dict)
    _rung: asyncio.Event = field(default_factory=asyncio.Event)

    def _tell(self, change: Change) -> None:
        if change.tenant == self.tenant and (not self.types or not self.types.isdisjoint(change.types)):
            self._waiting[change.entity] = None
            self._rung.set()

    async def next(self) -> list[str]:
        """Ids of the entities that changed since the last call, in order; waits until there is one."""
        await self._rung.wait()
        self._rung.clear()
        ids = list(self._waiting)
        self._waiting.clear()
        return ids

    def changed(self) -> bool:
        """Whether one did since the last call; waits for nothing."""
        if not self._rung.is_set():
            return False
        self._rung.clear()
        self._waiting.clear()
        return True


class Changes:
    """The bell rope: the store rings it after each commit, listeners hang on it while they listen."""

    def __init__(self, expand: Callable[[str], str]) -> None:
        """`expand` makes the city's short type names whole."""
        self._expand = expand
        self._following: set[Following] = set()

    def heard(self, changes: Sequence[Change]) -> None:
        """Given to `Store.on_commit`; runs on the event loop and never waits."""
        for following in self._following:
            for change in changes:
                following._tell(change)

    @contextmanager
    def follow(self, *types: str, tenant: str = "") -> Iterator[Following]:
        """Listen to changes of entities of these types (short names) until the block ends."""
        one = self.following(*types, tenant=tenant)
        try:
            yield one
        finally:
            self._following.discard(one)

    def following(self, *types: str, tenant: str = "") -> Following:
        """The same for as long as the city is open."""
        one = Following(tenant, frozenset(self._expand(name) for name in types))
        self._following.add(one)
        return one
