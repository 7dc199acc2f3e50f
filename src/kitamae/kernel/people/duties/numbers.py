"""職員番号, as the town hall's personnel system has them: told apart from each other, and not kept.

A number becomes a keyed pseudonym (`kernel/people/pseudonyms.py`), under which the person's reference stands. So a file of
人事異動 finds its people, and whoever reads the store finds no number.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import clock
from kitamae.kernel.people.duties.office import ACCOUNTS
from kitamae.kernel.people.duties.records import log
from kitamae.kernel.people.mynumber import demand_none
from kitamae.kernel.people.person import HOME
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.duties.office import Office
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.pseudonyms import Pseudonyms

KIND: Final = "staff-number"
_NUMBER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,19}", re.ASCII)


class Numbers:
    """One per city."""

    def __init__(self, store: Store, pseudonyms: Pseudonyms, office: Office) -> None:
        self._store = store
        self._pseudonyms = pseudonyms
        self._office = office

    async def bind(self, who: Principal, person: str, number: str) -> None:
        """From now on this number is that person's, and an earlier one is nobody's; never one's own. The ledger says so: whoever
        has somebody's number is given his duties by the next file. Raises BadRequest, Forbidden, NotFound, Conflict.
        """
        if who.ref == person:
            raise Forbidden("nobody binds a number to himself: a colleague does")
        plain = unicodedata.normalize("NFKC", number).strip()
        if not _NUMBER.fullmatch(plain) or plain.casefold().startswith(ACCOUNTS):
            raise BadRequest(
                f"number: expected at most 20 letters, digits and hyphens that do not begin with {ACCOUNTS}"
            )
        demand_none({"number": plain})
        key = await self._key(plain)
        before = [id for _, id, doc in await self._store.documents(TENANT, KIND) if doc["person"] == person]

        async def work(tx: Transaction) -> None:
            known: Any = await tx.get(TENANT, "person", person)
            if known is None or known["role"] != "staff":
                raise NotFound(f"there is no member of staff {person!r:.60}")
            await self._office.demand(who, known.get("tenants", [HOME]), tx)
            bound: Any = await tx.get(TENANT, KIND, key)
            if bound is not None and bound["person"] != person:
                raise Conflict("that number is somebody else's")
            for id in before:
                await tx.drop(TENANT, KIND, id)
            told = {
                "word": "number bound",
                "person": person,
                "number": key,
                "by": who.ref,
                "at": clock.text(clock.now()),
            }
            await tx.put(TENANT, KIND, key, {"person": person, "ledger": await log(tx, told)})

        await self._store.transact(work)

    async def whose(self, numbers: Iterable[str]) -> dict[str, str]:
        """The references of those whose numbers these are; what is nobody's is left out."""
        found = {}
        for number in numbers:
            if not _NUMBER.fullmatch(number) or number.casefold().startswith(ACCOUNTS):
                continue  # what an account is called is nobody's number, whoever bound it
            bound: Any = await self._store.get(TENANT, KIND, await self._key(number))
            if bound is not None:
                found[number] = str(bound["person"])
        return found

    async def _key(self, number: str) -> str:
        return await self._pseudonyms.of("staff number", number)
