"""The door: what the sender does, what the desk does, and what goes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.kernel.context import clock
from kitamae.kernel.people import swept
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.vault.classes import DAY
from kitamae.kit.reports import record
from kitamae.kit.reports.desk import Desk
from kitamae.kit.reports.record import CODE, KIND, PURPOSE
from kitamae.kit.reports.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.vault import Vault
    from kitamae.kit.reports.gazetteer import Gazetteer


class Reports:
    """On one store; see `Sending`. Each step is one commit: what was said, the row, its leaf."""

    def __init__(
        self,
        store: Store,
        vault: Callable[[], Vault],
        key: Callable[[], bytes],
        gazetteer: Callable[[], Awaitable[Gazetteer]],
        *,
        now: Callable[[], int] = clock.now,
    ) -> None:
        self._store, self._vault, self._now = store, vault, now
        self.sending = Sending(store, vault, key, gazetteer, now)
        self.desk = Desk(store, vault, now)

    async def sweep(self) -> int:
        """What the vault keeps no more goes here too, with an entry of the ledger; what a crash cut off is finished. How many went."""
        vault = self._vault()
        if vault.clock_trouble():
            return 0
        for number, report in (await record.every(self._store)).items():
            if report["upto"]:
                await vault.finish_erasing(report["ref"], PURPOSE, report["upto"])
                await self.sending.gone(number)
        at, days = self._now(), vault.purposes.demand(PURPOSE).days
        old = {
            number: one
            for number, one in (await record.every(self._store)).items()
            if clock.micros(one["at"]) + days * DAY <= at
        }

        async def work(tx: Transaction) -> int:
            for number, one in old.items():
                await tx.drop(TENANT, KIND, number)
                await tx.drop(TENANT, CODE, one["code"])
            await swept.note(tx, at, {KIND: len(old)})
            return len(old)

        return await self._store.transact(work) if old else 0
