"""Somebody else corrects fields of one record, as two have ordered it. Where the record says something else by now, nothing is written.

What is opened here is shown to nobody: it is compared, and what was replaced is told to the person (`former.py`). What was proposed goes
with the word about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.vault import former
from kitamae.kernel.people.vault.classes import RECEIPTS
from kitamae.kernel.people.vault.problems import Erased, Moved, Refused
from kitamae.kernel.people.vault.receipt import Receipt, leave
from kitamae.kernel.people.vault.writing import demand_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault.inner import Inner
    from kitamae.kernel.people.vault.keyring import PersonKeys
    from kitamae.kernel.people.vault.ordered import Ordered
    from kitamae.kernel.people.vault.rows import Sealed
    from kitamae.kernel.people.vault.writing import Writing

_TRIES: Final = 3


class Edit(NamedTuple):
    """Of one field: what stands there, and what shall. `None` as a whole: nothing; else the value in a tuple of one."""

    field: str
    was: tuple[Any] | None
    now: tuple[Any] | None


class Correcting:
    """On the inner parts."""

    def __init__(self, inner: Inner, writing: Writing) -> None:
        self._inner, self._writing = inner, writing

    async def correct(
        self, who: Principal, person: str, klass: str, id: str, edits: Sequence[Edit], ordered: Ordered
    ) -> None:
        """Fields that are not named stay as they are by then. Raises Moved where one of these is not what it was, NotFound, NotSignedIn,
        Forbidden, HoldsMyNumber, BadRequest.
        """
        self._inner.policy.demand(Question(who, "write", f"person:{person}", "", klass))
        for last in range(_TRIES):
            row, stood = await self._standing(person, klass, id, anew=last > 0)
            fields = {name: orjson.loads(value) for name, value in edited(stood, edits).items()}
            try:
                await self._writing.keep(
                    who, person, klass, row.kind, fields, id=id, over=stood, ordered=ordered
                )
            except Moved:
                continue
            return
        raise Moved("the record is not any more what it was a moment ago: look at it again")

    async def _standing(
        self, person: str, klass: str, id: str, *, anew: bool
    ) -> tuple[Sealed, dict[str, bytes]]:
        """The record, sealed and opened. Raises NotFound, Erased."""

        async def look(tx: Transaction) -> Sealed:
            return demand_of(await tx.vault.get("", id), person, klass, id)

        row = await self._inner.store.transact(look)
        keys = await self._inner.keys.of(person, anew=anew)
        if keys.get(row.klass, row.version) is None:
            keys = await self._inner.keys.of(person, anew=True)
        try:
            return row, former.plain(row, keys)[0]
        except Refused as gone:
            raise Erased("that person is being erased at this moment; ask again") from gone

    async def discard(self, who: Principal, person: str, klass: str, kind: str, ordered: Ordered) -> None:
        """What was proposed goes without being done; a receipt says so. Raises NotSignedIn, Forbidden."""
        inner = self._inner
        inner.policy.demand(Question(who, "write", f"person:{person}", "", klass))
        basis, at = inner.purposes.demand(klass).basis, inner.at()
        for _ in range(_TRIES):
            keys = await inner.keys.of(person, anew=True)
            if klass in keys.current:  # an erased person gets no new key
                keys = await inner.keys.ensure(person, (RECEIPTS,))

            async def work(tx: Transaction, keys: PersonKeys = keys) -> None:
                await inner.demand_again(tx, who, "write", ("", person, klass))
                fields = await gone(tx, person, klass, kind)
                made = Receipt(
                    *(0, "", person, at, who.ref, klass, basis, fields),
                    *(commitment.salt(), "erased", ordered.said),
                )
                told = bool(fields) and RECEIPTS in keys.current
                await ordered.decided(tx, await leave(tx, made, keys) if told else 0)

            try:
                return await inner.store.transact(work)
            except Refused as refused:
                await inner.keys.after(person, RECEIPTS, refused.version)
        raise Erased("that person is being erased at this moment; ask again")


def edited(stood: Mapping[str, bytes], edits: Sequence[Edit]) -> dict[str, bytes]:
    """What a record says after them; name -> JSON. Raises Moved."""
    after = dict(stood)
    for one in edits:
        was = orjson.dumps(one.was[0]) if one.was else None
        if stood.get(one.field) != was:
            raise Moved("the record says something else by now than when this was proposed")
        if one.now is None:
            after.pop(one.field, None)
        else:
            after[one.field] = orjson.dumps(one.now[0])
    return after


async def gone(tx: Transaction, person: str, klass: str, kind: str) -> dict[str, list[str]]:
    """Delete the person's records of that kind; kind -> the fields that they had, nothing where there were none."""
    rows = await tx.vault.of("", person, (kind,), (klass,))
    await tx.vault.drop(rows)
    names = sorted({name for row in rows for name in orjson.loads(row.fields)} - {former.FIELD})
    return {kind: names} if rows else {}
