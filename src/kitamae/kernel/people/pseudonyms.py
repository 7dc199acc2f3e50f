"""Who somebody is to us, and to each partner: keyed, so that nobody can compare two lists of them.

The key is made once and kept sealed in the store: it outlives restarts and is the same on every worker. Without it a
pseudonym says nothing; with the file of the seal lost, everybody would be a stranger, so back that file up apart.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.people.jose.encoding import BadToken, decode, encode
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.seal import WrongSeal

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.seal import Seal

_KIND: Final = "sealed"
_PURPOSE: Final = "pseudonyms"


class Pseudonyms:
    """One per city."""

    def __init__(self, store: Store, seal: Seal) -> None:
        self._store = store
        self._seal = seal
        self._key = b""

    async def of(self, *what: str) -> str:
        """43 letters for these texts in this order, the same each time. Raises WrongSeal."""
        key = self._key or await self._load()
        parts = b"".join(len(one.encode()).to_bytes(4, "big") + one.encode() for one in what)
        return encode(hmac.digest(key, parts, "sha256"))

    async def _load(self) -> bytes:
        kept: Any = await self._store.get(TENANT, _KIND, _PURPOSE)
        if kept is None:
            made = self._seal.write(_PURPOSE, {"key": encode(secrets.token_bytes(32))})

            async def first(transaction: Transaction) -> Any:
                found = await transaction.get(TENANT, _KIND, _PURPOSE)
                if found is None:
                    await transaction.put(TENANT, _KIND, _PURPOSE, made)
                return found or made

            kept = await self._store.transact(first)
        try:
            self._key = decode(self._seal.read(_PURPOSE, kept)["key"])
        except BadToken:
            raise WrongSeal("the file of the seal is not the one that this city was sealed with") from None
        return self._key
