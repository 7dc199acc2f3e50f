"""Whose district is whose: a helper (民生委員 and others) sees of his own districts, and of those alone who agreed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.assisted.records import HELPER
from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.person import Principal


class Helpers:
    """On one store."""

    def __init__(self, store: Store, now: Callable[[], int] = clock.now) -> None:
        self._store, self._now = store, now

    async def towns(self, ref: str) -> list[str]:
        """His districts; none: nobody gave him one."""
        kept = cast("dict[str, list[str]] | None", await self._store.get(TENANT, HELPER, ref))
        return kept["towns"] if kept else []

    async def all(self) -> dict[str, list[str]]:
        """Districts by helper."""
        return {ref: doc["towns"] for _, ref, doc in await self._store.documents(TENANT, HELPER)}

    async def give(self, who: Principal, ref: str, towns: Sequence[str]) -> None:
        """From now on these are his, and no others; none: nothing. The ledger says who gave them."""
        at = clock.text(self._now())

        async def work(tx: Transaction) -> None:
            if towns:
                await tx.put(TENANT, HELPER, ref, {"towns": sorted({*towns}), "at": at, "by": who.ref})
            else:
                await tx.drop(TENANT, HELPER, ref)
            told = {
                "event": "assisted-helper",
                "helper": ref,
                "towns": sorted({*towns}),
                "by": who.ref,
                "at": at,
            }
            await commitment.log(tx, told)

        await self._store.transact(work)
