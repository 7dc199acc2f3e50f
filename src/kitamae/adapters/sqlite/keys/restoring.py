"""A backup of keys.db put in its place: less the keys of everybody who was erased since, and with what ended since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import apsw

from kitamae.adapters.sql.erased import listed
from kitamae.adapters.sql.named import queries
from kitamae.adapters.sqlite import backup, database
from kitamae.adapters.sqlite.keys.store import destroy
from kitamae.adapters.sqlite.keys.version import migrate, version
from kitamae.kernel.context import clock
from kitamae.kernel.people.ended import newest
from kitamae.kernel.people.vault.keystore import Erasure, Over
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.problems import StoreUnknown

if TYPE_CHECKING:
    from pathlib import Path

_SQL = queries("keys", package=__package__)
_DAY: Final = 86_400_000_000  # microseconds


def restore(copy: Path, path: Path, now: int, *, backup_days: int) -> int:
    """Nobody serves the directory. How many erasures were carried over, from the keys that are here and from the list beside them.

    Raises VaultClosed for a backup that is older than erasures were promised to take, StoreUnknown, StoreTooNew,
    StoreDamaged, StoreFull; then nothing was changed.
    """
    new = path.with_name(path.name + ".restored")
    backup.copy(_checked(copy), new)
    try:
        with database.problems():
            db = apsw.Connection(str(new))
            try:
                migrate(db)
                taken = int(db.execute(_SQL["latest"]).get)
                if taken + backup_days * _DAY < now:
                    raise VaultClosed(
                        f"this backup of keys is of {clock.text(taken)[:10]}: persons who were erased since were promised"
                        f" that no key of theirs comes back after {backup_days} days. It was not restored"
                    )
                known, ended = _known(path)
                gone = [*known, *listed(path.with_name("erased"))]
                db.execute("PRAGMA secure_delete = ON")
                db.execute("BEGIN IMMEDIATE")
                for one in gone:
                    destroy(db, one)
                there = [Over(*row) for row in db.execute(_SQL["ended"])]
                db.executemany(_SQL["ended_put"], newest(there, ended))
                db.execute(_SQL["latest_note"], (now,))
                db.execute("COMMIT")
            finally:
                db.close()
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        new.replace(path)
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            new.with_name(new.name + end).unlink(missing_ok=True)
    return len(set(gone))


def _checked(copy: Path) -> Path:
    if not copy.is_file():
        raise StoreUnknown(f"there is no backup of keys at {copy}")
    with database.problems():
        db = apsw.Connection(str(copy), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            if not version(db):
                raise StoreUnknown(f"{copy} is empty: that is no backup of keys")
            database.check(db)
        finally:
            db.close()
    return copy


def _known(path: Path) -> tuple[list[Erasure], list[Over]]:
    """What the keys that are here now know to be erased and to have ended; nothing where they cannot be read."""
    if not path.is_file():
        return [], []
    try:
        with database.problems():
            db = apsw.Connection(str(path))
            try:
                at = version(db)
                ended = db.execute(_SQL["ended"]) if at > 1 else ()
                return [Erasure(*row) for row in db.execute(_SQL["erasures"], (0,))], [
                    Over(*row) for row in ended
                ]
            finally:
                db.close()
    except Exception:  # a damaged file is what a restore is for; the list beside it is left
        return [], []
