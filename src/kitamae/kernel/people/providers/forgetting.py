"""A member's account ends: he belongs to no provider any more, and nothing shows what he did for it. A volunteer's own ends with him."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.providers import named
from kitamae.kernel.people.providers.members import INVITED
from kitamae.kernel.people.providers.records import (
    CONTRACT,
    INVITATION,
    KEY,
    OF,
    PROVIDER,
    Contract,
    Provider,
)
from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.providers.contracts import Contracts
    from kitamae.kernel.people.providers.ground import Ground
    from kitamae.kernel.people.providers.keys import Keys

_WHY: Final = "account ended"


class Forgetting:
    """On the ground of providers."""

    def __init__(self, ground: Ground, contracts: Contracts, keys: Keys) -> None:
        self._on, self._contracts, self._keys = ground, contracts, keys

    async def ending(self, ended: Mapping[str, int]) -> Callable[[Transaction], Awaitable[Mapping[str, int]]]:
        """Person -> before when (microseconds UTC). What is done in the transaction that the answer is called with; how many memberships ended."""
        found: dict[tuple[str, str], list[str]] = {}
        contracts: dict[str, list[str]] = {}
        for kind in (PROVIDER, CONTRACT, KEY, INVITATION):
            for _, id, doc in await self._on.store.documents(TENANT, kind):
                for person in named.naming(doc) & ended.keys():
                    found.setdefault((kind, person), []).append(id)
                if kind == CONTRACT:
                    contracts.setdefault(doc["provider"], []).append(id)

        def of(kind: str, person: str) -> list[str]:
            return found.get((kind, person), [])

        async def end(tx: Transaction) -> Mapping[str, int]:
            went = 0
            for person, before in ended.items():
                for number in of(PROVIDER, person):
                    went += await self._leave(tx, number, person, before, contracts.get(number, []))
                for kind in (CONTRACT, KEY):
                    for id in of(kind, person):
                        await self._blind(tx, kind, id, person, before)
                for id in of(INVITATION, person):
                    made: Any = await tx.get(TENANT, INVITATION, id)
                    if made and clock.micros(made["expiresAt"]) - INVITED < before:
                        await tx.drop(TENANT, INVITATION, id)
            return {"membership": went}

        return end

    async def _leave(
        self, tx: Transaction, number: str, person: str, before: int, contracts: list[str]
    ) -> bool:
        kept = cast("Provider | None", await tx.get(TENANT, PROVIDER, number))
        if kept is None:
            return False
        since = named.joined(kept, person)
        gone = person in kept["members"] and since < before
        after = cast("Provider", named.without(kept, person, before))
        if gone:
            after = {**after, "members": [one for one in after["members"] if one != person]}
            mine: Any = [one for one in await tx.get(TENANT, OF, person) or [] if one != number]
            await (tx.put(TENANT, OF, person, mine) if mine else tx.drop(TENANT, OF, person))
        if gone and after["sort"] == "volunteer" and not after["members"] and after["state"] != "ended":
            await self._end(tx, after, contracts)
        elif after != kept:
            await tx.put(TENANT, PROVIDER, number, after)
        return gone

    async def _end(self, tx: Transaction, kept: Provider, contracts: list[str]) -> None:
        """A volunteer is his provider: with nobody there, nobody answers for its keys; and its name was his."""
        for id in contracts:
            contract = cast("Contract | None", await tx.get(TENANT, CONTRACT, id))
            if contract is not None and "ended" not in contract:
                await self._contracts.ended(tx, contract, SYSTEM, _WHY)
        over: Provider = {
            **kept, "name": kept["number"], "role": "", "about": "", "state": "ended", "ended": self._on.said(SYSTEM, _WHY),
        }  # fmt: skip
        await self._on.keep_provider(tx, over, "ended", SYSTEM)

    async def _blind(self, tx: Transaction, kind: str, id: str, person: str, before: int) -> None:
        kept: Any = await tx.get(TENANT, kind, id)
        after = named.without(kept, person, before)
        if after != kept:
            await tx.put(TENANT, kind, id, after)
            if kind == KEY:
                self._keys.heard(after)
