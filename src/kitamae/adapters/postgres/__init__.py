"""The store on PostgreSQL and PostGIS, for any number of workers at the same time.

store.py    the face: `open`, PostgresStore         reading.py   reads; rows.py: single entities, read together
writer.py   the queue, group commit, beginning again  find.py     queries over many entities
session.py  one transaction on the connection       translate.py, condition.py  a query tree -> SQL
group.py    what is decided in it, in memory        series.py, figures.py  history
transaction.py  what work inside it sees            census.py    counted while written: discovery
flush.py    written at once; entities.py, history.py
numbers.py  the order of commits                    connect.py, migrate.py, hot.py
*.sql       every statement by its name
"""

from kitamae.adapters.postgres.store import PostgresStore, open  # noqa: A004  # a store is opened, as a file is

__all__ = ["PostgresStore", "open"]
