"""Whoever looks for somebody says a name and a place, and hears where that person is, if that person wants it; nothing of anybody else.

災害対策基本法 第86条の15. That nobody is found says nothing: not that he is not there, and not that he does not want it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kitamae.kernel.people import mynumber
from kitamae.kernel.people.person import EVERYWHERE, Principal
from kitamae.kernel.people.sheltered.records import FOUND
from kitamae.kernel.people.sheltered.said import plain
from kitamae.kernel.people.vault import Asked
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.people.vault import Vault

FINDER: Final = Principal(
    "find-a-person", "service", frozenset({f"read:person:{FOUND}"}), 1, tenants=frozenset({EVERYWHERE})
)
"""The city's own program, which reads of those who want to be found, and nothing else. Receipts name it."""


@dataclass(frozen=True, slots=True)
class Found:
    """`shelter`: the entity's id; `since`: when he came, RFC 3339 UTC."""

    shelter: str
    since: str


class Finding:
    """`vault()` raises VaultClosed."""

    def __init__(self, vault: Callable[[], Vault]) -> None:
        self._vault = vault

    async def find(self, name: str, town: str) -> list[Found]:
        """By the name as it is written or as it is read, and the town. Each who is found has a receipt of it.

        Raises BadRequest, HoldsMyNumber, VaultClosed, Forbidden where the purpose has no papers in force.
        """
        name, town = plain(name), plain(town)
        if not name or not town:
            raise BadRequest("this must be filled in: name and town")
        mynumber.demand_none({"name": name, "town": town})
        asked = Asked(FINDER, FOUND, ("?",), (FOUND,))
        found = {}
        for field in ("name", "kana"):
            for record in await self._vault().find(asked, {field: name, "address": town}):
                found[record.person] = Found(str(record.fields["shelter"]), str(record.fields["since"]))
        return list(found.values())
