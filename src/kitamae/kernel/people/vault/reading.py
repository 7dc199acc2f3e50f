"""The one way to a plaintext: who, for what purpose, on what basis; the receipt is durable before anything is opened.

In one transaction the sealed records are read, the receipt is written and its leaf logged. Only after the commit is
anything decrypted: whoever cannot leave a receipt (a full disk, a crash) gets nothing.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.delegates import standing as delegates
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.vault import former, receipt, withholding
from kitamae.kernel.people.vault.classes import OWN, RECEIPTS, Basis
from kitamae.kernel.people.vault.former import Former
from kitamae.kernel.people.vault.problems import Erased, Refused, Tampered
from kitamae.kernel.people.vault.receipt import BROKEN, Receipt, leave
from kitamae.kernel.people.vault.seal import Place, unseal
from kitamae.kernel.problems import BadRequest, Forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault.inner import Inner
    from kitamae.kernel.people.vault.keyring import PersonKeys
    from kitamae.kernel.people.vault.rows import Noted, Sealed

MOST_PERSONS: Final = 1_000
MOST_RECORDS: Final = 1_000
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants to see what, and for what declared purpose (`OWN`: about oneself).

    `kinds`, `fields`: empty for all that the purpose allows. `after`: records of one person behind this id.
    """

    who: Principal
    purpose: str
    persons: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    tenant: str = ""
    after: str = ""
    most: int = MOST_RECORDS


