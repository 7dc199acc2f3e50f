"""Sealed records and receipts in the state: see `kernel.people.vault.rows.VaultRows`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from kitamae.adapters.sqlite.named import queries
from kitamae.kernel.people.vault.classes import RECEIPTS
from kitamae.kernel.people.vault.rows import Look, Noted, Sealed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

_SQL = queries("vault")


class SqliteVaultRows:
    """On the writing connection."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def _one(self, name: str, *given: Any) -> Any:
        return self._db.execute(_SQL[name], given).get

    async def put(self, record: Sealed) -> bool:
        """See `VaultRows.put`."""
        return self._db.execute(_SQL["record_put"], record._asdict()).fetchone() is not None

    async def get(self, tenant: str, id: str) -> Sealed | None:
        """See `VaultRows.get`."""
        row = self._db.execute(_SQL["record_get"], (tenant, id)).fetchone()
        return None if row is None else Sealed(*row)

    async def of(
        self,
        tenant: str,
        person: str,
        kinds: Sequence[str] = (),
        classes: Sequence[str] = (),
        after: str = "",
        most: int = 1_000,
    ) -> list[Sealed]:
        """See `VaultRows.of`."""
        bound = {"tenant": tenant, "person": person, "after": after, "most": most}
        for name, given in (("kinds", kinds), ("classes", classes)):
            bound[name] = orjson.dumps(list(given)).decode()
        return [Sealed(*row) for row in self._db.execute(_SQL["records_of"], bound)]

    async def drop(self, records: Sequence[Sealed]) -> int:
        """See `VaultRows.drop`."""
        return sum(
            self._db.execute(_SQL["record_drop"], (one.tenant, one.id, one.version)).fetchone() is not None
            for one in records
        )

    async def holds(self, person: str, klass: str) -> bool:
        """See `VaultRows.holds`."""
        return bool(self._one("record_left", person, klass))

    async def due(self, at: int, most: int) -> list[Sealed]:
        """See `VaultRows.due`."""
        return [Sealed(*row) for row in self._db.execute(_SQL["records_due"], (at, most))]

    async def due_classes(self, at: int) -> int:
        """See `VaultRows.due_classes`."""
        return int(self._one("classes_due", at))

    async def older(self, person: str, klass: str, version: int, most: int) -> list[Sealed]:
        """See `VaultRows.older`."""
        return [
            Sealed(*row) for row in self._db.execute(_SQL["records_older"], (person, klass, version, most))
        ]

    async def note(self, receipt: Noted) -> bool:
        """See `VaultRows.note`."""
        bound = {**receipt._asdict(), "klass": RECEIPTS}
        return self._db.execute(_SQL["receipt_put"], bound).fetchone() is not None

    async def noted(self, tenant: str, person: str, before: int, most: int) -> list[Noted]:
        """See `VaultRows.noted`."""
        return [Noted(*row) for row in self._db.execute(_SQL["receipts_of"], (person, tenant, before, most))]

    async def noted_in(self, tenant: str, person: str, session: str) -> bool:
        """See `VaultRows.noted_in`."""
        return bool(self._one("receipt_of_session", person, session, tenant))

    async def looks(self, after: int, upto: int) -> list[Look]:
        """See `VaultRows.looks`."""
        return [_look(row) for row in self._db.execute(_SQL["looks"], (after, upto))]

    async def looks_at(self, tenant: str, person: str, before: int, most: int) -> list[Look]:
        """See `VaultRows.looks_at`."""
        return [_look(row) for row in self._db.execute(_SQL["looks_at"], (person, tenant, before, most))]

    async def numbered(self, numbers: Sequence[int]) -> list[Look]:
        """See `VaultRows.numbered`."""
        bound = (orjson.dumps(list(numbers)).decode(),)
        return [_look(row) for row in self._db.execute(_SQL["looks_numbered"], bound)]

    async def noted_older(self, person: str, version: int, most: int) -> list[Noted]:
        """See `VaultRows.noted_older`."""
        return [Noted(*row) for row in self._db.execute(_SQL["receipts_older"], (person, version, most))]

    async def reseal(self, receipt: Noted) -> None:
        """See `VaultRows.reseal`."""
        self._db.execute(_SQL["receipt_reseal"], (receipt.version, receipt.sealed, receipt.number))

    async def forget_receipts(
        self, before: int, most: int, purposes: Sequence[str], *, of_these: bool, but: Sequence[int] = ()
    ) -> int:
        """See `VaultRows.forget_receipts`."""
        names = orjson.dumps(list(purposes)).decode()
        bound = (before, names, of_these, orjson.dumps(list(but)).decode(), most)
        return len(self._db.execute(_SQL["receipts_due"], bound).fetchall())

    async def erase(self, person: str, klass: str, upto: int) -> int:
        """See `VaultRows.erase`."""
        self._db.execute(_SQL["erased_note"], (person, klass, upto))
        if klass == RECEIPTS:
            self._db.execute(_SQL["receipts_erase"], (person, upto))
            return 0
        self._db.execute(_SQL["records_erase"], (person, klass, upto))
        return self._db.changes()

    async def erased(self) -> list[tuple[str, str, int]]:
        """See `VaultRows.erased`."""
        return list(self._db.execute(_SQL["erased"]))

    async def persons(self) -> int:
        """See `VaultRows.persons`."""
        return int(self._one("persons_count"))


def _look(row: Any) -> Look:
    return Look(*row)._replace(own=bool(row[-1]))
