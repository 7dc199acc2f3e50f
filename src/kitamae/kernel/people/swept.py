"""What is forgotten by itself is told to the ledger: how much of what, never whose.

`swept` by the entry's number: {number, told, salt}: the entry as it can be opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.context import clock
from kitamae.kernel.people.duties.records import log
from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.store import Transaction

KIND: Final = "swept"


async def note(tx: Transaction, at: int, went: Mapping[str, int]) -> None:
    """One entry, in the transaction that forgets; none where nothing went. `at`: microseconds UTC; `went`: kind of document -> how many."""
    some = {kind: count for kind, count in sorted(went.items()) if count}
    if some:
        leaf = await log(tx, {"event": "retention", "at": clock.text(at), "went": some})
        await tx.put(TENANT, KIND, str(leaf["number"]), dict(leaf))
