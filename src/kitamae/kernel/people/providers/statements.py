"""利用明細: what a contract used in a month, and what that costs by the city's fee plan. A month that was closed is a document that never
changes, with a leaf in the ledger; what was wrong is put right by a further statement.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.approval import plain
from kitamae.kernel.people.providers import fees, force
from kitamae.kernel.people.providers.records import CONTRACT, PAID, PROVIDER, STATEMENT, Statement, nothing
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import BadRequest, Conflict, NotFound, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.providers.fees import Plan
    from kitamae.kernel.people.providers.ground import Ground
    from kitamae.kernel.people.providers.meter import Meter
    from kitamae.kernel.people.providers.named import Leaf
    from kitamae.kernel.people.providers.records import Contract, Line, Provider, Version

SETTLES: Final = 600 * 1_000_000
"""After the end of a month, microseconds: by then every worker has put down what it counted."""
_LOOKS: Final = 300.0
_MOST_YEN: Final = 1_000_000_000
_log = structlog.get_logger("kitamae")


@dataclass(frozen=True, slots=True)
class Span:
    """The days of one month on which a contract was in force, both included, and the version that held on the last of them."""

    month: str
    starts: date
    ends: date
    held: Version

    @property
    def days(self) -> int:
        """How many."""
        return (self.ends - self.starts).days + 1


class Statements:
    """On the ground of providers, and what the meter counted."""

    def __init__(self, ground: Ground, meter: Meter) -> None:
        self._on, self._meter = ground, meter
        self.trouble = ""

    # --- closing
    async def run(self) -> None:
        """Close what is over, until it is cancelled: one worker at a time."""
        while True:
            try:
                self.trouble = await self.close()
            except Problem as problem:
                _log.error("months of providers are not closed", why=str(problem))
                self.trouble = str(problem)
            await asyncio.sleep(_LOOKS)

    async def close(self) -> str:
        """Every month of every contract that is over and was not closed yet; what could not be closed, and why."""
        left = ""
        known = {id for _, id, _ in await self._on.store.documents(TENANT, STATEMENT)}
        contracts = [cast("Contract", doc) for _, _, doc in await self._on.store.documents(TENANT, CONTRACT)]
        for kept in contracts:
            for span in spans(kept, self._on):
                if f"{kept['id']}/{span.month}/0" in known or not self._over(span.month):
                    continue
                if span.held["plan"] and span.held["plan"] not in self._on.terms.plans:
                    left = f"the fee plan {span.held['plan']} of the contract {kept['id']} is not in city.toml any more"
                    continue
                await self._close(kept, span, contracts)
        return left

    def _over(self, month: str) -> bool:
        return force.begins(_next(month), self._on.zone) + SETTLES <= self._on.now()

    async def _close(self, kept: Contract, span: Span, contracts: Sequence[Contract]) -> None:
        owner = cast("Provider", await self._on.store.get(TENANT, PROVIDER, kept["provider"]))
        used = await self._meter.between(kept["id"], span.starts, span.ends)
        plan = self._on.terms.plans.get(span.held["plan"])
        lines: list[Line] = []
        if plan is not None:
            month = date.fromisoformat(f"{span.month}-01")
            lines = fees.lines(plan, used, span.days, (_next(span.month) - month).days)
            if self._bears_council(kept, span, contracts):
                lines += fees.council(plan, owner["sort"], month.month)
        made = self._made(kept, owner, span, 0, plan, lines)
        await self._keep({**made, "used": used}, "closed")

    def _bears_council(self, kept: Contract, span: Span, contracts: Sequence[Contract]) -> bool:
        """協議会負担金 is the provider's, not a contract's: the oldest of its contracts in force that month bears it."""
        for one in contracts:
            if one["provider"] == kept["provider"] and any(
                other.month == span.month for other in spans(one, self._on)
            ):
                return one["id"] == kept["id"]
        return False

    def _made(
        self, kept: Contract, owner: Provider, span: Span, n: int, plan: Plan | None, lines: list[Line]
    ) -> Statement:
        sum_ = fees.total(lines, plan.tax if plan else 0)
        return {
            "id": f"{kept['id']}/{span.month}/{n}", "n": n, "contract": kept["id"], "provider": owner["number"],
            "name": owner["name"], "title": span.held["title"], "version": span.held["version"], "month": span.month,
            "starts": span.starts.isoformat(), "ends": span.ends.isoformat(), "used": nothing(),
            "plan": plan.as_json() if plan else None, "lines": lines, "net": sum_.net, "tax": sum_.tax, "total": sum_.total,
            "why": "", "made": {"at": clock.text(self._on.now()), "by": "system"}, "ledger": [],
        }  # fmt: skip

    async def _keep(self, made: Statement, what: str) -> Statement:
        """Once: whoever else closed it a moment ago was first."""

        async def work(tx: Transaction) -> Statement:
            there = cast("Statement | None", await tx.get(TENANT, STATEMENT, made["id"]))
            if there is not None:
                return there
            whole: Statement = {**made, "ledger": [await _leaf(tx, made, what)]}
            await tx.put(TENANT, STATEMENT, made["id"], whole)
            return whole

        return await self._on.store.transact(work)

    # --- at the desk
    async def correct(
        self, who: Principal, contract: str, month: str, yen: int, why: str, *, taxed: bool = True
    ) -> Statement:
        """A further statement for a month that was closed: so many yen more, or (below 0) less, without tax.

        Raises NotFound, Forbidden, Conflict, BadRequest.
        """
        said = plain("why", why, 1, 400)
        if not yen or abs(yen) > _MOST_YEN:
            raise BadRequest("yen: expected a sum that is not nought")
        on = self._on

        async def work(tx: Transaction) -> Statement:
            await on.desk(tx, who)
            first = cast("Statement | None", await tx.get(TENANT, STATEMENT, f"{contract}/{month}/0"))
            if first is None:
                raise Conflict("this month is not closed yet, or the contract was not in force in it")
            n = 1
            while await tx.get(TENANT, STATEMENT, f"{contract}/{month}/{n}") is not None:
                n += 1
            lines: list[Line] = [{"what": "correction", "yen": yen, "taxed": taxed, "told": {}}]
            sum_ = fees.total(lines, first["plan"]["tax"] if first["plan"] else 0)
            made: Statement = {
                **first, "id": f"{contract}/{month}/{n}", "n": n, "used": nothing(), "lines": lines, "net": sum_.net,
                "tax": sum_.tax, "total": sum_.total, "why": said, "made": on.said(who), "ledger": [],
            }  # fmt: skip
            whole: Statement = {**made, "ledger": [await _leaf(tx, made, "corrected")]}
            await tx.put(TENANT, STATEMENT, made["id"], whole)
            return whole

        return await on.store.transact(work)

    async def mark(self, who: Principal, id: str, *, paid: bool) -> None:
        """The desk saw the money, or (`paid` False) noted that by mistake. Raises NotFound, Forbidden, Conflict."""
        on = self._on

        async def work(tx: Transaction) -> None:
            await on.desk(tx, who)
            if await tx.get(TENANT, STATEMENT, id) is None:
                raise NotFound("there is no such statement")
            kept: Any = await tx.get(TENANT, PAID, id) or {"events": []}
            if bool(kept["events"] and kept["events"][-1]["paid"]) is paid:
                raise Conflict("that is noted already")
            event = {"paid": paid, **on.said(who)}
            number, salt = await commitment.log(tx, {"statement": id, **event})
            event |= {"leaf": number, "salt": salt}
            await tx.put(TENANT, PAID, id, {"events": [*kept["events"], event]})

        await on.store.transact(work)

    # --- looking
    async def of(self, contract: str = "") -> list[Statement]:
        """Of one contract, or of all; the newest month first."""
        kept = [cast("Statement", doc) for _, _, doc in await self._on.store.documents(TENANT, STATEMENT)]
        found = [one for one in kept if not contract or one["contract"] == contract]
        return sorted(found, key=lambda one: (one["month"], one["contract"], one["n"]), reverse=True)

    async def one(self, id: str) -> Statement:
        """Raises NotFound."""
        found = cast("Statement | None", await self._on.store.get(TENANT, STATEMENT, id))
        if found is None:
            raise NotFound("there is no such statement")
        return found

    async def paid(self, statement: Statement) -> str:
        """Since when it is paid, RFC 3339 UTC; "": it is not."""
        kept: Any = await self._on.store.get(TENANT, PAID, statement["id"])
        last = kept["events"][-1] if kept else None
        return str(last["at"]) if last and last["paid"] else ""


def spans(kept: Contract, on: Ground) -> list[Span]:
    """Month by month, the days until today on which the contract was in force."""
    accepted = [one for one in kept["versions"] if "accepted" in one]
    last = on.today
    if "ended" in kept:
        last = min(last, force.today(clock.micros(kept["ended"]["at"]), on.zone))
    found: list[Span] = []
    for number, held in enumerate(accepted):
        agreed = force.today(clock.micros(held["accepted"]["at"]), on.zone)
        day = max(date.fromisoformat(held["starts"]), agreed)
        end = min(date.fromisoformat(held["ends"]), last)
        for later in accepted[number + 1 :]:
            since = max(
                later["starts"], force.today(clock.micros(later["accepted"]["at"]), on.zone).isoformat()
            )
            end = min(end, date.fromisoformat(since) - timedelta(1))
        while day <= end:
            month = day.isoformat()[:7]
            until = min(end, _next(month) - timedelta(1))
            if found and found[-1].month == month:
                found[-1] = Span(month, found[-1].starts, until, held)
            else:
                found.append(Span(month, day, until, held))
            day = until + timedelta(1)
    return found


def _next(month: str) -> date:
    """The first day of the month after."""
    return (date.fromisoformat(f"{month}-01") + timedelta(32)).replace(day=1)


async def _leaf(tx: Transaction, made: Statement, what: str) -> Leaf:
    """The ledger commits to the whole statement; record and salt stand with it."""
    told: dict[str, Any] = {"what": what, "statement": {k: v for k, v in made.items() if k != "ledger"}}
    number, salt = await commitment.log(tx, told)
    return {"number": number, "told": {"what": what}, "salt": salt}
