"""The door: filing a case, reading it, taking its steps. Each step is one commit: the row, what was said, its leaf."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import notices, secret
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.platform_purposes import REQUESTS
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.requests import case as cases
from kitamae.kernel.people.requests import deadline
from kitamae.kernel.people.requests.kinds import KINDS, WITHIN_90
from kitamae.kernel.people.vault import OWN, Asked
from kitamae.kernel.problems import BadRequest, Forbidden, NotFound, TooMany

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from kitamae.kernel.calendar import Calendar
    from kitamae.kernel.context.store import Reader, Store, Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.requests.case import Case, Move
    from kitamae.kernel.people.vault import Vault

KIND: Final = "case"
"""Documents of the store, by case number."""
INDEX: Final = "cases"
"""Documents of the store, by a person's reference: the numbers of his cases."""
MOST_OPEN: Final = 30
"""Cases of one person that wait for the town hall."""
LONGEST: Final = 4_000
"""Letters of one field."""
WRITTEN: Final = ("name", "address", "contact", "represented", "target", "received_on", "text", "reason")
"""What whoever asks fills in."""
PROPOSAL: Final = "proposal"
"""What else he may say: the values that a record should have (`proposal.py`); where it is there, `text` may be left out."""
DATED: Final = frozenset({"file", "correct", "extend", "special"})
"""Steps after which the day until which it is answered is another one; it is kept with what was said."""
TOLD: Final = frozenset({"ask", "extend", "special", "transfer", "answer", "decide"})
"""Steps of the town hall that the person is given notice of, and that have a letter."""

