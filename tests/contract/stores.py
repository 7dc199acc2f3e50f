"""Every store that there is, behind one door."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import postgres_server
from kitamae.adapters import postgres, sqlite
from kitamae.adapters.postgres import keys as postgres_keys
from kitamae.adapters.sqlite import keys as sqlite_keys
from kitamae.kernel.context.store import Store
from kitamae.kernel.people.vault.keystore import KeyStore

Opener = Callable[..., Awaitable[Store]]


async def open_sqlite(place: Path, **options: Any) -> Store:
    """A file in that directory."""
    return await sqlite.open(place / "kitamae.db", **options)


async def open_postgres(place: Path, **options: Any) -> Store:
    """A schema for each directory."""
    name = hashlib.blake2s(str(place).encode(), digest_size=8).hexdigest()
    return await postgres.open(postgres_server.dsn(f"t{name}"), **options)


async def open_keys(kind: str, place: Path) -> KeyStore:
    """Persons' keys of that kind: a file in the directory, or a schema for each directory."""
    if kind == "sqlite":
        return sqlite_keys.open(place / "keys.db")
    return await postgres_keys.open(key_address(place))


def key_address(place: Path) -> str:
    """Of the schema of that directory."""
    name = hashlib.blake2s(str(place).encode(), digest_size=8).hexdigest()
    return postgres_server.dsn(f"k{name}")


STORES: dict[str, Opener] = {"postgresql": open_postgres, "sqlite": open_sqlite}
