"""The door to supplies: a shelter's keeper asks through his link, staff ask for a shelter, note what is sent and what arrived."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import mynumber
from kitamae.kernel.people.links.records import told
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import BadRequest, Conflict, NotFound
from kitamae.kernel.supplies import records
from kitamae.kernel.supplies.records import KIND, Did, Step, Supply, Wish, is_open

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.observed import Outcome
    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.links import Done, Links, Sent, Through
    from kitamae.kernel.supplies.records import Shelters

_FORM: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_SAID: Final = 100  # letters
_AHEAD: Final = 60_000_000  # microseconds: a form is filled in to the minute
_MINUTE: Final = 60_000_000


class _New(NamedTuple):
    """What is to be added. Times in microseconds UTC."""

    form: str
    by: str
    what: Did
    amount: int
    said: str
    when: int
    now: int


class Supplies:
    """One per city. Every step is durable, with its leaf in the ledger, when the call returns."""

    def __init__(
        self, store: Store, links: Links, shelters: Shelters, *, now: Callable[[], int] = clock.now
    ) -> None:
        self._store, self._links, self._shelters, self._now = store, links, shelters, now

    async def all(self) -> list[tuple[str, Supply]]:
        """(number, supply), what was asked for last first."""
        found = [
            (number, cast("Supply", doc)) for _, number, doc in await self._store.documents(TENANT, KIND)
        ]
        return sorted(found, key=lambda one: (one[1]["steps"][0]["observedAt"], one[0]), reverse=True)

    async def of(self, shelter: str) -> list[tuple[str, Supply]]:
        """The same of one shelter."""
        return [one for one in await self.all() if one[1]["shelter"] == shelter]

    async def ask(self, by: str, shelter: str, wish: Wish, form: str, at: int | None = None) -> Outcome:
        """For a shelter, by staff. `form`: the form's own number; `at`: when it was written on paper, microseconds UTC; None: now.

        `late`: it was before the shelter was closed, so nobody waits for it: it is kept as history. `known`: it is here already.
        Raises BadRequest, NotFound.
        """
        now, _ = self._now(), _form(form)
        when, key = _moment(at, now), form if at is None else ""

        async def work(tx: Transaction) -> Outcome:
            known = await tx.entity(self._shelters.tenant, shelter)
            if known is None or self._shelters.type not in known["type"]:
                raise NotFound(f"{shelter!r:.120} is not there any more")
            return await self._put(tx, by, known, wish, form, key, when, now)

        return await self._store.transact(work)

    async def through(self, code: str, sent: Sent) -> Done:
        """What a keeper's phone sends: {item, amount, unit}, or {arrived: the number of what arrived, amount}. Raises as `Links.use`."""

        async def work(tx: Transaction) -> Done:
            async def done(it: Through) -> tuple[Outcome, Mapping[str, Any]]:
                if "arrived" in sent.values:
                    return await self._arrived(tx, it, sent)
                wish = Wish.read(sent.values)
                said = {"足りない物": f"{wish.item} {wish.amount}{wish.unit}"}
                outcome = await self._put(tx, it.by, it.known, wish, sent.id, "", it.at, it.now)
                return outcome, said

            return await self._links.act(tx, code, "supplies", sent, done)

        return await self._store.transact(work)

    async def note(
        self,
        by: str,
        number: str,
        what: Did,
        form: str,
        *,
        seen: int,
        amount: int = 0,
        said: str = "",
        at: int | None = None,
    ) -> None:
        """What became of it. `seen`: how many steps the form showed; `at`: when it was so, microseconds UTC; None: now.

        Raises BadRequest, NotFound, and Conflict where somebody else noted something meanwhile, or where it is over.
        """
        now = self._now()
        when = _moment(at, now)
        told_, _ = said.strip(), _form(form)
        if len(told_) > _SAID:
            raise BadRequest(f"said: expected at most {_SAID} letters")
        mynumber.demand_none({"said": told_})
        if what == "declined" and not told_:
            raise BadRequest("this must be filled in: why it is not sent")

        async def work(tx: Transaction) -> None:
            one = await _one(tx, number)
            if any(step["form"] == form for step in one["steps"]):
                return
            if seen != len(one["steps"]):
                raise Conflict("look at it again: somebody else noted something in the meantime")
            _demand(one, what)
            counts = amount if what in ("sent", "arrived") else 0
            await self._add(tx, number, one, _New(form, by, what, counts, told_, when, now))

        await self._store.transact(work)

    async def undo(self, by: str, number: str, *, seen: int) -> None:
        """Take the last step back; what was asked is withdrawn instead. Raises NotFound, Conflict."""
        now = clock.text(self._now())

        async def work(tx: Transaction) -> None:
            one = await _one(tx, number)
            last = records.standing(one)[-1]
            if seen != len(one["steps"]) or last["what"] == "asked":
                raise Conflict("look at it again: somebody else noted something in the meantime")
            await told(tx, now, by, "undone", {"supply": number, "leaf": last["leaf"]})
            steps = [
                {**step, "undone": {"at": now, "by": by}} if step is last else step for step in one["steps"]
            ]
            await tx.put(TENANT, KIND, number, {**one, "steps": steps})

        await self._store.transact(work)

    # --- inside
    async def _put(
        self,
        tx: Transaction,
        by: str,
        known: Entity,
        wish: Wish,
        form: str,
        key: str,
        at: int,
        now: int,
    ) -> Outcome:
        """`key`: of what the number is made; "": of what was asked and the minute, so that a sheet that is entered twice counts once."""
        shelter = str(known["id"])
        said = "\n".join((shelter, *map(str, wish), key or clock.text(at - at % _MINUTE)))
        number = hashlib.sha256(said.encode()).hexdigest()[:20]
        if await tx.get(TENANT, KIND, number) is not None:
            return "known"
        late = self._shelters.closed_since(known, at)
        one: Supply = {
            "shelter": shelter, "item": wish.item, "amount": wish.amount, "unit": wish.unit, "late": late, "steps": [],
        }  # fmt: skip
        await self._add(tx, number, one, _New(form, by, "asked", wish.amount, "", at, now))
        return "late" if late else "new"

    async def _arrived(self, tx: Transaction, it: Through, sent: Sent) -> tuple[Outcome, Mapping[str, Any]]:
        number, many = str(sent.values["arrived"]), records.amount(sent.values.get("amount"))
        one = await _one(tx, number)
        if one["shelter"] != it.entity:
            raise NotFound(f"there is no supply {number!r:.40} of that shelter")
        if not is_open(one):
            return "late", {"届いた物": f"{one['item']} {many}{one['unit']}"}
        await self._add(tx, number, one, _New(sent.id, it.by, "arrived", many, "", it.at, it.now))
        return "new", {"届いた物": f"{one['item']} {many}{one['unit']}"}

    async def _add(self, tx: Transaction, number: str, one: Supply, step: _New) -> None:
        record = {
            "supply": number, "shelter": one["shelter"], "item": one["item"], "unit": one["unit"],
            "amount": step.amount, "said": step.said, "observedAt": clock.text(step.when),
        }  # fmt: skip
        event = await told(tx, clock.text(step.now), step.by, step.what, record)
        added: Step = {
            "form": step.form, "at": event["at"], "by": step.by, "what": step.what, "amount": step.amount,
            "said": step.said, "observedAt": clock.text(step.when), "leaf": event["leaf"], "salt": event["salt"],
        }  # fmt: skip
        await tx.put(TENANT, KIND, number, {**one, "steps": [*one["steps"], added]})


def _demand(one: Supply, what: Did) -> None:
    """Raises Conflict, BadRequest."""
    if not is_open(one):
        raise Conflict("it is over: look at it again, or take back what ended it")
    sent_ = records.counted(one, "sent") or records.counted(one, "arrived")
    if what == "withdrawn" and sent_:
        raise Conflict("some of it was sent already: look at it again")
    if what == "asked":
        raise BadRequest("what: expected one of sent, arrived, declined, withdrawn")


async def _one(tx: Transaction, number: str) -> Supply:
    found = cast("Supply | None", await tx.get(TENANT, KIND, number))
    if found is None:
        raise NotFound(f"there is no supply {number!r:.40}")
    return found


def _moment(at: int | None, now: int) -> int:
    """When it was so; the clock of a form goes by minutes. Raises BadRequest."""
    if at is not None and at > now + _AHEAD:
        raise BadRequest(f"at: {clock.text(at)} lies ahead; here it is {clock.text(now)}")
    return now if at is None else min(at, now)


def _form(form: str) -> str:
    if not _FORM.fullmatch(form):
        raise BadRequest(
            f"form: expected the form's own number, 8 to 64 letters and digits, got {form!r:.60}"
        )
    return form
