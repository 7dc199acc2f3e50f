"""Break-glass (緊急アクセス): in a disaster a member of staff does what is not his duty, at once, by saying why.

It is for one desk's work or one purpose, for some hours, after a strong sign-in. It is written into the ledger when it begins and
when it ends, as a public statement without a person in it, so that anybody can count them; every read that rests on it is marked in its
receipt; the privacy desk finds afterwards whether it was justified. It gives no more than the duty would: nothing is erased, and
where a purpose rests on consent, only while the person agrees. The desks `staff` and `privacy` cannot be taken, nor a purpose that only
their duties have.
"""

from __future__ import annotations

import base64
import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment, statements
from kitamae.kernel.people import approval, platform_purposes
from kitamae.kernel.people.duties.records import EMERGENCY, Leaf, Review, Taken
from kitamae.kernel.people.duties.standing import running, standing
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from zoneinfo import ZoneInfo

    from kitamae.kernel.context.store import Kept, Store, Transaction
    from kitamae.kernel.people.duties.plan import Plan
    from kitamae.kernel.people.person import Principal

REGISTER: Final = "emergency-access"
HOURS: Final = (1, 4, 8)
"""For how long it may be taken."""
NEVER: Final = frozenset({"staff", "privacy"})
REVIEW_DAYS: Final = 7
"""After its end; then its review is overdue."""
_AT_ONCE: Final = 5
_HOUR: Final = 3_600_000_000
_REVIEWERS: Final = "privacy"
_log = structlog.get_logger("kitamae")


@dataclass(frozen=True, slots=True)
class Emergency:
    """One, and whose. `running`: it still gives what was taken; `overdue`: it should have been reviewed by now."""

    person: str
    taken: Taken
    running: bool
    overdue: bool


