"""The brokers under test and the server of their contexts: processes and threads of this machine, on loopback."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests import postgres_server

_PAGE = 15
"""Instances of an attribute in an answer: the suite expects a broker that cuts the history of twenty (6.3.10)."""


class _Contexts(SimpleHTTPRequestHandler):
    """The files of a folder; below `empty/` there is an empty @context under every name."""

    def do_GET(self) -> None:
        if not self.path.startswith("/empty/"):
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/ld+json")
        self.end_headers()
        self.wfile.write(b'{"@context": {}}')

    def guess_type(self, path: object) -> str:
        return "application/ld+json"

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextlib.contextmanager
def files(folder: Path, host: str) -> Iterator[str]:
    """Serve a folder over HTTP; gives its address."""
    with ThreadingHTTPServer((host, 0), functools.partial(_Contexts, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def cluster() -> Iterator[postgres_server.Cluster]:
    """A PostgreSQL for the brokers of a run, with room for the connections of five."""
    one = postgres_server.Cluster(postgres_server.folder(), max_connections="200")
    try:
        yield one
    finally:
        one.remove()


@contextlib.contextmanager
def broker(data: Path, log: Path, host: str, port: int, alias: str, store: str) -> Iterator[None]:
    """`kitamae up --open` at that address with a data directory of its own; `store`: the address of another store than that."""
    environment = {
        "KITAMAE_ALIAS": alias,
        "KITAMAE_FETCH_CONTEXTS": host,
        "KITAMAE_HISTORY_PAGE": str(_PAGE),
    }
    command = [sys.executable, "-m", "kitamae", "up", "--open", "--data", str(data)]
    with (
        log.open("w") as written,
        subprocess.Popen(
            [*command, "--host", host, "--port", str(port), *(["--store", store] if store else [])],
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
            env=os.environ | environment,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            while line := process.stdout.readline():
                if "ready after" in line:
                    break
            else:
                raise SystemExit(f"kitamae did not start: {log.read_text()}")
            yield
        finally:
            process.terminate()
