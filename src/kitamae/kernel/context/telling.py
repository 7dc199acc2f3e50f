"""What this worker's own transactions kept of some kinds of documents: told after the commit, before `transact` answers.

For what must be known elsewhere as soon as it is acknowledged. Both stores do it with this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.store import Transaction

    Work = Callable[[Transaction], Awaitable[Any]]

T = TypeVar("T")


@dataclass(slots=True, frozen=True)
class Own:
    """A document that a transaction kept, or (`doc` None) dropped: then `was` is what it was."""

    tenant: str
    kind: str
    id: str
    was: Json | None
    doc: Json | None


class Telling:
    """Of one store. Nobody listens: transactions are as they were."""

    def __init__(self) -> None:
        self._kinds: frozenset[str] = frozenset()
        self._heard: Callable[[Sequence[Own]], Awaitable[None]] | None = None

    def on_kept(self, kinds: Collection[str], heard: Callable[[Sequence[Own]], Awaitable[None]]) -> None:
        """See `Store.on_kept`."""
        self._kinds, self._heard = frozenset(kinds), heard

    async def through(
        self, transact: Callable[[Work], Awaitable[T]], work: Callable[[Transaction], Awaitable[T]]
    ) -> T:
        """The answer of the store's own `transact`, once whoever listens has heard."""
        heard = self._heard
        if heard is None:
            return await transact(work)
        own: dict[tuple[str, str, str], Own] = {}

        async def noted(tx: Transaction) -> T:
            own.clear()  # it may be run more than once
            return await work(cast("Transaction", _Noting(tx, self._kinds, own)))

        answer = await transact(noted)
        if own:
            await heard(list(own.values()))
        return answer


class _Noting:
    """A transaction that notes what is kept of these kinds; everything else it does as the one behind it."""

    __slots__ = ("_kinds", "_own", "_tx")

    def __init__(self, tx: Transaction, kinds: frozenset[str], own: dict[tuple[str, str, str], Own]) -> None:
        self._tx, self._kinds, self._own = tx, kinds, own

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    async def put(self, tenant: str, kind: str, id: str, doc: Json) -> None:
        await self._tx.put(tenant, kind, id, doc)
        if kind in self._kinds:
            self._own[tenant, kind, id] = Own(tenant, kind, id, None, doc)

    async def drop(self, tenant: str, kind: str, id: str) -> bool:
        was = await self._tx.get(tenant, kind, id) if kind in self._kinds else None
        there = await self._tx.drop(tenant, kind, id)
        if was is not None:
            self._own[tenant, kind, id] = Own(tenant, kind, id, was, None)
        return there
