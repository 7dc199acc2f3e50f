"""Somebody who builds on the city: a company with a contract in force, as its own people and the desk's would make it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.providers import Application, Wish, digest, latest
from kitamae.kernel.people.secret import digest as mark
from serving import Served
from staffing import give

COMPANY = Application(
    "company",
    "加賀のりあい交通株式会社",
    "代表取締役",
    "運行課 03-0000-0000",
    "バスの位置を地図に出します",
    "",
)


@dataclass
class Built:
    """One provider and its contract, whose member is `who`."""

    served: Served
    who: Principal
    session: str
    provider: str
    contract: str
    desk: list[Principal]

    async def key(self, purpose: str, *, writes: bool = False) -> str:
        secret, _ = await self.served.kitamae.city.providers.keys.make(
            self.who, self.contract, purpose, "本番", writes=writes
        )
        return secret

    async def resident_who_agreed(self, purpose: str) -> str:
        city = self.served.kitamae.city
        who, _ = await signed_in(self.served, "test-resident-1", "resident", 3)
        notice = city.consents.notice(purpose, "ja")
        assert notice is not None
        await city.consents.agree(who, purpose, "ja", notice.version)
        return who.ref

    def enter(self) -> None:
        """The client's session is the member's."""
        self.served.client.cookies.clear()
        self.served.client.cookies.set("kitamae_session", self.session)


async def signed_in(served: Served, ref: str, role: Any, assurance: int) -> tuple[Principal, str]:
    people = served.kitamae.city.people
    if role == "visitor":
        await people.welcome(ref)
    secret, _ = await people.admit(ref, role, assurance)
    return await people.who(mark(secret)), secret


async def desk(served: Served) -> list[Principal]:
    """Two colleagues who do the providers' desk's work."""
    people = served.kitamae.city.people
    await people.staff()
    found = []
    for _ in range(2):
        ref = await people.staff(another=True)
        await give(served, ref, "industry")
        found.append((await signed_in(served, ref, "staff", 2))[0])
    return found


async def offered(served: Served, **other: Any) -> Built:
    """A contract that waits for the provider's word."""
    return await offered_to(served, await desk(served), "visitor-bus", **other)


async def offered_to(served: Served, colleagues: list[Principal], member: str, **other: Any) -> Built:
    """The same for somebody else, by the same desk."""
    providers = served.kitamae.city.providers
    who, session = await signed_in(served, member, "visitor", 2)
    one, two = colleagues
    made = await providers.apply(who, COMPANY)
    await providers.decide(one, made["number"], yes=True)
    told: dict[str, Any] = {
        "title": "バスの位置", "starts": providers.today.isoformat(), "ends": f"{providers.today.year + 1}-03-31", "minute": 10,
        "day": 100, "security": "soc@bus.example.jp", "purposes": ["notices"], "reads": ["Town"], "writes": ["Hub"],
        "subcontractors": [{"name": "白山システム", "does": "保守", "under": "", "where": ""}],
        "boundaries": [
            {"part": "バスの位置", "who": "加賀のりあい交通", "call": "位置が動かないときは運行課へ"},
            {"of": "user", "part": "スマートフォンと通信", "who": "使う人"},
        ],
    }  # fmt: skip
    contract = await providers.contracts.prepare(one, made["number"], Wish(**{**told, **other}))
    await providers.contracts.confirm(two, contract["id"], digest(latest(contract)), yes=True)
    return Built(served, who, session, made["number"], contract["id"], [one, two])


async def built(served: Served, **other: Any) -> Built:
    """A contract in force."""
    town = await offered(served, **other)
    contracts = served.kitamae.city.providers.contracts
    await contracts.accept(town.who, town.contract, digest(latest(await contracts.one(town.contract))))
    return town
