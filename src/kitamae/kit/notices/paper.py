"""Who is told by letter: the list, the names and addresses for the envelopes, what was posted and what came back, and the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context import clock
from kitamae.kernel.people import notices
from kitamae.kernel.people.platform_purposes import DELIVERY, REQUESTS
from kitamae.kernel.people.relying.identity import PURPOSE as IDENTITY
from kitamae.kernel.people.vault import Asked
from kitamae.kernel.people.vault.classes import DAY
from kitamae.kernel.people.vault.problems import Erased
from kitamae.kernel.problems import BadRequest, Conflict
from kitamae.kit.notices import record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.notices import Notice
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault import Record, Vault

MOST: Final = 100
"""Letters that are printed at a time."""
UNDO_DAYS: Final = 30
"""So long what was posted can be put back on the list, and what was sent be told to have come back."""
_LATE_DAYS: Final = 3


@dataclass(frozen=True, slots=True)
class Printed:
    """One letter: of which notices, to whom. `name`, `address` "": nothing that says where the person lives is held."""

    notices: Mapping[str, Notice]
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Report:
    """How many notices are in which state; of the last `days`, by which way they were told; why those on paper are there."""

    days: int
    states: Mapping[str, int] = field(default_factory=dict)
    told: Mapping[str, int] = field(default_factory=dict)
    why: Mapping[str, int] = field(default_factory=dict)
    late: int = 0


class Paper:
    """On one store. `vault()` raises VaultClosed."""

    def __init__(
        self, store: Store, vault: Callable[[], Vault], *, now: Callable[[], int] = clock.now
    ) -> None:
        self._store, self._vault, self._now = store, vault, now

    async def waiting(self) -> dict[str, Notice]:
        """What goes by letter, the oldest first."""
        return self._in_order(
            {
                id: one
                for id, one in (await notices.every(self._store)).items()
                if one["state"] == "paper" and not notices.held_back(one, self._now())
            }
        )

    async def lately(self) -> dict[str, Notice]:
        """What was told in the last `UNDO_DAYS`, the newest first."""
        since = clock.text(self._now() - UNDO_DAYS * DAY)
        told = {
            id: one
            for id, one in (await notices.every(self._store)).items()
            if one["state"] in notices.OVER and one["done"] >= since
        }
        return dict(sorted(told.items(), key=lambda item: item[1]["done"], reverse=True))

    async def report(self, days: int = 30) -> Report:
        """Counts alone."""
        states: Counter[str] = Counter()
        told: Counter[str] = Counter()
        why: Counter[str] = Counter()
        now, late = self._now(), 0
        since, old = clock.text(now - days * DAY), clock.text(now - _LATE_DAYS * DAY)
        for one in (await notices.every(self._store)).values():
            states[one["state"]] += 1
            if one["state"] == "paper":
                why[one["why"]] += 1
                late += one["at"] < old
            elif one["state"] in notices.OVER and one["done"] >= since:
                told[one["how"] or one["state"]] += 1
        return Report(days, dict(states), dict(told), dict(why), late)

    async def letters(self, who: Principal, numbers: Sequence[str]) -> list[Printed]:
        """One for each person, with name and address: each of them sees that somebody of the staff looked. Raises BadRequest, Conflict,
        NotSignedIn, Forbidden.
        """
        chosen = await self._chosen(numbers)
        by_person: dict[str, dict[str, Notice]] = {}
        for number, one in chosen.items():
            by_person.setdefault(one["person"], {})[number] = one
        asked = Asked(who, DELIVERY.name, tuple(by_person), fields=("name", "address"))
        held: dict[str, list[Record]] = {}
        for found in await self._vault().read(asked):
            held.setdefault(found.person, []).append(found)
        await self._mark_printed(chosen)
        return [Printed(own, *_where(held.get(person, []), own)) for person, own in by_person.items()]

    async def posted(self, who: Principal, numbers: Sequence[str]) -> int:
        """These letters are in the post; of how many notices. Raises BadRequest, Conflict for what was not printed, or is not on paper."""
        chosen = await self._chosen(numbers)
        if any(not one["printed"] for one in chosen.values()):
            raise Conflict("one of these letters was not printed yet")
        return await self._become(who, chosen, "posted", "paper")

    async def undo(self, who: Principal, number: str) -> int:
        """It was not posted after all: back on the list. Raises BadRequest, Conflict."""
        return await self._back(who, number, "posted", "undone", "undone")

    async def returned(self, who: Principal, number: str) -> int:
        """The mail (or the letter) came back: on the list again. Raises BadRequest, Conflict."""
        number, one = await self._known(number)
        return await self._back(who, number, one["state"], "returned", "returned")

    async def _back(self, who: Principal, number: str, was: str, event: str, why: str) -> int:
        number, one = await self._known(number)
        too_old = not one["done"] or one["done"] < clock.text(self._now() - UNDO_DAYS * DAY)
        if one["state"] != was or was not in ("sent", "posted") or too_old:
            raise Conflict("this notice is not one that was told in the last 30 days")
        return await self._become(who, {number: one}, event, one["how"], why=why)

    async def _known(self, typed: str) -> tuple[str, Notice]:
        """The number as it is kept, too."""
        number = typed.strip().upper()[:20]
        found = await notices.one(self._store, number)
        if found is None:
            raise BadRequest(f"there is no notice {typed!r:.20}")
        return number, found

    async def _chosen(self, numbers: Sequence[str]) -> dict[str, Notice]:
        if not 1 <= len(set(numbers)) <= MOST:
            raise BadRequest(f"choose 1 to {MOST} notices")
        chosen = dict([await self._known(number) for number in dict.fromkeys(numbers)])
        if any(one["state"] != "paper" or notices.held_back(one, self._now()) for one in chosen.values()):
            raise Conflict("one of these notices is not on the list any more: somebody else has posted it")
        return self._in_order(chosen)

    @staticmethod
    def _in_order(some: Mapping[str, Notice]) -> dict[str, Notice]:
        return dict(sorted(some.items(), key=lambda item: item[1]["at"]))

    async def _mark_printed(self, chosen: Mapping[str, Notice]) -> None:
        at = clock.text(self._now())

        async def work(tx: Transaction) -> None:
            for number in chosen:
                one = await notices.one(tx, number)
                if one is not None and one["state"] == "paper":
                    await notices.put(tx, number, {**one, "printed": at})

        await self._store.transact(work)

    async def _become(
        self, who: Principal, chosen: Mapping[str, Notice], event: str, how: str, *, why: str = ""
    ) -> int:
        """Person by person: what is written about one leaves him a receipt, and an entry of the ledger."""
        at, done = self._now(), 0
        for person in dict.fromkeys(one["person"] for one in chosen.values()):
            own = {number: one for number, one in chosen.items() if one["person"] == person}

            async def change(tx: Transaction, own: Mapping[str, Notice] = own) -> list[str]:
                for number, before in own.items():
                    now = await notices.one(tx, number)
                    if now is None or now["state"] != before["state"]:
                        raise Conflict(
                            "one of these notices is not on the list any more: somebody else has posted it"
                        )
                    after = _after(now, event, how, why, clock.text(at), who.ref)
                    if event == "posted":
                        await notices.told(tx, number, after)
                    else:
                        await notices.on_paper(tx, number, after, at)
                return list(own)

            try:
                done += len(await record.keep(self._vault(), who, person, event, how, at, change))
            except Erased:  # it is off the list all the same
                done += len(await self._store.transact(change))
        return done


def _after(now: Notice, event: str, how: str, why: str, at: str, by: str) -> Notice:
    if event == "posted":
        return {**now, "state": "posted", "how": how, "why": "", "done": at, "by": by}
    return {**now, "state": "paper", "how": "", "why": why, "done": "", "by": by, "printed": ""}


def _where(held: Sequence[Record], own: Mapping[str, Notice]) -> tuple[str, str]:
    """Name and address: what the person wrote into the request that it is about, else what his card said, else the newest there is."""
    cases = {f"case:{one['ref']}" for one in own.values() if one["about"] == "case"}
    whole = [one for one in held if one.fields.get("name") and one.fields.get("address")]

    def rank(one: Record) -> tuple[bool, bool, int]:
        return one.kind in cases, one.klass == IDENTITY or one.klass != REQUESTS.name, one.modified

    if not whole:
        named = [one for one in held if one.fields.get("name")]
        return (str(named[-1].fields["name"]), "") if named else ("", "")
    best = max(whole, key=rank)
    return str(best.fields["name"]), str(best.fields["address"])
