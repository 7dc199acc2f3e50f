"""The file's version: numbered steps, each with a way back, each in one transaction; a backup before the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.adapters.sql.steps import Step, read
from kitamae.adapters.sqlite.database import APPLICATION_ID
from kitamae.kernel.problems import StoreTooNew, StoreUnknown

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw


def steps() -> list[Step]:
    """All of them, in order."""
    return read(__package__)


def version(db: apsw.Connection) -> int:
    """0: empty. Raises StoreUnknown for another program's database, StoreTooNew for one of a newer Kitamae."""
    at = int(db.pragma("user_version"))
    if db.pragma("application_id") != APPLICATION_ID:
        if db.execute("SELECT count(*) FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*'").get:
            raise StoreUnknown(f"{db.filename} is a database, but not one of Kitamae's; nothing was changed")
        return 0
    newest = len(steps())
    if at > newest:
        raise StoreTooNew(
            f"{db.filename} is of version {at}, written by a newer Kitamae; this one knows versions up to"
            f" {newest}. Run the newer one, or let it go back (kitamae upgrade --to {newest}); nothing was changed"
        )
    return at


def migrate(db: apsw.Connection, to: int | None = None, before: Callable[[int], object] | None = None) -> int:
    """Bring the database to version `to` (the newest), up or down; returns the version it had.

    `before(version)` is called once before the first step on a database that already holds something: the backup.
    """
    have, known = version(db), steps()
    goal = len(known) if to is None else to
    if not 0 <= goal <= len(known):
        raise ValueError(f"there is no version {goal}: 0 to {len(known)} are known")
    if have != goal and have and before:
        before(have)
    for step in known[have:goal]:
        run(db, step.up, step.number)
    for step in reversed(known[goal:have]):
        run(db, step.down, step.number - 1)
    return have


def run(db: apsw.Connection, script: str, then: int, application: int = APPLICATION_ID) -> None:
    """One step, `application` being the mark in the file's head; a failure leaves the database as it was before the step."""
    db.execute("BEGIN IMMEDIATE")
    try:
        for _ in db.execute(script):
            pass
        db.execute(f"PRAGMA user_version = {then:d}")
        db.execute(f"PRAGMA application_id = {application if then else 0:d}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
