"""Somebody else than the person erases what was collected for one purpose. It takes no receipt away, and leaves one more.

The receipt is committed with the deletion of the records, and the keys are destroyed after: whoever looked or erased is told to the
person, whatever happens between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.vault import former
from kitamae.kernel.people.vault.classes import DAY, OWN, RECEIPTS
from kitamae.kernel.people.vault.erasing import Erasing
from kitamae.kernel.people.vault.keyring import CITY
from kitamae.kernel.people.vault.keystore import Erasure
from kitamae.kernel.people.vault.problems import Erased, Refused
from kitamae.kernel.people.vault.receipt import Receipt, leave
from kitamae.kernel.problems import BadRequest, NotFound

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault.inner import Inner
    from kitamae.kernel.people.vault.keyring import PersonKeys
    from kitamae.kernel.people.vault.ordered import Ordered

_TRIES: Final = 3
_MOST: Final = 1_000  # records whose fields the receipt names


class ErasingFor:
    """On the inner parts. `backup_days`: how long a backup of the keys is kept."""

    def __init__(self, inner: Inner, backup_days: int) -> None:
        self._inner, self._days = inner, backup_days

    async def erase(self, who: Principal, person: str, purpose: str, ordered: Ordered) -> Erasing:
        """All that was collected for the purpose, as two have `ordered` it. Raises NotSignedIn, Forbidden, NotFound, BadRequest."""
        inner = self._inner
        if purpose == OWN:
            raise BadRequest("purpose: for what was collected that is to go?")
        inner.policy.demand(Question(who, "delete", f"person:{person}", "", purpose))
        if person == CITY:
            raise BadRequest("the city's own keys are rotated, not erased")
        basis = inner.purposes.demand(purpose).basis
        at = inner.at()
        for _ in range(_TRIES):
            if purpose not in (await inner.keys.of(person, anew=True)).current:
                raise NotFound("nothing is held about that person for that purpose")
            keys = await inner.keys.ensure(person, (RECEIPTS,))
            upto = keys.current[purpose]

            async def work(tx: Transaction, keys: PersonKeys = keys, upto: int = upto) -> tuple[int, int]:
                await inner.demand_again(tx, who, "delete", ("", person, purpose))
                await ordered.decided(tx, upto)
                fields: dict[str, set[str]] = {}
                for row in await tx.vault.of("", person, (), (purpose,), "", _MOST):
                    fields.setdefault(row.kind, set()).update(
                        orjson.loads(row.fields).keys() - {former.FIELD}
                    )
                made = Receipt(
                    *(0, "", person, at, ordered.by, purpose, basis),
                    {kind: sorted(names) for kind, names in sorted(fields.items())},
                    *(commitment.salt(), "erased", ordered.said),
                )
                number = await leave(tx, made, keys)
                records = await tx.vault.erase(person, purpose, upto)
                if inner.accounts is not None:
                    await inner.accounts.unbind(tx, person)
                return records, number

            try:
                records, number = await inner.store.transact(work)
            except Refused as refused:
                await inner.keys.after(person, RECEIPTS, refused.version)
                continue
            until = await self.finish(person, purpose, upto)
            return Erasing(person, (purpose,), records, at, until, {}, number)
        raise Erased("that person is being erased at this moment; ask again")

    async def finish(self, person: str, purpose: str, upto: int) -> int:
        """Destroy that key, where it is still there; until when a backup may hold it, microseconds UTC."""
        at = self._inner.at()
        until = at + self._days * DAY
        await self._inner.keys.destroy([Erasure(person, purpose, upto, at, until)])
        await self._inner.keys.store.latest(self._inner.latest)
        return until
