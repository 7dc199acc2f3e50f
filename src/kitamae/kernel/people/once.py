"""What works once: spent where all workers see it, and forgotten when it would have expired anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.context import clock
from kitamae.kernel.people import secret
from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.store import Store, Transaction

KIND: Final = "spent"
_SECOND: Final = 1_000_000


class Once:
    """One per city."""

    def __init__(self, store: Store, now: Callable[[], int] = clock.now) -> None:
        self._store = store
        self._now = now

    async def spend(self, what: str, seconds: int) -> bool:
        """Whether this is the first time. `what` is kept only as a digest, for `seconds`."""
        key = secret.digest(what)

        async def first(transaction: Transaction) -> bool:
            if await transaction.get(TENANT, KIND, key) is not None:
                return False
            await transaction.put(
                TENANT, KIND, key, {"expiresAt": clock.text(self._now() + seconds * _SECOND)}
            )
            return True

        return await self._store.transact(first)
