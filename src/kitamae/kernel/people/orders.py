"""What one member of staff wants to be done to a person's records and a second one decides: that what was collected for a purpose goes.

Both have a duty that names the purpose; the reason is told to the person with the receipt, and stands nowhere else once it is done.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, Literal, TypedDict, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import approval, mynumber, swept
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.requests.requests import KIND as CASE
from kitamae.kernel.people.vault import OWN, Ordered
from kitamae.kernel.problems import BadRequest, Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.approval import Approval
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.policy import Policy
    from kitamae.kernel.people.requests.case import Case
    from kitamae.kernel.people.vault import Vault

KIND: Final = "order"
WAITS: Final = 14 * 86_400_000_000
"""How long an order waits for its second person, microseconds."""
KEPT: Final = 365 * 86_400_000_000
"""How long what became of it is in the list; the person's receipt is kept as every other."""
_LEAST: Final = 5  # characters of a reason
State = Literal["asked", "done", "refused", "withdrawn", "expired"]


class Order(TypedDict):
    """`upto`: the version of the key that goes, once it is decided; `done`: RFC 3339 UTC, when the key was gone. `case`: the number of
    the request that it follows from, or "".
    """

    person: str
    purpose: str
    why: str
    case: str
    by: str
    at: str
    upto: int
    done: str


