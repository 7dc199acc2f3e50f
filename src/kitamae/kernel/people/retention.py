"""What is kept about persons outside the vault, and how long: one table, one sweep, one entry of the ledger for it.

Not by a doubtful clock: whoever calls asks the vault first (`Vault.clock_trouble`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import notices, office_papers, records, swept
from kitamae.kernel.people.assisted import records as assisted
from kitamae.kernel.people.delegates import records as mandates
from kitamae.kernel.people.duties import steps
from kitamae.kernel.people.platform_purposes import REQUESTS
from kitamae.kernel.people.provider import owing
from kitamae.kernel.people.records import PASSKEY, REVOKED, TENANT
from kitamae.kernel.people.requests import case as cases
from kitamae.kernel.people.requests import requests
from kitamae.kernel.people.sheltered import records as sheltered
from kitamae.kernel.people.vault import withholding
from kitamae.kernel.people.vault.classes import CONSENT_DAYS, DAY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.vault import Purposes

    Due = tuple[str, str, Any]  # kind, id, document

MOST: Final = 500
"""Documents that go in one transaction."""
DAYS: Final[Mapping[str, int]] = {
    "person": 1,
    PASSKEY: 30,
    mandates.KIND: CONSENT_DAYS,
    "consent": owing.AGREED_DAYS,
    owing.WITHDRAWN: owing.AGREED_DAYS,
    withholding.KIND: withholding.SHOWN_DAYS,
    swept.KIND: CONSENT_DAYS,
    notices.KIND: CONSENT_DAYS,
}
"""Kind of document -> days: a visitor whose letter's link nobody opened; a passkey of a member of staff, after he left (who comes back within these days by a
change of duties comes in with it); a mandate after it ended, as what the vault keeps of it; what somebody
allowed a partner to know, after which he is asked anew, and as long that he withdrew it; that a look was withheld, after it is shown; an entry about this; a notice, after it was told. A case that is
over is kept as long as the vault keeps what was said in it (`Purpose.days`); papers of the town hall as the city says (`office_papers.py`).
"""


class Retention:
    """On one store. `now` in microseconds UTC; `office`: days of the papers of which the city says how long; `renamed` hears who is not
    called anything any more; `owes` is called after a commit from which on partners may have to be told that somebody signed out.
    """

    def __init__(
        self,
        store: Store,
        purposes: Purposes,
        now: Callable[[], int] = clock.now,
        *,
        office: Mapping[office_papers.Paper, int] | None = None,
        renamed: Callable[[Iterable[str]], Awaitable[None]] | None = None,
        owes: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._now, self._renamed, self._owes = store, now, renamed, owes
        papers = {**office_papers.DAYS, **(office or {})}
        registers = {sheltered.KIND: sheltered.REGISTER, assisted.KIND: assisted.LIST}
        self.days = {
            **DAYS,
            **{kind: one.days for kind, name in registers.items() if (one := purposes.get(name))},
            requests.KIND: purposes.demand(REQUESTS.name).days,
            **{kind: papers[paper] for kind, paper in office_papers.KINDS.items()},
        }

    async def sweep(self) -> int:
        """What was kept long enough goes; how many."""
        went = 0
        while some := await self._sweep():
            went += some
        return went

    async def _sweep(self) -> int:
        at = self._now()
        found = [one for kind in self.days for one in await self._due(kind, at)][:MOST]
        if not found:
            return 0
        bound = await office_papers.numbers(self._store)
        grants = [
            (id, doc["person"], doc["client"]) for _, id, doc in await self._store.documents(TENANT, "grant")
        ]

        async def work(tx: Transaction) -> int:
            went: Counter[str] = Counter()
            for kind, id, doc in found:
                if await tx.get(TENANT, kind, id) != doc:
                    continue  # something happened to it meanwhile: the next sweep looks again
                before = at - self.days[kind] * DAY
                if kind == PASSKEY and not await office_papers.is_gone(tx, doc["person"], at, before):
                    continue
                if kind in office_papers.KINDS:
                    await office_papers.drop(tx, kind, id, doc, before, bound)
                else:
                    await self._drop(tx, kind, id, doc)
                if kind == "consent":  # with what the partner got by it
                    for grant, *whose in grants:
                        if whose == [doc["person"], doc["client"]]:
                            await tx.drop(TENANT, "grant", grant)
                    await owing.of_consents(tx, [doc], at)
                went[kind] += 1
            await swept.note(tx, at, went)
            return sum(went.values())

        went = await self._store.transact(work)
        self._owes()
        if self._renamed is not None:
            await self._renamed([id for kind, id, _ in found if kind == steps.KIND])
        return went

    async def _due(self, kind: str, at: int) -> list[Due]:
        before = at - self.days[kind] * DAY
        if kind in office_papers.KINDS:
            return await office_papers.due(self._store, kind, at, before)
        if kind == PASSKEY:
            return await office_papers.passkeys(self._store, at, before)
        kept = await self._store.documents(TENANT, kind)
        return [(kind, id, doc) for _, id, doc in kept if (end := _over(kind, doc)) and end <= before]

    async def _drop(self, tx: Transaction, kind: str, id: str, doc: Any) -> None:
        match kind:
            case mandates.KIND:
                await mandates.drop(tx, doc)
            case requests.KIND:
                await tx.drop(TENANT, kind, id)
                numbers: Any = await tx.get(TENANT, requests.INDEX, doc["person"]) or []
                left = [one for one in numbers if one != id]
                await _put(tx, requests.INDEX, doc["person"], left)
            case notices.KIND:
                await notices.drop(tx, id, doc)
            case sheltered.KIND:
                await sheltered.drop(tx, id, doc)
            case records.PASSKEY:
                await tx.drop(TENANT, kind, id)
                await tx.put(TENANT, REVOKED, id, {"at": clock.text(self._now())})
            case withholding.KIND:  # one person's rows that are past; the others stay
                before = self._now() - self.days[kind] * DAY
                await _put(
                    tx, kind, id, {n: one for n, one in doc.items() if clock.micros(one["until"]) > before}
                )
            case _:
                await tx.drop(TENANT, kind, id)


def _over(kind: str, doc: Any) -> int:
    """From when its days are counted, microseconds UTC; 0: not yet."""
    match kind:
        case "person":
            return clock.micros(doc["createdAt"]) if doc.get("unopened") else 0
        case mandates.KIND:
            return min(clock.micros(one) for one in (doc["ends"], doc.get("ended", {}).get("at")) if one)
        case requests.KIND:
            steps = cast("cases.Case", doc).get("steps", [])
            return 0 if doc["state"] in cases.OPEN or not steps else clock.micros(steps[-1]["at"])
        case notices.KIND:
            return clock.micros(doc["done"]) if doc["state"] in notices.OVER else 0
        case withholding.KIND:
            return min(clock.micros(one["until"]) for one in doc.values())
        case swept.KIND:
            return clock.micros(doc["told"]["at"])
        case _:
            return clock.micros(doc["at"])


async def _put(tx: Transaction, kind: str, id: str, left: Any) -> None:
    """What is left of it, if anything is."""
    if left:
        await tx.put(TENANT, kind, id, left)
    else:
        await tx.drop(TENANT, kind, id)
