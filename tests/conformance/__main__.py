"""Run the ETSI NGSI-LD test suite against this broker and write the score by group (`make conformance SUITE=...`).

Nothing leaves this machine: contexts are served from the folder of real data, the brokers are `kitamae up --open`,
mosquitto stands in for the container. Every run has a loopback address of its own, so that two do not meet; every folder
of tests meets brokers that know nothing yet, because the suite's own cleaning leaves history and registrations behind.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.conformance import score, servers, suite
from tests.postgres_server import Cluster, database

HERE = Path(__file__).parent
PARTS = {"TP": ("TP/NGSI-LD", 1), "IOP": ("IOP_TP/NGSI-LD/Interoperability", 5)}
"""Where the tests of a part are, and how many brokers it needs."""


def main() -> None:
    """Ends with 1 when a test failed, so that a script can see it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path, help="the checkout of the suite; it is only read")
    parser.add_argument("robot", type=Path, help="a Python with requirements/conformance.txt")
    parser.add_argument("--part", choices=PARTS, default="TP")
    parser.add_argument(
        "--group", default="", help="a folder or a file of the part, e.g. ContextSource/Discovery"
    )
    parser.add_argument("--contexts", type=Path, default=Path("../shared/data/contexts"))
    parser.add_argument(
        "--store", choices=("sqlite", "postgresql"), default="sqlite", help="what the brokers keep things in"
    )
    chosen = parser.parse_args()
    names = chosen.part, chosen.group.replace("/", "."), "" if chosen.store == "sqlite" else chosen.store
    kept = Path("build/conformance", "-".join(filter(None, names)))
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    found = run(chosen, kept.resolve())
    text = score.table(found)
    (kept / "score.md").write_text(text, "utf-8")
    print(f"{text}\nKept in {kept}")
    raise SystemExit(any(not one.passed for one in found))


def run(chosen: argparse.Namespace, kept: Path) -> list[score.Test]:
    """The tests of one part, or of one group of it, once."""
    part, brokers = PARTS[chosen.part]
    host = f"127.{os.getpid() >> 16 & 255}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-"))
        cluster = stack.enter_context(servers.cluster()) if chosen.store == "postgresql" else None
        served = Path(made, "contexts")
        served.mkdir()
        with servers.files(served, host) as contexts:
            for file in chosen.contexts.iterdir():
                (served / file.name).write_text(suite.here(file.read_text("utf-8"), contexts), "utf-8")
            copy = suite.copied(chosen.checkout, Path(made, "suite").resolve(), contexts=contexts, host=host)
            group = copy / part / chosen.group
            folders = sorted(
                {test.parent for test in group.rglob("*.robot") if not test.name.startswith("__")}
            )
            found: list[score.Test] = []
            for folder in folders or [group]:  # a group may be one file
                out = kept / (folder if folders else folder.parent).relative_to(copy / part)
                some = _folder(chosen.robot, copy, folder, out, host, brokers, cluster)
                print(
                    f"{folder.relative_to(copy / part)}: {sum(one.passed for one in some)} of {len(some)}",
                    flush=True,
                )
                found += [replace(one, group=score.group(Path(one.source), copy / part)) for one in some]
    return found


def _folder(
    python: Path, copy: Path, tests: Path, out: Path, host: str, brokers: int, cluster: Cluster | None
) -> list[score.Test]:
    """One folder's tests, not those of the folders in it."""
    out.mkdir(parents=True, exist_ok=True)
    files = sorted(tests.glob("*.robot")) if tests.is_dir() else [tests]
    environment = {
        "PATH": f"{HERE}:{os.environ['PATH']}",
        "PYTHONPATH": f"{copy}/libraries/robotframework-httpctrl/src:{copy}/libraries",
        "CONFORMANCE_HOST": host,
    }
    robot = [python.absolute(), "-m", "robot", "--console=none", "--report=NONE", f"--outputdir={out}"]
    with contextlib.ExitStack() as stack:
        for number in range(brokers):
            url = f"http://{host}:{suite.PORT + number}/ngsi-ld/v1"
            robot.append(f"--variable=b{number + 1}_url:{url}")
            data = Path(stack.enter_context(tempfile.TemporaryDirectory()), "data")
            log = out / f"broker{number + 1}.log"
            alias = f"{suite.ALIAS}{number + 1}"
            store = stack.enter_context(database(alias, cluster)) if cluster else ""
            stack.enter_context(servers.broker(data, log, host, suite.PORT + number, alias, store))
        with (out / "console.log").open("w") as console:
            subprocess.run(
                [*robot, *files], cwd=copy, env=os.environ | environment, stdout=console, check=False
            )
    subprocess.run([HERE / "docker", "rm"], cwd=copy, env=os.environ | environment, check=False)
    return score.tests(out / "output.xml")


main()
