"""A server in a process of its own, for tests."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from kitamae.cli import main

KITAMAE = [sys.executable, "-m", "kitamae"]


@dataclass(frozen=True)
class Done:
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


def kitamae(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a process of its own."""
    return subprocess.run(
        [*KITAMAE, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


def at_once(*arguments: str | Path) -> Done:
    """Run a command to its end, in this process: what it says and how it ends is the same, and it starts at once."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        patch.dict(os.environ, {"COLUMNS": "200"}),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main([str(one) for one in arguments])
            code: Any = 0
        except SystemExit as ended:
            code = ended.code
    return Done(code if isinstance(code, int) else int(code is not None), _text(out), _text(err))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


@dataclass
class Served:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    data: Path
    address: str
    link: str

    def ask(
        self, method: str, path: str, sent: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One request; errors are answers too."""
        content = None if sent is None else json.dumps(sent).encode()
        headers = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        request = urllib.request.Request(self.address + path, content, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def stop(self) -> int:
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)

    def kill(self) -> None:
        """As the power does."""
        self.process.kill()
        self.process.wait(20)


@contextlib.contextmanager
def servers() -> Iterator[Callable[..., Served]]:
    """Start servers that end with the block."""
    with contextlib.ExitStack() as stack:

        def start(*options: str, data: Path) -> Served:
            data.parent.mkdir(parents=True, exist_ok=True)
            log = stack.enter_context(
                data.with_name(f"{data.name}.log").open("w+")
            )  # a pipe that nobody reads would fill and stop it; beside the directory, which the server makes
            process = subprocess.Popen(
                [
                    *KITAMAE,
                    "up",
                    "--data",
                    str(data),
                    *([] if "--port" in options else ["--port", "0"]),
                    *options,
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
            stack.callback(process.communicate)
            stack.callback(process.kill)
            assert process.stdout is not None
            said = ""
            while "ready after" not in said:
                line = process.stdout.readline()
                if not line:
                    raise AssertionError(
                        f"it did not start: {said} {data.with_name(f'{data.name}.log').read_text()}"
                    )
                said += line
            address = re.search(r"address\s+(\S+?)/\n", said)
            link = re.search(r"sign-in\s+(\S+)", said)
            assert address
            assert link
            return Served(process, data, address[1], link[1])

        yield start
