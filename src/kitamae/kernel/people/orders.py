"""What one member of staff wants to be done to a person's records and a second one decides: that what was collected for a purpose goes, or
that a record is corrected (`corrections.py`). That something goes a program's token may ask for too, and decides nothing.

Both have a duty that names the purpose, or a scope that does; the reason is told to the person with the receipt, and stands nowhere else once it is done.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, cast

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.people import approval, mynumber, order, swept
from kitamae.kernel.people.corrections import Corrections
from kitamae.kernel.people.order import KIND, WAITS, Order, State, about, is_correction, question, shown
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.vault import OWN, Ordered
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.approval import Approval
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.policy import Policy
    from kitamae.kernel.people.requests.case import Case
    from kitamae.kernel.people.vault import Vault

_log = structlog.get_logger("kitamae")
KEPT: Final = 365 * 86_400_000_000
"""How long what became of it is in the list; the person's receipt is kept as every other."""


class Orders:
    """On one store. `vault()` raises VaultClosed."""

    def __init__(
        self, store: Store, policy: Policy, vault: Callable[[], Vault], now: Callable[[], int] = clock.now
    ) -> None:
        self._store, self._policy, self._vault, self._now = store, policy, vault, now
        self.corrections = Corrections(store, policy, vault, now)

    def may(self, who: Principal, person: str, purpose: str) -> bool:
        """Whether it is his duty to ask that it be erased."""
        return self._policy.allows(Question(who, "delete", f"person:{person}", "", purpose))

    async def ask(self, who: Principal, person: str, purpose: str, why: str, case: str = "") -> str:
        """That what was collected about the person for the purpose be erased; the order's number.

        Raises NotSignedIn, Forbidden, BadRequest, HoldsMyNumber, NotFound for a case that is not that person's, Conflict where the same
        was asked for and is open.
        """
        asked = Question(who, "delete", f"person:{person}", "", purpose)
        self._policy.demand(asked)
        self._vault().purposes.demand(purpose)
        if purpose == OWN or not 0 < len(person) <= 128:
            raise BadRequest("whose records, and what they were collected for?")
        if person == who.ref:
            raise Forbidden("one's own case is for a colleague")
        mynumber.demand_reference("person", person)
        if case and (await self.case(case))["person"] != person:
            raise NotFound(f"there is no case {case!r:.40} of that person")
        why = approval.plain("why", why, least=order.LEAST)
        number, now = secrets.token_hex(6), self._now()
        if await self._open(person, purpose):
            raise Conflict("this waits for a second person already")
        made: Order = {
            "person": person, "purpose": purpose, "why": why, "case": case, "by": who.ref, "at": clock.text(now),
            "upto": 0, "done": "", "change": "erase",
        }  # fmt: skip

        async def work(tx: Transaction) -> None:
            await self._policy.demand_again(tx, asked)
            await approval.ask(*(tx, about(number), who), until=now + WAITS, barred=(person,), now=now)
            await tx.put(TENANT, KIND, number, made)

        await self._store.transact(work)
        return number

    async def _open(self, person: str, purpose: str) -> bool:
        """Whether it was asked already that this be erased, and nobody has decided."""
        for _, number, doc in await self._store.documents(TENANT, KIND):
            made = cast("Order", doc)
            same = (made["person"], made["purpose"]) == (person, purpose) and not is_correction(made)
            if same and (await self._word(number))[1] == "asked":
                return True
        return False

    async def decide(self, who: Principal, number: str, digest: str, *, yes: bool, why: str = "") -> None:
        """The second person's word; approved, it is done at once. Raises NotFound, NotSignedIn, Forbidden, Conflict, BadRequest; of a
        correction Moved too.
        """
        made = await self.get(number)
        self._policy.demand(question(who, made))
        if not yes:
            await self._refuse(who, number, made, why)
        elif is_correction(made):
            await self.corrections.decide(who, number, made, digest)
        else:
            await self._erase(who, number, made, digest)

    async def _refuse(self, who: Principal, number: str, made: Order, why: str) -> None:
        """What was shown needs no digest here: nothing is done, whatever it has become."""
        why = approval.plain("why", why)

        async def refuse(tx: Transaction) -> None:
            await self._policy.demand_again(tx, question(who, made))
            now = self._now()
            await approval.decide(tx, about(number), who, "", is_now=shown(made), yes=False, why=why, now=now)

        if is_correction(made):
            await self.corrections.drop(who, number, made, refuse, why)
        else:
            await self._store.transact(refuse)

    async def _erase(self, who: Principal, number: str, made: Order, digest: str) -> None:
        if who.role != "staff":
            raise Forbidden("two members of staff decide about it")

        async def decided(tx: Transaction, upto: int) -> None:
            now = cast("Order", await tx.get(TENANT, KIND, number))
            await approval.decide(
                tx, about(number), who, digest, is_now=shown(now), yes=True, now=self._now()
            )
            await tx.put(TENANT, KIND, number, {**now, "upto": upto})

        said = {"why": made["why"], "second": who.ref, **({"case": made["case"]} if made["case"] else {})}
        await self._vault().erase_for(
            who, made["person"], made["purpose"], Ordered(made["by"], said, decided)
        )
        await self._close(number)

    async def withdraw(self, who: Principal, number: str) -> None:
        """Whoever asked takes it back. Raises NotFound, Forbidden, Conflict."""
        made = await self.get(number)
        if made["by"] != who.ref:
            raise Forbidden("whoever asked for it takes it back")

        async def work(tx: Transaction) -> None:
            await approval.withdraw(tx, about(number), who.ref, self._now())

        if is_correction(made):
            await self.corrections.drop(who, number, made, work)
        else:
            await self._store.transact(work)

    async def get(self, number: str) -> Order:
        """Raises NotFound."""
        return await order.get(self._store, number)

    async def case(self, number: str) -> Case:
        """The request that an order follows from. Raises NotFound."""
        return await order.case(self._store, number)

    async def one(self, who: Principal, number: str) -> tuple[Order, Approval, State]:
        """For whose duty it is: the order, the word about it, where it stands. Raises NotFound, NotSignedIn, Forbidden."""
        made = await self.get(number)
        self._policy.demand(question(who, made))
        return made, *await self._word(number)

    async def _word(self, number: str) -> tuple[Approval, State]:
        said = cast("Approval", await self._store.get(TENANT, approval.KIND, about(number)))
        word = approval.word(said, self._now())
        return said, "done" if word == "approved" else word

    async def all(self, who: Principal) -> list[tuple[str, Order, Approval, State]]:
        """Those that are this one's duty, newest first: number, order, word, where it stands."""
        found: list[tuple[str, Order, Approval, State]] = []
        for _, number, doc in reversed(await self._store.documents(TENANT, KIND)):
            made = cast("Order", doc)
            if self._policy.allows(question(who, made)):
                found.append((number, made, *await self._word(number)))
        return found

    async def finish(self) -> int:
        """What was decided, and cut off by a crash before the key was gone; how many. Raises VaultClosed."""
        cut = [
            number
            for _, number, doc in await self._store.documents(TENANT, KIND)
            if doc["upto"] and not doc["done"]
        ]
        for number in cut:
            made = await self.get(number)
            await self._vault().finish_erasing(made["person"], made["purpose"], made["upto"])
            await self._close(number)
        return len(cut)

    async def _close(self, number: str) -> None:
        """The reason is in the receipt now, sealed, and nowhere else."""

        async def work(tx: Transaction) -> None:
            made = cast("Order", await tx.get(TENANT, KIND, number))
            done: Order = {**made, "why": "", "done": clock.text(self._now())}
            await tx.put(TENANT, KIND, number, done)

        await self._store.transact(work)

    async def expire(self) -> int:
        """What was proposed goes where nobody decided in time; how many. One that fails keeps no other. Raises VaultClosed."""
        over: list[tuple[str, Order]] = []
        for _, number, doc in await self._store.documents(TENANT, KIND):
            made = cast("Order", doc)
            said = cast("Approval | None", await self._store.get(TENANT, approval.KIND, about(number)))
            asked = is_correction(made) and said is not None and said["word"] == "asked"
            if asked and said and approval.word(said, self._now()) == "expired":
                over.append((number, made))
        self._vault()
        done = 0
        for number, made in over:

            async def word(tx: Transaction, number: str = number) -> None:
                await approval.expire(tx, about(number), self._now())

            try:
                await self.corrections.drop(SYSTEM, number, made, word)
                done += 1
            except Exception:  # the next hour
                _log.exception("what nobody decided about in time is not dropped", order=number)
        return done

    async def tidy(self) -> int:
        """Forget what was decided, withdrawn or not decided long ago; how many."""
        before = self._now() - KEPT
        old = [
            number
            for _, number, doc in await self._store.documents(TENANT, KIND)
            if clock.micros(doc["at"]) < before
        ]

        async def work(tx: Transaction) -> int:
            for number in old:
                await tx.drop(TENANT, KIND, number)
                await tx.drop(TENANT, approval.KIND, about(number))
            await swept.note(tx, self._now(), {KIND: len(old)})
            return len(old)

        return await self._store.transact(work) if old else 0
