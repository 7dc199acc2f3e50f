"""That fields of a person's record be corrected, after a 訂正請求 was granted (個人情報の保護に関する法律 第92条): one asks, a second one decides.

What is proposed is sealed under the person's key of requests until it is decided. Once it is, one transaction writes the new values, what
stood there, the receipt with its leaf, and the step of the case; whatever was not done leaves the record as it was.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import approval, mynumber, notices, order, proposal
from kitamae.kernel.people.order import KIND, WAITS, Order, about, question, shown
from kitamae.kernel.people.platform_purposes import REQUESTS
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.requests import case as cases
from kitamae.kernel.people.requests.kinds import CORRECTION
from kitamae.kernel.people.requests.requests import KIND as CASE
from kitamae.kernel.people.requests.requests import PROPOSAL
from kitamae.kernel.people.vault import Asked, Edit, Ordered, gone
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.policy import Policy
    from kitamae.kernel.people.requests.case import Case
    from kitamae.kernel.people.vault import Record, Vault

SEALED: Final = REQUESTS.name
"""The class under whose key a proposal lies."""
GRANTED: Final = frozenset({"whole", "part"})
MOST: Final = 50
"""Records that a form shows at once."""


class Proposal(NamedTuple):
    """What is to become of one record. `salt`: so that the digest of it, which stands in the open, tells nothing."""

    record: str
    edits: Sequence[Edit]
    salt: str

    def shown(self) -> Any:
        """What the second person's word is about, besides the order."""
        rows = [proposal.Proposed(self.record, one) for one in self.edits]
        return {"proposal": proposal.sealed(rows), "salt": self.salt}


