"""A person's account: all that lets him in, here and at partners. It ends as a whole, with everything that is held about him.

Staff have none of their own: the town hall gave it, and the town hall ends it. What a law gave (a parent's mandate) the counter ends.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import clock
from kitamae.kernel.people import notices
from kitamae.kernel.people.delegates import records as mandates
from kitamae.kernel.people.provider import owing
from kitamae.kernel.people.providers.records import OF as PROVIDERS_OF
from kitamae.kernel.people.providers.records import PROVIDER
from kitamae.kernel.people.records import RESIDENT, REVOKED, TENANT
from kitamae.kernel.people.relying import identity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.people import People

    Ending = Callable[[Transaction], Awaitable[dict[str, int]]]

_SECOND: Final = 1_000_000
_KINDS: Final = ("passkey", "session", "link", "consent", "code", "grant")
"""Documents that say whose they are by `person`; of each, `_made` knows since when it is there."""


@dataclass(frozen=True, slots=True)
class Account:
    """What there is of one. `partners`: their names; `mandates`: that were agreed upon, given or held; `visitor`: known by an e-mail address;
    `providers`: to which the person belongs, by name; `own`: those of them that end with him, a volunteer without other members.
    """

    passkeys: int = 0
    sessions: int = 0
    partners: Sequence[str] = ()
    mandates: int = 0
    visitor: bool = False
    providers: Sequence[str] = ()
    own: Sequence[str] = ()


class Accounts:
    """On one store."""

    def __init__(self, store: Store, people: People) -> None:
        self._store, self._people = store, people

    async def of(self, person: str) -> Account | None:
        """None: there is nothing to end, or it is a member of staff."""
        kept: Any = await self._store.get(TENANT, "person", person)
        if kept and kept["role"] == "staff":
            return None
        found: dict[str, list[Any]] = {kind: [] for kind in _KINDS}
        for kind in _KINDS:
            found[kind] = [
                doc for _, _, doc in await self._store.documents(TENANT, kind) if doc["person"] == person
            ]
        clients: list[Any] = [
            await self._store.get(TENANT, "client", doc["client"]) for doc in found["consent"]
        ]
        numbers: Any = await self._store.get(TENANT, PROVIDERS_OF, person) or []
        providers: list[Any] = [await self._store.get(TENANT, PROVIDER, one) for one in numbers]
        member = [one for one in providers if one and person in one["members"]]
        account = Account(
            len(found["passkey"]),
            len(found["session"]),
            [client["name"] for client in clients if client],
            len(await mandates.agreed(self._store, person)),
            kept is not None,
            [one["name"] for one in member],
            [one["name"] for one in member if one["sort"] == "volunteer" and len(one["members"]) == 1],
        )
        there = account != Account() or any(found.values())
        return account if there or await self._untold([person]) else None

    async def ending(self, ended: Mapping[str, int], at: int) -> Ending:
        """Person -> before when (microseconds UTC): what there was of these accounts goes, in the transaction that the answer is called
        with; what was begun since stays. `at`: now.
        """
        found = [
            (kind, id)
            for kind in _KINDS
            for _, id, doc in await self._store.documents(TENANT, kind)
            if doc["person"] in ended and self._made(kind, doc) < ended[doc["person"]]
        ]
        untold = [
            number
            for number, one in (await self._untold(ended)).items()
            if clock.micros(one["at"]) < ended[one["person"]]
        ]
        more = [await one(ended) for one in self._people.endings]

        async def end(tx: Transaction) -> dict[str, int]:
            went: Counter[str] = Counter()
            for another in more:
                went.update(await another(tx))
            for kind, id in found:
                there: Any = await tx.get(TENANT, kind, id) if kind in ("session", "consent") else None
                went[kind] += await tx.drop(TENANT, kind, id)
                if there and kind == "session":
                    await owing.of_session(tx, there, at)
                elif there:
                    await owing.of_consents(tx, [there], at)
                if kind == "passkey":  # no restore brings it back
                    await tx.put(TENANT, REVOKED, id, {"at": clock.text(at)})
            for number in untold:
                one = await notices.one(tx, number)
                if one is not None and one["state"] not in notices.OVER:
                    await notices.drop(tx, number, one)
                    went["notice"] += 1
            for person, before in ended.items():
                went["mandate"] += await mandates.forget(tx, person, before)
                kept: Any = await tx.get(TENANT, "person", person)
                if kept and kept["role"] == "visitor" and clock.micros(kept["createdAt"]) < before:
                    went["person"] += await tx.drop(TENANT, "person", person)
                went["resident"] += await self.unbind(tx, person)
            return {kind: count for kind, count in sorted(went.items()) if count}

        return end

    async def _untold(self, persons: Iterable[str]) -> dict[str, notices.Notice]:
        """What these are still to be told, by number."""
        found: dict[str, notices.Notice] = {}
        for person in persons:
            numbers: Any = await self._store.get(TENANT, notices.OF, person) or []
            for number in numbers:
                one = await notices.one(self._store, number)
                if one is not None and one["state"] not in notices.OVER:
                    found[number] = one
        return found

    async def unbind(self, tx: Transaction, person: str) -> bool:
        """Where nothing is held any more of who a resident is, nothing says either where it was."""
        if await tx.vault.holds(person, identity.PURPOSE):
            return False
        return await tx.drop(TENANT, RESIDENT, person)

    def ended(self) -> None:
        """After the commit: nobody is remembered here as signed in, or as acting for somebody; partners are told."""
        self._people.forget(None)
        self._people.owes()

    def _made(self, kind: str, doc: Any) -> int:
        """When it was made, or whoever it is for had signed in by then; microseconds UTC."""
        if kind == "link":
            return clock.micros(doc["expiresAt"]) - self._people.link_minutes * 60 * _SECOND
        if kind in ("code", "grant"):
            return int(doc["authTime"]) * _SECOND
        return clock.micros(doc["at" if kind == "consent" else "createdAt"])
