"""The door to mandates."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.people import approval, mynumber
from kitamae.kernel.people import secret as secrecy
from kitamae.kernel.people.delegates import majority
from kitamae.kernel.people.delegates.records import (
    ACTS,
    ALL,
    INDEX,
    KIND,
    OFFER,
    Mandate,
    Said,
    Sort,
    keep,
)
from kitamae.kernel.people.delegates.standing import DAY, OFFERED, WAITS, MandateOver, State, acting, state
from kitamae.kernel.people.records import REVOKED, TENANT
from kitamae.kernel.people.relying import identity
from kitamae.kernel.people.vault.classes import CONSENTS, RECEIPTS
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault import Purposes, Vault

    Kept = tuple[Mandate, dict[str, dict[str, Any]]]

RESIDENT: Final = 3
"""`Principal.assurance` of whoever gives or takes a mandate: デジタル認証."""
MOST_DAYS: Final = 366
"""How long an appointed delegate acts before both are asked again."""
_MOST: Final = 50
"""Mandates of one person that are not over."""
_FOREVER: Final = "2199-12-31T15:00:00Z"


@dataclass(frozen=True, slots=True)
class Scope:
    """`ends`: microseconds UTC; None where the sort says when (a parent's)."""

    actions: Sequence[str]
    classes: Sequence[str]
    ends: int | None = None


class Delegates:
    """One per city."""

    def __init__(
        self, store: Store, people: People, purposes: Purposes, now: Callable[[], int] = clock.now
    ) -> None:
        self._store, self._people, self._now = store, people, now
        self.vault: Callable[[], Vault] = _closed
        """Where the salts of the entries lie, with what is held about each person; set when it is open. Raises VaultClosed."""
        self.titles = {
            one.name: one.title for one in purposes if one.fields - {RECEIPTS}
        }  # what only reads the log holds nothing of anybody
        self.classes = tuple(sorted(self.titles))

    # --- by the person himself: 任意代理人
    async def appoint(self, who: Principal, scope: Scope) -> tuple[str, Mandate]:
        """A code for whoever shall act for this person; nothing holds until he has agreed. Raises BadRequest, Forbidden."""
        _demand_resident(who)
        now = self._now()
        ends = scope.ends
        if ends is None or not now < ends <= now + MOST_DAYS * DAY:
            raise BadRequest(f"ends: an appointed delegate acts for 1 to {MOST_DAYS} days")
        code, stamp = secrecy.fresh("link"), clock.text(now)
        mandate = self._new(
            who.ref, "", "appointed", scope, clock.text(ends), "", {"at": stamp, "by": who.ref}
        )

        async def add(tx: Transaction) -> Kept:
            await self._demand_room(tx, who.ref)
            offer = {"number": mandate["number"], "expiresAt": clock.text(now + OFFERED)}
            await tx.put(TENANT, OFFER, secrecy.digest(code), offer)
            return await keep(tx, mandate, stamp, who.ref, "offered")

        return code, await self._entered((who.ref,), add)

    async def offered(self, code: str) -> Mandate:
        """What the one with this code is asked to agree to. Raises NotFound."""
        offer: Any = await self._store.get(TENANT, OFFER, secrecy.digest(code))
        if offer is None or clock.micros(offer["expiresAt"]) <= self._now():
            raise NotFound("this offer is not known, was accepted, or has expired")
        mandate = await self.one(offer["number"])
        if state(mandate, self._now()) != "offered":
            raise NotFound("this offer was taken back")
        return mandate

    async def accept(self, who: Principal, code: str) -> Mandate:
        """The delegate agrees; from now on it holds. Raises NotFound, Forbidden."""
        _demand_resident(who)
        key = secrecy.digest(code)
        of = (await self.offered(code))["of"]

        async def work(tx: Transaction) -> Kept:
            offer: Any = await tx.get(TENANT, OFFER, key)
            mandate = await _mandate(tx, offer["number"]) if offer else None
            if mandate is None or state(mandate, self._now()) != "offered":
                raise NotFound("this offer is not known, was accepted, or was taken back")
            if mandate["of"] == who.ref:
                raise Forbidden("nobody is his own delegate: somebody else opens this link")
            await self._demand_room(tx, who.ref)
            await tx.drop(TENANT, OFFER, key)
            stamp = clock.text(self._now())
            agreed: Mandate = {**mandate, "by": who.ref, "agreed": {"at": stamp, "by": who.ref}}
            return await keep(tx, agreed, stamp, who.ref, "agreed")

        return await self._entered((of, who.ref), work)

    # --- at the counter: 法定代理人, and a 任意代理人 who brings a 委任状
    async def enter(
        self, who: Principal, of: str, by: str, sort: Sort, scope: Scope, document: str, *, born: str = ""
    ) -> Mandate:
        """Entered by one member of staff; another one looks at the documents and decides. `born`: of the child (YYYY-MM-DD).

        A parent's mandate ends when the child is of age, a guardian's when it is ended, unless told earlier. Raises BadRequest.
        """
        now = self._now()
        mandate = self.entered(who, of, by, sort, scope, document, born=born)
        stamp = mandate["made"]["at"]

        async def add(tx: Transaction) -> Kept:
            await _demand_known(tx, of, by)
            for person in (of, by):
                await self._demand_room(tx, person)
            await approval.ask(tx, _about(mandate), who, until=now + WAITS, barred=(), now=now)
            return await keep(tx, mandate, stamp, who.ref, "entered")

        return await self._entered((of, by), add)

    async def demand_known(self, *persons: str) -> None:
        """The delegate, behind the person where that one is known already. Raises as `enter`."""
        *of, by = persons
        await self._store.transact(lambda tx: _demand_known(tx, *of, by))

    def entered(
        self, who: Principal, of: str, by: str, sort: Sort, scope: Scope, document: str, *, born: str = ""
    ) -> Mandate:
        """What `enter` would keep; nothing is kept, and nobody is asked for. Raises as it does."""
        now = self._now()
        if sort not in get_args(Sort):
            raise BadRequest(f"sort: expected one of {', '.join(get_args(Sort))}")
        if not of or not by or of == by:
            raise BadRequest("a mandate is between two persons")
        for name, person in (("of", of), ("by", by)):
            mynumber.demand_reference(name, person)
        latest = clock.micros(_FOREVER)
        if sort == "parent":
            latest = (
                int(majority.of_age(majority.birth(born, days.of(now))).astimezone(UTC).timestamp())
                * 1_000_000
            )
            if latest <= now:
                raise BadRequest("the child is of age: a parent acts for it no more")
        elif sort == "appointed":
            latest = now + MOST_DAYS * DAY
        ends = latest if scope.ends is None else min(scope.ends, latest)
        if ends <= now:
            raise BadRequest("ends: it would have ended already")
        paper = approval.plain("document", document, least=1, most=100)
        stamp = clock.text(now)
        return self._new(of, by, sort, scope, clock.text(ends), paper, {"at": stamp, "by": who.ref})

    async def decide(self, who: Principal, number: str, digest: str, *, yes: bool, why: str = "") -> Mandate:
        """The second person's word. Raises NotFound, Forbidden, Conflict, BadRequest."""
        about = await self.one(number)

        async def work(tx: Transaction) -> Kept:
            mandate, now = await _mandate(tx, number), self._now()
            is_now = shown(mandate)
            await approval.decide(tx, _about(mandate), who, digest, is_now=is_now, yes=yes, why=why, now=now)
            if state(mandate, now) != "entered":
                raise Conflict("nobody decides about this any more")
            word: Said = {"at": clock.text(now), "by": who.ref}
            decided: Mandate = {**mandate, "agreed": word} if yes else {**mandate, "ended": word}
            return await keep(tx, decided, word["at"], who.ref, "confirmed" if yes else "refused")

        return await self._entered((about["of"], about["by"]), work)

    # --- ending
    async def end(self, who: Principal, number: str, *, counter: bool = False) -> Mandate:
        """The person takes it back, the delegate lays it down, or the counter ends it: from the next request on, everywhere.

        A child or a ward does not end what the law gave: the counter does, with the papers. Raises NotFound, Forbidden.
        """
        about = await self.one(number)

        async def work(tx: Transaction) -> Kept:
            mandate = await _mandate(tx, number)
            if not counter and who.ref not in (mandate["of"], mandate["by"]):
                raise NotFound(f"you have no mandate {number!r:.40}")
            if not counter and mandate["sort"] != "appointed" and who.ref == mandate["of"]:
                raise Forbidden("a legal representative is ended at the counter, with the papers that say so")
            if "ended" in mandate:
                return mandate, {}
            stamp = clock.text(self._now())
            ended: Mandate = {**mandate, "ended": {"at": stamp, "by": who.ref}}
            await tx.put(TENANT, REVOKED, number, {"at": stamp})
            return await keep(tx, ended, stamp, who.ref, "ended")

        ended = await self._entered((about["of"], about["by"]), work)
        self._people.forget([ended["by"]])
        return ended

    # --- acting
    async def act(self, who: Principal, number: str) -> Principal:
        """From now on this session acts for the other one, until it stops. Who he is then. Raises MandateOver."""
        found = await acting(self._store, number, who.ref, self._now())
        if found is None or not who.session:
            raise MandateOver("it does not hold, or it is not yours")
        await self._people.act(who.session, number)
        return await self._people.who(who.session)

    async def stop(self, who: Principal) -> None:
        """From now on this session is about oneself again."""
        if who.session:
            await self._people.act(who.session, "")

    # --- looking
    async def one(self, number: str) -> Mandate:
        """Raises NotFound."""
        return await _mandate(self._store, number)

    def state(self, mandate: Mandate) -> State:
        """Where it stands now."""
        return state(mandate, self._now())

    async def of(self, ref: str) -> list[tuple[Mandate, str]]:
        """All that a person gave or holds, newest first, each with its state."""
        numbers: Any = await self._store.get(TENANT, INDEX, ref) or []
        found = [await self._store.get(TENANT, KIND, number) for number in reversed(numbers)]
        return [(one, state(one, self._now())) for one in found if one is not None]

    async def waiting(self) -> list[tuple[Mandate, str]]:
        """Those that a second person must look at, oldest first, each with the digest of what is shown."""
        kept = [cast("Mandate", doc) for _, _, doc in await self._store.documents(TENANT, KIND)]
        return [(one, shown(one)) for one in kept if state(one, self._now()) == "entered"]

    async def _entered(
        self, persons: Sequence[str], work: Callable[[Transaction], Awaitable[Kept]]
    ) -> Mandate:
        """In one transaction with what the vault keeps of each of them. Raises VaultClosed too."""
        return await self.vault().enter([one for one in persons if one], CONSENTS, KIND, work)

    def _new(
        self, of: str, by: str, sort: Sort, scope: Scope, ends: str, document: str, made: Said
    ) -> Mandate:
        actions = [one for one in ACTS if one in scope.actions]
        if not actions or set(scope.actions) - set(ACTS):
            raise BadRequest(f"actions: expected some of {', '.join(ACTS)}")
        known = {*self.classes, ALL}
        if not scope.classes or set(scope.classes) - known:
            raise BadRequest(f"classes: expected some of {', '.join(sorted(known))}")
        return {
            "number": secrets.token_hex(6), "of": of, "by": by, "sort": sort,
            "actions": actions, "classes": sorted(set(scope.classes)), "document": document,
            "begins": made["at"], "ends": ends, "made": made, "events": [],
        }  # fmt: skip

    async def _demand_room(self, tx: Transaction, person: str) -> None:
        numbers: Any = await tx.get(TENANT, INDEX, person) or []
        if len(numbers) < _MOST:
            return
        found = [cast("Mandate | None", await tx.get(TENANT, KIND, one)) for one in numbers]
        alive = [one for one in found if one and state(one, self._now()) not in ("over", "ended", "expired")]
        if len(alive) >= _MOST:
            raise BadRequest(f"one person gives or holds at most {_MOST} mandates")


def _closed() -> Vault:
    raise VaultClosed("mandates are kept while the vault is open")


def shown(mandate: Mandate) -> str:
    """The digest of what a second person sees."""
    return approval.shown({name: value for name, value in mandate.items() if name != "events"})


def _about(mandate: Mandate) -> str:
    return f"mandate:{mandate['number']}"


async def _demand_known(tx: Transaction, *persons: str) -> None:
    """That the city holds of each who he is, and that the last one, who acts, has signed in with his card. Raises BadRequest."""
    for person in persons:
        held = await tx.vault.of(TENANT, person, classes=(identity.PURPOSE,))
        if not held:
            raise BadRequest(f"there is no record of who {person!r:.60} is: search for the person again")
    if not any(one.kind == identity.RECORD for one in held):
        raise BadRequest("by: whoever acts for somebody else signs in with デジタル認証アプリ once before")


def _demand_resident(who: Principal) -> None:
    if who.role != "resident" or who.assurance < RESIDENT or not who.session:
        raise Forbidden("whoever gives or takes a mandate signs in with デジタル認証アプリ")


async def _mandate(store: Any, number: str) -> Mandate:
    mandate = cast("Mandate | None", await store.get(TENANT, KIND, number))
    if mandate is None:
        raise NotFound(f"there is no mandate {number!r:.40}")
    return mandate
