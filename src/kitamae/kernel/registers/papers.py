"""Who has his papers, now: services, and what the city and the platform hold about persons. What the policy rests on, kept true while
the city runs.

The policy refuses a service, or a purpose, whose assessment is missing or has lapsed. It is told anew when an assessment changes here or in another
worker, and when one lapses by the clock.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import structlog

from kitamae.kernel.problems import Problem
from kitamae.kernel.registers import assessments
from kitamae.kernel.registers.register import PROGRAM, TENANT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from kitamae.kernel.context.store import Kept, Store, Transaction
    from kitamae.kernel.people.policy import Policy
    from kitamae.kernel.registers.assessments import Assessments, Origin, Paper
    from kitamae.kernel.registers.entry import Entry
    from kitamae.kernel.registers.register import Register

_BEGUN: Final[Mapping[Origin, tuple[str, str]]] = {
    "service": ("registers", "begun"),
    "city": ("registers", "begun-city"),
    "platform": ("registers", "begun-platform"),
}
"""The documents that say that papers of this origin were here before: only without it is what came along accepted."""
_LONGEST: Final = 3_600.0
_OURS: Final = 500
"""From this status on a problem is not that of whoever wrote the papers."""
SERVED: Final = "served"
REFUSED: Final = "refused"
GONE: Final = "gone"
SERVICE_STATES: Final = {SERVED: "動いている", REFUSED: "評価がないため止めている", GONE: "終わった"}
SERVICE: Final = "RegisteredService"
_log = structlog.get_logger("kitamae")


class Papers:
    """Watches the assessments. `services`: the register that says which services are served. `origins`: of which papers may be here."""

    def __init__(
        self,
        store: Store,
        register: Assessments,
        services: Register,
        papers: Sequence[Paper],
        origins: Sequence[Origin] = ("service",),
    ) -> None:
        self._store = store
        self.assessments = register
        self.services = services
        self.papers = {one.service: one for one in papers}
        self._origins = origins
        self.policy: Policy | None = None
        self._entries: dict[str, Entry] = {}
        self._unsettled: set[str] = (
            set()
        )  # whose papers cannot be entered: the text is too long, or holds a My Number
        self._heard, self._owed = asyncio.Event(), asyncio.Event()
        self._busy = asyncio.Lock()  # what was seen earlier is not written down later
        store.on_documents(self._others)

    async def look(self) -> None:
        """For one command: what is so, without writing anything."""
        for entry in await self.assessments.register.entries():
            self._entries[entry["id"]] = entry
        self.tell()

    async def open(self) -> None:
        """Before the first request is answered: settle every assessment, and tell the policy."""
        new = [one for one in self._origins if await self._store.get(TENANT, *_BEGUN[one]) is None]
        await self._settle(new)
        await self._enter()
        if new:

            async def begun(tx: Transaction) -> None:
                for origin in new:
                    accepted = sorted(id for id, one in self.papers.items() if one.origin == origin)
                    await tx.put(TENANT, *_BEGUN[origin], {"accepted": accepted})

            await self._store.transact(begun)
        self.tell()

    def missing(self) -> frozenset[str]:
        """Of which papers none holds now: the policy refuses these services, and purposes that rest on these."""
        now = self.assessments.now()
        return frozenset(
            service
            for service in self.papers
            if service in self._unsettled
            or (entry := self._entries.get(service)) is None
            or assessments.standing(entry["said"], now) not in assessments.HOLDS
        )

    def tell(self) -> None:
        """The policy decides by what is so now."""
        if self.policy is None:
            return
        without = self.missing()
        if without != self.policy.facts.without_papers:
            if without:
                _log.warning("what has no papers is refused", papers=sorted(without))
            self.policy.change(facts=replace(self.policy.facts, without_papers=without))
        self._heard.set()
        self._owed.set()

    def changed(self, entry: Entry) -> None:
        """An assessment was changed here."""
        self._keep(entry)
        self.tell()

    def _keep(self, entry: Entry) -> None:
        """The newest that was heard of."""
        known = self._entries.get(entry["id"])
        if known is None or known["changes"][-1]["number"] <= entry["changes"][-1]["number"]:
            self._entries[entry["id"]] = entry

    async def settle(self) -> None:
        """What the clock has changed is written down, and told."""
        async with self._busy:
            await self._settle()
            self.tell()
            await self._enter()

    async def _settle(self, new: Collection[Origin] = ()) -> None:
        """Papers that cannot be entered close their service, and no other one. What is of a `new` origin is accepted."""
        for id, paper in self.papers.items():
            try:
                self._keep(await self.assessments.settle(paper, first=paper.origin in new))
            except Problem as problem:
                self._refuse(id, problem)
            else:
                self._unsettled.discard(id)

    def _refuse(self, id: str, problem: Problem) -> None:
        """Raises what is no fault of the papers: the store is busy, or going."""
        if problem.status >= _OURS:
            raise problem
        if id not in self._unsettled:
            _log.error("papers are not in order: what rests on them is refused", papers=id, why=str(problem))
        self._unsettled.add(id)

    async def _enter(self) -> None:
        """The register of services says which are served, refused, or gone."""
        served = {id: one for id, one in self.papers.items() if one.origin == "service"}
        for entry in await self.services.entries():
            if entry["id"] not in served and entry["state"] != GONE:
                await self._say(entry["id"], GONE, entry["said"])
        for id, paper in served.items():
            try:
                await self._say(id, REFUSED if id in self.missing() else SERVED, paper.described)
            except Problem as problem:
                self._refuse(id, problem)
                self.tell()

    async def _say(self, id: str, state: str, said: Mapping[str, Any]) -> None:
        async def work(tx: Transaction) -> None:
            before = await self.services.current(tx, id)
            what = "changed" if before is not None and before["state"] == state else state
            await self.services.write(tx, id, state, said, what, PROGRAM)

        await self._store.transact(work)

    async def run(self) -> None:
        """Until it is cancelled: the policy is told whenever the clock changes an assessment's standing. In every worker."""
        while True:
            await self._turn(self._heard)
            self.tell()

    async def _turn(self, heard: asyncio.Event) -> None:
        """Until something is heard, or the clock changes one."""
        heard.clear()
        now = self.assessments.now()
        moments = [assessments.turns(one["said"], now) for one in self._entries.values()]
        soonest = min((one for one in moments if one is not None), default=None)
        wait = _LONGEST if soonest is None else min(_LONGEST, (soonest - now) / 1e6)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(
                max(wait, 0.05)
            ):  # `wait_for` loses a cancellation that comes with the event
                await heard.wait()

    async def write(self) -> None:
        """Until it is cancelled: what the clock and the manifests changed is written down, by one worker (`Alone`).

        Two of different releases would each find that the other's manifest is not what theirs says, and write that, without end.
        """
        while True:
            try:
                await self.settle()
            except Exception:  # the store is busy or going: what is so is told all the same
                _log.exception("the assessments could not be settled")
                await asyncio.sleep(5)
            await self._turn(self._owed)

    async def _others(self, kept: Sequence[Kept]) -> None:
        """What another worker changed holds here too."""
        for one in kept:
            if one.kind == self.assessments.register.kind:
                if one.doc is None:
                    self._entries.pop(one.id, None)
                else:
                    self._keep(one.doc)
                self.tell()
