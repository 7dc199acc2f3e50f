"""The door: entering a breach, taking its steps, counting them for everybody. Nobody who is concerned is named in it."""

from __future__ import annotations

import base64
import secrets
from datetime import date
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import mynumber, notices
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.requests import breach as breaches
from kitamae.kernel.people.requests.requests import LONGEST
from kitamae.kernel.people.vault import withholding
from kitamae.kernel.problems import BadRequest, Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from kitamae.kernel.calendar import Calendar
    from kitamae.kernel.context.store import Reader, Store, Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.requests.breach import Breach, Event

KIND: Final = "breach"
"""Documents of the store, by number."""
_TOGETHER: Final = 200
"""Persons who are given notice in one transaction."""


class Breaches:
    """On one store."""

    def __init__(self, store: Store, calendar: Calendar, *, now: Callable[[], int] = clock.now) -> None:
        self._store, self.calendar, self._now = store, calendar, now

    def today(self) -> date:
        """In Japan."""
        return days.of(self._now())

    async def enter(
        self, who: Principal, learnt: date, reasons: list[str], persons: int, told: Mapping[str, str]
    ) -> str:
        """The number of a breach that the town hall learnt of that day. Raises BadRequest, HoldsMyNumber."""
        _demand(told)
        today = self.today()
        made = breaches.begun(learnt, today, reasons, persons, dict(told))
        number = f"{today.year - (today.month < 4)}-{secrets.token_hex(3)}"

        def first(_: Breach | None) -> Breach:
            return made

        await self._keep(who, number, "enter", today, made["told"], first)
        return number

    async def step(
        self,
        who: Principal,
        number: str,
        step: str,
        day: date,
        told: Mapping[str, str],
        persons: int | None = None,
        reasons: list[str] | None = None,
    ) -> Breach:
        """Take a step that was taken on `day`. `persons`, `reasons` None: as they were. Raises BadRequest, Conflict, NotFound, HoldsMyNumber."""
        _demand(told)
        today = self.today()

        def next_(now: Breach | None) -> Breach:
            if now is None:
                raise NotFound(f"there is no breach {number!r:.40}")
            return breaches.moved(now, step, day, today, dict(told), persons, reasons)

        return await self._keep(who, number, step, day, told, next_)

    async def tell(self, who: Principal, number: str, persons: Mapping[str, Sequence[int]]) -> int:
        """Give notice of it to these, to each once however often it is asked; to how many it was new. `persons`: by reference the looks that
        it is about (numbers of receipts); who may see none of them yet is told with the first that is shown. What is cut off goes on when it is
        asked again. Raises Conflict for a breach that is closed, NotFound.
        """
        fresh = [one for one in persons if not await _was_told(self._store, one, number)]
        day, given = self.today(), 0

        def same(now: Breach | None) -> Breach:
            if now is None:
                raise NotFound(f"there is no breach {number!r:.40}")
            if "close" in now["done"]:
                raise Conflict("this breach is closed")
            return now

        for start in range(0, len(fresh), _TOGETHER):
            some = fresh[start : start + _TOGETHER]

            async def owing(tx: Transaction, some: Sequence[str] = some) -> int:
                new = [one for one in some if not await _was_told(tx, one, number)]
                now = self._now()
                for one in new:
                    after = await withholding.shown_from(tx, one, persons[one], now)
                    await notices.owe(tx, one, notices.What("breach", number), now, after, persons[one])
                return len(new)

            made = await self._keep(who, number, breaches.TELL, day, {}, same, owing)
            given += made["events"][-1].get("given", 0)
        return given

    async def one(self, number: str) -> Breach:
        """Raises NotFound."""
        found = cast("Breach | None", await self._store.get(TENANT, KIND, number))
        if found is None:
            raise NotFound(f"there is no breach {number!r:.40}")
        return found

    async def all(self) -> list[tuple[str, Breach]]:
        """Newest first."""
        kept = await self._store.documents(TENANT, KIND)
        return [(number, cast("Breach", doc)) for _, number, doc in reversed(kept)]

    async def _keep(
        self,
        who: Principal,
        number: str,
        step: str,
        day: date,
        told: Mapping[str, str],
        after: Callable[[Breach | None], Breach],
        owing: Callable[[Transaction], Awaitable[int]] | None = None,
    ) -> Breach:
        at, salt = clock.text(self._now()), commitment.salt()

        async def work(tx: Transaction) -> Breach:
            made = after(cast("Breach | None", await tx.get(TENANT, KIND, number)))
            event: Event = {
                "step": step,
                "at": at,
                "by": who.ref,
                "day": day.isoformat(),
                "learnt": made["learnt"],
                "persons": made["persons"],
                "reasons": made["reasons"],
                "told": dict(told),
                "salt": base64.b64encode(salt).decode(),
                "leaf": 0,
            }
            if owing is not None:
                event["given"] = await owing(tx)
            said = commitment.canonical(breaches.committed(number, event))
            event["leaf"] = await tx.log(commitment.commit(salt, said))
            made = {**made, "events": [*made["events"], event]}
            await tx.put(TENANT, KIND, number, made)
            return made

        return await self._store.transact(work)


async def _was_told(store: Reader, person: str, number: str) -> bool:
    numbers: Any = await store.get(TENANT, notices.OF, person) or []
    given = [await notices.one(store, one) for one in numbers]
    return any(one is not None and (one["about"], one["ref"]) == ("breach", number) for one in given)


def _demand(told: Mapping[str, str]) -> None:
    for name, value in told.items():
        if len(value) > LONGEST:
            raise BadRequest(f"{name}: at most {LONGEST} letters, these are {len(value)}")
    mynumber.demand_none(told)
