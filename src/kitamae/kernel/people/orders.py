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

    from kitamae.kernel.context.store import Reader, Store, Transaction
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
        self._unfinished = 0

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
        made: Order = {
            "person": person, "purpose": purpose, "why": why, "case": case, "by": who.ref, "at": clock.text(now),
            "upto": 0, "done": "", "change": "erase",
        }  # fmt: skip

        async def work(tx: Transaction) -> None:
            await self._policy.demand_again(tx, asked)
            last = cast("order.Last | None", await tx.get(TENANT, order.LAST, order.erasing(made)))
            if last is not None and (await self._word(tx, last["number"]))[1] == "asked":
                raise Conflict("this waits for a second person already")
            await approval.ask(*(tx, about(number), who), until=now + WAITS, barred=(person,), now=now)
            await tx.put(TENANT, KIND, number, made)
            await tx.put(TENANT, order.LAST, order.erasing(made), {"number": number})

        await self._store.transact(work)
        return number

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
        return made, *await self._word(self._store, number)

    async def _word(self, store: Reader, number: str) -> tuple[Approval, State]:
        said = cast("Approval", await store.get(TENANT, approval.KIND, about(number)))
        word = approval.word(said, self._now())
        return said, "done" if word == "approved" else word

    async def all(self, who: Principal) -> list[tuple[str, Order, Approval, State]]:
        """Those that are this one's duty, newest first: number, order, word, where it stands."""
        found: list[tuple[str, Order, Approval, State]] = []
        for _, number, doc in reversed(await self._store.documents(TENANT, KIND)):
            made = cast("Order", doc)
            if self._policy.allows(question(who, made)):
                found.append((number, made, *await self._word(self._store, number)))
        return found

    async def finish(self) -> int:
        """What was decided, and cut off by a crash before the key was gone; how many. One that fails keeps no other: it is tried again, and
        `trouble` says so until then. Raises VaultClosed.
        """
        cut = [
            (number, cast("Order", doc))
            for _, number, doc in await self._store.documents(TENANT, KIND)
            if doc["upto"] and not doc["done"]
        ]
        self._unfinished, done = len(cut), 0
        if not cut:
            return 0
        vault = self._vault()
        for number, made in cut:
            try:
                await vault.finish_erasing(made["person"], made["purpose"], made["upto"])
                await self._close(number)
                done += 1
            except Exception:  # the next time
                _log.exception("what two decided to erase is not erased", order=number)
        self._unfinished = len(cut) - done
        return done

    def trouble(self) -> str:
        """For `/health`: what two decided to erase, and was not erased when it was tried last; "": nothing."""
        if not self._unfinished:
            return ""
        return f"{self._unfinished} erasures that two persons decided are not finished; they are tried again within the hour"

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
            (number, cast("Order", doc))
            for _, number, doc in await self._store.documents(TENANT, KIND)
            if clock.micros(doc["at"]) < before
        ]

        async def work(tx: Transaction) -> int:
            went = 0
            for number, made in old:
                went += await tx.drop(TENANT, KIND, number)
                await tx.drop(TENANT, approval.KIND, about(number))
                last = await tx.get(TENANT, order.LAST, order.erasing(made))
                if last == {"number": number}:
                    await tx.drop(TENANT, order.LAST, order.erasing(made))
            await swept.note(tx, self._now(), {KIND: went})
            return went

        return await self._store.transact(work) if old else 0
