"""Who belongs to a provider. A member invites another with a link that works once; the last one cannot leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import clock
from kitamae.kernel.people import secret as secrecy
from kitamae.kernel.people.providers.ground import demand_strong
from kitamae.kernel.people.providers.records import INVITATION, OF
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import BadRequest, Conflict, NotFound

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.providers.ground import Ground
    from kitamae.kernel.people.providers.records import Provider

INVITED: Final = 7 * 86_400_000_000
"""How long an invitation works, microseconds."""
MOST: Final = 50
_UNKNOWN: Final = "this invitation is not known, was used, or has expired"


class Members:
    """On the ground of providers."""

    def __init__(self, ground: Ground) -> None:
        self._on = ground

    async def invite(self, who: Principal, number: str) -> str:
        """A code for a link, shown once. Raises NotFound, Forbidden."""
        demand_strong(who)
        code = secrecy.fresh("link")
        until = clock.text(self._on.now() + INVITED)

        async def work(tx: Transaction) -> None:
            await self._on.member(tx, who, number)
            kept = {"provider": number, "by": who.ref, "expiresAt": until}
            await tx.put(TENANT, INVITATION, secrecy.digest(code), kept)

        await self._on.store.transact(work)
        return code

    async def invited(self, code: str) -> Provider:
        """Where a code leads. Raises NotFound."""
        return await self._offered(self._on.store, code)

    async def join(self, who: Principal, code: str) -> Provider:
        """Whoever invited must still belong to it. Raises NotFound, Forbidden, BadRequest."""
        demand_strong(who)
        await self.invited(code)  # whoever thinks codes up costs the city no transaction

        async def work(tx: Transaction) -> Provider:
            provider = await self._offered(tx, code)
            await tx.drop(TENANT, INVITATION, secrecy.digest(code))
            if who.ref in provider["members"]:
                return provider
            if len(provider["members"]) >= MOST:
                raise BadRequest(f"a provider has at most {MOST} members")
            await belongs(tx, who.ref, provider["number"])
            changed: Provider = {**provider, "members": [*provider["members"], who.ref]}
            return await self._on.keep_provider(tx, changed, "joined", who)

        return await self._on.store.transact(work)

    async def leave(self, who: Principal, number: str) -> None:
        """Raises NotFound, and Conflict for the last one."""

        async def work(tx: Transaction) -> None:
            provider = await self._on.member(tx, who, number)
            if len(provider["members"]) == 1:
                raise Conflict(
                    "the last member cannot leave: invite somebody first, or ask the town hall to end it"
                )
            kept: Any = await tx.get(TENANT, OF, who.ref) or []
            await tx.put(TENANT, OF, who.ref, [one for one in kept if one != number])
            left: Provider = {**provider, "members": [one for one in provider["members"] if one != who.ref]}
            await self._on.keep_provider(tx, left, "left", who)

        await self._on.store.transact(work)

    async def _offered(self, store: Any, code: str) -> Provider:
        kept: Any = await store.get(TENANT, INVITATION, secrecy.digest(code))
        if kept is None or clock.micros(kept["expiresAt"]) <= self._on.now():
            raise NotFound(_UNKNOWN)
        provider = await self._on.provider(store, kept["provider"])
        if kept["by"] not in provider["members"] or provider["state"] in ("refused", "ended"):
            raise NotFound(_UNKNOWN)
        return provider


async def belongs(tx: Transaction, ref: str, number: str) -> None:
    """Noted at the person, so that his page need not look through all providers."""
    kept: Any = await tx.get(TENANT, OF, ref) or []
    if number not in kept:
        await tx.put(TENANT, OF, ref, [*kept, number])
