"""The tokens of programs and devices: shown once, kept as digests, gone with the request after they are revoked."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, Literal, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import mynumber
from kitamae.kernel.people import secret as secrecy
from kitamae.kernel.people.access_log import noted
from kitamae.kernel.people.records import REVOKED, TENANT, Token
from kitamae.kernel.people.scopes import scope, tenants
from kitamae.kernel.problems import BadRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.store import Store, Transaction

KIND: Final = "token"
_DAY: Final = 86_400 * 1_000_000


class Tokens:
    """Those of one city."""

    def __init__(
        self,
        store: Store,
        expand: Callable[[str], str],
        now: Callable[[], int],
        forget: Callable[[str], None],
    ) -> None:
        """`expand` makes an entity type's name an IRI; `forget`: what this worker remembers of a digest."""
        self._store = store
        self._expand = expand
        self._now = now
        self._forget = forget

    async def issue(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        role: Literal["device", "service"] = "service",
        days: int | None = None,
        of: Sequence[str] = (),
    ) -> tuple[str, Token]:
        """A token's secret, shown now and never again. `of`: the tenants it is for. Raises BadRequest."""
        if not name.strip() or len(name) > 100:
            raise BadRequest("a token needs a name of at most 100 characters that says what it is for")
        mynumber.demand_none({"name": name})
        if not scopes:
            raise BadRequest("a token needs at least one scope, such as write:EvacuationShelter")
        if days is not None and days < 1:
            raise BadRequest("a token lasts at least one day")
        made = secrecy.fresh(KIND)
        now = self._now()
        token: Token = {
            "number": secrets.token_hex(4),
            "name": name.strip(),
            "role": role,
            "scopes": sorted({scope(text, self._expand) for text in scopes}),
            "tenants": tenants(of),
            "asked": list(scopes),
            "createdAt": clock.text(now),
            "expiresAt": clock.text(now + days * _DAY) if days else None,
        }

        async def add(transaction: Transaction) -> None:
            await transaction.put(TENANT, KIND, secrecy.digest(made), token)

        await self._store.transact(add)
        noted.about(token["number"])
        return made, token

    async def all(self) -> list[Token]:
        """All that were issued and not revoked, oldest first."""
        return [cast("Token", doc) for _, _, doc in await self._store.documents(TENANT, KIND)]

    async def revoke(self, number: str) -> Token:
        """From the next request on it does not work. Raises NotFound."""
        for _, digest, doc in await self._store.documents(TENANT, KIND):
            if doc["number"] == number:
                await self._end(digest)
                noted.about(number)
                return cast("Token", doc)
        raise NotFound(f"there is no token {number!r:.80}; `kitamae token list` shows their numbers")

    async def _end(self, digest: str) -> None:
        """That it ended stays known: a restored backup brings it back, and this ends it again."""

        async def end(transaction: Transaction) -> None:
            await transaction.drop(TENANT, KIND, digest)
            await transaction.put(TENANT, REVOKED, digest, {"at": clock.text(self._now())})

        await self._store.transact(end)
        self._forget(digest)
