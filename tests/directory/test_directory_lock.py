from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kitamae.directory.lock import InUse, Lock


def test_a_second_holder_is_told_who_has_the_directory(tmp_path: Path) -> None:
    with Lock(tmp_path) as lock:
        lock.describe("http://127.0.0.1:8080")
        with pytest.raises(InUse, match=r"process \d+ \(http://127.0.0.1:8080\)"):
            Lock(tmp_path).acquire()
    with Lock(tmp_path):
        pass


def test_a_process_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    code = "import sys,time; from pathlib import Path; from kitamae.directory.lock import Lock\n"
    code += "lock = Lock(Path(sys.argv[1])).acquire(); print('held', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(InUse, match=f"process {process.pid}"):
        Lock(tmp_path).acquire()
    process.kill()
    process.communicate()
    with Lock(tmp_path):
        pass


def test_a_lock_file_that_says_nothing_still_gives_a_sentence(tmp_path: Path) -> None:
    with Lock(tmp_path):
        (tmp_path / "lock").write_text("")
        with pytest.raises(InUse, match="in use by another process"):
            Lock(tmp_path).acquire()
