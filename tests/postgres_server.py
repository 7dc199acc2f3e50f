"""A PostgreSQL of the tests' own: Debian's binaries, a new cluster in memory or in a temporary folder, one socket.

It is started when the first test asks for it and stopped, by its process id, when the tests end, or by its watcher when
they are killed. fsync is on: a server without it is refused by the store, and in memory it costs nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MEMORY = Path("/dev/shm")
WATCHER = 'cat >/dev/null; "$1/pg_ctl" stop -s -m immediate -D "$2/data"; rm -rf "$2"'
"""Waits until nobody holds the other end of its input, which is when the tests are gone, however they went."""

ROOM = 1_000_000_000


def binaries() -> Path | None:
    """Where initdb and postgres are: the newest that is installed, 15 or newer."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found and float(found[-1].parts[-3]) >= 15 else None


class Cluster:
    """One server. `dsn` leads to its database, as superuser, through its socket."""

    def __init__(self, folder: Path, **settings: str) -> None:
        bin = binaries()
        if bin is None:
            pytest.skip(
                "PostgreSQL 15 or newer is not installed (apt-get install postgresql postgresql-postgis)"
            )
        self.folder, self.bin, self.settings = folder, bin, settings
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(folder, user.pw_uid, user.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._begin()
        self.start()
        self.watcher = subprocess.Popen(
            ["/bin/sh", "-c", WATCHER, "watcher", bin, folder], cwd="/", start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self._as,
        )  # fmt: skip

    def _begin(self) -> None:
        self.run(
            "initdb",
            "-D",
            str(self.folder / "data"),
            "-U",
            "kitamae",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        )

    @property
    def dsn(self) -> str:
        """For asyncpg."""
        return f"postgresql://kitamae@/postgres?host={self.folder}&port={self.port}"

    def run(self, name: str, *arguments: str) -> None:
        """One of PostgreSQL's programs."""
        done = subprocess.run(
            [self.bin / name, *arguments], cwd=self.folder, capture_output=True, check=False, **self._as
        )
        assert done.returncode == 0, done.stderr.decode()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        told = {
            "listen_addresses": "", "unix_socket_directories": str(self.folder), "port": str(self.port),
            "shared_buffers": "64MB", "max_connections": "60", "logging_collector": "off", **self.settings,
        }  # fmt: skip
        options = [part for name, value in told.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.folder / "data", *options],
                cwd=self.folder, stdout=log, stderr=log, start_new_session=True, **self._as,
            )  # fmt: skip
        where = str(self.folder), str(self.port)
        for _ in range(600):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            ready = [self.bin / "pg_isready", "-q", "-h", where[0], "-p", where[1]]
            if not subprocess.run(ready, check=False).returncode:
                return
            time.sleep(0.05)
        raise AssertionError("PostgreSQL did not start within half a minute")

    def promote(self) -> None:
        """A standby becomes the one that is written."""
        self.run("pg_ctl", "promote", "-w", "-D", str(self.folder / "data"))

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: at once, in order; SIGQUIT: as if the power went."""
        self.process.send_signal(how)
        self.process.wait(30)

    def remove(self) -> None:
        """Stop it and take its files away."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.stop(signal.SIGQUIT)
        self.watcher.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)


class Standby(Cluster):
    """A replica of another one, that follows it until it is promoted."""

    def __init__(self, leader: Cluster, folder: Path, **settings: str) -> None:
        self._leader = leader
        super().__init__(folder, **settings)

    def _begin(self) -> None:
        where = ["-h", str(self._leader.folder), "-p", str(self._leader.port), "-U", "kitamae"]
        self.run(
            "pg_basebackup", *where, "-D", str(self.folder / "data"), "-R", "-X", "stream", "-c", "fast", "-N"
        )


def folder() -> Path:
    """A new one, in memory where there is room."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    return Path(tempfile.mkdtemp(prefix="kitamae-pg-", dir=MEMORY if roomy else None))


@functools.cache
def cluster() -> Cluster:
    """The one that all tests of a run share."""
    one = Cluster(folder())
    atexit.register(one.remove)
    return one


@contextlib.contextmanager
def database(name: str, on: Cluster) -> Iterator[str]:
    """A database of its own, as a city has it, for as long as the block lasts; gives its address."""
    where = ["-h", str(on.folder), "-p", str(on.port), "-U", "kitamae", "-q"]
    on.run("createdb", *where[:-1], name)
    try:
        on.run("psql", *where, "-d", name, "-c", "CREATE EXTENSION postgis")
        yield on.dsn.replace("/postgres?", f"/{name}?")
    finally:
        on.run("dropdb", *where[:-1], "--force", name)


def dsn(name: str, on: Cluster | None = None) -> str:
    """The address of a schema of its own, made when it is not there."""
    server = on or cluster()
    where = ["-h", str(server.folder), "-p", str(server.port), "-U", "kitamae", "-d", "postgres", "-q"]
    sql = f'CREATE EXTENSION IF NOT EXISTS postgis; CREATE SCHEMA IF NOT EXISTS "{name}"'
    server.run("psql", *where, "-c", f"SET client_min_messages = error; {sql}")
    return f"{server.dsn}&search_path={name},public"
