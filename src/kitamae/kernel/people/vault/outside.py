"""What is seen from outside, for watching: who looked at whom and why, and what two persons have in common. Nothing is opened.

A receipt's outer part says who, whose, when, for what purpose; what was seen stays sealed in it. Of two persons, the keyed
marks of the blind indexes are compared: that they are equal says "the same address", and not which. The policy is asked
each time for `system:watching`, and the purpose `watching` must be declared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kitamae.kernel.people.policy import Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault.inner import Inner
    from kitamae.kernel.people.vault.keystore import Tag
    from kitamae.kernel.people.vault.rows import Look

WATCHING: Final = "watching"
"""The purpose for which it is done."""
EARLIER: Final = 200
RARE: Final = 50
"""Persons of one family name up to which it says something that two bear it."""


class Seen(NamedTuple):
    """A look, and up to EARLIER earlier ones at the same person, newest first."""

    look: Look
    earlier: Sequence[Look]


class Outside:
    """On the inner parts. Each of these raises NotSignedIn, Forbidden."""

    def __init__(self, inner: Inner) -> None:
        self._inner = inner

    def _demand(self, who: Principal) -> None:
        self._inner.policy.demand(Question(who, "operate", f"system:{WATCHING}"))
        self._inner.purposes.demand(WATCHING)

    async def looks(self, who: Principal, after: int, upto: int, of: str = "") -> list[Seen]:
        """In the order of their numbers: behind `after`, and up to `upto`. `of`: how the reference of those begins whose looks
        come with the earlier ones at the same person; a program's many looks would cost as many queries.
        """
        self._demand(who)

        async def work(tx: Transaction) -> list[Seen]:
            found = []
            for one in await tx.vault.looks(after, upto):
                wanted = one.person and one.who.startswith(of)
                earlier = (
                    await tx.vault.looks_at(one.tenant, one.person, one.number, EARLIER) if wanted else []
                )
                found.append(Seen(one, earlier))
            return found

        return await self._inner.store.transact(work)

    async def looks_at(self, who: Principal, tenant: str, person: str, before: int, most: int) -> list[Look]:
        """At one person, newest first, with numbers below `before`."""
        self._demand(who)

        async def work(tx: Transaction) -> list[Look]:
            return await tx.vault.looks_at(tenant, person, before, most)

        return await self._inner.store.transact(work)

    async def numbered(self, who: Principal, numbers: Sequence[int]) -> list[Look]:
        """These receipts, in the order of their numbers; of an erased person without saying who it was."""
        self._demand(who)

        async def work(tx: Transaction) -> list[Look]:
            return await tx.vault.numbered(numbers)

        return await self._inner.store.transact(work)

    async def common(self, who: Principal, tenant: str, one: str, other: str) -> frozenset[str]:
        """The indexed fields in which two persons agree: `name`, `address`, `address.block`, ...

        A family name (`name.family`) counts only where it is rare. Of somebody about whom nothing is held: none.
        """
        self._demand(who)
        if one == other:
            return frozenset({"person"})
        first = {(tag.field, tag.tag): tag for tag in await self._tags(tenant, one)}
        shared = [
            first[key] for tag in await self._tags(tenant, other) if (key := (tag.field, tag.tag)) in first
        ]
        return frozenset([tag.field for tag in shared if tag.field != "name.family" or await self._rare(tag)])

    async def _tags(self, tenant: str, person: str) -> list[Tag]:
        return [tag for tag in await self._inner.keys.store.tags_of(person) if tag.tenant == tenant]

    async def _rare(self, tag: Tag) -> bool:
        same = await self._inner.keys.store.tagged(tag.tenant, tag.field, tag.tag, 4 * RARE)
        return len({one.person for one in same}) <= RARE
