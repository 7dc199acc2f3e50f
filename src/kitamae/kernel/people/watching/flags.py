"""What becomes of a flag: open, then dismissed with a reason, or released to the persons whose records were looked at.

A flag is a document `flag` by an id that follows from who and which day; it says why, by the numbers of the receipts, and names
nobody who was looked at: whose receipts these are, the vault knows until the person is erased. Every step (raised, grown,
dismissed, released) is a record of the flag's own in the vault, with its reason and the salt of its leaf in the ledger; both
commit with the document. So opening a flag is reading the vault for the purpose `watching`, and leaves a receipt itself.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, cast

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import notices, swept
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.vault import Asked, withholding
from kitamae.kernel.people.watching import hours
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault import Look, Vault
    from kitamae.kernel.people.watching.detector import Flagging

FLAG: Final = "flag"
PURPOSE: Final = "watching"
SHOWN: Final = 200
"""Receipts of one flag that are shown as its evidence."""
LONGEST: Final = 2_000
"""Characters of a reason."""
_LOOKS: Final = 10_000
"""Of one's own receipts, the newest that flags are looked for in."""
_EVER: Final = (1 << 63) - 1

State = Literal["open", "dismissed", "released"]
Decision = Literal["dismissed", "released"]


class Why(TypedDict):
    """A reason: `figures` are what its sentence says, `numbers` the receipts that it rests on, `tenths` its score."""

    kind: str
    tenths: int
    numbers: list[int]
    figures: dict[str, int]


class Step(TypedDict):
    """`leaf`: the number of its leaf in the ledger."""

    event: Literal["raised", "grown", "dismissed", "released"]
    at: str
    by: str
    leaf: int


class Flag(TypedDict):
    """`who`: the member of staff or the program; `day`: in Japan; `due`: when the flag is forgotten. The strongest reason is first."""

    id: str
    who: str
    day: str
    tenths: int
    reasons: list[Why]
    state: State
    steps: list[Step]
    due: str


@dataclass(frozen=True, slots=True)
class Glance:
    """A look as evidence: `nth` of the persons in this flag, 0 who was erased since; `person` "" unless it was opened."""

    number: int
    at: int
    purpose: str
    nth: int
    person: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """`looks`: by number. `said`: what was written down at each step."""

    flag: Flag
    looks: Sequence[Glance]
    said: Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Concern:
    """A flag that was released, as one person sees it: the looks at his own records, and the kinds of reason for those."""

    id: str
    who: str
    day: str
    kinds: tuple[str, ...]
    looks: tuple[Look, ...]