class Corrections:
    """On one store. `vault()` raises VaultClosed."""

    def __init__(
        self, store: Store, policy: Policy, vault: Callable[[], Vault], now: Callable[[], int]
    ) -> None:
        self._store, self._policy, self._vault, self._now = store, policy, vault, now

    def may(self, who: Principal, person: str, purpose: str) -> bool:
        """Whether it is his duty: for the records, and for the requests that their correction follows from."""
        return purpose not in proposal.SAID and all(
            self._policy.allows(Question(who, "write", f"person:{person}", "", one))
            for one in (purpose, SEALED)
        )

    async def granted(self, who: Principal, number: str) -> Case:
        """The case, which allows a correction. Raises NotFound, Forbidden, Conflict."""
        case = await order.case(self._store, number)
        if case["person"] == who.ref:
            raise Forbidden("one's own case is for a colleague")
        if case["kind"] != CORRECTION.id or case["outcome"] not in GRANTED:
            raise Conflict("no correction was granted in this case")
        return case

    async def records(self, who: Principal, person: str, purpose: str, after: str = "") -> list[Record]:
        """What was collected for the purpose, behind that record: with a receipt that the person sees. Raises as `Vault.read`."""
        if purpose in proposal.SAID:
            raise BadRequest("what was said is answered, and not corrected")
        found = await self._vault().read(Asked(who, purpose, (person,), after=after, most=MOST))
        return [one for one in found if one.klass == purpose]

    async def wishes(self, who: Principal, number: str, case: Case) -> list[proposal.Proposed]:
        """The values that the person asked for himself; where there are any, with a receipt. Raises NotSignedIn, Forbidden."""
        asked = Asked(who, SEALED, (case["person"],), (f"case:{number}",), fields=(PROPOSAL,))
        found = [one.fields[PROPOSAL] for one in await self._vault().read(asked) if PROPOSAL in one.fields]
        return [one for text in found for one in proposal.opened(str(text))]

    async def ask(
        self, who: Principal, number: str, purpose: str, record: str, edits: Sequence[Edit], why: str
    ) -> str:
        """That this record of the person who filed the case `number` be corrected so; the order's number.

        Raises NotSignedIn, Forbidden, NotFound, Conflict, BadRequest, HoldsMyNumber.
        """
        case = await self.granted(who, number)
        person = case["person"]
        declared = self._vault().purposes.demand(purpose)
        if purpose in proposal.SAID:
            raise BadRequest("what was said is answered, and not corrected")
        if not 1 <= len(edits) <= proposal.MOST:
            raise BadRequest(f"nothing is to be corrected, or too much: 1 to {proposal.MOST} fields")
        self._vault().purposes.klass(purpose, {one.field: None for one in edits if one.now})
        mynumber.demand_none({one.field: one.now[0] for one in edits if one.now}, declared.identifiers)
        mynumber.demand_reference("record", record)
        why = approval.plain("why", why, least=order.LEAST)
        new, now = secrets.token_hex(6), self._now()
        made: Order = {
            "person": person, "purpose": purpose, "why": why, "case": number, "by": who.ref, "at": clock.text(now),
            "upto": 0, "done": "", "change": "correct",
        }  # fmt: skip
        asked = question(who, made)
        self._policy.demand(asked)

        async def along(tx: Transaction) -> dict[str, object]:
            await self._policy.demand_again(tx, asked)
            await approval.ask(tx, about(new), who, until=now + WAITS, barred=(person,), now=now)
            await tx.put(TENANT, KIND, new, made)
            return {}

        fields = {
            PROPOSAL: proposal.sealed([proposal.Proposed(record, one) for one in edits]),
            "case": number, "by": who.ref, "at": clock.text(now),
            "salt": base64.b64encode(commitment.salt()).decode(),
        }  # fmt: skip
        said = {"case": number}
        await self._vault().keep(who, person, SEALED, about(new), fields, along=along, said=said)
        return new

    async def proposed(self, who: Principal, number: str, made: Order) -> Proposal | None:
        """What is proposed, with a receipt; None: it was erased. Raises NotSignedIn, Forbidden."""
        asked = Asked(who, SEALED, (made["person"],), (about(number),), fields=(PROPOSAL, "salt"))
        found = await self._vault().read(asked)
        if not found:
            return None
        rows = proposal.opened(str(found[0].fields[PROPOSAL]))
        return Proposal(rows[0].record, [one.edit for one in rows], str(found[0].fields["salt"]))

    async def stands(self, who: Principal, made: Order, proposed: Proposal) -> bool:
        """Whether the record still says what it did when this was proposed; a receipt tells of the look."""
        names = tuple(sorted({one.field for one in proposed.edits}))
        asked = Asked(who, made["purpose"], (made["person"],), fields=names)
        found = await self._vault().read(asked)
        record = next((one for one in found if one.id == proposed.record), None)
        return record is not None and all(
            (record.fields[one.field],) == one.was if one.field in record.fields else one.was is None
            for one in proposed.edits
        )

    async def decide(self, who: Principal, number: str, made: Order, digest: str) -> None:
        """Approved: it is done at once. Raises NotFound, NotSignedIn, Forbidden, Conflict, BadRequest, Moved."""
        if who.role != "staff":
            raise Forbidden("two members of staff decide about it")
        proposed = await self.proposed(who, number, made)
        if proposed is None:
            raise NotFound("what was proposed is not there any more")
        is_now = shown(made, proposed.shown())

        async def decided(tx: Transaction, receipt: int) -> None:
            now = self._now()
            await approval.decide(tx, about(number), who, digest, is_now=is_now, yes=True, now=now)
            await gone(tx, made["person"], SEALED, about(number))
            closed: Order = {**made, "why": "", "done": clock.text(now)}
            await tx.put(TENANT, KIND, number, closed)
            case = cast("Case | None", await tx.get(TENANT, CASE, made["case"]))
            if case is not None:
                done = cases.carried(case, clock.text(now), made["by"], receipt)
                await tx.put(TENANT, CASE, made["case"], done)
                told = notices.What("case", made["case"], cases.CARRIED, len(done["steps"]) - 1)
                await notices.owe(tx, made["person"], told, now)

        said = {"why": made["why"], "second": who.ref, "case": made["case"]}
        ordered = Ordered(made["by"], said, decided)
        await self._vault().correct(
            who, made["person"], made["purpose"], proposed.record, proposed.edits, ordered
        )

    async def drop(
        self,
        who: Principal,
        number: str,
        made: Order,
        word: Callable[[Transaction], Awaitable[object]],
        why: str = "",
    ) -> None:
        """It is not done: `word(tx)` says so, in the transaction in which what was proposed goes. `why`: told to the person with the
        receipt. Raises as `word`, NotSignedIn, Forbidden.
        """

        async def decided(tx: Transaction, _: int) -> None:
            await word(tx)

        said = {"case": made["case"], **({"why": why} if why else {})}
        ordered = Ordered(made["by"], said, decided)
        await self._vault().discard(who, made["person"], SEALED, about(number), ordered)
