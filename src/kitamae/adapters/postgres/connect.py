"""Connections: how they are set, what the server must be, and what its errors mean to a caller."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from kitamae.kernel.problems import BadRequest, Problem, StoreFull, StoreUnknown, TooComplex, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncpg import Connection

OLDEST: Final = 150_000

# Every statement's way in is written into the SQL, because a new city has no statistics to choose by; a plan that was
# made for an empty table must do for a full one.
_PLANS: Final = {
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "join_collapse_limit": "1",
    "from_collapse_limit": "1",
}
WRITTEN: Final = "read-write"
"""Of several servers the one that is written, also to read: another may not have yet what was acknowledged."""
_PATIENCE: Final = {
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "30s",  # a worker that hangs must not hold the others' horizon
}


async def connect(dsn: str, role: str, **settings: str) -> Connection:
    """One connection; `role` says to the database's operator what it is for. Raises Unavailable."""
    with problems():
        db: Connection = await asyncpg.connect(
            dsn,
            timeout=10,
            target_session_attrs=WRITTEN,
            server_settings={"application_name": f"kitamae {role}", **_PLANS, **_PATIENCE, **settings},
        )
    return db


async def pool(dsn: str, size: int, time_limit: float, commit: str) -> asyncpg.Pool:
    """Connections that read. `time_limit`: seconds that one statement may take. `commit`: see `writer`, for those that erase."""
    with problems():
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            timeout=10,
            target_session_attrs=WRITTEN,
            reset=_as_it_is,
            server_settings={
                "application_name": "kitamae read",
                **_PLANS,
                **_PATIENCE,
                "synchronous_commit": commit,
                "statement_timeout": f"{time_limit * 1000:.0f}",
            },
        )


async def _as_it_is(_: Any) -> None:
    """Nothing that reads leaves anything behind on its connection."""


async def check(db: Connection) -> None:
    """Raises StoreUnknown, saying what to do, for a server that could lose what it acknowledged, or cannot serve."""
    said = {
        name: await db.fetchval("SELECT current_setting($1)", name)
        for name in (
            "server_version_num",
            "server_encoding",
            "fsync",
            "full_page_writes",
        )
    }
    if int(said["server_version_num"]) < OLDEST:
        raise StoreUnknown(f"PostgreSQL 15 or newer is needed, this is {said['server_version_num'][:2]}")
    if said["server_encoding"] != "UTF8":
        raise StoreUnknown(f"the database's encoding is {said['server_encoding']}: make it with UTF8")
    for name in ("fsync", "full_page_writes"):
        if said[name] != "on":
            raise StoreUnknown(
                f"{name} is off: this server loses what it acknowledged. Set it on and start again"
            )
    if not await db.fetchval("SELECT count(*) FROM pg_extension WHERE extname = 'postgis'"):
        try:
            await db.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        except asyncpg.PostgresError as error:
            raise StoreUnknown(
                f"PostGIS is not there and could not be created ({error}). As superuser: CREATE EXTENSION postgis"
            ) from error


async def writer(dsn: str) -> Connection:
    """The one that writes: its commits are on disk when they return, whatever the database's default is."""
    db = await connect(dsn, "write")
    with problems():
        if await db.fetchval("SELECT current_setting('synchronous_commit')") == "off":
            await db.execute("SET synchronous_commit = on")
    return db


class Broken(Unavailable):
    """The connection is gone: whether what was under way was committed is not known."""


def problem(error: BaseException) -> Problem:
    """What the server's error means to somebody who asked the city for something."""
    match error:
        case asyncpg.QueryCanceledError():
            return TooComplex("the query took too long; narrow it by type, id, place or a declared attribute")
        case asyncpg.TargetServerAttributeNotMatched():
            return Broken("no server that may be written is reached (only standbys?)", retryAfter=1)
        case asyncpg.DiskFullError():
            return StoreFull("the database's disk is full: nothing was written, what is stored can be read")
        case asyncpg.DataError():
            return BadRequest(f"the database cannot keep that: {error}")
        case (
            asyncpg.PostgresConnectionError()
            | asyncpg.OperatorInterventionError()
            | asyncpg.InternalClientError()
            | asyncpg.InterfaceError()
            | OSError()
        ):
            return Broken("the database is not reached; try again in a moment", retryAfter=1)
        case (
            asyncpg.InsufficientResourcesError()
            | asyncpg.ReadOnlySQLTransactionError()
            | asyncpg.TransactionRollbackError()
            | asyncpg.ObjectInUseError()
            | asyncpg.LockNotAvailableError()
            | asyncpg.IdleInTransactionSessionTimeoutError()
        ):
            return Unavailable(f"the database is busy: {error}; try again in a moment", retryAfter=1)
    return Problem(f"the store failed: {error}")


FAILURES: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""All that a statement may raise. OSError is also TimeoutError."""


@contextlib.contextmanager
def problems() -> Iterator[None]:
    """The server's errors as problems."""
    try:
        yield
    except FAILURES as error:
        raise problem(error) from error
