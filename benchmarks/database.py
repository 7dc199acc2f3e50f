"""STORE=postgresql: the servers that are measured keep their city on a PostgreSQL of their own, on the same disk."""

from __future__ import annotations

import contextlib
import os
import runpy
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_TESTS = Path(__file__).parent.parent / "tests" / "postgres_server.py"


def least(sqlite: float, postgresql: float) -> float:
    """What is asked of the store that is measured."""
    return sqlite if os.environ.get("STORE", "sqlite") == "sqlite" else postgresql


@contextlib.contextmanager
def database() -> Iterator[str]:
    """The address of an empty one, or "" where SQLite is measured. Settings are Debian's, but for 512 MB of
    buffers and what docs/operate/scale.md says.
    """
    if os.environ.get("STORE", "sqlite") == "sqlite":
        yield ""
        return
    postgres = runpy.run_path(str(_TESTS))
    folder = Path(
        tempfile.mkdtemp(prefix=".bench-pg-", dir=os.environ.get("BENCH_DIR", tempfile.gettempdir()))
    )
    cluster = postgres["Cluster"](folder, shared_buffers="512MB", autovacuum_naptime="10s")
    try:
        yield postgres["dsn"]("city", cluster)
    finally:
        cluster.remove()
        shutil.rmtree(folder, ignore_errors=True)
