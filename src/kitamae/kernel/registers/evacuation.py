"""The city's evacuation orders (避難情報): one member of staff proposes, a second one decides, and then it is in force.

An order is a line of the register `evacuation`: what the city said, when, for which districts; it never changes. Its statement in the
ledger, what is in force now, and the entities that pages, CAP and the broker's subscribers show are written in one transaction
with the second person's word. A rehearsal has a register, a state and a number of its own, and writes neither entity nor statement.

`evacuation-proposal`  by number:              what somebody proposes
`evacuation-now`       `live`, `rehearsal`:    {district: {name, level, hazard, order, since}} what is in force
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.context.observed import observed
from kitamae.kernel.context.operations import Command
from kitamae.kernel.context.operations.delete import Purge
from kitamae.kernel.people import approval
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import Conflict, Forbidden, NotFound
from kitamae.kernel.registers.evacuation_state import TYPE, after, alerts, demand, kind, shown
from kitamae.kernel.registers.register import Register, count

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.approval import Approval
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.registers.entry import Entry
    from kitamae.kernel.registers.evacuation_state import Act, District, Proposal, Standing

    Announce = Callable[[Transaction, str, Proposal, Mapping[str, Standing], int], Awaitable[None]]
    """Number of the order, what was proposed, what was in force before by district, microseconds UTC."""

WAITS: Final = 6 * 3_600_000_000
"""How long a proposal waits for its second person, microseconds: after that the danger is another one."""
PROPOSAL: Final = "evacuation-proposal"
NOW: Final = "evacuation-now"
_COUNTED: Final = "evacuation-count"
_LONGEST: Final = 400


class Evacuation:
    """On one store. `city`: its five-digit code and its name, for the entities; `expand` as the city's @context does."""

    def __init__(
        self,
        store: Store,
        city: tuple[str, str],
        expand: Callable[[str], str],
        *,
        tenant: str = "",
        now: Callable[[], int] = clock.now,
        announce: Announce | None = None,
    ) -> None:
        """`announce`: told in the same transaction, so that nobody is told of what was not ordered, and everybody of what was."""
        self._announce = announce
        self._store, self._city, self._expand, self._tenant, self._now = store, city, expand, tenant, now
        self._registers = {
            False: Register(store, "evacuation", TYPE, expand, tenant=tenant, now=now),
            True: Register(store, "evacuation-rehearsal", TYPE, expand, publish=False, now=now),
        }

    async def standing(self, *, rehearsal: bool) -> dict[str, Standing]:
        """What is in force, by district."""
        return cast("dict[str, Standing]", await self._store.get(TENANT, NOW, _which(rehearsal)) or {})

    async def orders(self, *, rehearsal: bool) -> list[Entry]:
        """What was ordered, newest first."""
        return (await self._registers[rehearsal].entries())[::-1]

    async def order(self, id: str, *, rehearsal: bool) -> Entry:
        """Raises NotFound."""
        return await self._registers[rehearsal].entry(id)

    async def propose(
        self,
        who: Principal,
        act: Act,
        districts: Sequence[District],
        *,
        level: int = 0,
        hazard: str = "",
        text: str = "",
        rehearsal: bool,
    ) -> str:
        """The proposal's number. Nothing is in force by it. Raises BadRequest, Conflict, HoldsMyNumber."""
        number, now = secrets.token_hex(6), self._now()
        proposal: Proposal = {
            "act": act, "level": level if act == "issue" else 0, "hazard": hazard if act == "issue" else "",
            "districts": [*districts], "text": approval.plain("text", text, most=_LONGEST), "rehearsal": rehearsal,
            "by": who.ref, "at": clock.text(now), "order": "",
        }  # fmt: skip
        demand(proposal)

        async def work(tx: Transaction) -> None:
            after(await _standing(tx, proposal), proposal, "", "")
            await approval.ask(tx, _about(number), who, until=now + WAITS, barred=(), now=now)
            await tx.put(TENANT, PROPOSAL, number, proposal)

        await self._store.transact(work)
        return number

    async def proposals(self, *, rehearsal: bool, most: int = 50) -> list[tuple[str, Proposal, Approval]]:
        """Number, proposal and the word about it, newest first."""
        found = [
            (number, cast("Proposal", doc))
            for _, number, doc in reversed(await self._store.documents(TENANT, PROPOSAL))
            if doc["rehearsal"] is rehearsal
        ]
        return [(number, one, await self._word(number)) for number, one in found[:most]]

    async def proposal(self, number: str) -> tuple[Proposal, Approval, str]:
        """With the digest of what a second person sees. Raises NotFound."""
        found = cast("Proposal | None", await self._store.get(TENANT, PROPOSAL, number))
        if found is None:
            raise NotFound(f"there is no proposal {number!r:.40}")
        standing = await self.standing(rehearsal=found["rehearsal"])
        return found, await self._word(number), shown(found, standing)

    async def decide(self, who: Principal, number: str, digest: str, *, yes: bool, why: str = "") -> None:
        """The second person's word; approved, it is in force when this returns. Raises NotFound, Forbidden, Conflict, BadRequest."""

        async def work(tx: Transaction) -> None:
            proposal = cast("Proposal | None", await tx.get(TENANT, PROPOSAL, number))
            if proposal is None:
                raise NotFound(f"there is no proposal {number!r:.40}")
            now, before = self._now(), await _standing(tx, proposal)
            is_now = shown(proposal, before)
            await approval.decide(tx, _about(number), who, digest, is_now=is_now, yes=yes, why=why, now=now)
            if yes:
                await self._put_in_force(tx, number, proposal, before, who, now)

        await self._store.transact(work)

    async def withdraw(self, who: Principal, number: str) -> None:
        """Whoever proposed takes it back before it was decided. Raises NotFound, Forbidden, Conflict."""
        if (await self.proposal(number))[0]["by"] != who.ref:
            raise Forbidden("whoever asked for it takes it back")

        async def work(tx: Transaction) -> None:
            await approval.withdraw(tx, _about(number), who.ref, self._now())

        await self._store.transact(work)

    async def _word(self, number: str) -> Approval:
        said = cast("Approval", await self._store.get(TENANT, approval.KIND, _about(number)))
        return {**said, "word": approval.word(said, self._now())}

    async def _put_in_force(
        self,
        tx: Transaction,
        number: str,
        proposal: Proposal,
        before: Mapping[str, Standing],
        who: Principal,
        now: int,
    ) -> None:
        rehearsal, at, year = proposal["rehearsal"], clock.text(now), days.of(now).year
        order = f"{year}-{await count(tx, _COUNTED, f'{_which(rehearsal)}-{year}'):04}"
        new = after(before, proposal, order, at)
        said = {
            "act": proposal["act"], "level": proposal["level"], "hazard": proposal["hazard"],
            "districts": proposal["districts"], "text": proposal["text"], "issued": at,
            "kind": kind(proposal, before), "rehearsal": rehearsal,
        }  # fmt: skip
        await self._registers[rehearsal].write(
            tx, order, proposal["act"], said, proposal["act"], "evacuation", who=who.ref, hidden=True
        )
        await tx.put(TENANT, NOW, _which(rehearsal), new)
        await tx.put(TENANT, PROPOSAL, number, {**proposal, "order": order})
        if self._announce is not None:
            await self._announce(tx, order, proposal, before, now)
        if rehearsal:
            return
        for alert in alerts(before, new, proposal, self._city):
            await self._say(tx, alert, who.ref, now)

    async def _say(self, tx: Transaction, alert: dict[str, Any], by: str, now: int) -> None:
        """The entity says it, as the newest that is known: also where the last order was given while the clock was ahead, and it was set
        right since. What says so of the clock is the register. Raises Conflict where it would become history.
        """
        id = alert.pop("id")
        seen = max(now, await self._known(tx, id, by) + 1)
        entity = {
            "id": id,
            "type": [self._expand(TYPE)],
            "attrs": {
                self._expand(name): [{"kind": "Property", "v": value, "observedAt": clock.text(seen)}]
                for name, value in alert.items()
            },
        }
        outcome, _ = await observed(tx, self._tenant, cast("Any", entity), seen, now, by)
        if outcome == "late":
            raise Conflict("it is not any more what you were shown: look at it again")

    async def _known(self, tx: Transaction, id: str, by: str) -> int:
        """The last moment of which the entity says something (microseconds UTC), 0 where there is none. What was written under an order's
        id before that was refused does not keep the order from standing.
        """
        there = await tx.entity(self._tenant, id)
        if there is None:
            return 0
        if self._expand(TYPE) not in there["type"]:
            await tx.apply(Command(self._tenant, id, Purge(), by))
            return 0
        said = (one for instances in there["attrs"].values() for one in instances)
        return max((clock.micros(one["observedAt"]) for one in said if "observedAt" in one), default=0)


async def _standing(tx: Transaction, proposal: Proposal) -> dict[str, Standing]:
    return cast("dict[str, Standing]", await tx.get(TENANT, NOW, _which(proposal["rehearsal"])) or {})


def _which(rehearsal: bool) -> str:
    return "rehearsal" if rehearsal else "live"


def _about(number: str) -> str:
    return f"evacuation:{number}"
