"""Sealed records and receipts in the state: see `kernel.people.vault.rows.VaultRows`. Written at once, behind the work's savepoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kitamae.adapters.postgres.flush import columns
from kitamae.adapters.postgres.named import queries
from kitamae.kernel.people.vault.classes import RECEIPTS
from kitamae.kernel.people.vault.rows import Look, Noted, Sealed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kitamae.adapters.postgres.session import Session

_SQL = queries("vault")


class PostgresVaultRows:
    """In one transaction. `ask` lets whoever drives the work fulfil what only the database can."""

    def __init__(
        self, session: Session, ask: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
    ) -> None:
        self._session = session
        self._ask = ask

    async def _rows(self, name: str, *given: Any, person: str | None = None) -> list[Any]:
        """`person`: what follows in this work is written about that person, and nobody else does at the same time."""
        session = self._session

        async def do() -> list[Any]:
            if person is not None:
                await session.direct()
                await session.db.execute(_SQL["person_lock"], session.schema ^ 1, person)
            found: list[Any] = await session.db.fetch(_SQL[name], *given)
            return found

        answer: list[Any] = await self._ask(do)
        return answer

    async def put(self, record: Sealed) -> bool:
        """See `VaultRows.put`."""
        r = record
        given = (r.tenant, r.id, r.person, r.klass, r.kind, r.version, r.created, r.modified, r.due, r.fields)
        return bool(await self._rows("record_put", *given, person=r.person))

    async def get(self, tenant: str, id: str) -> Sealed | None:
        """See `VaultRows.get`."""
        rows = await self._rows("record_get", tenant, id)
        return Sealed(*rows[0]) if rows else None

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
        return [
            Sealed(*row)
            for row in await self._rows("records_of", person, tenant, after, list(kinds), list(classes), most)
        ]

    async def drop(self, records: Sequence[Sealed]) -> int:
        """See `VaultRows.drop`."""
        if not records:
            return 0
        rows = columns([(one.tenant, one.id, one.version) for one in records])
        return len(await self._rows("record_drop", *rows, person=records[0].person))

    async def holds(self, person: str, klass: str) -> bool:
        """See `VaultRows.holds`."""
        return bool((await self._rows("record_left", person, klass, person=person))[0][0])

    async def due(self, at: int, most: int) -> list[Sealed]:
        """See `VaultRows.due`."""
        return [Sealed(*row) for row in await self._rows("records_due", at, most)]

    async def due_classes(self, at: int) -> int:
        """See `VaultRows.due_classes`."""
        return int((await self._rows("classes_due", at))[0][0])

    async def older(self, person: str, klass: str, version: int, most: int) -> list[Sealed]:
        """See `VaultRows.older`."""
        return [
            Sealed(*row)
            for row in await self._rows("records_older", person, klass, version, most, person=person)
        ]

    async def note(self, receipt: Noted) -> bool:
        """See `VaultRows.note`."""
        return bool(await self._rows("receipt_put", *receipt, RECEIPTS, person=receipt.person))

    async def noted(self, tenant: str, person: str, before: int, most: int) -> list[Noted]:
        """See `VaultRows.noted`."""
        return [Noted(*row) for row in await self._rows("receipts_of", person, tenant, before, most)]

    async def noted_in(self, tenant: str, person: str, session: str) -> bool:
        """See `VaultRows.noted_in`."""
        return bool((await self._rows("receipt_of_session", person, session, tenant))[0][0])

    async def looks(self, after: int, upto: int) -> list[Look]:
        """See `VaultRows.looks`."""
        return [Look(*row) for row in await self._rows("looks", after, upto)]

    async def looks_at(self, tenant: str, person: str, before: int, most: int) -> list[Look]:
        """See `VaultRows.looks_at`."""
        return [Look(*row) for row in await self._rows("looks_at", person, tenant, before, most)]

    async def numbered(self, numbers: Sequence[int]) -> list[Look]:
        """See `VaultRows.numbered`."""
        return [Look(*row) for row in await self._rows("looks_numbered", list(numbers))]

    async def noted_older(self, person: str, version: int, most: int) -> list[Noted]:
        """See `VaultRows.noted_older`."""
        return [
            Noted(*row) for row in await self._rows("receipts_older", person, version, most, person=person)
        ]

    async def reseal(self, receipt: Noted) -> None:
        """See `VaultRows.reseal`."""
        given = (receipt.version, receipt.sealed, receipt.number)
        await self._rows("receipt_reseal", *given, person=receipt.person)

    async def forget_receipts(
        self, before: int, most: int, purposes: Sequence[str], *, of_these: bool, but: Sequence[int] = ()
    ) -> int:
        """See `VaultRows.forget_receipts`."""
        bound = (before, list(purposes), of_these, list(but), most)
        return len(await self._rows("receipts_due", *bound, person=""))

    async def erase(self, person: str, klass: str, upto: int) -> int:
        """See `VaultRows.erase`."""
        await self._rows("erased_note", person, klass, upto, person=person)
        if klass == RECEIPTS:
            await self._rows("receipts_erase", person, upto, person=person)
            return 0
        return int((await self._rows("records_erase", person, klass, upto, person=person))[0][0])

    async def erased(self) -> list[tuple[str, str, int]]:
        """See `VaultRows.erased`."""
        return [(row[0], row[1], row[2]) for row in await self._rows("erased")]

    async def persons(self) -> int:
        """See `VaultRows.persons`."""
        return int((await self._rows("persons_count"))[0][0])
