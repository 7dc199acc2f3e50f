"""Records in: checked, sealed, indexed. The key is durable first, then the tags, then the record: a crash between leaves
a key that nothing uses, or a tag that finds nothing; never a record that nobody can read.

Whoever writes about somebody else leaves a receipt in the same transaction, and what stood there before stays with the record.
"""

from __future__ import annotations

import base64
import re
import secrets
from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import mynumber
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.vault import former, index
from kitamae.kernel.people.vault.classes import INDEXED, RECEIPTS
from kitamae.kernel.people.vault.keyring import CITY
from kitamae.kernel.people.vault.keystore import Tag
from kitamae.kernel.people.vault.problems import Erased, Moved, Refused
from kitamae.kernel.people.vault.receipt import BROKEN, Receipt, leave
from kitamae.kernel.people.vault.rows import Sealed
from kitamae.kernel.people.vault.seal import Place, seal
from kitamae.kernel.problems import BadRequest, NotFound, Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault.inner import Inner
    from kitamae.kernel.people.vault.keyring import PersonKeys
    from kitamae.kernel.people.vault.ordered import Ordered

MOST_FIELDS: Final = 200
MOST_BYTES: Final = 1_000_000  # of one record, in plain text
_NAME: Final = re.compile(r"[\w][\w.:@-]{0,127}")
_TRIES: Final = 3


class Writing:
    """On the inner parts."""

    def __init__(self, inner: Inner) -> None:
        self._inner = inner

    async def keep(
        self,
        who: Principal,
        person: str,
        klass: str,
        kind: str,
        fields: Mapping[str, object],
        *,
        id: str = "",
        tenant: str = "",
        along: Callable[[Transaction], Awaitable[Mapping[str, object]]] | None = None,
        said: Mapping[str, str] | None = None,
        over: Mapping[str, bytes] | None = None,
        ordered: Ordered | None = None,
        known: bool = False,
    ) -> str:
        """Write one record, or put it in the place of the one with that id; its id. `klass`: the purpose it is collected for.

        `along`: what belongs into the same transaction; the fields that it answers with are kept with the others. `said`: what the
        receipt says besides, where somebody else than the person writes. `over`: what must stand there, name -> JSON; a correction of
        it, which lengthens no retention. `ordered`: two want it, and the receipt says so instead. `known`: not about somebody who was
        erased, who gets no new keys by it; raises Erased.
        Raises NotSignedIn, Forbidden, HoldsMyNumber, BadRequest, NotFound for an id that is another person's, Moved.
        """
        inner = self._inner
        because = inner.policy.demand(Question(who, "write", f"person:{person}", tenant, klass)).because
        purpose = inner.purposes.klass(klass, fields)
        basis = BROKEN if BROKEN in because else purpose.basis
        another = who.role != "system" and who.ref != person
        hand, says = (ordered.by, ordered.said) if ordered else (who.ref, said or {})
        _demand_names(person, kind, id or "-")
        mynumber.demand_reference("person", person)
        mynumber.demand_none(fields, purpose.identifiers)
        told = plain(fields)
        at = inner.at()
        record = id or secrets.token_hex(16)
        before = await self._found_by(tenant, person, klass, id) if id else []
        for _ in range(_TRIES):
            if known and RECEIPTS not in (await inner.keys.of(person, anew=True)).current:
                raise Erased("nothing is held about that person any more")
            keys = await inner.keys.ensure(person, (klass, RECEIPTS))
            row = sealed(keys, tenant, record, klass, kind, at, purpose.due(at), told)
            tags = await self._tags(row, fields)
            if tags:
                await inner.keys.store.tag(tags)

            async def work(tx: Transaction, row: Sealed = row, keys: PersonKeys = keys) -> None:
                await inner.demand_again(tx, who, "write", (tenant, person, klass))
                await inner.demand_consent(tx, person, klass)
                more = await along(tx) if along is not None else {}
                whole = told | plain(more) if more else told
                there = await tx.vault.get(tenant, record)
                if id:
                    demand_of(there, person, klass, id)
                stood, past = former.plain(there, keys, alone=not another) if there else (None, b"")
                if over is not None and stood != over:
                    raise Moved("the record is not any more what it was a moment ago: look at it again")
                if another:
                    change = former.Change(stood, whole)
                    made = Receipt(
                        *(0, tenant, person, at, hand, klass, basis, {kind: change.names()}),
                        *(commitment.salt(), "wrote", says),
                    )
                    number = await leave(tx, made, keys)
                    if there:
                        past = former.with_(past, change.former(at, hand, number))
                    if ordered:
                        await ordered.decided(tx, number)
                if along is not None or past:
                    due = there.due if there and over is not None else row.due
                    kept = whole | ({former.FIELD: past} if past else {})
                    row = sealed(keys, tenant, record, klass, kind, at, due, kept)
                if not await tx.vault.put(row if there is None else row._replace(created=there.created)):
                    raise Refused(person, row.version)  # and nothing of `along` stays either

            try:
                await inner.store.transact(work)
            except Refused as refused:
                await inner.keys.after(person, refused.klass or klass, refused.version)
            except Problem:
                if tags:  # nobody is found by what was never kept
                    await inner.keys.store.tag(before, [(tenant, record)])
                raise
            else:
                if id:  # until now it was found by what it said before too
                    await inner.keys.store.tag(tags, [(tenant, record)])
                return record
        raise Erased("that person is being erased at this moment")

    async def _found_by(self, tenant: str, person: str, klass: str, id: str) -> list[Tag]:
        """The tags of a record of that person. Raises NotFound."""

        async def look(tx: Transaction) -> None:
            demand_of(await tx.vault.get(tenant, id), person, klass, id)

        await self._inner.store.transact(look)
        tags = await self._inner.keys.store.tags_of(person)
        return [one for one in tags if (one.tenant, one.record) == (tenant, id)]

    async def _tags(self, row: Sealed, fields: Mapping[str, object]) -> list[Tag]:
        found = {
            name: str(fields[name]) for name in INDEXED & fields.keys() if index.normal(str(fields[name]))
        }
        for name, text in list(found.items()):
            found |= index.parts(name, text)
        if not found:
            return []
        keys = await self._inner.keys.ensure(CITY, [f"index:{name}" for name in sorted(found)])
        return [
            Tag(
                *(row.tenant, name, index.tag(keys.newest(f"index:{name}")[1], row.tenant, name, text)),
                *(row.person, row.klass, row.id),
            )
            for name, text in found.items()
        ]


