"""The 基本4情報 of residents go to the vault, for the purpose that the city declares for it; each sign-in brings them up to date."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

import structlog

from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.records import RESIDENT, TENANT
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.problems import Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.relying.said import BasicFour
    from kitamae.kernel.people.vault import Purposes, Vault

PURPOSE: Final = "identity"
FIELDS: Final = frozenset({"name", "address", "birth_date", "gender"})
RECORD: Final = "basic-four"
"""The kind of the record of somebody who signed in with his card."""
_log = structlog.get_logger("kitamae")
_DAY: Final = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)


def declared(purposes: Purposes) -> bool:
    """Whether the city says in its papers that it holds them, and for what. Else they are not asked for."""
    try:
        return purposes.demand(PURPOSE).fields >= FIELDS
    except Forbidden:
        return False


class Identity:
    """A `Keeper`. `vault` is set when the vault is open; without one nobody is signed in whose facts should be kept."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.vault: Callable[[], Vault] = _closed

    async def keep(self, resident: str, said: BasicFour) -> None:
        """See `Keeper`. While the assessment of this purpose does not hold nothing is written down: he comes in all the same, to what
        is held about him.
        """
        day = _DAY.fullmatch(said.birthdate or "")
        born = "-".join(day.groups()) if day else said.birthdate
        given = {"name": said.name, "address": said.address, "birth_date": born, "gender": said.gender}
        fields = {name: value for name, value in given.items() if value is not None}
        if not fields:
            return
        known = cast("str | None", await self._store.get(TENANT, RESIDENT, resident))
        try:
            await self._anew(resident, fields, known)
        except Forbidden as refused:  # to the machinery nothing else of a declared purpose is forbidden
            _log.warning("what a resident's card says is not kept", why=str(refused))

    async def _anew(self, resident: str, fields: dict[str, str], known: str | None) -> None:
        if known is not None:
            try:
                await self._keep(resident, fields, known)
            except NotFound:  # it was erased, or its time was over
                known = None
        if known is None:
            made = await self._keep(resident, fields, "")

            async def remember(transaction: Transaction) -> None:
                await transaction.put(TENANT, RESIDENT, resident, made)

            await self._store.transact(remember)

    async def _keep(self, resident: str, fields: dict[str, str], id: str) -> str:
        return await self.vault().keep(SYSTEM, resident, PURPOSE, RECORD, fields, id=id)


def _closed() -> Vault:
    raise VaultClosed("the vault is not open yet; try again in a moment")