class Emergencies:
    """One per city. `purposes` and the plan's desks are what can be taken; `forget` as `Office` has it."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        purposes: Iterable[str],
        forget: Callable[[Iterable[str] | None], None],
        now: Callable[[], int] = clock.now,
    ) -> None:
        self._store = store
        self._plan = plan
        self._forget = forget
        self._now = now
        desks = sorted(plan.desks - NEVER)
        self.offered = tuple(
            [f"purpose:{one}" for one in sorted({*purposes} - _guarded(plan))]
            + [f"desk:{one}" for one in desks]
        )
        self.waiting = 0
        """How many nobody reviewed yet, as `all` counted them last: for whoever reviews them."""
        store.on_documents(self._others)

    async def _others(self, kept: Sequence[Kept]) -> None:
        """Another worker took, ended or reviewed one."""
        if any(one.kind == EMERGENCY for one in kept):
            await self.all()

    async def take(self, who: Principal, what: str, why: str, hours: int, tenant: str = "") -> Taken:
        """From the next request on it is his too. Raises BadRequest, Forbidden, Conflict."""
        self._demand_strong(who)
        if what not in self.offered:
            raise BadRequest(f"what: expected one of {', '.join(self.offered)}")
        if hours not in HOURS:
            raise BadRequest(f"hours: expected one of {', '.join(map(str, HOURS))}")
        now, said = self._now(), approval.plain("why", why, 10)
        until = clock.text(now + hours * _HOUR)

        async def work(tx: Transaction) -> Taken:
            now_is = await standing(tx, self._plan, who.ref, now)
            if now_is.left:
                raise Forbidden("whoever has left the town hall takes nothing")
            if (tenant, what) in now_is.covers | now_is.emergency:
                raise Conflict(f"{what} is his already")
            before = await _of(tx, who.ref)
            if len(running(before, now)) >= _AT_ONCE:
                raise Conflict(f"at most {_AT_ONCE} at once: end one that is not needed any more")
            taken: Taken = {
                "id": secrets.token_hex(5), "what": what, "tenant": tenant, "why": said, "at": clock.text(now),
                "until": until, "ended": None, "review": None, "ledger": [],
            }  # fmt: skip
            taken["ledger"] = [await self._log(tx, "taken", who.ref, taken)]
            await tx.put(TENANT, EMERGENCY, who.ref, {"taken": [*before, taken]})
            return taken

        taken = await self._store.transact(work)
        await self._done(who.ref)
        _log.warning("emergency access was taken", id=taken["id"], what=what, until=until)
        return taken

    async def end(self, who: Principal, id: str) -> None:
        """Before its time: by himself, or by the privacy desk. Raises NotFound, Forbidden, Conflict."""
        person = await self._whose(id)

        async def work(tx: Transaction) -> None:
            if who.ref != person:
                await self._demand_reviewer(tx, who, person, id)
            before = await _of(tx, person)
            if not any(one["id"] == id for one in running(before, self._now())):
                raise Conflict("it has ended already")
            await self._change(tx, person, before, id, "ended", {"ended": clock.text(self._now())})

        await self._store.transact(work)
        await self._done(person)

    async def review(self, who: Principal, id: str, *, justified: bool, why: str) -> None:
        """What the privacy desk finds, once it has ended; never of oneself. Raises NotFound, Forbidden, Conflict, BadRequest."""
        self._demand_strong(who)
        person = await self._whose(id)
        said = approval.plain("why", why, 5)
        if who.ref == person:
            raise Forbidden("nobody reviews his own emergency access")

        async def work(tx: Transaction) -> None:
            await self._demand_reviewer(tx, who, person, id)
            await approval.demand_apart(tx, who.ref, person, self._now())
            before = await _of(tx, person)
            (one,) = (one for one in before if one["id"] == id)
            if one in running(before, self._now()):
                raise Conflict("it still runs: end it first")
            if one["review"] is not None:
                raise Conflict("it was reviewed already")
            found: Review = {
                "by": who.ref,
                "at": clock.text(self._now()),
                "justified": justified,
                "why": said,
            }
            word = "justified" if justified else "not-justified"
            await self._change(tx, person, before, id, word, {"review": found})

        await self._store.transact(work)
        await self._done(person)

    async def all(self) -> list[Emergency]:
        """Of everybody, the newest first."""
        now = self._now()
        found = [
            Emergency(ref, one, bool(running([one], now)), _overdue(one, now))
            for _, ref, doc in await self._store.documents(TENANT, EMERGENCY)
            for one in doc["taken"]
        ]
        found.sort(key=lambda one: clock.micros(one.taken["at"]), reverse=True)
        self.waiting = sum(one.taken["review"] is None for one in found)
        return found

    async def of(self, ref: str) -> list[Taken]:
        """What one member of staff has running now."""
        return running(await _of(self._store, ref), self._now())

    async def counted(self, zone: ZoneInfo) -> list[tuple[str, Counter[str]]]:
        """By month (`2026-11`, in the city's zone), the newest first: how many were `taken`, found `justified` or `not`, or wait (`open`,
        `overdue` among them). For everybody to read: there is no person in it.
        """
        months: dict[str, Counter[str]] = {}
        for one in await self.all():
            at = datetime.fromisoformat(one.taken["at"]).astimezone(zone)
            count = months.setdefault(f"{at:%Y-%m}", Counter())
            count["taken"] += 1
            review = one.taken["review"]
            count["open" if review is None else "justified" if review["justified"] else "not"] += 1
            count["overdue"] += one.overdue
        return sorted(months.items(), reverse=True)

    # --- inside
    async def _change(
        self,
        tx: Transaction,
        person: str,
        before: Sequence[Taken],
        id: str,
        word: str,
        changes: dict[str, Any],
    ) -> None:
        after: list[Taken] = []
        for one in before:
            if one["id"] != id:
                after.append(one)
                continue
            changed = cast("Taken", {**one, **changes})
            leaf = await self._log(tx, word, person, changed)
            after.append({**changed, "ledger": [*one["ledger"], leaf]})
        await tx.put(TENANT, EMERGENCY, person, {"taken": after})

    async def _log(self, tx: Transaction, word: str, person: str, taken: Taken) -> Leaf:
        """A public statement, which commits to who it was and why without saying it."""
        told = {"word": word, "person": person, **{k: v for k, v in taken.items() if k != "ledger"}}
        salt = commitment.salt()
        bound = commitment.commit(salt, commitment.canonical(told))
        statement = {"id": taken["id"], "word": word, "what": taken["what"], "until": taken["until"]}
        statement["commitment"] = base64.b64encode(bound).decode()
        sent = {"register": REGISTER, "statement": statement}
        (entry,) = statements.entries(sent, "emergency-access", self._now, own=True)
        return {"number": await tx.log(entry), "told": told, "salt": base64.b64encode(salt).decode()}

    async def _whose(self, id: str) -> str:
        for one in await self.all():
            if one.taken["id"] == id:
                return one.person
        raise NotFound(f"there is no emergency access {id!r:.40}")

    async def _demand_reviewer(self, tx: Transaction, who: Principal, person: str, id: str) -> None:
        where = [one["tenant"] for one in await _of(tx, person) if one["id"] == id]
        now = await standing(tx, self._plan, who.ref, self._now())
        if who.role != "staff" or not now.does(_REVIEWERS, where):
            raise Forbidden("emergency accesses are reviewed by the privacy desk")

    @staticmethod
    def _demand_strong(who: Principal) -> None:
        if who.role != "staff" or not who.session or who.assurance < approval.STRONG:
            raise Forbidden(
                "emergency access is taken and reviewed by staff who are signed in with a passkey"
            )

    async def _done(self, person: str) -> None:
        self._forget([person])
        await self.all()


def _guarded(plan: Plan) -> frozenset[str]:
    """Purposes that only those have who look after the others, and looking after them itself, whatever the plan says: whoever is
    looked at does not take them for himself.
    """
    theirs, others = (
        {purpose for one in plan if bool(one.desks & NEVER) is so for purpose in one.purposes}
        for so in (True, False)
    )
    return frozenset(theirs - others) | {platform_purposes.WATCHING.name}


def _overdue(one: Taken, now: int) -> bool:
    end = clock.micros(one["ended"] or one["until"])
    return one["review"] is None and end + REVIEW_DAYS * 24 * _HOUR <= now


async def _of(store: Any, ref: str) -> list[Taken]:
    kept = await store.get(TENANT, EMERGENCY, ref)
    return list(kept["taken"]) if kept else []
