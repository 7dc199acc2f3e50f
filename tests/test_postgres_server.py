"""The tests' own PostgreSQL goes when they do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import postgres_server

TESTS = """
import time
from postgres_server import Cluster, folder

one = Cluster(folder())
print(one.process.pid, one.folder, flush=True)
time.sleep(600)
"""


def running(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_server_whose_tests_are_killed_stops_and_leaves_nothing() -> None:
    if postgres_server.binaries() is None:
        pytest.skip("PostgreSQL 15 or newer is not installed (apt-get install postgresql postgresql-postgis)")
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    tests = subprocess.Popen(
        [sys.executable, "-c", TESTS], stdout=subprocess.PIPE, env=here, text=True, start_new_session=True
    )
    assert tests.stdout is not None
    told, folder = tests.stdout.readline().split()
    assert running(int(told))
    os.killpg(tests.pid, signal.SIGKILL)
    tests.communicate()
    for _ in range(600):
        if not running(int(told)) and not Path(folder).exists():
            return
        time.sleep(0.05)
    raise AssertionError("the server is still there half a minute later")
