"""The version of keys.db: numbered steps as the state's, another mark in the file's head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.adapters.sql import steps
from kitamae.adapters.sqlite.migrate import run
from kitamae.kernel.problems import StoreTooNew, StoreUnknown

if TYPE_CHECKING:
    import apsw

APPLICATION_ID: Final = 0x4B544B59  # "KTKY"


def version(db: apsw.Connection) -> int:
    """0: empty. Raises StoreUnknown, StoreTooNew."""
    at = int(db.pragma("user_version"))
    if db.pragma("application_id") != APPLICATION_ID:
        if db.execute("SELECT count(*) FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*'").get:
            raise StoreUnknown(f"{db.filename} is no file of Kitamae's keys; nothing was changed")
        return 0
    newest = len(steps.read(__package__))
    if at > newest:
        raise StoreTooNew(
            f"{db.filename} is of version {at}, written by a newer Kitamae; this one knows versions up to {newest}."
            " Run the newer one; nothing was changed"
        )
    return at


def migrate(db: apsw.Connection) -> None:
    """To the newest version."""
    for step in steps.read(__package__)[version(db) :]:
        run(db, step.up, step.number, APPLICATION_ID)
