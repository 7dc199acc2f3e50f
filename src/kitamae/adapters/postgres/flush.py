"""Writes what a group decided: each table once, with everything that many pieces of work left in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from kitamae.adapters.postgres import entities, history
from kitamae.adapters.postgres.named import queries
from kitamae.adapters.postgres.shares import share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Connection

    from kitamae.adapters.postgres.group import Group, Mark, Ref
    from kitamae.adapters.postgres.known import Known
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.store import Owed

_SQL = queries("entity", "change", "document", "ledger")


def columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as the columns that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)]


async def write(db: Connection, group: Group, begun: Mark, upto: Mark, known: Known) -> None:
    """What was decided between two marks. Raises Overtaken."""
    await _tenants(db, group, begun, upto, known)
    await entities.write(db, group.wrote[begun.entities : upto.entities], known)
    changes = slice(begun.changes, upto.changes)
    given = group.given[begun.given : upto.given]
    await history.write(db, group.changes[changes], group.keys[changes], given, known)
    await _owed(db, group.owed[begun.owed : upto.owed])
    if leaves := group.leaves[begun.leaves : upto.leaves]:
        await db.execute(_SQL["leaf_insert"], *columns(leaves))
    await _documents(db, group, group.kept[begun.documents : upto.documents])


async def _tenants(db: Connection, group: Group, begun: Mark, upto: Mark, known: Known) -> None:
    """A tenant begins with the first thing that is written to it (clause 5.5.10)."""
    told = {one.id[0] for one in group.wrote[begun.entities : upto.entities]}
    told.update(ref[1] for ref, _, doc in group.kept[begun.documents : upto.documents] if doc is not None)
    new = sorted(told - known.tenants)
    if new:
        await db.execute(_SQL["tenant_insert"], new)
        known.begun.update(new)


async def _owed(db: Connection, owed: Sequence[Owed]) -> None:
    if owed:
        rows = [(o.number, o.tenant, o.queue, share(o.queue), o.seq, o.at, o.payload) for o in owed]
        await db.execute(_SQL["owed_insert"], *columns(rows))


async def _documents(
    db: Connection, group: Group, kept: Sequence[tuple[Ref, Json | None, Json | None]]
) -> None:
    """The last of each counts. Last of all, since from here on every other worker that keeps documents waits."""
    if not kept:
        return
    last = {ref: doc for ref, _, doc in kept}
    dropped = [ref for ref, doc in last.items() if doc is None]
    stored = [(*ref, group.numbers.next(), orjson.dumps(doc)) for ref, doc in last.items() if doc is not None]
    if dropped:
        await db.execute(_SQL["document_drop"], *columns(dropped))
    if stored:
        await db.execute(_SQL["document_put"], *columns(stored))
    group.epoch = await db.fetchval(_SQL["document_note"], *columns(list(last)))
