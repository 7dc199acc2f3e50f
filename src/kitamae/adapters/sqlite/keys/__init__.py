"""keys.db: persons' wrapped keys, blind indexes, erasures and what was ended, in a SQLite file apart from the city's state.

store.py       `open`, SqliteKeyStore        restoring.py   a backup of keys put in the place, less what was erased since
keys.sql       every statement by its name   migrations/    the file's version
"""

from kitamae.adapters.sqlite.keys.store import SqliteKeyStore, open  # noqa: A004  # a store is opened, as a file is

__all__ = ["SqliteKeyStore", "open"]
