"""Run the ETSI NGSI-LD test suite against this broker and write the score by group (`make conformance SUITE=...`).

Nothing leaves this machine: contexts are served from the folder of real data, the brokers are `kitamae up --open`,
mosquitto stands in for the container. Every run has a loopback address of its own, so that two do not meet.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.conformance import score, servers, suite

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
        "--option", action="append", default=[], help="an option of `kitamae up`, e.g. --option=--store=..."
    )
    chosen = parser.parse_args()
    kept = Path("build/conformance", "-".join(filter(None, (chosen.part, chosen.group.replace("/", ".")))))
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    found = run(chosen, kept.resolve())
    text = score.table(found)
    (kept / "score.md").write_text(text, "utf-8")
    print(f"{text}\nKept in {kept}")
    raise SystemExit(any(not one.passed for one in found))


def run(chosen: argparse.Namespace, kept: Path) -> list[score.Test]:
    """The tests of one part, or of one group of it, once."""
    root, brokers = PARTS[chosen.part]
    host = f"127.{os.getpid() >> 16 & 255}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-")))
        served = folder / "contexts"
        served.mkdir()
        contexts = stack.enter_context(servers.files(served, host))
        for file in chosen.contexts.iterdir():
            (served / file.name).write_text(suite.here(file.read_text("utf-8"), contexts), "utf-8")
        copy = suite.copied(chosen.checkout, folder / "suite", contexts=contexts)
        urls = [
            stack.enter_context(servers.broker(kept / f"broker{number}", host, *chosen.option))
            for number in range(1, brokers + 1)
        ]
        suite.variables(copy, broker=urls[0], host=host)
        named = [f"--variable=b{number}_url:{url}/ngsi-ld/v1" for number, url in enumerate(urls, 1)]
        output = kept / "output.xml"
        subprocess.run(
            [
                chosen.robot.absolute(),
                "-m",
                "robot",
                "--console=dotted",
                "--report=NONE",
                f"--outputdir={kept}",
                *named,
                copy / root / chosen.group,
            ],
            cwd=copy,
            env=os.environ
            | {
                "PATH": f"{HERE}:{os.environ['PATH']}",
                "PYTHONPATH": f"{copy}/libraries/robotframework-httpctrl/src:{copy}/libraries",
                "CONFORMANCE_HOST": host,
            },
            check=False,
        )
        found = score.tests(output, (copy / root).resolve())
        subprocess.run([HERE / "docker", "rm"], cwd=copy, check=False)
    return found


main()
