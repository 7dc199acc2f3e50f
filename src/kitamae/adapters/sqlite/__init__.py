"""The embedded store: one SQLite database, one writer, readers beside it.

store.py       the face: `open`, SqliteStore         pool.py     connections that read
writer.py      the thread, the queue, group commit   reading.py  quick reads, longer reads, kept rows
writing.py     one command and all it entails        find.py     queries over many entities
transaction.py what work inside a commit sees        series.py   history
census.py      counted while written: discovery      translate.py, condition.py  a query tree -> SQL
present.py     the row that is there before          backup.py, migrate.py, database.py
figures.py     sums and means over periods           compaction.py, closing.py, recall.py: closed months in files
leaving.py, carried.py, arriving.py, adopting.py: moving to another place
*.sql          every statement by its name
"""

from kitamae.adapters.sqlite.backup import verify
from kitamae.adapters.sqlite.store import SqliteStore, open  # noqa: A004  # a store is opened, as a file is

__all__ = ["SqliteStore", "open", "verify"]
