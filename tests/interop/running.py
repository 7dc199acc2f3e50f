"""What a client needs to do its round: a running broker, and somebody who is told of changes."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("KITAMAE_PYTHON", str(ROOT / ".venv/bin/python"))
"""Of the environment in which the broker runs; this one has the clients."""


@contextlib.contextmanager
def served(data: Path) -> Iterator[str]:
    """The address of `kitamae up --open`, which ends with the block."""
    command = [PYTHON, "-m", "kitamae", "up", "--open", "--data", str(data), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=data.parent) as process:
        assert process.stdout is not None
        try:
            said = ""
            while "ready after" not in said:
                line = process.stdout.readline()
                assert line, f"it did not start: {said}"
                said += line
            address = re.search(r"address\s+(\S+?)/\n", said)
            assert address, said
            yield address[1]
        finally:
            process.terminate()


@dataclass
class Told:
    """One request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Listener:
    """Whoever is told; also a context provider, which answers from `answers` by path."""

    url: str = ""
    came: queue.Queue[Told] = field(default_factory=queue.Queue)
    answers: dict[str, Any] = field(default_factory=dict)

    def next(self) -> Told:
        return self.came.get(timeout=20)


@contextlib.contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            listener.came.put(Told(self.command, self.path, headers, json.loads(raw) if raw else None))
            answer = listener.answers.get(self.path)
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(200 if content else 204)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_PUT(self) -> None:
            self.do_POST()

        def do_PATCH(self) -> None:
            self.do_POST()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()
