"""Where changes of duties are asked for, approved, withdrawn and undone. Each is one transaction, with its ledger entry.

Who comes here was asked by the policy (desk `staff`); whether he still does that desk's work is asked again in the transaction.
The operator (`kitamae staff`, over the local socket) needs no second person: the data directory is his. It is written down.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, cast

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.people import approval, colleagues
from kitamae.kernel.people.duties import steps as kept_steps
from kitamae.kernel.people.duties import transfer as transfers
from kitamae.kernel.people.duties.records import FOUNDED, TRANSFER, Founded, Given, log
from kitamae.kernel.people.duties.standing import Standing, standing
from kitamae.kernel.people.duties.steps import Kept, State, Step, state
from kitamae.kernel.people.duties.transfer import Transfer
from kitamae.kernel.people.person import EVERYWHERE
from kitamae.kernel.people.records import TENANT, Person
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kitamae.kernel.context.store import Reader, Store, Transaction
    from kitamae.kernel.people.duties.plan import Plan
    from kitamae.kernel.people.person import Principal

DESK: Final = "staff"
ACCOUNTS: Final = "staff-"
"""So every reference of a member of staff begins."""
WAITS: Final = 14 * 86_400_000_000
"""How long a change waits for its second person, microseconds; never beyond the moment from which it should count."""
_log = structlog.get_logger("kitamae")


class Office:
    """One per city. `forget` is told of whom what was remembered is not true any more; None: of anybody. `names`: what they are called."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        forget: Callable[[Iterable[str] | None], None],
        names: colleagues.Colleagues,
        now: Callable[[], int] = clock.now,
    ) -> None:
        self.plan = plan
        self._store = store
        self._forget = forget
        self._names = names
        self._now = now

    # --- asking
    async def prepare(
        self,
        who: Principal,
        title: str,
        steps: Sequence[Step],
        *,
        effective: str | None = None,
        sections: Mapping[str, list[str]] | None = None,
        undoes: str | None = None,
        second: bool = False,
    ) -> str:
        """Ask for a change; its number. `effective`: RFC 3339, None: as soon as it may. One that needs no second person counts
        at once; `second`: this one needs one in any case. Raises BadRequest, Forbidden, NotFound.
        """
        id, now = secrets.token_hex(5), self._now()
        made = self._made(who, title, steps, effective, sections or {}, undoes)
        made["second"] = made["second"] or second

        async def work(tx: Transaction) -> Transfer:
            asks = await self.demand(who, _where(steps), tx)
            for person in {step["person"] for step in steps}:
                await _member(tx, person)
            alone = made["second"] and (who.role == "system" or asks.founder)
            kept: Transfer = {**made, "alone": alone, "ledger": []}
            if not made["second"] or alone:
                return await self._count(tx, id, kept, "", now)
            got = [step["person"] for step in steps if step["gives"]]
            until = min(now + WAITS, clock.micros(made["effective"]) if made["effective"] else now + WAITS)
            await approval.ask(tx, f"transfer:{id}", who, until=until, barred=got, now=now)
            await self._keep(tx, id, kept, "asked", who.ref)
            return kept

        kept = await self._store.transact(work)
        await self._told(id, kept)
        return id

    async def tried(
        self,
        who: Principal,
        title: str,
        steps: Sequence[Step],
        effective: str | None,
        sections: Mapping[str, list[str]],
    ) -> list[transfers.Line]:
        """What such a change would do, person by person; nothing is kept. Raises as `prepare`."""
        made = self._made(who, title, steps, effective, sections)
        for person in {step["person"] for step in steps}:
            await _member(self._store, person)
        return await self._diff(self._store, made)

    def _made(
        self,
        who: Principal,
        title: str,
        steps: Sequence[Step],
        effective: str | None,
        sections: Mapping[str, list[str]],
        undoes: str | None = None,
    ) -> Transfer:
        """Raises BadRequest."""
        now = self._now()
        made: Transfer = {
            "title": approval.plain("title", title, 1, 200), "by": who.ref, "at": clock.text(now),
            "effective": clock.text(clock.micros(effective, "effective")) if effective else None,
            "steps": list(steps), "sections": dict(sections), "second": False, "alone": False,
            "undoes": undoes, "counts": None, "gone": None, "ledger": [],
        }  # fmt: skip
        transfers.check(self.plan, made, now)
        made["second"] = transfers.needs_second(self.plan, made)
        return made

    async def undo(self, who: Principal, id: str, effective: str | None = None) -> str:
        """Ask for the change that makes everything as it would be without this one. Raises NotFound, Conflict, ..."""
        kept, now = await self.get(id), self._now()
        if kept["counts"] is None or kept["gone"] or clock.micros(kept["counts"]) > now:
            raise Conflict("only what counts already is undone; before, it is withdrawn")
        at = clock.micros(effective, "effective") if effective else now
        steps = []
        for step in kept["steps"]:
            held = await _held(self._store, step["person"])
            steps.append(kept_steps.back(held["steps"] if held else (), step, id, at))
        sections = {person: [new, old] for person, (old, new) in kept["sections"].items()}
        return await self.prepare(
            who,
            f"取消：{kept['title']}"[:200],
            steps,
            effective=effective,
            sections=sections,
            undoes=id,
            second=kept["second"],
        )

    # --- deciding
    async def decide(self, who: Principal, id: str, digest: str, *, yes: bool, why: str = "") -> Transfer:
        """The second person's word. `digest`: of what was shown (`digest_of`). Raises NotFound, Forbidden, Conflict, BadRequest."""
        now = self._now()

        async def work(tx: Transaction) -> Transfer:
            kept = await _transfer(tx, id)
            await self.demand(who, _where(kept["steps"]), tx)
            is_now = digest_of(kept, await self._diff(tx, kept))
            await approval.decide(tx, f"transfer:{id}", who, digest, is_now=is_now, yes=yes, why=why, now=now)
            if yes:
                return await self._count(tx, id, kept, who.ref, now)
            return await self._keep(tx, id, kept, "refused", who.ref)

        kept = await self._store.transact(work)
        await self._told(id, kept)
        return kept

    async def withdraw(self, who: Principal, id: str) -> None:
        """Before it counts: it never will. Not by one from whom it takes, where others want it: a colleague does. Raises NotFound,
        Forbidden, Conflict.
        """
        now = self._now()

        async def work(tx: Transaction) -> Transfer:
            kept = await _transfer(tx, id)
            await self.demand(who, _where(kept["steps"]), tx)
            if kept["counts"] is not None or kept["by"] != who.ref:
                for person in sorted({step["person"] for step in kept["steps"] if not step["gives"]}):
                    if person == who.ref:
                        raise Forbidden(
                            "whoever loses something by it does not withdraw it: a colleague does"
                        )
                    await approval.demand_apart(tx, who.ref, person, now)
            if kept["counts"] is None:
                await approval.withdraw(tx, f"transfer:{id}", who.ref, now)
                return await self._keep(tx, id, kept, "withdrawn", who.ref)
            if kept["gone"] or clock.micros(kept["counts"]) <= now:
                raise Conflict("it counts already, or was withdrawn: undo it with a new change")
            for person in kept["sections"]:
                await colleagues.stay(tx, person, id)
            for person in {step["person"] for step in kept["steps"]}:
                held: Any = await tx.get(TENANT, kept_steps.KIND, person)
                left = kept_steps.without(held["steps"], (id,))
                await tx.put(TENANT, kept_steps.KIND, person, {"steps": left})
            founded = await _founded(tx)
            if any(one["transfer"] == id for one in founded):
                await tx.put(TENANT, *FOUNDED, {"given": [one for one in founded if one["transfer"] != id]})
            return await self._keep(tx, id, {**kept, "gone": who.ref}, "withdrawn", who.ref)

        kept = await self._store.transact(work)
        await self._told(id, kept)

    async def _count(self, tx: Transaction, id: str, kept: Transfer, second: str, now: int) -> Transfer:
        """All its steps into the documents of all its persons, at once: from its moment on they count."""
        at = max(now, clock.micros(kept["effective"])) if kept["effective"] else now
        kept = {**kept, "counts": clock.text(at)}
        of: dict[str, list[kept_steps.Approved]] = {}
        for step in transfers.approved(id, kept, second, clock.text(at), clock.text(now)):
            of.setdefault(step["person"], []).append(step)
        for person, some in sorted(of.items()):
            await _member(tx, person)
            before = cast("Kept | None", await tx.get(TENANT, kept_steps.KIND, person))
            steps = [*(before["steps"] if before else ()), *some]
            await tx.put(TENANT, kept_steps.KIND, person, {"steps": steps})
        for person, (_, new) in sorted(kept["sections"].items()):
            if new:
                await colleagues.move(tx, person, new, clock.text(at), id)
        got = [one for one in kept["steps"] if one["gives"] and self._is_staffs(one["duty"])]
        if got:
            founded = await _founded(tx)
            made: list[Given] = [
                {"person": one["person"], "at": clock.text(at), "transfer": id, "tenants": one["tenants"]}
                for one in got
            ]
            await tx.put(TENANT, *FOUNDED, {"given": [*founded, *made]})
        return await self._keep(tx, id, kept, "approved", second or kept["by"])

    def _is_staffs(self, duty: str) -> bool:
        known = self.plan.get(duty)
        return known is not None and DESK in known.desks

    async def _keep(self, tx: Transaction, id: str, kept: Transfer, word: str, who: str) -> Transfer:
        """With the entry of the ledger that says what became of it."""
        told: dict[str, Any] = {"change": id, "word": word, "who": who, "at": clock.text(self._now())}
        told |= {"duties": _shown(kept), "counts": kept["counts"], "alone": kept["alone"]}
        kept = {**kept, "ledger": [*kept["ledger"], await log(tx, told)]}
        await tx.put(TENANT, TRANSFER, id, kept)
        return kept

    async def _told(self, id: str, kept: Transfer) -> None:
        """After the commit. Loud, where nobody else looked."""
        await self._names.again(kept["sections"])
        founds = any(self._is_staffs(step["duty"]) for step in kept["steps"])
        self._forget(None if founds else {step["person"] for step in kept["steps"]})
        if kept["alone"]:
            _log.warning("duties were given or taken by one person alone", change=id, by=kept["by"])

    async def demand(self, who: Principal, tenants: Iterable[str], tx: Reader | None = None) -> Standing:
        """That the staff desk of these tenants is his work, as the transaction sees it. Raises Forbidden for somebody who lost the
        desk a moment ago, has it elsewhere, or came in with no more than a link.
        """
        if who.role == "system":
            return Standing()
        now = await standing(tx or self._store, self.plan, who.ref, self._now())
        if who.role != "staff" or not now.does(DESK, tenants):
            raise Forbidden("duties are the work of the staff desk")
        if who.assurance < approval.STRONG and not now.founder:
            raise Forbidden("whoever changes duties signs in with a passkey")
        return now

    async def demand_lets_in(self, store: Reader, who: Principal, ref: str) -> None:
        """Whoever lets a colleague in again holds a way to all that the colleague may do. So it is done by somebody who may do all
        of that himself; by the staff desk, where a duty that nobody gets by one person alone is not among it. The rest is for
        the operator (`kitamae staff take`, then `give` to a new account). `store`: or the transaction that does it. Raises NotFound,
        Forbidden.
        """
        await _member(store, ref)
        now, mine = self._now(), await standing(store, self.plan, who.ref, self._now())
        if mine.left:
            raise Forbidden("whoever has left the town hall lets nobody in")
        kept = await _held(store, ref)
        steps = kept["steps"] if kept else []
        his = [(one.duty, one.tenants) for one in state(steps, now).held]
        his += [
            (one["duty"], tuple(one["tenants"]))
            for one in steps
            if one["gives"] and clock.micros(one["at"]) > now
        ]
        for id, tenants in his:
            duty = self.plan.get(id)
            if duty is None or all(
                {(one, what), (EVERYWHERE, what)} & mine.covers for one in tenants for what in duty.covers()
            ):
                continue
            if duty.powerful or not mine.does(DESK, tenants):
                raise Forbidden(
                    f"this colleague has the duty {id}, which is not yours: the staff desk lets him in, or the operator where two persons decide about it"
                )
        if (await standing(store, self.plan, ref, now)).founder and not mine.founder:
            raise Forbidden("the first account does every desk's work: the operator lets it in")

    # --- reading
    async def get(self, id: str) -> Transfer:
        """Raises NotFound."""
        return await _transfer(self._store, id)

    async def asked(self, id: str) -> approval.Approval | None:
        """What became of the question to a second person; None: there was none."""
        return cast(
            "approval.Approval | None", await self._store.get(TENANT, approval.KIND, f"transfer:{id}")
        )

    async def all(self) -> list[tuple[str, Transfer, transfers.Stands]]:
        """Every change that was ever asked for, the newest first, and where it stands."""
        now = self._now()
        words = {id: doc for _, id, doc in await self._store.documents(TENANT, approval.KIND)}
        return [
            (id, doc, transfers.stands(doc, words.get(f"transfer:{id}"), now))
            for _, id, doc in reversed(await self._store.documents(TENANT, TRANSFER))
        ]

    async def stands(self, id: str) -> transfers.Stands:
        """Raises NotFound."""
        return transfers.stands(await self.get(id), await self.asked(id), self._now())

    async def diff(self, transfer: Transfer) -> list[transfers.Line]:
        """Person by person."""
        return await self._diff(self._store, transfer)

    async def _diff(self, store: Reader, transfer: Transfer) -> list[transfers.Line]:
        kept = {step["person"]: await _held(store, step["person"]) for step in transfer["steps"]}
        return transfers.diff(transfer, kept, self._now())

    async def members(self) -> list[tuple[str, State]]:
        """All staff, oldest first, and what each holds now."""
        now = self._now()
        kept = {id: doc for _, id, doc in await self._store.documents(TENANT, kept_steps.KIND)}
        return [
            (ref, state(kept[ref]["steps"] if ref in kept else (), now))
            for _, ref, doc in await self._store.documents(TENANT, "person")
            if doc["role"] == "staff"
        ]

    async def colleagues(self, *, but: str = "") -> list[str]:
        """Who has not left, by office and name; who has no name comes last. `but`: without this one."""
        refs = [ref for ref, state in await self.members() if not state.left and ref != but]
        named = {ref: self._names.called(ref) for ref in refs}
        return sorted(
            refs, key=lambda ref: (one.section, one.name) if (one := named[ref]) else ("\uffff", ref)
        )

    async def standing(self, ref: str) -> Standing:
        """Of one member of staff, now."""
        return await standing(self._store, self.plan, ref, self._now())

    async def held(self, ref: str) -> State:
        """What one member of staff holds now."""
        kept = await _held(self._store, ref)
        return state(kept["steps"] if kept else (), self._now())