class Flags:
    """One per city. `vault()` raises VaultClosed."""

    def __init__(
        self, store: Store, vault: Callable[[], Vault], now: Callable[[], int] = clock.now, tenant: str = ""
    ) -> None:
        self._store, self._vault, self._now, self._tenant = store, vault, now, tenant

    # --- raised by the watcher
    async def add(self, found: Flagging) -> None:
        """Raise it, or let the open one grow; nothing where it says nothing new. What was decided stays so: later looks of that
        day are a flag of their own.
        """
        reasons = [
            Why(
                kind=one.kind,
                tenths=round(one.score * 10),
                numbers=list(one.numbers),
                figures=dict(one.figures),
            )
            for one in found.reasons
        ]
        base = sha256(f"{found.who}\0{found.day}".encode()).hexdigest()[:16]
        for again in range(100):
            id = f"{base}-{again}" if again else base
            before = await self._get(id)
            if before is None or before["state"] == "open":
                break
            last = max(number for one in before["reasons"] for number in one["numbers"])
            reasons = [one for one in reasons if one["numbers"][-1] > last]
            for one in reasons:
                one["numbers"] = [number for number in one["numbers"] if number > last]
        if not reasons or (before is not None and before["reasons"] == reasons):
            return
        tenths = sum(one["tenths"] for one in reasons)
        flag = Flag(
            id=id, who=found.who, day=hours.written(found.day), tenths=tenths, reasons=reasons, state="open",
            steps=before["steps"] if before else [], due=before["due"] if before else self._due(),
        )  # fmt: skip
        await self._step(SYSTEM, flag, before, "grown" if before else "raised", "")

    # --- the privacy officer
    async def all(self, who: Principal) -> list[Flag]:
        """Open ones first, then the newest; none about whoever asks."""
        found = [
            cast("Flag", doc)
            for _, _, doc in await self._store.documents(TENANT, FLAG)
            if doc["who"] != who.ref
        ]
        found.sort(key=lambda one: (one["day"], one["tenths"]), reverse=True)
        return sorted(found, key=lambda one: one["state"] != "open")

    async def evidence(self, who: Principal, id: str, opened: int = 0) -> Evidence:
        """What a flag rests on; leaves a receipt in the flag's own file. Whose records were looked at is told of one look, by the
        number that is `opened`, and leaves a receipt with that person. Raises NotSignedIn, Forbidden, NotFound.
        """
        flag = await self._known(who, id)
        said = await self._vault().read(Asked(who, PURPOSE, (_file(id),), tenant=self._tenant))
        numbers = sorted({number for one in flag["reasons"] for number in one["numbers"]})
        looks = await self._vault().outside.numbered(SYSTEM, numbers[-SHOWN:])
        named = {one.number: await self._whose(who, one) for one in looks if one.number == opened}
        nth = {
            person: n for n, person in enumerate(dict.fromkeys(one.person for one in looks if one.person), 1)
        }
        glances = [
            Glance(one.number, one.at, one.purpose, nth.get(one.person, 0), named.get(one.number, ""))
            for one in looks
        ]
        return Evidence(flag, glances, sorted((one.fields for one in said), key=_number))

    async def _whose(self, who: Principal, look: Look) -> str:
        """The person's reference, once the receipt of that is durable; "": he was erased."""
        asked = Asked(who, PURPOSE, (look.person,), tenant=look.tenant)
        if not look.person or not await self._vault().receipts(asked, look.number + 1, 1, whole=True):
            return ""
        return look.person

    async def decide(self, who: Principal, id: str, decision: Decision, reason: str) -> Flag:
        """Once, by somebody else than whom it is about. Raises NotSignedIn, Forbidden, NotFound, Conflict, BadRequest, HoldsMyNumber."""
        if not 1 <= len(reason.strip()) <= LONGEST:
            raise BadRequest(f"reason: why is it {decision}? 1 to {LONGEST} characters")
        before = await self._known(who, id)
        if before["state"] != "open":
            raise Conflict(f"the flag was {before['state']} already, by {before['steps'][-1]['by']}")
        flag = before.copy()
        flag["state"] = decision
        return await self._step(who, flag, before, decision, reason.strip())

    # --- the person
    async def mine(self, who: Principal) -> list[Concern]:
        """Released flags that rest on looks at one's own records, newest first; what is withheld from the person at present is
        not among them. Raises Forbidden where nobody is signed in.
        """
        if not who.session:
            raise Forbidden("whose records? Sign in first")
        released = [
            cast("Flag", doc)
            for _, _, doc in await self._store.documents(TENANT, FLAG)
            if doc["state"] == "released"
        ]
        if not released:
            return []
        looks = await self._vault().outside.looks_at(SYSTEM, self._tenant, who.ref, _EVER, _LOOKS)
        held = await withholding.kept(
            self._store, who.ref
        )  # asked after the looks: what came since is not among them
        hidden = withholding.hidden(held, self._now())
        own = {one.number: one for one in looks if one.number not in hidden}
        found = []
        for flag in released:
            kinds = tuple(one["kind"] for one in flag["reasons"] if own.keys() & set(one["numbers"]))
            numbers = sorted({n for one in flag["reasons"] for n in one["numbers"] if n in own})
            if numbers:
                some = tuple(own[number] for number in numbers)
                found.append(Concern(flag["id"], flag["who"], flag["day"], kinds, some))
        return sorted(found, key=lambda one: one.day, reverse=True)

    # --- keeping
    async def tidy(self) -> int:
        """Forget flags whose time is over, as the vault does with what was said about them; how many. Not by a doubtful clock."""
        now = self._now()
        if self._vault().clock_trouble():
            return 0
        over = [
            id for _, id, doc in await self._store.documents(TENANT, FLAG) if clock.micros(doc["due"]) <= now
        ]

        async def work(tx: Transaction) -> None:
            for id in over:
                await tx.drop(TENANT, FLAG, id)
            await swept.note(tx, now, {FLAG: len(over)})

        if over:
            await self._store.transact(work)
        return len(over)

    def _due(self) -> str:
        purpose = self._vault().purposes.demand(PURPOSE)
        return clock.text(purpose.due(self._now()))

    async def _get(self, id: str) -> Flag | None:
        return cast("Flag | None", await self._store.get(TENANT, FLAG, id))

    async def _known(self, who: Principal, id: str) -> Flag:
        flag = await self._get(id)
        if flag is None:
            raise NotFound(f"there is no flag {id!r:.40}")
        if flag["who"] == who.ref:
            raise Forbidden("a flag about oneself is for a colleague to look at")
        return flag

    async def _step(self, who: Principal, flag: Flag, before: Flag | None, event: Any, reason: str) -> Flag:
        """Document, leaf and record in one transaction. Raises Conflict where somebody else was first."""
        at = clock.text(self._now())
        told = {
            "at": at, "by": who.ref, "event": event, "flag": flag["id"], "reason": reason,
            "told": {"day": flag["day"], "reasons": flag["reasons"], "who": flag["who"]},
        }  # fmt: skip
        salt = commitment.salt()
        leaf = commitment.commit(salt, commitment.canonical(told))
        after = flag.copy()

        async def along(tx: Transaction) -> Mapping[str, object]:
            if await tx.get(TENANT, FLAG, flag["id"]) != before:
                raise Conflict("somebody else looked after this flag at the same moment: look at it again")
            number = await tx.log(leaf)
            after["steps"] = [*flag["steps"], Step(event=event, at=at, by=who.ref, leaf=number)]
            await tx.put(TENANT, FLAG, flag["id"], after)
            if event == "released":
                await self._tell(tx, flag)
            return {"number": number}

        kept = {**told, "salt": base64.b64encode(salt).decode()}
        await self._vault().keep(
            who, _file(flag["id"]), PURPOSE, FLAG, kept, tenant=self._tenant, along=along
        )
        return after

    async def _tell(self, tx: Transaction, flag: Flag) -> None:
        """Give notice to whoever's records were looked at; where all of one's looks are withheld, not before one of them is shown."""
        now = self._now()
        looks = await tx.vault.numbered(
            sorted({number for one in flag["reasons"] for number in one["numbers"]})
        )
        own: dict[str, list[int]] = {}
        for look in looks:
            if look.person and look.person != flag["who"]:
                own.setdefault(look.person, []).append(look.number)
        for person, numbers in own.items():
            after = await withholding.shown_from(tx, person, numbers, now)
            await notices.owe(tx, person, notices.What("flag"), now, after, numbers)


def _file(id: str) -> str:
    """Under which reference the vault keeps what was said about a flag."""
    return f"flag-{id}"


def _number(said: Mapping[str, object]) -> int:
    """In the order of their leaves."""
    return int(str(said["number"]))
