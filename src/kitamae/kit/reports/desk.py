"""What the desk does with reports: looks, joins, answers, closes, and takes each of these back. Nothing is published by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.vault import Asked
from kitamae.kernel.problems import BadRequest, Conflict
from kitamae.kit.reports import record
from kitamae.kit.reports.record import KIND, OPEN, PURPOSE, Report, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault import Vault


class Desk:
    """On one store. `vault()` raises VaultClosed."""

    def __init__(self, store: Store, vault: Callable[[], Vault], now: Callable[[], int] = clock.now) -> None:
        self._store, self._vault, self._now = store, vault, now

    async def all(self) -> list[tuple[str, Report]]:
        """For a human: what waits before what is done; of what waits the most urgent first, then what many send, then the oldest."""
        found = _both_ways(await record.every(self._store)).items()
        return sorted(found, key=lambda one: _order(one[1]))

    async def one(self, number: str) -> Report:
        """Raises NotFound."""
        return await record.one(self._store, number)

    async def read(self, who: Principal, number: str, *fields: str) -> list[Told]:
        """What was said in it, for the desk; it leaves a receipt. `fields`: these alone. Raises NotFound, NotSignedIn, Forbidden."""
        report = await self.one(number)
        return await record.told(
            self._vault(), Asked(who, PURPOSE, (report["ref"],), (record.kind(number),), fields)
        )

    async def answer(self, who: Principal, number: str, text: str) -> None:
        """The sender reads it behind his link. Raises BadRequest, HoldsMyNumber, Conflict, NotFound, Erased."""
        said = record.plain("text", text, 1, record.LONGEST)
        report = await self.one(number)

        async def along(tx: Transaction) -> Mapping[str, object]:
            now = await record.one(tx, number)
            record.demand_open(now)
            state = "seen" if now["state"] == "new" else now["state"]
            at = clock.text(self._now())
            await record.step(
                tx, number, cast("Report", {**now, "state": state, "answered": True}), "answered", who.ref, at
            )
            return {"at": at}

        fields = {"event": "answered", "text": said}
        await self._vault().keep(
            who, report["ref"], PURPOSE, record.kind(number), fields, along=along, known=True
        )

    async def join(self, who: Principal, number: str, to: str) -> None:
        """It is the same as that one, which must itself wait, and be of no other. Raises NotFound, Conflict."""
        to = to.strip().upper()

        async def work(tx: Transaction) -> None:
            now, other = await record.one(tx, number), await record.one(tx, to)
            record.demand_open(now)
            record.demand_open(other)
            if number == to or other["state"] not in OPEN:
                raise Conflict("join it to a report that still waits and is not joined to another one")
            if now["followers"]:
                raise Conflict("others are joined to this report: join it the other way round")
            if now["joined"] != to:
                await record.part(tx, number, now)
                await tx.put(TENANT, KIND, to, {**other, "followers": [*other["followers"], number]})
            joined: Report = {**now, "state": "joined", "joined": to}
            await record.step(tx, number, joined, f"joined {to}", who.ref, clock.text(self._now()))

        await self._store.transact(work)

    async def move(self, who: Principal, number: str, state: record.State) -> None:
        """`seen` (also: not joined, not closed after all) or `closed`. Raises NotFound, Conflict, BadRequest."""
        if state not in ("seen", "closed"):
            raise BadRequest("state: expected seen or closed")

        async def work(tx: Transaction) -> None:
            now = await record.one(tx, number)
            record.demand_open(now)
            if state == "seen":
                await record.part(tx, number, now)
            moved: Report = {**now, "state": state, "joined": "" if state == "seen" else now["joined"]}
            await record.step(tx, number, moved, state, who.ref, clock.text(self._now()))

        await self._store.transact(work)


def _both_ways(every: dict[str, Report]) -> dict[str, Report]:
    """The later report names the earlier one that it is like; of those that wait both name each other."""
    waiting = {number for number, one in every.items() if one["state"] in OPEN}
    like = {number: dict(every[number]["like"]) for number in waiting}
    for number in waiting:
        for other, score in every[number]["like"]:
            if other in waiting:
                like[other].setdefault(number, score)
    return {
        number: {**one, "like": sorted(like[number].items(), key=lambda pair: (-pair[1], pair[0]))}
        if number in waiting
        else one
        for number, one in every.items()
    }


def _order(report: Report) -> tuple[bool, int, int, int]:
    at = clock.micros(report["at"])
    if report["state"] not in OPEN:
        return True, 0, 0, -at
    return False, -report["rank"], -len(report["followers"]) - len(report["like"]), at