def digest_of(transfer: Transfer, lines: Sequence[transfers.Line]) -> str:
    """Of what the second person sees: what is asked for, and what it does to each (`Office.diff`)."""
    return approval.shown({**_shown(transfer), "lines": [asdict(one) for one in lines]})


def step(
    person: str, duty: str, *, gives: bool, tenants: Sequence[str] = ("",), until: str | None = None
) -> Step:
    """One. Raises BadRequest for a reference that is none."""
    if not person.startswith(ACCOUNTS) or len(person) > 40:
        raise BadRequest(
            f"expected the number of a member of staff (staff-…, or a 職員番号 that was bound to one), got {person!r:.60}"
        )
    end = clock.text(clock.micros(until, "until")) if until else None
    return {"person": person, "duty": duty, "gives": gives, "tenants": list(tenants), "until": end}


def _shown(transfer: Transfer) -> dict[str, Any]:
    return {name: transfer[name] for name in ("title", "by", "effective", "steps", "sections", "undoes")}


def _where(steps: Iterable[Step]) -> set[str]:
    return {one for step in steps for one in step["tenants"]}


async def _transfer(store: Any, id: str) -> Transfer:
    kept = cast("Transfer | None", await store.get(TENANT, TRANSFER, id))
    if kept is None:
        raise NotFound(f"there is no change of duties {id!r:.40}")
    return kept


async def _held(store: Reader, ref: str) -> Kept | None:
    return cast("Kept | None", await store.get(TENANT, kept_steps.KIND, ref))


async def _founded(tx: Transaction) -> list[Given]:
    kept = cast("Founded | None", await tx.get(TENANT, *FOUNDED))
    return kept["given"] if kept else []


async def _member(tx: Any, ref: str) -> None:
    person = cast("Person | None", await tx.get(TENANT, "person", ref))
    if person is None or person["role"] != "staff":
        raise NotFound(f"there is no member of staff {ref!r:.60}")
