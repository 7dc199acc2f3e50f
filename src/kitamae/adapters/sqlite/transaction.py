"""The face that work inside a transaction sees. Its coroutines never wait, so the writer's thread can drive them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from kitamae.adapters.sqlite.vault import SqliteVaultRows

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from kitamae.adapters.sqlite.writing import Writing
    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.operations.command import Command, Effect
    from kitamae.kernel.context.store import Instance, InstanceQuery

T = TypeVar("T")


def drive(work: Coroutine[object, None, T]) -> T:
    """Run a coroutine that waits for nothing but the store. Raises RuntimeError if it waits for anything else."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError(
        f"{getattr(work, '__qualname__', work)} waited for something other than the store inside a transaction: everything that has"
        " to be waited for must be there before the transaction begins"
    )


class SqliteTransaction:
    """See `kernel.context.store.Transaction`."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self.vault = SqliteVaultRows(writing.db)

    async def apply(self, command: Command) -> Effect:
        """See `Transaction.apply`."""
        return self._writing.apply(command)

    async def entity(self, tenant: str, id: str, variant: str = "") -> Entity | None:
        """See `Transaction.entity`. To be read, not changed."""
        known = self._writing.present.known((tenant, id, variant))
        return known.entity if known else None

    async def remembered(self, tenant: str, id: str) -> Entity | None:
        """See `Transaction.remembered`. To be read, not changed."""
        return self._writing.present.remembered((tenant, id, ""))

    async def put(self, tenant: str, kind: str, id: str, doc: Json) -> None:
        """See `Transaction.put`."""
        self._writing.put(tenant, kind, id, doc)

    async def get(self, tenant: str, kind: str, id: str) -> Json | None:
        """See `Transaction.get`."""
        return self._writing.get(tenant, kind, id)

    async def drop(self, tenant: str, kind: str, id: str) -> bool:
        """See `Transaction.drop`."""
        return self._writing.drop(tenant, kind, id)

    async def owe(self, tenant: str, queue: str, seq: int, payload: bytes) -> int:
        """See `Transaction.owe`."""
        return self._writing.owe(tenant, queue, seq, payload)

    async def log(self, leaf: bytes) -> int:
        """See `Transaction.log`."""
        return self._writing.log(leaf)

    async def remember(self, tenant: str, entity: Entity) -> None:
        """See `Transaction.remember`."""
        self._writing.remember(tenant, entity)

    async def add_instances(self, tenant: str, entity: str, instances: Sequence[Instance]) -> None:
        """See `Transaction.add_instances`."""
        self._writing.add_instances(tenant, entity, instances)

    async def drop_instances(self, query: InstanceQuery) -> int:
        """See `Transaction.drop_instances`."""
        return self._writing.memory.drop(query)
