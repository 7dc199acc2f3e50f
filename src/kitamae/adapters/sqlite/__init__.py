"""The embedded store: one SQLite database, one writer, readers beside it."""