class Orders:
    """On one store. `vault()` raises VaultClosed."""

    def __init__(
        self, store: Store, policy: Policy, vault: Callable[[], Vault], now: Callable[[], int] = clock.now
    ) -> None:
        self._store, self._policy, self._vault, self._now = store, policy, vault, now

    def may(self, who: Principal, person: str, purpose: str) -> bool:
        """Whether this duty is his."""
        return self._policy.allows(Question(who, "delete", f"person:{person}", "", purpose))

    async def ask(self, who: Principal, person: str, purpose: str, why: str, case: str = "") -> str:
        """That what was collected about the person for the purpose be erased; the order's number.

        Raises NotSignedIn, Forbidden, BadRequest, HoldsMyNumber, NotFound for a case that is not that person's, Conflict where the same
        was asked for and is open.
        """
        question = Question(who, "delete", f"person:{person}", "", purpose)
        self._policy.demand(question)
        self._vault().purposes.demand(purpose)
        if purpose == OWN or not 0 < len(person) <= 128:
            raise BadRequest("whose records, and what they were collected for?")
        if person == who.ref:
            raise Forbidden("one's own case is for a colleague")
        mynumber.demand_reference("person", person)
        if case and (await self.case(case))["person"] != person:
            raise NotFound(f"there is no case {case!r:.40} of that person")
        why = approval.plain("why", why, least=_LEAST)
        number, now = secrets.token_hex(6), self._now()
        order: Order = {
            "person": person, "purpose": purpose, "why": why, "case": case, "by": who.ref, "at": clock.text(now),
            "upto": 0, "done": "",
        }  # fmt: skip

        async def work(tx: Transaction) -> None:
            await self._policy.demand_again(tx, question)
            await approval.ask(*(tx, _about(number), who), until=now + WAITS, barred=(person,), now=now)
            await tx.put(TENANT, KIND, number, order)

        await self._store.transact(work)
        return number

    async def decide(self, who: Principal, number: str, digest: str, *, yes: bool, why: str = "") -> None:
        """The second person's word; approved, it is done at once. Raises NotFound, NotSignedIn, Forbidden, Conflict, BadRequest."""
        order = await self.get(number)
        if not yes:

            async def refuse(tx: Transaction) -> None:
                await self._policy.demand_again(tx, _question(who, order))
                await approval.decide(
                    tx, _about(number), who, digest, is_now=shown(order), yes=False, why=why, now=self._now()
                )

            self._policy.demand(_question(who, order))
            await self._store.transact(refuse)
            return
        if who.role != "staff":
            raise Forbidden("two members of staff decide about it")

        async def decided(tx: Transaction, upto: int) -> None:
            now = cast("Order", await tx.get(TENANT, KIND, number))
            await approval.decide(
                tx, _about(number), who, digest, is_now=shown(now), yes=True, now=self._now()
            )
            await tx.put(TENANT, KIND, number, {**now, "upto": upto})

        said = {"why": order["why"], "second": who.ref, **({"case": order["case"]} if order["case"] else {})}
        await self._vault().erase_for(
            who, order["person"], order["purpose"], Ordered(order["by"], said, decided)
        )
        await self._close(number)

    async def withdraw(self, who: Principal, number: str) -> None:
        """Whoever asked takes it back. Raises NotFound, Forbidden, Conflict."""
        if (await self.get(number))["by"] != who.ref:
            raise Forbidden("whoever asked for it takes it back")

        async def work(tx: Transaction) -> None:
            await approval.withdraw(tx, _about(number), who.ref, self._now())

        await self._store.transact(work)

    async def get(self, number: str) -> Order:
        """Raises NotFound."""
        found = cast("Order | None", await self._store.get(TENANT, KIND, number))
        if found is None:
            raise NotFound(f"there is no order {number!r:.40}")
        return found

    async def case(self, number: str) -> Case:
        """The request that an order follows from. Raises NotFound."""
        found = cast("Case | None", await self._store.get(TENANT, CASE, number))
        if found is None:
            raise NotFound(f"there is no case {number!r:.40}")
        return found

    async def one(self, who: Principal, number: str) -> tuple[Order, Approval, State]:
        """For whose duty it is: the order, the word about it, where it stands. Raises NotFound, NotSignedIn, Forbidden."""
        order = await self.get(number)
        self._policy.demand(_question(who, order))
        return order, *await self._word(number)

    async def _word(self, number: str) -> tuple[Approval, State]:
        said = cast("Approval", await self._store.get(TENANT, approval.KIND, _about(number)))
        word = approval.word(said, self._now())
        return said, "done" if word == "approved" else word

    async def all(self, who: Principal) -> list[tuple[str, Order, Approval, State]]:
        """Those that are this one's duty, newest first: number, order, word, where it stands."""
        found: list[tuple[str, Order, Approval, State]] = []
        for _, number, doc in reversed(await self._store.documents(TENANT, KIND)):
            order = cast("Order", doc)
            if self.may(who, order["person"], order["purpose"]):
                found.append((number, order, *await self._word(number)))
        return found

    async def finish(self) -> int:
        """What was decided, and cut off by a crash before the key was gone; how many. Raises VaultClosed."""
        cut = [
            number
            for _, number, doc in await self._store.documents(TENANT, KIND)
            if doc["upto"] and not doc["done"]
        ]
        for number in cut:
            order = await self.get(number)
            await self._vault().finish_erasing(order["person"], order["purpose"], order["upto"])
            await self._close(number)
        return len(cut)

    async def _close(self, number: str) -> None:
        """The reason is in the receipt now, sealed, and nowhere else."""

        async def work(tx: Transaction) -> None:
            order = cast("Order", await tx.get(TENANT, KIND, number))
            done: Order = {**order, "why": "", "done": clock.text(self._now())}
            await tx.put(TENANT, KIND, number, done)

        await self._store.transact(work)

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
                await tx.drop(TENANT, approval.KIND, _about(number))
            await swept.note(tx, self._now(), {KIND: len(old)})
            return len(old)

        return await self._store.transact(work) if old else 0


def shown(order: Order) -> str:
    """The digest of what a second person sees."""
    return approval.shown({name: order[name] for name in ("person", "purpose", "why", "case", "by", "at")})


def _about(number: str) -> str:
    return f"{KIND}:{number}"


def _question(who: Principal, order: Order) -> Question:
    return Question(who, "delete", f"person:{order['person']}", "", order["purpose"])
