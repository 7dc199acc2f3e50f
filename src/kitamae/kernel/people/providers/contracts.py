"""Contracts: prepared by one of the desk, confirmed by a second one, accepted by the provider; changed by a new version alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.ledger import statements
from kitamae.kernel.people import approval
from kitamae.kernel.people.providers import force, terms
from kitamae.kernel.people.providers.ground import demand_strong, fresh
from kitamae.kernel.people.providers.records import CONTRACT, Contract, Version
from kitamae.kernel.people.records import REVOKED, TENANT
from kitamae.kernel.problems import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.providers.force import Stands
    from kitamae.kernel.people.providers.ground import Ground
    from kitamae.kernel.people.providers.records import Provider
    from kitamae.kernel.people.providers.terms import Wish

WAITS: Final = 30 * 86_400_000_000
"""How long a prepared version waits for its second person, microseconds."""
REGISTER: Final = "providers"
"""Of the public statements in the ledger."""


class Contracts:
    """On the ground of providers. `changed`: called after a commit that changes what keys may do."""

    def __init__(self, ground: Ground, changed: Callable[[], None]) -> None:
        self._on, self._changed = ground, changed

    # --- at the desk
    async def prepare(self, who: Principal, provider: str, wish: Wish, contract: str = "") -> Contract:
        """A new contract, or (`contract`) a new version of one, which changes nothing before it is accepted.

        Raises NotFound, Forbidden, Conflict, BadRequest, HoldsMyNumber.
        """
        on, now = self._on, self._on.now()

        async def work(tx: Transaction) -> Contract:
            await on.desk(tx, who)
            owner = await on.provider(tx, provider)
            if owner["state"] != "accepted":
                raise Conflict("a contract is made with a provider that was accepted")
            kept: Contract = {"id": fresh("c"), "provider": provider, "versions": [], "ledger": []}
            if contract:
                kept = await on.contract(tx, contract)
                if kept["provider"] != provider or "ended" in kept:
                    raise Conflict("this contract has ended, or is another provider's")
                if force.waiting(kept) is not None:
                    raise Conflict(
                        "a version of this contract waits already: withdraw it, or let it be decided"
                    )
            made = terms.version(wish, on.terms, len(kept["versions"]) + 1, on.said(who), on.today)
            kept = {**kept, "versions": [*kept["versions"], made]}
            await approval.ask(tx, _about(kept), who, until=now + WAITS, barred=owner["members"], now=now)
            return await on.keep_contract(tx, kept, "prepared", who)

        return await on.store.transact(work)

    async def confirm(self, who: Principal, id: str, seen: str, *, yes: bool, why: str = "") -> Contract:
        """The second person's word; `seen`: the digest of what he was shown. Raises NotFound, Forbidden, Conflict, BadRequest."""
        on = self._on

        async def work(tx: Transaction) -> Contract:
            await on.desk(tx, who)
            kept = await on.contract(tx, id)
            last = self._waits(kept, "prepared")
            await approval.decide(
                tx, _about(kept), who, seen, is_now=digest(last), yes=yes, why=why, now=on.now()
            )
            word = on.said(who, why.strip())
            said: Version = {**last, "confirmed": word} if yes else {**last, "refused": word}
            return await on.keep_contract(tx, _with(kept, said), "confirmed" if yes else "not confirmed", who)

        return await on.store.transact(work)

    async def withdraw(self, who: Principal, id: str, why: str) -> Contract:
        """A version that the provider has not accepted is taken back. Raises NotFound, Forbidden, Conflict, BadRequest."""
        on = self._on

        async def work(tx: Transaction) -> Contract:
            await on.desk(tx, who)
            kept = await on.contract(tx, id)
            last = force.waiting(kept)
            if last is None:
                raise Conflict("no version of this contract waits")
            if "confirmed" not in last:
                await self._unask(tx, kept, who)
            said: Version = {**last, "refused": on.said(who, approval.plain("why", why, 1))}
            return await on.keep_contract(tx, _with(kept, said), "withdrawn", who)

        return await on.store.transact(work)

    async def end(self, who: Principal, id: str, why: str) -> Contract:
        """Early, and at once: its keys do nothing from the next request on. Raises NotFound, Forbidden, Conflict, BadRequest."""
        on, reason = self._on, approval.plain("why", why, 1)

        async def work(tx: Transaction) -> Contract:
            await on.desk(tx, who)
            return await self.ended(tx, await on.contract(tx, id), who, reason)

        ended = await on.store.transact(work)
        self._changed()
        return ended

    async def ended(self, tx: Transaction, kept: Contract, who: Principal, why: str) -> Contract:
        """Within the transaction of whoever ends it; `changed` is to be told after the commit. Raises Conflict."""
        on = self._on
        if "ended" in kept:
            raise Conflict("this contract has ended already")
        last = force.waiting(kept)
        if last is not None and "confirmed" not in last:
            await self._unask(tx, kept, who)
        gone: Contract = {**kept, "ended": on.said(who, why)}
        await tx.put(TENANT, REVOKED, kept["id"], {"at": gone["ended"]["at"]})
        if any("accepted" in one for one in kept["versions"]):
            await self._publish(tx, gone, "ended", await on.provider(tx, kept["provider"]))
        return await on.keep_contract(tx, gone, "ended", who)

    # --- by the provider
    async def accept(self, who: Principal, id: str, seen: str) -> Contract:
        """A member agrees to what he was shown: from its first day on it is in force. Raises NotFound, Forbidden, Conflict."""
        demand_strong(who)
        on = self._on

        async def work(tx: Transaction) -> Contract:
            kept = await on.contract(tx, id)
            owner = await on.member(tx, who, kept["provider"])
            last = self._waits(kept, "offered")
            if owner["state"] != "accepted" or digest(last) != seen:
                raise Conflict("it is not any more what you were shown: look at it again")
            if last["ends"] < on.today.isoformat():
                raise Conflict("its last day is over: ask the town hall for a new version")
            said: Version = {**last, "accepted": on.said(who)}
            kept = _with(kept, said)
            await self._publish(tx, kept, "accepted", owner)
            return await on.keep_contract(tx, kept, "accepted", who)

        kept = await on.store.transact(work)
        self._changed()
        return kept

    async def decline(self, who: Principal, id: str, why: str) -> Contract:
        """A member does not agree, and says why. Raises NotFound, Forbidden, Conflict, BadRequest."""
        demand_strong(who)
        on = self._on

        async def work(tx: Transaction) -> Contract:
            kept = await on.contract(tx, id)
            await on.member(tx, who, kept["provider"])
            last = self._waits(kept, "offered")
            said: Version = {**last, "refused": on.said(who, approval.plain("why", why, 1))}
            return await on.keep_contract(tx, _with(kept, said), "declined", who)

        return await on.store.transact(work)

    # --- looking
    async def one(self, id: str) -> Contract:
        """Raises NotFound."""
        return await self._on.contract(self._on.store, id)

    async def all(self) -> list[Contract]:
        """Newest first."""
        found = await self._on.store.documents(TENANT, CONTRACT)
        return [cast("Contract", doc) for _, _, doc in reversed(found)]

    async def of(self, provider: str) -> list[Contract]:
        """Of one provider, newest first."""
        return [one for one in await self.all() if one["provider"] == provider]

    def stands(self, contract: Contract) -> Stands:
        """Today."""
        return force.stands(contract, self._on.today)

    def held(self, contract: Contract) -> Version | None:
        """The version in force today; None: there is none."""
        return None if "ended" in contract else force.version(contract, self._on.today)

    def waiting(self, contract: Contract) -> Version | None:
        """The version about which somebody must still say something: the desk, or (once `confirmed`) the provider."""
        return force.waiting(contract)

    async def asked(self, contract: Contract) -> approval.Approval | None:
        """What became of the question to a second person about its last version."""
        return cast(
            "approval.Approval | None", await self._on.store.get(TENANT, approval.KIND, _about(contract))
        )

    # --- inner
    def _waits(self, kept: Contract, for_: str) -> Version:
        last = force.waiting(kept)
        if last is None or ("confirmed" in last) is not (for_ == "offered"):
            raise Conflict("nobody decides about this version any more, or not yet")
        return last

    async def _unask(self, tx: Transaction, kept: Contract, who: Principal) -> None:
        asked = cast("approval.Approval | None", await tx.get(TENANT, approval.KIND, _about(kept)))
        if asked is not None and approval.word(asked, self._on.now()) == "asked":
            await approval.withdraw(tx, _about(kept), who.ref, self._on.now())

    async def _publish(self, tx: Transaction, kept: Contract, change: str, owner: Provider) -> None:
        """In the open, as the public register shows it; a volunteer is a person, and his name does not go into what is kept for ever."""
        last = next(one for one in reversed(kept["versions"]) if "accepted" in one)
        told: dict[str, Any] = {
            "contract": kept["id"], "change": change, "version": last["version"], "title": last["title"],
            "service": last["service"], "purposes": last["purposes"], "starts": last["starts"], "ends": last["ends"],
        }  # fmt: skip
        if owner["sort"] != "volunteer":
            told["provider"] = owner["name"]
        [entry] = statements.entries(
            {"register": REGISTER, "statement": told}, REGISTER, self._on.now, own=True
        )
        await tx.log(entry)


def latest(contract: Contract) -> Version:
    """The version to show: the last one."""
    return contract["versions"][-1]


def digest(version: Version) -> str:
    """Of what is agreed to, without who said what about it."""
    words = ("prepared", "confirmed", "accepted", "refused")
    return approval.shown({name: value for name, value in version.items() if name not in words})


def _with(kept: Contract, last: Version) -> Contract:
    return {**kept, "versions": [*kept["versions"][:-1], last]}


def _about(kept: Contract) -> str:
    return f"contract:{kept['id']}/{kept['versions'][-1]['version']}"
