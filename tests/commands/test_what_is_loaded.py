"""What a city does not use it does not load: memory, and seconds of a start on a small machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import asyncio, sys
from pathlib import Path
import kitamae.cli, kitamae.commands.up
from kitamae.app import Kitamae
from kitamae.directory.lock import Lock
from kitamae.settings import Settings

async def main() -> None:
    settings = Settings.chosen(data=Path(sys.argv[1]), open=True)
    with Lock(settings.data) as lock:
        kitamae = Kitamae(settings, lock)
        async with kitamae.running():
            await asyncio.sleep(0.1)
            print(*sorted({"aiomqtt", "asyncpg", "duckdb", "httpx2", "nats", "polars"} & sys.modules.keys()))

asyncio.run(main())
"""


def test_a_city_without_postgresql_nats_mqtt_and_closed_months_loads_none_of_what_they_need(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "data")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "", ended.stdout
