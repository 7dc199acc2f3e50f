"""The one door to providers: applied, accepted or refused, ended; and all that belongs to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from kitamae.kernel.people.approval import plain
from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.people.providers import corporate, force
from kitamae.kernel.people.providers.contracts import Contracts
from kitamae.kernel.people.providers.forgetting import Forgetting
from kitamae.kernel.people.providers.ground import Ground, demand_strong, fresh
from kitamae.kernel.people.providers.keys import Keys
from kitamae.kernel.people.providers.members import Members, belongs
from kitamae.kernel.people.providers.meter import Meter
from kitamae.kernel.people.providers.records import CONTRACT, OF, PROVIDER, Contract, Provider, Sort, Version
from kitamae.kernel.people.providers.statements import Statements
from kitamae.kernel.people.providers.subscribed import Subscribed
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.vault import Asked
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.problems import BadRequest, Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date
    from zoneinfo import ZoneInfo

    from kitamae.kernel.context.store import Reader, Transaction
    from kitamae.kernel.people.providers.force import Program
    from kitamae.kernel.people.records import Token
    from kitamae.kernel.people.vault import Vault
    from kitamae.kernel.registers.incidents import Incidents

PURPOSE: Final = "providers"
"""For which the contact of a volunteer is kept in the vault."""
_OPEN: Final = 3
"""Applications of one account that wait at a time."""


@dataclass(frozen=True, slots=True)
class Application:
    """What whoever applies typed. `name` is shown in public once a contract is in force. `role`: of whoever represents it, not a name."""

    sort: str
    name: str
    role: str
    contact: str
    about: str
    corporate: str = ""


class Providers:
    """One per city. `incidents`: where a provider's report goes. `vault()` raises VaultClosed."""

    def __init__(self, ground: Ground, incidents: Incidents) -> None:
        self._on, self._incidents = ground, incidents
        self.vault: Callable[[], Vault] = _closed
        self.terms = ground.terms
        self.members = Members(ground)
        self.contracts = Contracts(ground, lambda: ground.people.forget(None))
        self.keys = Keys(ground)
        self.meter = Meter(ground)
        self.statements = Statements(ground, self.meter)
        self.subscribed = Subscribed(ground.people, self.keys, self.meter)

    async def open(self) -> None:
        """From now on keys are known, cut down to their contracts, and counted."""
        await self.keys.open()
        self._on.people.program = self.program
        self._on.people.endings.append(Forgetting(self._on, self.contracts, self.keys).ending)

    async def program(self, store: Reader, token: Token, now: int) -> Program:
        """What a key may do now: for `People`, which looks tokens up, in the store or in a transaction."""
        return await force.program(store, token, self.terms, self._on.zone, now)

    # --- by whoever applies
    async def apply(self, who: Principal, told: Application) -> Provider:
        """Raises Forbidden, BadRequest, Conflict, HoldsMyNumber; VaultClosed for a volunteer, whose contact is kept there."""
        demand_strong(who)
        made = self._checked(who, told)
        contact = plain("contact", told.contact, 1, 200)
        on = self._on

        async def work(tx: Transaction) -> Provider:
            kept: Any = await tx.get(TENANT, OF, who.ref) or []
            mine = [await on.provider(tx, one) for one in kept]
            if sum(one["state"] == "applied" for one in mine) >= _OPEN:
                raise Conflict("your applications wait for the town hall already")
            await belongs(tx, who.ref, made["number"])
            return await on.keep_provider(tx, made, "applied", who)

        if made["sort"] != "volunteer":
            made = {**made, "contact": contact}
            return await on.store.transact(work)

        async def along(tx: Transaction) -> Mapping[str, object]:
            await work(tx)
            return {"provider": made["number"]}

        await self.vault().keep(SYSTEM, who.ref, PURPOSE, PURPOSE, {"contact": contact}, along=along)
        return await self._provider(made["number"])

    def _checked(self, who: Principal, told: Application) -> Provider:
        if told.sort not in get_args(Sort):
            raise BadRequest(f"sort: expected one of {', '.join(get_args(Sort))}")
        word = self._on.said(who)
        return {
            "number": fresh("p"), "sort": cast("Sort", told.sort), "name": plain("name", told.name, 1, 100),
            "role": plain("role", told.role, most=100), "contact": "", "corporate": corporate.read(told.corporate),
            "about": plain("about", told.about, 1, 500), "state": "applied", "members": [who.ref], "applied": word, "ledger": [],
        }  # fmt: skip

    async def mine(self, who: Principal) -> list[Provider]:
        """Those to which somebody belongs, newest first."""
        kept: Any = await self._on.store.get(TENANT, OF, who.ref) or []
        found = [await self._provider(one) for one in reversed(kept)]
        return [one for one in found if who.ref in one["members"]]

    async def own(self, who: Principal, number: str) -> Provider:
        """Raises NotFound where it is not his."""
        return await self._on.member(self._on.store, who, number)

    async def report(self, who: Principal, number: str, told: Mapping[str, Any]) -> str:
        """An incident, as `Incidents.open` takes it (title, what, concerns, severity, services, found_at): the desk's number of it.

        Raises NotFound, Forbidden, BadRequest, HoldsMyNumber.
        """
        demand_strong(who)
        owner = await self.own(who, number)
        if owner["state"] != "accepted":
            raise Conflict("an incident is reported by a provider that was accepted")
        entry = await self._incidents.open(told, f"provider-{number}")
        await self._incidents.note(entry["id"], f"提供者からの報告: {owner['name']}", f"provider-{number}")
        return entry["id"]

    # --- at the desk
    async def all(self) -> list[Provider]:
        """Newest first."""
        found = await self._on.store.documents(TENANT, PROVIDER)
        return [cast("Provider", doc) for _, _, doc in reversed(found)]

    async def one(self, number: str) -> Provider:
        """Raises NotFound."""
        return await self._provider(number)

    async def contact(self, who: Principal, provider: Provider) -> str:
        """How to reach it; a volunteer's is read in the vault, with a receipt. Raises what reading there raises."""
        if provider["sort"] != "volunteer":
            return provider["contact"]
        if not (person := provider["applied"]["by"]):
            return ""  # he was erased
        found = await self.vault().read(Asked(who, PURPOSE, (person,), (PURPOSE,)))
        told = [one for one in found if one.fields.get("provider") == provider["number"]]
        return str(told[-1].fields.get("contact", "")) if told else ""

    async def decide(self, who: Principal, number: str, *, yes: bool, why: str = "") -> Provider:
        """Accept an application, or refuse it and say why. Raises NotFound, Forbidden, Conflict, BadRequest."""
        reason = plain("why", why, 0 if yes else 1)
        on = self._on

        async def work(tx: Transaction) -> Provider:
            await on.desk(tx, who)
            kept = await on.provider(tx, number)
            if kept["state"] != "applied":
                raise Conflict("this application was decided already")
            decided: Provider = {
                **kept, "state": "accepted" if yes else "refused", "decided": on.said(who, reason),
            }  # fmt: skip
            return await on.keep_provider(tx, decided, decided["state"], who)

        return await on.store.transact(work)

    async def end(self, who: Principal, number: str, why: str) -> Provider:
        """With all its contracts, at once. Raises NotFound, Forbidden, Conflict, BadRequest."""
        reason, on = plain("why", why, 1), self._on
        contracts = [one["id"] for one in await self.contracts.of(number)]

        async def work(tx: Transaction) -> Provider:
            await on.desk(tx, who)
            kept = await on.provider(tx, number)
            if kept["state"] != "accepted":
                raise Conflict("only a provider that was accepted is ended")
            for id in contracts:
                contract = cast("Contract | None", await tx.get(TENANT, CONTRACT, id))
                if contract is not None and "ended" not in contract:
                    await self.contracts.ended(tx, contract, who, reason)
            gone: Provider = {**kept, "state": "ended", "ended": on.said(who, reason)}
            return await on.keep_provider(tx, gone, "ended", who)

        gone = await on.store.transact(work)
        on.people.forget(None)
        return gone

    # --- for everybody
    async def in_force(self) -> list[tuple[Provider, Contract, Version]]:
        """The public register: who builds on the city today, with what."""
        owners = {one["number"]: one for one in await self.all()}
        return [
            (owners[contract["provider"]], contract, held)
            for contract in await self.contracts.all()
            if (held := self.contracts.held(contract)) is not None
            and owners[contract["provider"]]["state"] == "accepted"
        ]

    async def names(self, refs: Iterable[str]) -> dict[str, Provider]:
        """Of those references that are keys of a provider (`token-…`), also of keys that are gone: whose they are."""
        keys = {ref: key for ref in set(refs) if (key := self.keys.known(ref))}
        return {ref: await self._provider(key["provider"]) for ref, key in keys.items()}

    @property
    def zone(self) -> ZoneInfo:
        """In which days begin."""
        return self._on.zone

    @property
    def today(self) -> date:
        """In the city."""
        return self._on.today

    async def _provider(self, number: str) -> Provider:
        found = cast("Provider | None", await self._on.store.get(TENANT, PROVIDER, number))
        if found is None:
            raise NotFound(f"there is no provider {number!r:.40}")
        return found


def _closed() -> Vault:
    raise VaultClosed("the vault is not open yet; try again in a moment")
