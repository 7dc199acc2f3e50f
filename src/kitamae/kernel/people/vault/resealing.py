"""New keys while everything is served: the city's key (keys are wrapped anew), and persons' keys (records are sealed anew).

Both go on after a crash from where they were: what is still wrapped by an old key, or sealed with one, says so itself.
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.people.vault.classes import RECEIPTS
from kitamae.kernel.people.vault.keystore import Erasure
from kitamae.kernel.people.vault.problems import Tampered
from kitamae.kernel.people.vault.seal import Place, seal, unseal

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.vault.inner import Inner
    from kitamae.kernel.people.vault.keyring import PersonKeys
    from kitamae.kernel.people.vault.rows import Sealed

RESEALED: Final = 100  # records in one transaction: others write between two
_PERSONS: Final = 200
_BREATH: Final = 0.005


class Resealer:
    """On the inner parts."""

    def __init__(self, inner: Inner) -> None:
        self._inner = inner

    async def rewrap(self) -> int:
        """Until every person's key is wrapped by the city's first key; how many were wrapped anew."""
        done = 0
        while some := await self._inner.keys.rewrap():
            done += some
            await asyncio.sleep(_BREATH)
        return done

    async def begin(self) -> None:
        """Every person's key that was made until now is to be replaced; `run` does it."""
        await self._inner.keys.store.rotating(self._inner.at())

    async def run(self) -> int:
        """Replace what is to be replaced; how many keys."""
        store, done = self._inner.keys.store, 0
        if not (made := await store.rotating()):
            return 0
        while some := await store.older(made, _PERSONS):
            for person, klass in some:
                done += await self._replace(person, klass, made)
        await store.rotating(0)
        return done

    async def _replace(self, person: str, klass: str, made: int) -> int:
        inner = self._inner
        rows = [one for one in await inner.keys.store.of(person) if one.klass == klass]
        if all(one.made < made for one in rows):
            await inner.keys.renew(person, (klass,))
        keys = await inner.keys.of(person, anew=True)
        version = keys.current[klass]

        async def work(tx: Transaction) -> int:
            if klass == RECEIPTS:
                return await self._receipts(tx, keys, version)
            older = await tx.vault.older(person, klass, version, RESEALED)
            for row in older:
                await tx.vault.put(_anew(row, keys, version))
            if not older:  # another worker that remembers an older version must not seal with it from here on
                await tx.vault.erase(person, klass, version - 1)
            return len(older)

        while await inner.store.transact(work):  # noqa: ASYNC110  # others' writes go between
            await asyncio.sleep(_BREATH)
        old = [one for one in rows if one.version < version]
        if old:
            upto = max(one.version for one in old)
            at = inner.at()
            await inner.keys.destroy([Erasure(person, klass, upto, at, at)])
        return len(old)

    async def _receipts(self, tx: Transaction, keys: PersonKeys, version: int) -> int:
        older = await tx.vault.noted_older(keys.person, version, RESEALED)
        for row in older:
            key = keys.get(RECEIPTS, row.version)
            if key is None:
                raise Tampered("a receipt names a key that is not there")
            place = Place(row.tenant, row.person, str(row.number), "receipt", RECEIPTS, row.version)
            inner = unseal(key, row.sealed, place)
            anew = seal(keys.newest(RECEIPTS)[1], inner, place._replace(version=version))
            await tx.vault.reseal(row._replace(version=version, sealed=anew))
        if not older:
            await tx.vault.erase(keys.person, RECEIPTS, version - 1)
        return len(older)


def _anew(row: Sealed, keys: PersonKeys, version: int) -> Sealed:
    """Raises Tampered."""
    key = keys.get(row.klass, row.version)
    if key is None:
        raise Tampered(f"a record of the class {row.klass} names a key that is not there")
    _, new = keys.newest(row.klass)
    told: dict[str, str] = {}
    for name, sealed in orjson.loads(row.fields).items():
        place = Place(row.tenant, row.person, row.id, name, row.klass, row.version)
        plain = unseal(key, base64.b64decode(sealed), place)
        told[name] = base64.b64encode(seal(new, plain, place._replace(version=version))).decode()
    return row._replace(version=version, fields=orjson.dumps(told))
