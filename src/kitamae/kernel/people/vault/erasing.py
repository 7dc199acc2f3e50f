"""Keys destroyed: on demand, and by retention.

An erasure destroys the keys first (keys.db, and the list of erasures beside it), then deletes what they sealed. From the
first step on nothing can be read; a crash between is finished at the next start by `replay`, and so is a restore of a
state, or of keys, from before the erasure.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import swept
from kitamae.kernel.people.delegates import records as mandates
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.vault import withholding
from kitamae.kernel.people.vault.classes import CONSENTS, DAY, OWN, RECEIPTS
from kitamae.kernel.people.vault.keyring import CITY
from kitamae.kernel.people.vault.keystore import ENDED, NO_KEY, Erasure
from kitamae.kernel.people.vault.problems import Erased, Refused
from kitamae.kernel.people.vault.receipt import Receipt, leave
from kitamae.kernel.problems import BadRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault.inner import Inner
    from kitamae.kernel.people.vault.keyring import PersonKeys
    from kitamae.kernel.people.vault.rows import Sealed

REPLAYED: Final = 500  # erasures in one transaction
SWEPT: Final = 500  # records in one transaction
FEW: Final = 100
"""Keys that retention destroys at once without a question; of more, a fifth of all that there are."""
_TRIES: Final = 3
_EVER: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Erasing:
    """What an erasure did. `until`: a backup of the keys may hold them until then, microseconds UTC.

    `kept`: class -> the law that keeps it. `number`, `salt`, `told`: with them the person can prove the erasure from
    the ledger; nobody else has the salt. `account`: what let the person in and ended with it, how many of what. Where somebody else erased, `number` is that of the receipt, which the person alone opens.
    """

    person: str
    classes: tuple[str, ...]
    records: int
    at: int
    until: int
    kept: dict[str, str]
    number: int
    salt: bytes = b""
    account: dict[str, int] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)

    def proof(self) -> dict[str, Any] | None:
        """For the person to keep; None where the receipt is it."""
        if not self.salt:
            return None
        return {"number": self.number, "erasure": self.told, "salt": base64.b64encode(self.salt).decode()}


class Eraser:
    """On the inner parts. `backup_days`: how long a backup of the keys is kept."""

    def __init__(self, inner: Inner, backup_days: int) -> None:
        self._inner = inner
        self._days = backup_days
        self.held = ""
        """Why nothing is swept at present; "": it is."""

    async def erase(self, who: Principal, person: str, classes: Sequence[str] = ()) -> Erasing:
        """Destroy the keys of these classes; none named: of all that may go.

        A person himself erases what rests on his consent, and with the last class the receipts; what a law or a contract keeps is
        erased by whoever may decide that (`erasing_for.py`). With all that may go his account ends too. Raises NotSignedIn, Forbidden, NotFound.
        """
        inner = self._inner
        inner.policy.demand(Question(who, "delete", f"person:{person}", "", OWN))
        if person == CITY:
            raise BadRequest("the city's own keys are rotated, not erased")
        keys = await inner.keys.of(person, anew=True)
        there = [klass for klass in keys.current if klass != RECEIPTS]
        wanted = [klass for klass in there if not classes or klass in classes]
        kept = {klass: law for klass in wanted if (law := self._kept_by(klass))}
        gone = [klass for klass in wanted if klass not in kept]
        if set(gone) == set(there) and (gone or not classes) and RECEIPTS in keys.current:
            gone.append(RECEIPTS)
        ends = (
            None
            if classes or inner.accounts is None or not await inner.accounts.of(person)
            else inner.accounts
        )
        if not gone and not kept and ends is None:
            raise NotFound("nothing is held about that person under these classes")
        at = inner.at()
        until = at + self._days * DAY
        erasures = [Erasure(person, klass, keys.current[klass], at, until) for klass in gone]
        if not gone and ends is None:
            return Erasing(person, (), 0, at, until, kept, 0)
        await inner.keys.destroy([*erasures, *([Erasure(person, ENDED, 0, at, until)] if ends else [])])
        told: dict[str, Any] = {
            "at": at, "classes": sorted(gone), "person": person, "until": until, "who": who.ref,
        }  # fmt: skip
        salt = commitment.salt()
        ending = await ends.ending({person: _EVER}, at) if ends else None

        async def work(tx: Transaction) -> tuple[int, int]:
            records = [await tx.vault.erase(one.person, one.klass, one.upto) for one in erasures]
            if ending is not None:
                told["account"] = await ending(tx)
            if CONSENTS in gone:
                await self._forget(tx, person)
            if inner.accounts is not None:
                await inner.accounts.unbind(tx, person)
            leaf = commitment.commit(salt, commitment.canonical(told))
            return sum(records), await tx.log(leaf)

        records, number = await inner.store.transact(work)
        if ends is not None:
            ends.ended()
            await self._end_again({person: inner.now()})  # whoever signed in at that very moment
        await inner.keys.store.latest(inner.latest)
        return Erasing(
            person, tuple(gone), records, at, until, kept, number, salt, told.get("account", {}), told
        )

    async def _erased(self, tx: Transaction, one: Erasure) -> int:
        """Again; how many records had come back. What a person agreed to since stays."""
        back = await tx.vault.erase(one.person, one.klass, one.upto)
        if back and one.klass == CONSENTS:
            await self._forget(tx, one.person)
        return back

    async def _forget(self, tx: Transaction, person: str) -> None:
        """Without its record nobody could show that a consent was given, or a mandate: it ends too."""
        await mandates.forget(tx, person)
        if self._inner.consents is not None:
            await self._inner.consents.forget(tx, person)

    def _kept_by(self, klass: str) -> str:
        """The basis on which it is kept against the person's wish; "": none. A class that nobody declares any more may go."""
        for one in self._inner.purposes:
            if one.name == klass and one.basis != "consent":
                return one.law or one.basis
        return ""

    async def replay(self) -> int:
        """Whoever was erased stays so: at every start, and so after every restore, of the state or of the keys. How many records had come back."""
        await self._destroy_again()
        every = await self._inner.keys.store.erasures()
        erasures = [one for one in every if not one.klass.startswith(NO_KEY)]
        back = 0
        for start in range(0, len(erasures), REPLAYED):
            some = erasures[start : start + REPLAYED]

            async def work(tx: Transaction, some: Sequence[Erasure] = some) -> int:
                return sum([await self._erased(tx, one) for one in some])

            back += await self._inner.store.transact(work)
        await self._end_again({one.person: one.at for one in every if one.klass == ENDED})
        return back

    async def _destroy_again(self) -> None:
        """Keys of which the state knows that they were destroyed, and this store of keys does not: it is an older one."""
        inner = self._inner

        async def look(tx: Transaction) -> list[tuple[str, str, int]]:
            return await tx.vault.erased()

        known = {(one.person, one.klass): one.upto for one in await inner.keys.store.erasures()}
        gone = [one for one in await inner.store.transact(look) if known.get(one[:2], 0) < one[2]]
        at = inner.now()
        if gone:
            await inner.keys.destroy([Erasure(*one, at, at + self._days * DAY) for one in gone])

    async def _end_again(self, ended: Mapping[str, int]) -> None:
        """An account that ended stays so too; one that was begun since is another one."""
        accounts = self._inner.accounts
        if not ended or accounts is None:
            return

        ending = await accounts.ending(ended, self._inner.now())
        if await self._inner.store.transact(ending):
            accounts.ended()

    async def sweep(self, *, confirmed: bool = False) -> int:
        """What has been kept long enough goes, with an entry in the ledger for each person; how many records went.

        Nothing goes by a clock that is far ahead of all that was ever used here, nor so many at once that the clock is the likelier
        reason, until an officer has `confirmed` that it is right. Raises ClockSetBack.
        """
        inner = self._inner
        at, went = inner.at(), 0
        self.held = "" if confirmed else await self._doubt(at)
        if self.held:
            return 0
        while some := await self._sweep(at):
            went += some
        apart = inner.purposes.receipts_apart()
        named = [name for names in apart.values() for name in names]
        usual = (at - inner.purposes.receipt_days * DAY, named, False)
        await self._forget_receipts(
            at, [usual, *((at - days * DAY, names, True) for days, names in apart.items())]
        )
        await inner.keys.store.latest(inner.latest)
        return went

    async def _doubt(self, at: int) -> str:
        inner = self._inner
        if ahead := inner.ahead():
            return ahead

        async def look(tx: Transaction) -> int:
            return await tx.vault.due_classes(at)

        due, all_ = await inner.store.transact(look), await inner.keys.store.count()
        if due > FEW and due * 5 > all_:
            return (
                f"the retention of {due} of {all_} persons' keys is over at once: they stay until somebody says that the clock is right"
                " (kitamae keys clock)"
            )
        return ""

    async def _forget_receipts(self, at: int, due: Sequence[tuple[int, Sequence[str], bool]]) -> None:
        """Of before when, of which purposes, of these or of all others. Without those that are withheld, or were until lately: the person
        was promised to see them.
        """
        stays = await withholding.promised(self._inner.store, self._inner.at())

        async def work(tx: Transaction) -> int:
            went = 0
            for before, purposes, of_these in due:
                went += await tx.vault.forget_receipts(
                    before, SWEPT - went, purposes, of_these=of_these, but=stays
                )
            await swept.note(tx, at, {RECEIPTS: went})
            return went

        while await self._inner.store.transact(work):
            pass

    async def _sweep(self, at: int) -> int:
        inner = self._inner

        async def look(tx: Transaction) -> list[Sealed]:
            return await tx.vault.due(at, SWEPT)

        rows = await inner.store.transact(look)
        by_person: dict[str, list[Sealed]] = {}
        for row in rows:
            by_person.setdefault(row.person, []).append(row)
        return sum([await self._pass(person, own, at) for person, own in by_person.items()])

    async def _pass(self, person: str, rows: Sequence[Sealed], at: int) -> int:
        """One person's records whose time is over; keys of classes that are empty then."""
        inner = self._inner
        for _ in range(_TRIES):
            keys = await inner.keys.ensure(person, (RECEIPTS,))
            upto = {one.klass: keys.current.get(one.klass, one.version) for one in rows}

            async def work(
                tx: Transaction, keys: PersonKeys = keys, upto: dict[str, int] = upto
            ) -> list[str]:
                for tenant in sorted({one.tenant for one in rows}):
                    told: dict[str, list[str]] = {}
                    for one in rows:
                        if one.tenant == tenant:
                            told.setdefault(one.kind, []).append(one.id)
                    made = Receipt(
                        *(0, tenant, person, at, "system", "retention", "retention", told),
                        commitment.salt(),
                    )
                    await leave(tx, made, keys)
                await tx.vault.drop(rows)
                if inner.accounts is not None:
                    await inner.accounts.unbind(tx, person)
                empty = [klass for klass in upto if not await tx.vault.holds(person, klass)]
                for klass in empty:  # from here on nothing is sealed with these any more
                    await tx.vault.erase(person, klass, upto[klass])
                return empty

            try:
                empty = await inner.store.transact(work)
            except Refused as refused:
                await inner.keys.after(person, RECEIPTS, refused.version)
                continue
            until = at + self._days * DAY
            await inner.keys.destroy([Erasure(person, klass, upto[klass], at, until) for klass in empty])
            await inner.keys.store.tag([], [(one.tenant, one.id) for one in rows])
            return len(rows)
        raise Erased("that person is being erased at this moment")
