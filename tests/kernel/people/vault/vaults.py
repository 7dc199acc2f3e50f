"""A vault on each store, with a clock that a test sets, and who comes to it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from stores import Opener, open_sqlite

import postgres_server
from kitamae.adapters.postgres import keys as postgres_keys
from kitamae.adapters.sqlite import keys as sqlite_keys
from kitamae.kernel.context import clock
from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.platform_purposes import WATCHING
from kitamae.kernel.people.policy import Facts, Policy
from kitamae.kernel.people.vault import OWN, Asked, Ordered, Purpose, Purposes, Vault
from kitamae.kernel.people.vault.citykey import CityKey
from kitamae.kernel.people.vault.classes import RECEIPTS
from kitamae.kernel.people.vault.erasing import Erasing
from kitamae.kernel.people.vault.receipt import Receipt

PURPOSES = Purposes(
    [
        Purpose("resident", "law", frozenset({"name", "kana", "address", "birth_date", "note"}), 3650, "住民基本台帳法"),
        Purpose("mailing", "consent", frozenset({"name", "email"}), 365),
        Purpose("visit", "contract", frozenset({"name", "when"}), 30, also=frozenset({"resident"}), receipt_days=400),
        WATCHING,
    ]
)  # fmt: skip
POLICY = Policy(facts=Facts(bases={one.name: one.basis for one in PURPOSES}))
DUTIES = frozenset(("", f"purpose:{one.name}") for one in PURPOSES)
OFFICER = Principal("staff-1", "staff", session="s-officer", assurance=2, duties=DUTIES)
TARO = Principal("p-taro", "resident", session="s-taro", assurance=3)
NAME = {
    "name": "加賀 太郎",
    "kana": "カガ タロウ",
    "address": "加賀市大聖寺南町ニ41番地",
    "birth_date": "1950-04-01",
}


class Place:
    """A city on disk: opened, closed, opened again."""

    def __init__(self, opener: Opener, folder: Path) -> None:
        self.opener, self.folder = opener, folder
        self.key = CityKey.fresh()
        self.time = clock.micros("2026-11-21T00:00:00Z")
        self.store: Any = None
        self.vault: Any = None

    async def open(self, *keys: CityKey) -> Vault:
        self.store = await self.opener(self.folder)
        self.keys = await self.open_keys()
        try:
            self.vault = await Vault.open(
                *(self.store, self.keys, keys or (self.key,), PURPOSES, POLICY), now=lambda: self.time
            )
        except BaseException:
            await self.keys.close()
            await self.store.close()
            raise
        return self.vault

    def later(self, span: int) -> None:
        """As though it was served every day of it; microseconds."""
        self.time += span
        self.vault._inner.latest = self.time

    async def open_keys(self) -> Any:
        """Beside the state, on the same kind of store."""
        if self.opener is open_sqlite:
            return sqlite_keys.open(self.folder / "keys.db")
        name = hashlib.blake2s(str(self.folder).encode(), digest_size=8).hexdigest()
        return await postgres_keys.open(postgres_server.dsn(f"k{name}"))

    async def close(self) -> None:
        await self.vault.close()
        await self.store.close()

    async def leaves(self) -> list[bytes]:
        return [leaf.data for leaf in await self.store.leaves(0, 100_000)]


def asked(who: Principal = OFFICER, purpose: str = "resident", **more: Any) -> Asked:
    return Asked(who, purpose, more.pop("persons", ("p-taro",)), **more)


async def gone(
    vault: Vault, person: str, *classes: str, by: Principal = OFFICER
) -> tuple[int, Erasing | None]:
    """All that is held of him, or what is of these classes: what a law or a contract keeps as two ordered it, the rest by himself. How many
    records, and what became of his own word. Raises NotFound.
    """
    himself = Principal(person, "resident", session=f"s-{person}", assurance=3)
    there = [one for one in (await vault._inner.keys.of(person, anew=True)).current if one != RECEIPTS]
    there = [one for one in there if not classes or one in classes]
    ordered = [one for one in there if (found := vault.purposes.get(one)) and found.basis != "consent"]
    went = 0
    for purpose in ordered:
        went += (
            await vault.erase_for(by, person, purpose, Ordered("staff-2", {"why": "請求により"}, decided))
        ).records
    if classes and ordered and set(there) == set(ordered):
        return went, None
    done = await vault.erase(himself, person, classes)
    return went + done.records, done


async def decided(tx: Any, upto: int) -> None:
    """The second one's word."""


async def receipts(vault: Vault, who: Principal = TARO) -> list[Receipt]:
    return await vault.receipts(Asked(who, OWN, (who.ref,)), 1 << 62, 1000)
