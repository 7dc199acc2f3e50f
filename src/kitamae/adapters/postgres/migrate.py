"""The schema's version: numbered steps, each with a way back, each in one transaction, by one worker at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.adapters.sql.steps import Step, read
from kitamae.kernel.problems import StoreTooNew

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Connection

_VERSION: Final = """CREATE TABLE IF NOT EXISTS kitamae_version (version integer NOT NULL)"""
LOCK: Final = 0x4B54_4D45  # "KTME"


def steps() -> list[Step]:
    """All of them, in order."""
    return read(__package__)


async def version(db: Connection, known: Sequence[Step] | None = None) -> int:
    """0: empty. Raises StoreTooNew for a schema of a newer Kitamae."""
    if await db.fetchval("SELECT to_regclass('kitamae_version')") is None:
        return 0
    at = int(await db.fetchval("SELECT coalesce(max(version), 0) FROM kitamae_version"))
    newest = len(steps() if known is None else known)
    if at > newest:
        raise StoreTooNew(
            f"the database is of version {at}, written by a newer Kitamae; this one knows versions up to {newest}."
            f" Run the newer one, or let it go back (kitamae upgrade --to {newest}); nothing was changed"
        )
    return at


async def migrate_to(db: Connection, to: int | None = None, known: Sequence[Step] | None = None) -> int:
    """Bring the schema to version `to` (the newest), up or down; returns the version it had. `known`: another schema's steps.

    Raises ValueError for a version that there is not.
    """
    known = steps() if known is None else known
    goal = len(known) if to is None else to
    if not 0 <= goal <= len(known):
        raise ValueError(f"there is no version {goal}: 0 to {len(known)} are known")
    if to is None and await version(db, known) == goal:
        return goal
    async with db.transaction():
        await db.execute("SELECT pg_advisory_xact_lock($1, hashtext(current_schema()))", LOCK)
        have = await version(db, known)
        await db.execute(_VERSION)
        for step in known[have:goal]:
            await db.execute(step.up)
        for step in reversed(known[goal:have]):
            await db.execute(step.down)
        await db.execute("DELETE FROM kitamae_version")
        await db.execute("INSERT INTO kitamae_version (version) VALUES ($1)", goal)
    return have
