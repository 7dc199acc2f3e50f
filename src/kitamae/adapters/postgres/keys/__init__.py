"""Persons' keys on PostgreSQL: in a database, or at least a schema, of their own, with backups of their own."""

from kitamae.adapters.postgres.keys.store import PostgresKeyStore, open  # noqa: A004  # a store is opened, as a file is

__all__ = ["PostgresKeyStore", "open"]
