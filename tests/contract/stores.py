"""Every store that there is, behind one door."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import postgres_server
from kitamae.adapters import postgres, sqlite
from kitamae.kernel.context.store import Store

Opener = Callable[..., Awaitable[Store]]


async def open_sqlite(place: Path, **options: Any) -> Store:
    """A file in that directory."""
    return await sqlite.open(place / "kitamae.db", **options)


async def open_postgres(place: Path, **options: Any) -> Store:
    """A schema for each directory."""
    name = hashlib.blake2s(str(place).encode(), digest_size=8).hexdigest()
    return await postgres.open(postgres_server.dsn(f"t{name}"), **options)


STORES: dict[str, Opener] = {"postgresql": open_postgres, "sqlite": open_sqlite}
