"""The face that work inside a transaction sees, and how such work is run.

Work awaits nothing but the store: what it needs from the database it asks for by yielding an `Ask`, which whoever
drives it fulfils. Anything else that it awaits is refused, as on SQLite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from kitamae.adapters.postgres.vault import PostgresVaultRows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence

    from kitamae.adapters.postgres.session import Session
    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.operations.command import Command, Effect
    from kitamae.kernel.context.store import Instance, InstanceQuery

T = TypeVar("T")


@dataclass(slots=True, frozen=True)
class Ask:
    """Something that only the database can answer."""

    do: Callable[[], Awaitable[Any]]

    def __await__(self) -> Generator[Ask, Any, Any]:
        return (yield self)


async def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run work, fulfilling what it asks for. Raises RuntimeError if it waits for anything else.

    What the database raises ends the work at once, since it concerns the whole transaction.
    """
    answer: Any = None
    try:
        while True:
            asked = work.send(answer)
            if not isinstance(asked, Ask):
                raise RuntimeError(
                    f"{getattr(work, '__qualname__', work)} waited for something other than the store inside a"
                    " transaction: everything that has to be waited for must be there before the transaction begins"
                )
            answer = await asked.do()
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        work.close()


class PostgresTransaction:
    """See `kernel.context.store.Transaction`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._group = session.group
        self.vault = PostgresVaultRows(session, Ask)

    async def _load(self, id: tuple[str, str, str]) -> None:
        if id not in self._group.states:
            session = self._session
            await Ask(lambda: session.lock([id]))

    async def _document(self, ref: tuple[str, str, str]) -> None:
        if ref not in self._group.documents:
            session = self._session
            await Ask(lambda: session.document(ref))

    async def apply(self, command: Command) -> Effect:
        """See `Transaction.apply`."""
        await self._load((command.tenant, command.id, command.variant))
        return await self._group.apply(command)

    async def entity(self, tenant: str, id: str, variant: str = "") -> Entity | None:
        """See `Transaction.entity`. To be read, not changed; nobody else changes it until the commit."""
        await self._load((tenant, id, variant))
        return self._group.living((tenant, id, variant))

    async def remembered(self, tenant: str, id: str) -> Entity | None:
        """See `Transaction.remembered`. To be read, not changed."""
        await self._load((tenant, id, ""))
        state = self._group.states[tenant, id, ""]
        return None if state is None else state.entity

    async def put(self, tenant: str, kind: str, id: str, doc: Json) -> None:
        """See `Transaction.put`."""
        await self._document((kind, tenant, id))
        self._group.keep((kind, tenant, id), doc)

    async def get(self, tenant: str, kind: str, id: str) -> Json | None:
        """See `Transaction.get`."""
        await self._document((kind, tenant, id))
        return self._group.documents[kind, tenant, id]

    async def drop(self, tenant: str, kind: str, id: str) -> bool:
        """See `Transaction.drop`."""
        await self._document((kind, tenant, id))
        return self._group.keep((kind, tenant, id), None) is not None

    async def owe(self, tenant: str, queue: str, seq: int, payload: bytes) -> int:
        """See `Transaction.owe`."""
        return self._group.owe(tenant, queue, seq, payload)

    async def log(self, leaf: bytes) -> int:
        """See `Transaction.log`."""
        return self._group.log(leaf)

    async def remember(self, tenant: str, entity: Entity) -> None:
        """See `Transaction.remember`."""
        id = (tenant, entity["id"], "")
        await self._load(id)
        self._group.remember(id, entity)

    async def add_instances(self, tenant: str, entity: str, instances: Sequence[Instance]) -> None:
        """See `Transaction.add_instances`."""
        id = (tenant, entity, "")
        await self._load(id)
        self._group.add_instances(id, instances)

    async def drop_instances(self, query: InstanceQuery) -> int:
        """See `Transaction.drop_instances`."""
        session = self._session
        dropped: int = await Ask(lambda: session.drop_instances(query))
        return dropped
