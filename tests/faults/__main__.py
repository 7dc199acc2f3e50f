"""`make faults`: every fault, the table, and an exit code that says whether anything was missing.

python -m faults [--store postgresql] [--size N] [--seed N] [NAME ...]
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path

from faults.judge import Verdict
from faults.rounds import City

_COLUMNS = ("kept", "unknown", "refused", "history", "owed", "received", "duplicates", "relayed")


def line(one: Verdict) -> str:
    """Of the table."""
    said = ", ".join(
        [*filter(None, [one.note]), f"{len(one.wrong)} WRONG" if one.wrong else "nothing missing"]
    )
    return f"| {one.fault} ({said}) | " + " | ".join(f"{getattr(one, name):,}" for name in _COLUMNS) + " |"


async def main() -> int:
    """0: nothing was lost."""
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # nothing is left running
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="faults; all when none is given")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--size", type=int, default=3)
    parser.add_argument("--seed", type=int, default=2026)
    chosen = parser.parse_args()
    print(
        "| fault | acknowledged | no answer | refused | in history | owed | received | duplicates told by id | in the stream |"
    )
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    wrong = []
    with tempfile.TemporaryDirectory(prefix="kitamae-faults-") as folder:
        async with City(Path(folder), chosen.store, chosen.size, chosen.seed) as city:
            for name in chosen.names or city.faults:
                began = time.monotonic()
                one = await city.round(name)
                one.note += f" {time.monotonic() - began:.0f} s"
                print(line(one), flush=True)
                for trouble in one.wrong[:10]:
                    print(trouble, file=sys.stderr)
                wrong += one.wrong
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