_ABOUT: Final = re.compile(r"(?:receipt:\d{1,11}|purpose:[a-z][a-z0-9_.-]{0,80})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Filing:
    """What somebody asks. `said`: of `WRITTEN` and `PROPOSAL`, what was filled in; `person`: whose case it is; `about`: `receipt:<number>` of
    the data-use log, `purpose:<name>` of what is held, or "".
    """

    kind: str
    person: str
    capacity: str = "self"
    about: str = ""
    said: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """A step with what was said in it, in plain text. `leaf`: its number in the ledger."""

    step: str
    at: str
    by: str
    leaf: int
    fields: Mapping[str, str]

    def proof(self) -> dict[str, Any]:
        """What the person keeps: with it anybody can make the leaf again. Raises KeyError where nothing is kept of it."""
        told = {name: value for name, value in self.fields.items() if name not in ("salt", "leaf")}
        salt = base64.b64decode(self.fields["salt"])
        leaf = commitment.commit(salt, commitment.canonical(told))
        return {
            "number": self.leaf,
            "record": told,
            "salt": self.fields["salt"],
            "leaf": base64.b64encode(leaf).decode(),
        }


class Requests:
    """On one store. `days`: what the municipality set for each kind, 0: what the law or the platform sets."""

    def __init__(
        self,
        store: Store,
        vault: Callable[[], Vault],
        calendar: Calendar,
        *,
        days: Mapping[str, int] | None = None,
        now: Callable[[], int] = clock.now,
    ) -> None:
        """`vault()` raises VaultClosed."""
        self._store, self._vault, self.calendar = store, vault, calendar
        self._days = dict(days or {})
        self._now = now

    def today(self) -> date:
        """In Japan."""
        return days.of(self._now())

    def day(self, at: str) -> str:
        """The day in Japan of a moment in RFC 3339."""
        return days.of(clock.micros(at)).isoformat()

    def too_late(self, case: Case, said: Sequence[Said]) -> bool:
        """Was it filed later than 90 days after the disclosure (第90条第3項, 第98条第3項)? A last day that is a day off moves
        (地方自治法第4条の2第4項). The day is what the person says.
        """
        received = next((one.fields.get("received_on", "") for one in said if one.step == "file"), "")
        if not received or not KINDS[case["kind"]].statutory:
            return False
        within = deadline.ends(date.fromisoformat(received), WITHIN_90, self.calendar)
        return within.late(date.fromisoformat(case["filed"]))

    # --- filing
    async def file(self, who: Principal, filing: Filing) -> str:
        """The number of the new case. A person files his own; staff file for whoever came to the counter.

        Raises Forbidden, TooMany, BadRequest, HoldsMyNumber naming the field.
        """
        own = filing.person == who.ref
        if not own and who.role != "staff":
            raise Forbidden("one files a case for oneself; at the counter, staff do it")
        said = _filled(filing, self.today())
        today = self.today()
        made = cases.begun(
            filing.kind,
            filing.person,
            filing.capacity,
            today,
            about=filing.about,
            via="self" if own else "counter",
            identity="digital" if own and who.assurance >= 3 and filing.capacity == "self" else "",
            days=self._days.get(filing.kind, 0),
        )
        year = today.year - (today.month < 4)  # 年度
        number = f"{year}-{secret.spoken(6)}"
        fields = {**said, "capacity": filing.capacity}

        async def first(tx: Transaction) -> Case:
            if await tx.get(TENANT, KIND, number) is not None:
                raise NotFound("that number is taken")  # one in a thousand million: send it once more
            numbers: Any = await tx.get(TENANT, INDEX, filing.person) or []
            rows: list[Any] = [await tx.get(TENANT, KIND, one) for one in numbers]
            waiting = sum(one is not None and one["state"] in cases.OPEN for one in rows)
            if waiting >= MOST_OPEN:
                raise TooMany(f"{waiting} cases of yours are open: wait for an answer, or withdraw one")
            await tx.put(TENANT, INDEX, filing.person, [*numbers, number])
            return made

        await self._keep(who, number, filing.person, "file", fields, first)
        return number

    # --- reading
    async def case(self, number: str) -> Case:
        """The row. Raises NotFound."""
        found = cast("Case | None", await self._store.get(TENANT, KIND, number))
        if found is None:
            raise NotFound(f"there is no case {number!r:.40}")
        return found

    async def own(self, who: Principal, number: str) -> Case:
        """One's own; anybody else's is not there. Raises NotFound."""
        case = cast("Case | None", await self._store.get(TENANT, KIND, number))
        if (
            case is None or not who.ref or case["person"] != who.ref
        ):  # the same words: nobody hears which numbers there are
            raise NotFound(f"there is no case {number!r:.40} of yours")
        return case

    async def all(self) -> list[tuple[str, Case]]:
        """Number and row of every case, in the order in which they were filed."""
        kept = await self._store.documents(TENANT, KIND)
        return [(number, cast("Case", doc)) for _, number, doc in kept]

    async def of(self, person: str) -> list[tuple[str, Case]]:
        """As `of` below."""
        return await of(self._store, person)

    async def said(self, who: Principal, number: str) -> list[Said]:
        """Every step in order, with what was said. It leaves a receipt. What was erased is not there any more.

        Raises NotFound, NotSignedIn, Forbidden.
        """
        case = await self.case(number)
        own = case["person"] == who.ref
        asked = Asked(who, OWN if own else REQUESTS.name, (case["person"],), (_kind(number),))
        records = {one.fields["leaf"]: one.fields for one in await self._vault().read(asked)}
        for one in case.get("steps", []):
            if one["step"] == cases.CARRIED:
                records[one["leaf"]] = await self._receipt(asked, one["leaf"]) if own else {}
        return [
            Said(one["step"], one["at"], one["by"], one["leaf"], cast("Mapping[str, str]", fields))
            for one in case.get("steps", [])
            if (fields := records.get(one["leaf"])) is not None
        ]

    async def _receipt(self, asked: Asked, leaf: int) -> Mapping[str, object]:
        """What tells the person that what was decided has been done; nothing, where it is kept no more, or withheld at present."""
        found = await self._vault().receipts(asked, leaf + 1, 1)
        if not found or found[0].number != leaf:
            return {}
        proof = found[0].proof()
        return {**proof["receipt"], "salt": proof["salt"]}

    # --- steps
    async def step(self, who: Principal, number: str, move: Move) -> Case:
        """Take a step. Raises Conflict where the case cannot take it, BadRequest, HoldsMyNumber, NotFound."""
        person = (await self.case(number))["person"]
        told = {
            "text": move.text.strip(),
            "reason": move.reason.strip(),
            "identity": move.identity,
            "outcome": move.outcome,
            "days": str(move.days) if move.days else "",
        }
        _demand_short(told)

        async def next_(tx: Transaction) -> Case:
            now = cast("Case | None", await tx.get(TENANT, KIND, number))
            if now is None:
                raise NotFound(f"there is no case {number!r:.40}")
            return cases.moved(now, move, who.ref, self.today(), self.calendar)

        cases.moved(
            await self.case(number), move, who.ref, self.today(), self.calendar
        )  # before anything is sealed
        fields = {name: value for name, value in told.items() if value}
        return await self._keep(who, number, person, move.step, fields, next_)

    async def _keep(
        self,
        who: Principal,
        number: str,
        person: str,
        step: str,
        said: Mapping[str, str],
        after: Callable[[Transaction], Awaitable[Case]],
    ) -> Case:
        now, salt = self._now(), commitment.salt()
        at = clock.text(now)
        told = {**said, "step": step, "at": at, "by": who.ref, "case": number}
        kept: list[Case] = []

        async def along(tx: Transaction) -> Mapping[str, object]:
            case = await after(tx)
            promised = self._promised(step, case)
            leaf = commitment.commit(salt, commitment.canonical({**told, **promised}))
            number_ = await tx.log(leaf)
            row: cases.Step = {"step": step, "at": at, "by": who.ref, "leaf": number_}
            case = {**case, "steps": [*case.get("steps", []), row]}
            await tx.put(TENANT, KIND, number, case)
            if step in TOLD and person != who.ref:
                which = len(case["steps"]) - 1
                await notices.owe(tx, person, notices.What("case", number, step, which), now)
            kept[:] = [case]
            return {"leaf": number_, **promised}

        fields = {**told, "salt": base64.b64encode(salt).decode()}
        writer = SYSTEM if person == who.ref else who  # what one writes oneself needs nobody's duty
        await self._vault().keep(writer, person, REQUESTS.name, _kind(number), fields, along=along)
        return kept[0]

    def _promised(self, step: str, case: Case) -> dict[str, str]:
        """The day until which an answer is owed, where the step tells it: a letter that is printed again says what was sent."""
        until = cases.term(case, self.calendar, case["extended"]) if step in DATED else None
        return {"due": until.last.isoformat()} if until else {}


async def of(store: Reader, person: str) -> list[tuple[str, Case]]:
    """Number and row of the cases of one person, in the order in which they were filed; nobody else's is looked at."""
    numbers: Any = await store.get(TENANT, INDEX, person) or []
    found = [(one, await store.get(TENANT, KIND, one)) for one in numbers]
    return [(number, cast("Case", doc)) for number, doc in found if doc is not None]


def _kind(number: str) -> str:
    """The kind of the vault's records of one case."""
    return f"case:{number}"


def _filled(filing: Filing, today: date) -> dict[str, str]:
    """What was filled in, without what is empty. Raises BadRequest for what the law wants and is missing."""
    kind = KINDS.get(filing.kind)
    if kind is None:
        raise BadRequest(f"kind: expected one of {', '.join(KINDS)}, got {filing.kind!r:.40}")
    if not _ABOUT.fullmatch(filing.about):
        raise BadRequest("about: expected receipt:<number> or purpose:<name>")
    said = {name: value.strip() for name, value in filing.said.items() if value.strip()}
    if beyond := said.keys() - {*WRITTEN, PROPOSAL}:
        raise BadRequest(f"{min(beyond)!r:.40}: a request has no such part")
    needs = (*kind.needs, *(("represented",) if filing.capacity != "self" else ()))
    if missing := [n for n in needs if n not in said and not (n == "text" and PROPOSAL in said)]:
        raise BadRequest(f"{missing[0]}: this must be filled in", missing=missing)
    _demand_short(said)
    if (
        "received_on" in said
    ):  # whatever the kind: it is looked at as a day, and not for a number of somebody's
        try:
            received = date.fromisoformat(said["received_on"])
        except ValueError as error:
            raise BadRequest(
                "received_on: expected a day such as 2026-11-21", missing=["received_on"]
            ) from error
        days.demand_past("received_on", received, today)
    return said


def _demand_short(said: Mapping[str, str]) -> None:
    for name, value in said.items():
        if len(value) > LONGEST:
            raise BadRequest(f"{name}: at most {LONGEST} letters, these are {len(value)}", missing=[name])