def sealed(
    keys: PersonKeys,
    tenant: str,
    id: str,
    klass: str,
    kind: str,
    at: int,
    due: int,
    plain: Mapping[str, bytes],
) -> Sealed:
    """A record as it is stored. `plain`: name -> JSON; `at`, `due` in microseconds UTC."""
    version, key = keys.newest(klass)
    texts = {
        name: base64.b64encode(
            seal(key, value, Place(tenant, keys.person, id, name, klass, version))
        ).decode()
        for name, value in plain.items()
    }
    return Sealed(tenant, id, keys.person, klass, kind, version, at, at, due, orjson.dumps(texts))


def demand_of(row: Sealed | None, person: str, klass: str, id: str) -> Sealed:
    """A record stays with whom, and with what, it was collected for. Raises NotFound."""
    if row is None or (row.person, row.klass) != (person, klass):
        raise NotFound(f"there is no record {id!r:.60} of that person")
    return row


def plain(fields: Mapping[str, object]) -> dict[str, bytes]:
    """Each as JSON. Raises BadRequest."""
    if not 1 <= len(fields) <= MOST_FIELDS:
        raise BadRequest(f"a record has 1 to {MOST_FIELDS} fields")
    try:
        plain = {name: orjson.dumps(value) for name, value in fields.items()}
    except TypeError as error:
        raise BadRequest(f"a record holds what JSON can say: {error}") from error
    if (size := sum(map(len, plain.values()))) > MOST_BYTES:
        raise BadRequest(f"a record has {MOST_BYTES} bytes at most, this one has {size}")
    return plain


def _demand_names(*names: str) -> None:
    for name in names:
        if name != "-" and not _NAME.fullmatch(name):
            raise BadRequest(
                f"{name!r:.60}: expected a reference of letters, digits and . : @ - _, 128 at most"
            )
