"""What all parts of providers stand on, and who may do what: asked again inside the transaction that does it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.days import JST
from kitamae.kernel.people.approval import STRONG
from kitamae.kernel.people.duties.standing import standing
from kitamae.kernel.people.providers import force
from kitamae.kernel.people.providers.named import entered
from kitamae.kernel.people.providers.records import CONTRACT, PROVIDER, Contract, Provider, Said
from kitamae.kernel.people.providers.terms import Terms
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from zoneinfo import ZoneInfo

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.person import Principal

DESK: Final = "providers"


@dataclass(frozen=True, slots=True)
class Ground:
    """`tenant`: where keys work. `zone`: in which days begin."""

    store: Store
    people: People
    terms: Terms = field(default_factory=Terms)
    zone: ZoneInfo = JST
    tenant: str = ""
    now: Callable[[], int] = clock.now

    @property
    def today(self) -> date:
        """In the city."""
        return force.today(self.now(), self.zone)

    def said(self, who: Principal, why: str = "") -> Said:
        """Who says something now."""
        word: Said = {"at": clock.text(self.now()), "by": who.ref}
        return {**word, "why": why} if why else word

    async def desk(self, tx: Transaction, who: Principal) -> None:
        """Whoever does the desk's work still may, in this transaction. Raises Forbidden."""
        if who.role == "system":
            return
        held = await standing(tx, self.people.plan, who.ref, self.now())
        if who.role != "staff" or not held.does(DESK, [self.tenant]):
            raise Forbidden("contracts with providers are the work of the desk providers")

    async def member(self, tx: Any, who: Principal, number: str) -> Provider:
        """Of somebody who belongs to it. Raises NotFound for whoever does not, as for what is not there."""
        found = cast("Provider | None", await tx.get(TENANT, PROVIDER, number))
        if found is None or not who.session or who.acting or who.ref not in found["members"]:
            raise NotFound("you belong to no such provider")
        return found

    async def provider(self, tx: Any, number: str) -> Provider:
        """Raises NotFound."""
        found = cast("Provider | None", await tx.get(TENANT, PROVIDER, number))
        if found is None:
            raise NotFound(f"there is no provider {number!r:.40}")
        return found

    async def contract(self, tx: Any, id: str) -> Contract:
        """Raises NotFound."""
        found = cast("Contract | None", await tx.get(TENANT, CONTRACT, id))
        if found is None:
            raise NotFound(f"there is no contract {id!r:.40}")
        return found

    async def keep_provider(self, tx: Transaction, kept: Provider, what: str, who: Principal) -> Provider:
        """Written, with the entry of the ledger that says what happened."""
        told = {"provider": kept["number"], "what": what, "state": kept["state"], "by": who.ref}
        leaf = await entered(tx, {**told, "at": clock.text(self.now())})
        kept = {**kept, "ledger": [*kept["ledger"], leaf]}
        await tx.put(TENANT, PROVIDER, kept["number"], kept)
        return kept

    async def keep_contract(self, tx: Transaction, kept: Contract, what: str, who: Principal) -> Contract:
        """The same, with all that its last version says."""
        told = {"contract": kept["id"], "provider": kept["provider"], "what": what, "by": who.ref}
        said = {name: value for name, value in kept["versions"][-1].items() if not isinstance(value, float)}
        leaf = await entered(tx, {**told, "version": said, "at": clock.text(self.now())})
        kept = {**kept, "ledger": [*kept["ledger"], leaf]}
        await tx.put(TENANT, CONTRACT, kept["id"], kept)
        return kept


def demand_strong(who: Principal) -> None:
    """Somebody with an account of his own, and a second proof besides the mail. Raises Forbidden."""
    if who.role not in ("visitor", "resident") or not who.session or who.acting:
        raise Forbidden("this is done by whoever has an account as a visitor or a resident, in his own name")
    if who.assurance < STRONG:
        raise Forbidden(
            "sign in with a passkey: register one on the page of your account, and sign in with it"
        )


def fresh(letter: str) -> str:
    """A new number: the letter and twelve hexadecimal digits, which without it might look like a My Number."""
    return letter + secrets.token_hex(6)
