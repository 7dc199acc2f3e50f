"""What happened to the invented people in the last months: by the doors that real ones come in by, on a clock that is moved on.

They signed in with the stand-in of デジタル認証アプリ, agreed or did not, withdrew, let a relative act for them, asked the town hall; its staff
and a program looked at their records, and one evening one of the staff at many of them, which watching flags. Nothing is
written into the store beside these doors.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from kitamae.kernel.calendar import Calendar
from kitamae.kernel.people import platform_purposes
from kitamae.kernel.people.colleagues import called
from kitamae.kernel.people.delegates import Scope
from kitamae.kernel.people.delegates.delegates import MOST_DAYS, shown
from kitamae.kernel.people.delegates.records import ACTS
from kitamae.kernel.people.duties.office import step
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.providers import Application, Wish, latest
from kitamae.kernel.people.providers import digest as agreed_to
from kitamae.kernel.people.requests import Requests
from kitamae.kernel.people.requests.requests import Filing
from kitamae.kernel.people.secret import digest
from kitamae.kernel.people.vault import Asked
from kitamae.kernel.people.watching import hours
from kitamae.sandbox.hands import MINUTE, Hands
from kitamae.sandbox.people import colleagues
from kitamae.web.my.changing import KIND as ENTERED
from kitamae.web.residents import ASSURANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.people.person import Principal
    from kitamae.opened import City
    from kitamae.sandbox.people import Resident

DAYS: Final = 150
"""How far back it begins."""
AGREE, WITHDRAW, COUNTER = 0.45, 0.2, 0.3
"""Of the grown-ups: who agrees to a purpose; of those, who withdraws; of all, who has been at a counter."""
GROWN: Final = 18
BROWSED: Final = 40
"""Persons at whom one of the staff looks in one evening, one right after another (`kernel/people/watching/rules.py`)."""
_PASSKEY: Final = 2
_HALF_A_DAY: Final = 8 * hours.HOUR
YEAR: Final = 365
_MEMBER: Final = "visitor-sandbox"
_COMPANY: Final = Application(
    "company",
    "株式会社サンドボックス（試験）",
    "代表取締役",
    "開発課 03-0000-0000",
    "サンドボックスで試すための会社です",
    "",
)
_PARENTS_PAPER: Final = "戸籍全部事項証明書（試験）"

Tell: TypeAlias = "Callable[[str, int, int], None]"
"""What is being done, how much of it is done, and all of it."""


class Furnishing:
    """`city` was opened with `hands` as its clock, which stand DAYS before today. `tell(what, done, all)` hears how far it has come."""

    def __init__(self, city: City, people: Sequence[Resident], hands: Hands, seed: int, tell: Tell) -> None:
        self._city, self._people, self._hands, self._tell = city, people, hands, tell
        self._seed = seed
        self._chance = random.Random(seed)  # noqa: S311  # the same history again is the point
        self._first = hours.day(hands.at)
        self._refs: dict[str, str] = {}  # of residents, by their id
        self._staff: dict[str, str] = {}  # by duty
        self._sessions: dict[str, tuple[Principal, int]] = {}  # of staff, and since when

    async def run(self) -> dict[str, str]:
        """All of it, in the order of time. The API keys that are ready: what each is for ("open-data", or a purpose) -> its secret."""
        await self._city.registers.papers.open()  # a service without its papers would be refused
        await self._hire()
        await self._arrive()
        await self._consent()
        await self._let_act()
        await self._ask()
        await self._work()
        await self._browse()
        return await self._contract()

    def _later(self, days: float) -> None:
        """So many days after the beginning, in office hours."""
        whole = int(days)
        self._hands.go(self._first + whole, 9, int((days - whole) * 8 * 60))

    # --- who works there
    async def _hire(self) -> None:
        """The first account, and one of the staff for each duty that the city has."""
        people, office = self._city.people, self._city.ways.office
        self._hands.go(self._first, 9)
        await people.staff()
        plan = list(people.plan)
        for duty, name in zip(plan, colleagues(len(plan), self._seed), strict=True):
            ref = await people.staff(another=True, called=called(name, duty.name["ja"]))
            await office.prepare(SYSTEM, f"{duty.name['ja']}（試験）", [step(ref, duty.id, gives=True)])
            self._staff[duty.id] = ref

    def _for(self, purpose: str) -> str:
        """Of the staff, somebody whose duty that purpose is; "": nobody."""
        return next((self._staff[duty.id] for duty in self._city.people.plan if purpose in duty.purposes), "")

    async def _colleague(self, ref: str) -> Principal:
        """Signed in for this half of the day: what was asked at the door is asked again when it is done."""
        known = self._sessions.get(ref)
        if known is None or self._hands.at - known[1] > _HALF_A_DAY:
            secret, _ = await self._city.people.admit(ref, "staff", _PASSKEY)
            known = self._sessions[ref] = (await self._city.people.who(digest(secret)), self._hands.at)
        return known[0]

    # --- what they did
    async def _arrive(self) -> None:
        """Everybody signs in for the first time; some come to a counter, where how their name is read is written down."""
        counter = self._for("identity")
        for done, one in enumerate(self._people):
            self._later(20 * done / len(self._people))
            self._refs[one.id] = (await self._sign_in(one.id)).ref
            if counter and self._chance.random() < COUNTER:
                self._hands.wait(5 * MINUTE)
                fields = {"kana": one.kana, "note": "窓口で読みを確認（試験）"}
                who = await self._colleague(counter)
                await self._city.vault.keep(who, self._refs[one.id], "identity", "kana", fields)
            self._tell("residents", done + 1, len(self._people))

    async def _sign_in(self, who: str) -> Principal:
        """From the button to the session, as a browser goes."""
        ways, people = self._city.ways, self._city.people
        if ways.residents is None or ways.stand_in is None:
            raise TypeError("a sandbox has the stand-in")
        begun = await ways.residents.begin("/my")
        asked = ways.stand_in.asked(dict(parse_qsl(urlsplit(begun.address).query)))
        back = ways.stand_in.chosen(asked, who)
        resident = await ways.residents.finish(begun.note, dict(parse_qsl(urlsplit(back).query)))
        secret, _ = await people.admit(resident.ref, "resident", ASSURANCE)
        return await people.who(digest(secret))

    async def _consent(self) -> None:
        """To each purpose that rests on consent some agree and enter what is asked; of these some withdraw; the others were never asked."""
        consents = self._city.consents
        grown = [one for one in self._people if one.age >= GROWN]
        for purpose in consents.purposes.values():
            notice = consents.notice(purpose.name, "ja")
            if notice is None:
                continue
            agreed = [one for one in grown if self._chance.random() < AGREE]
            for done, one in enumerate(agreed):
                self._later(25 + 30 * done / len(agreed))
                who = await self._sign_in(one.id)
                await consents.agree(who, purpose.name, "ja", notice.version)
                if fields := {name: one.entered(name) for name in sorted(purpose.entered)}:
                    await self._city.vault.keep(SYSTEM, who.ref, purpose.name, ENTERED, fields)
                self._tell("consents", done + 1, len(agreed))
            gone = [one for one in agreed if self._chance.random() < WITHDRAW]
            for done, one in enumerate(gone):
                self._later(60 + 20 * done / len(gone))
                await consents.withdraw(await self._sign_in(one.id), purpose.name)

    async def _let_act(self) -> None:
        """A parent for a child, entered at the counter and confirmed by a second person; a grown child for an old parent."""
        delegates, by_id = self._city.ways.delegates, {one.id: one for one in self._people}
        family = [(by_id[parent], one) for one in self._people for parent in one.parents]
        self._later(85)
        young = next((pair for pair in family if pair[1].age < GROWN - 2), None)
        if young and len(self._staff) > 1:
            first, second = [await self._colleague(ref) for ref in list(self._staff.values())[:2]]
            by, of = (self._refs[one.id] for one in young)
            scope, born = Scope(ACTS, delegates.classes), young[1].born.isoformat()
            made = await delegates.enter(first, of, by, "parent", scope, _PARENTS_PAPER, born=born)
            await delegates.decide(second, made["number"], shown(made), yes=True)
        old = next((pair for pair in family if pair[0].age >= 70 and pair[1].age >= GROWN), None)
        if old:
            ends = self._hands.at + MOST_DAYS * hours.DAY
            code, _ = await delegates.appoint(
                await self._sign_in(old[0].id), Scope(ACTS, delegates.classes, ends)
            )
            await delegates.accept(await self._sign_in(old[1].id), code)

    async def _ask(self) -> None:
        """Two of them ask the town hall about their data."""
        requests = Requests(self._city.store, lambda: self._city.vault, Calendar(), now=self._hands)
        grown = [one for one in self._people if one.age >= GROWN][:2]
        texts = (
            "どの課がわたしの住所を見たのか教えてください。（試験）",
            "お知らせの話題を変える方法が分かりません。（試験）",
        )
        for one, kind, text in zip(grown, ("question", "complaint"), texts, strict=False):
            self._later(88)
            who = await self._sign_in(one.id)
            said = {"name": one.name, "contact": one.entered("phone"), "text": text}
            await requests.file(who, Filing(kind, who.ref, said=said))

    # --- who looked at them
    async def _work(self) -> None:
        """On every day that the town hall is open, those whose duty it is look at a few; a program reads once a month."""
        reading = [
            (self._staff[duty.id], purpose)
            for duty in self._city.people.plan
            for purpose in sorted(duty.purposes & self._read)
        ]
        programs = [await self._program(purpose) for purpose in self._city.consents.purposes]
        days = [one for one in range(self._first + 90, self._first + DAYS) if hours.works(one)]
        for done, day in enumerate(days):
            for ref, purpose in reading:
                there = self._agreeing(purpose)
                for number, one in enumerate(
                    self._chance.sample(there, min(len(there), self._chance.randint(0, 4)))
                ):
                    self._hands.go(day, 9 + 2 * number, self._chance.randrange(60))
                    await self._look(await self._colleague(ref), purpose, [one])
            if done % 20 == 10:
                self._hands.go(day, 17, 30)
                for program, purpose in programs:
                    await self._look(program, purpose, self._agreeing(purpose))
            self._tell("history", done + 1, len(days))

    @property
    def _read(self) -> frozenset[str]:
        """Purposes for which the city's staff read what was collected; what the platform reads for itself is read when it does."""
        own = {one.name for one in platform_purposes.ALL}
        return frozenset(one.name for one in self._city.vault.purposes if one.fields and one.name not in own)

    def _agreeing(self, purpose: str) -> list[Resident]:
        """Those at whom one may look for it at this moment."""
        agrees = self._city.policy.facts.agrees
        return [one for one in self._people if agrees(self._refs[one.id], purpose)]

    async def _browse(self) -> None:
        """One evening of the last working days."""
        ref = self._for("identity")
        if not ref:
            return
        day = self._first + DAYS - 1
        while not hours.works(day):
            day -= 1
        self._hands.go(day, 21, 10)
        for one in self._people[:BROWSED]:
            self._hands.wait(MINUTE // 3)
            await self._look(await self._colleague(ref), "identity", [one])

    async def _program(self, purpose: str) -> tuple[Principal, str]:
        secret, _ = await self._city.people.tokens.issue(f"{purpose}（試験）", [f"read:person:{purpose}"])
        return await self._city.people.who(digest(secret)), purpose

    async def _look(self, who: Principal, purpose: str, people: Sequence[Resident]) -> None:
        """Raises Forbidden."""
        if people:
            await self._city.vault.read(Asked(who, purpose, tuple(self._refs[one.id] for one in people)))

    # --- who builds on it
    async def _contract(self) -> dict[str, str]:
        """A company under contract, with a key for open data and one for each purpose that rests on consent."""
        providers, people = self._city.providers, self._city.people
        duty = next((duty for duty in people.plan if "providers" in duty.desks), None)
        if duty is None:
            return {}
        second = await people.staff(
            another=True, called=called(colleagues(1, self._seed + 1)[0], duty.name["ja"])
        )
        await self._city.ways.office.prepare(
            SYSTEM, f"{duty.name['ja']}（試験）", [step(second, duty.id, gives=True)]
        )
        one, two = await self._colleague(self._staff[duty.id]), await self._colleague(second)
        await people.welcome(_MEMBER)
        secret, _ = await people.admit(_MEMBER, "visitor", _PASSKEY)
        who = await people.who(digest(secret))
        applied = await providers.apply(who, _COMPANY)
        await providers.decide(one, applied["number"], yes=True)
        day = providers.today
        purposes = sorted(set(self._city.consents.purposes) & set(providers.terms.purposes))
        wish = Wish(
            *(
                "サンドボックスの契約（試験）",
                day.isoformat(),
                (day + timedelta(YEAR)).isoformat(),
                600,
                100_000,
            ),
            "sandbox@provider.example",
            purposes=purposes,
            reads=providers.terms.types,
            writes=providers.terms.written,
            plan=next(iter(providers.terms.plans), ""),
        )
        contract = await providers.contracts.prepare(one, applied["number"], wish)
        seen = agreed_to(latest(contract))
        await providers.contracts.confirm(two, contract["id"], seen, yes=True)
        await providers.contracts.accept(who, contract["id"], seen)
        keys = {
            "open-data": (await providers.keys.make(who, contract["id"], "", "公開データ", writes=True))[0]
        }
        for purpose in purposes:
            keys[purpose], _ = await providers.keys.make(who, contract["id"], purpose, purpose)
        return keys
