"""Providers on a store, for tests: a clock moved by hand, two of the desk, a provider with a contract in force."""

from __future__ import annotations

from typing import Any

from kitamae.kernel.context import clock
from kitamae.kernel.context.store import Store
from kitamae.kernel.people.duties import Office
from kitamae.kernel.people.duties.office import step
from kitamae.kernel.people.people import People
from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.people.providers import Application, Plan, Providers, Terms, Wish, digest, latest
from kitamae.kernel.people.providers.ground import Ground
from kitamae.kernel.people.providers.records import Contract, Provider
from kitamae.kernel.registers.incidents import Incidents

MINUTE = 60_000_000
DAY = 86_400_000_000
BUS = Application(
    "company", "加賀のりあい交通株式会社", "代表取締役", "0761-00-0000", "バスの位置を地図に出します", ""
)
PLAN = Plan(
    "standard", {"ja": "標準"}, base=10_000, free=100, per_thousand=50, tax=10, council={"company": 120_000, "volunteer": 0},
    parts=12,
)  # fmt: skip
TERMS = Terms(
    {"bus": {"ja": "バス"}},
    {"identity": {"ja": "本人確認"}, "trips": {"ja": "移動"}},
    ("Vehicle", "BusStop"),
    ("Vehicle",),
    {"standard": PLAN},
    lambda name: f"https://example.org/{name}",
)


class Clock:
    """Microseconds UTC, moved by hand."""

    def __init__(self, at: str = "2026-11-10T03:00:00Z") -> None:
        self.at = clock.micros(at)

    def __call__(self) -> int:
        return self.at


def member(ref: str = "visitor-1", assurance: int = 2) -> Principal:
    return Principal(ref, "visitor", assurance=assurance, session=f"s-{ref}")


def wish(**other: Any) -> Wish:
    told: dict[str, Any] = {
        "title": "バスの位置", "starts": "2026-11-10", "ends": "2027-03-31", "minute": 10, "day": 100, "plan": "standard",
        "security": "soc@bus.example.jp", "purposes": ["identity"], "reads": ["BusStop"], "writes": ["Vehicle"],
    }  # fmt: skip
    return Wish(**{**told, **other})


class Town:
    """One process on a store."""

    def __init__(self, store: Store, now: Clock, terms: Terms = TERMS) -> None:
        self.store, self.now = store, now
        self.people = People(store, terms.expand, now=now)
        self.providers = Providers(
            Ground(store, self.people, terms, now=now), Incidents(store, terms.expand, publish=False, now=now)
        )
        self.desk: list[Principal] = []

    async def open(self) -> Town:
        await self.providers.open()
        return self

    async def staffed(self) -> None:
        """Two colleagues of the desk, of whom neither let the other in."""
        people = self.people
        office = Office(self.store, people.plan, people.forget, people.colleagues, self.now)
        refs = [await self.people.staff(), *[await self.people.staff(another=True) for _ in range(2)]]
        await office.prepare(SYSTEM, "test", [step(ref, "systems", gives=True) for ref in refs[1:]])
        self.desk = [Principal(ref, "staff", assurance=2, session=f"s-{ref}") for ref in refs[1:]]

    async def accepted(self, who: Principal | None = None, told: Application = BUS) -> Provider:
        applied = await self.providers.apply(who or member(), told)
        return await self.providers.decide(self.desk[0], applied["number"], yes=True)

    async def agreed(
        self, provider: Provider, who: Principal | None = None, contract: str = "", **other: Any
    ) -> Contract:
        """A contract, or a new version of one, that all three said yes to."""
        contracts, (one, two) = self.providers.contracts, self.desk
        made = await contracts.prepare(one, provider["number"], wish(**other), contract)
        await contracts.confirm(two, made["id"], digest(latest(made)), yes=True)
        return await contracts.accept(who or member(), made["id"], digest(latest(made)))

    async def contract(self, **other: Any) -> Contract:
        """The usual one."""
        await self.staffed()
        return await self.agreed(await self.accepted(), **other)
