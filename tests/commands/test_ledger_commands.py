"""`kitamae witness` and `kitamae verify`, as their users call them; and a city that asks a neighbour to cosign."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from served_city import KITAMAE, at_once, kitamae

from kitamae.kernel.ledger import merkle
from kitamae.kernel.ledger.checkpoint import Checkpoint
from kitamae.kernel.ledger.note import Key, Signer
from kitamae.kernel.ledger.proof import Proof
from kitamae.kernel.ledger.witness import Asked

TESSERA = "data/vectors/tessera-log"
KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"


@contextlib.contextmanager
def running(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and the line that says where it is."""
    process = subprocess.Popen([*KITAMAE, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        line = ""
        while "http://" not in line:
            line = process.stdout.readline()
            assert line, "it ended"
        yield process, line
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        process.stdout.close()


def address(line: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert found, line
    return found[0]


def post(url: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_log_that_tessera_wrote_is_verified_from_its_folder(shared: Path) -> None:
    done = at_once("verify", shared / TESSERA, "--key", KEY, "--since", shared / TESSERA / "checkpoint.7")
    assert done.returncode == 0, done.stderr
    assert "15 entries" in done.stdout
    assert "first 7 entries are those that were there" in done.stdout


def test_a_tile_that_is_cut_off_is_named_and_the_command_fails(shared: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    shutil.copytree(shared / TESSERA, log, copy_function=shutil.copyfile)
    tile = log / "tile" / "0" / "000.p" / "15"
    tile.write_bytes(tile.read_bytes()[:-1])
    done = at_once("verify", log, "--key", KEY)
    assert done.returncode == 1
    assert "tile/0/000.p/15" in done.stderr


@pytest.mark.parametrize(
    "wrong",
    ["nothing", KEY.replace("33d7", "33d8"), Signer.generate("example.com/log/testdata").key.vkey],
    ids=["no key", "a digit", "somebody else's"],  # the last one is another each time
)
def test_a_wrong_key_is_refused_in_one_sentence(shared: Path, wrong: str) -> None:
    done = at_once("verify", shared / TESSERA, "--key", wrong)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert at_once("verify", shared / "data", "--key", KEY).returncode == 1


def test_a_neighbour_cosigns_a_city_and_refuses_its_fork_after_kills_too(tmp_path: Path) -> None:
    data, logs = tmp_path / "city", tmp_path / "logs"
    assert kitamae("status", "--data", data).returncode == 1  # no city yet
    with running("up", "--data", data, "--port", "0") as (_, line):
        vkey = Signer.parse((data / "ledger.key").read_text()).key.vkey
        assert address(line)
    logs.write_text(f"log {vkey}\nquorum none\n")
    witnessing = ("witness", "--logs", logs, "--data", tmp_path / "witness", "--port", "0")
    assert kitamae(*witnessing).returncode == 1  # it needs a name
    with running(*witnessing, "--name", "neighbour.example/w") as (process, line):
        assert process.stdout
        wkey = process.stdout.readline().split()[4]
        assert Key.parse(wkey).name == "neighbour.example/w"
        policy = tmp_path / "witnesses"
        policy.write_text(f"witness n {wkey} {address(line)}\nquorum n\n")
        where = served(tmp_path, data, policy, vkey)
    state = next((tmp_path / "witness" / "logs").iterdir())
    signed = state.read_bytes()
    with running(*witnessing) as (process, line):
        origin = Key.parse(vkey).name
        size = int(signed.split(b"\n")[1])
        mine = Signer.parse((data / "ledger.key").read_text())
        fork = Checkpoint(origin, size + 1, merkle.leaf_hash(b"another history")).signed([mine]).data
        assert post(f"{address(line)}/add-checkpoint", Asked(size, (), fork).body)[0] == 422
        short = Checkpoint(origin, 0, merkle.EMPTY).signed([mine]).data
        assert post(f"{address(line)}/add-checkpoint", Asked(0, (), short).body) == (409, b"%d\n" % size)
        process.kill()
        process.wait()
    assert state.read_bytes() == signed
    assert where.startswith("http")


def served(tmp_path: Path, data: Path, policy: Path, vkey: str) -> str:
    """A city with that witness: statements, a cosigned checkpoint, a proof, and `kitamae verify` over HTTP."""
    os.environ["KITAMAE_WITNESSES"] = str(policy)
    try:
        with running("up", "--data", data, "--port", "0") as (_, line):
            url = address(line)
            made = kitamae("token", "create", "registers", "operate:system:ledger", "--data", data)
            secret = next(word for word in made.stdout.split() if word.startswith("kitamae_token_"))
            sent = [{"register": "wells", "statement": {"id": n}} for n in range(300)]
            status, _ = post(
                f"{url}/ledger/entries",
                orjson.dumps(sent),
                **{"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
            )
            assert status == 201
            for _ in range(600):
                done = kitamae("verify", f"{url}/ledger", "--key", vkey, "--policy", policy, "--witnessed")
                if done.returncode == 0 and "300 entries" in done.stdout:
                    break
                time.sleep(0.2)
            assert "neighbour.example/w cosigned it at" in done.stdout, done.stderr
            with urllib.request.urlopen(f"{url}/ledger/proof/7") as answer:
                proof = Proof.parse(answer.read())
            assert proof.index == 7
            return url
    finally:
        del os.environ["KITAMAE_WITNESSES"]