@dataclass(frozen=True, slots=True)
class Record:
    """In plain text. Times in microseconds UTC; `due`: when its retention ends. `former`: what others corrected, oldest first; told to
    the person alone.
    """

    id: str
    person: str
    klass: str
    kind: str
    created: int
    modified: int
    due: int
    fields: Mapping[str, object]
    former: Sequence[Former] = ()


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the policy and the papers allow."""

    basis: Basis | str
    fields: frozenset[str] | None  # None: all
    classes: tuple[str, ...] = ()  # empty: all


class Reading:
    """On the inner parts."""

    def __init__(self, inner: Inner) -> None:
        self._inner = inner

    async def read(self, asked: Asked) -> list[Record]:
        """Records by person and id. Raises NotSignedIn, Forbidden, BadRequest, ClockSetBack, Tampered, WrongKey."""
        allowed = self.allowed(asked)
        for last in range(_TRIES):
            keys = {person: await self._inner.keys.of(person, anew=last > 0) for person in asked.persons}
            known = {person: one for person, one in keys.items() if RECEIPTS in one.current}
            if not known:
                return []
            try:
                rows = await self._receipted(asked, allowed, known)
            except Refused as refused:
                await self._inner.keys.after(refused.person, RECEIPTS, refused.version)
                continue
            rows = await self._living(rows, known)
            return [
                self._opened(row, known[row.person], allowed.fields, own=asked.who.ref == row.person)
                for row in rows
            ]
        raise Erased("somebody is being erased at this moment; ask again")

    def allowed(self, asked: Asked) -> Allowed:
        """What the policy and the papers say to it. Raises NotSignedIn, Forbidden, BadRequest."""
        inner = self._inner
        if not 1 <= len(asked.persons) <= MOST_PERSONS or not 1 <= asked.most <= MOST_RECORDS:
            raise BadRequest(
                f"one request reads of 1 to {MOST_PERSONS} persons, {MOST_RECORDS} records at most"
            )
        because: set[str] = set()
        for person in asked.persons:
            question = Question(asked.who, "read", f"person:{person}", asked.tenant, asked.purpose)
            because.update(inner.policy.demand(question).because)
        wanted = frozenset(asked.fields) or None
        if asked.purpose == OWN:
            acting = asked.who.acting
            if acting and any(person != asked.who.ref for person in asked.persons):
                return Allowed(f"mandate:{acting.number}", wanted, acting.classes)
            return Allowed("own", wanted)
        purpose = inner.purposes.demand(asked.purpose)
        if wanted and (beyond := sorted(wanted - purpose.fields)):
            raise Forbidden(f"the purpose {asked.purpose} does not cover the field {beyond[0]!r:.60}")
        basis = BROKEN if BROKEN in because else purpose.basis  # a policy's name: it was not his duty
        return Allowed(basis, wanted or purpose.fields, (purpose.name, *sorted(purpose.also)))

    async def _receipted(
        self, asked: Asked, allowed: Allowed, keys: Mapping[str, PersonKeys]
    ) -> list[Sealed]:
        """The sealed rows, once their receipts are durable. Raises Refused."""
        at, who = self._inner.at(), asked.who
        own_session = hashlib.sha256(who.session.encode()).hexdigest()[:32] if asked.purpose == OWN else ""

        async def work(tx: Transaction) -> list[Sealed]:
            found: list[Sealed] = []
            await self._inner.demand_again(tx, who, "read", (asked.tenant, asked.persons[0], asked.purpose))
            for person, own in keys.items():
                if asked.purpose == OWN:
                    await delegates.demand(tx, who, person, at)
                await self._inner.demand_consent(tx, person, asked.purpose)
                rows = await tx.vault.of(
                    asked.tenant, person, asked.kinds, allowed.classes, asked.after, asked.most
                )
                shown = _shown(rows, allowed.fields)
                session = own_session if person == who.ref else ""  # a delegate leaves a receipt each time
                if not rows or (session and await tx.vault.noted_in(asked.tenant, person, session)):
                    found += rows
                    continue
                made = Receipt(
                    *(0, asked.tenant, person, at, who.ref, asked.purpose, allowed.basis, shown),
                    commitment.salt(),
                )
                await leave(tx, made, own, session)
                found += rows
            return found

        return await self._inner.store.transact(work)

    async def _living(self, rows: list[Sealed], keys: dict[str, PersonKeys]) -> list[Sealed]:
        """Without those whose key was destroyed just now, and which are about to be deleted.

        `keys` is brought up to date where another worker made newer ones.
        """
        unknown = {one.person for one in rows if keys[one.person].get(one.klass, one.version) is None}
        gone = {}
        for person in unknown:
            keys[person] = await self._inner.keys.of(person, anew=True)
            gone[person] = await self._inner.keys.store.destroyed(person)
        return [one for one in rows if one.version > gone.get(one.person, {}).get(one.klass, 0)]

    def _opened(self, row: Sealed, keys: PersonKeys, only: frozenset[str] | None, *, own: bool) -> Record:
        """Raises Tampered."""
        key = keys.get(row.klass, row.version)
        if key is None:
            raise Tampered(f"a record of the class {row.klass} names a key that is not there")
        told = orjson.loads(row.fields)
        fields = {
            name: orjson.loads(
                unseal(
                    key,
                    base64.b64decode(sealed),
                    Place(row.tenant, row.person, row.id, name, row.klass, row.version),
                )
            )
            for name, sealed in told.items()
            if (only is None and (own or name != former.FIELD)) or (only is not None and name in only)
        }
        past = [Former(**one) for one in cast("list[Any]", fields.pop(former.FIELD, ()))]
        head = (row.id, row.person, row.klass, row.kind, row.created, row.modified, row.due)
        return Record(*head, fields, past)

    async def receipts(self, asked: Asked, before: int, most: int, *, whole: bool = False) -> list[Receipt]:
        """Who looked at one person's data, newest first; to be asked for as personal data is, and receipted as such.

        Without those that are withheld at present (`withholding.py`), whatever the purpose: a portal shows them to the person. With
        them (`whole`) for the desk that looks after privacy alone. Raises as `read`.
        """
        allowed = self.allowed(asked)
        if whole:
            self._inner.policy.demand(Question(asked.who, "read", withholding.DESK))
        person = _alone(asked)
        keys = await self._inner.keys.of(person, anew=True)
        if RECEIPTS not in keys.current:
            return []
        if asked.purpose != OWN:
            made_for = Allowed(allowed.basis, frozenset({RECEIPTS}))
            await self._note(asked, made_for, keys)

        rows: list[Noted] = []
        while len(rows) < most:

            async def work(tx: Transaction, before: int = before) -> list[Noted]:
                return await tx.vault.noted(asked.tenant, person, before, most)

            some = await self._inner.store.transact(work)
            hidden: frozenset[int] = frozenset()
            if not whole:  # asked after the rows: what was withheld before that is not among them
                kept = await withholding.kept(self._inner.store, person)
                hidden = withholding.hidden(kept, self._inner.at())
            rows += [row for row in some if row.number not in hidden]
            if len(some) < most:
                break
            before = some[-1].number
        return [self._receipt(row, keys) for row in rows[:most]]

    async def withheld(self, asked: Asked) -> list[int]:
        """Of how many looks the person is not told at present: for each, when it will be shown (microseconds UTC), soonest first."""
        self.allowed(asked)
        person = _alone(asked)
        kept = await withholding.kept(self._inner.store, person)
        return withholding.shown_at(kept, self._inner.at())

    async def _note(self, asked: Asked, allowed: Allowed, keys: PersonKeys) -> None:
        """Raises Refused."""
        made = Receipt(
            *(0, asked.tenant, keys.person, self._inner.at(), asked.who.ref, asked.purpose, allowed.basis),
            {RECEIPTS: [RECEIPTS]},
            commitment.salt(),
        )

        async def work(tx: Transaction) -> None:
            await self._inner.demand_again(tx, asked.who, "read", (asked.tenant, keys.person, asked.purpose))
            await self._inner.demand_consent(tx, keys.person, asked.purpose)
            await leave(tx, made, keys)

        await self._inner.store.transact(work)

    def _receipt(self, row: Noted, keys: PersonKeys) -> Receipt:
        key = keys.get(RECEIPTS, row.version)
        if key is None:
            raise Tampered("a receipt names a key that is not there")
        return receipt.opened(row, unseal(key, row.sealed, receipt.place(row)))


def _alone(asked: Asked) -> str:
    """Of whom; a delegate does not see the log of the one he acts for. Raises Forbidden."""
    (person,) = asked.persons
    if asked.purpose == OWN and person != asked.who.ref:
        raise Forbidden("who looked at somebody's data is told to nobody but that person")
    return person


def _shown(rows: Sequence[Sealed], only: frozenset[str] | None) -> dict[str, list[str]]:
    """Kind -> the fields that will be shown; none of a kind whose rows say only that, and since when, there is one: a look too."""
    shown: dict[str, set[str]] = {}
    for row in rows:
        names = orjson.loads(row.fields).keys()
        seen = names - {former.FIELD} if only is None else only.intersection(names)
        shown.setdefault(row.kind, set()).update(seen)
    return {kind: sorted(names) for kind, names in sorted(shown.items())}
