"""What is entered about several persons in one transaction: a record of each, sealed by the key of each, and whatever else belongs to it.

So an entry of the ledger that concerns two can be opened by either, each with his own salt; and whoever is erased leaves an entry of his
own behind that nobody opens any more, with every proof of the log as valid as before.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, TypeVar

from kitamae.kernel.people import mynumber
from kitamae.kernel.people.vault.classes import RECEIPTS
from kitamae.kernel.people.vault.problems import Erased, Refused
from kitamae.kernel.people.vault.writing import plain, sealed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.vault.inner import Inner

T = TypeVar("T")
_TRIES: Final = 3


class Entering:
    """On the inner parts."""

    def __init__(self, inner: Inner) -> None:
        self._inner = inner

    async def enter(
        self,
        persons: Iterable[str],
        klass: str,
        kind: str,
        work: Callable[[Transaction], Awaitable[tuple[T, Mapping[str, Mapping[str, object]]]]],
    ) -> T:
        """What `work(tx)` answers first. Second: person -> the fields of his record, some of `persons`; they commit with what it did.

        Nothing of it can be searched for. Raises what `work` raises, BadRequest, Erased.
        """
        inner, at = self._inner, self._inner.at()
        everybody = sorted(set(persons))
        for person in everybody:
            mynumber.demand_reference("person", person)
        for _ in range(_TRIES):
            keys = {person: await inner.keys.ensure(person, (klass, RECEIPTS)) for person in everybody}

            async def whole(tx: Transaction, keys=keys) -> T:  # type: ignore[no-untyped-def]  # as above
                answer, told = await work(tx)
                for person, fields in told.items():
                    due = inner.purposes.klass(klass, fields).due(at)
                    id = secrets.token_hex(16)
                    row = sealed(keys[person], "", id, klass, kind, at, due, plain(fields))
                    if not await tx.vault.put(row):
                        raise Refused(person, row.version)
                return answer

            try:
                return await inner.store.transact(whole)
            except Refused as refused:
                await inner.keys.after(refused.person, klass, refused.version)
        raise Erased("one of these persons is being erased at this moment")
