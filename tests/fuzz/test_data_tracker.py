"""Estonia's own description of its data tracker, by all of schemathesis' checks: nothing that we answer surprises it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzzing import MANY, examples
from served_city import Served, at_once, servers

PHASES = "examples,coverage,fuzzing,stateful"
EXAMPLE = "EE12345678901"
"""The person of the description's own examples: somebody has looked at his data here."""
KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, dict[str, str]]]:
    """A city, and what a portal sends."""
    with servers() as start:
        city = start("--city", str(KAGA), data=tmp_path_factory.mktemp("tracked") / "data")
        portal = _token(city, "read:person:data-tracker")
        clerk = _token(city, "read:person:identity", "write:person:identity")
        sent = {"class": "identity", "kind": "person", "fields": {"name": "Mari Maasikas"}}
        assert city.ask("POST", f"/people/{EXAMPLE}/records", sent, **clerk)[0] == 201
        assert city.ask("GET", f"/people/{EXAMPLE}/records?purpose=identity", **clerk)[0] == 200
        yield city, portal


def _token(city: Served, *scopes: str) -> dict[str, str]:
    made = at_once("token", "create", "test", *scopes, "--data", city.data)
    assert made.returncode == 0, made.stderr
    return {"Authorization": f"Bearer {made.stdout.split()[-1]}"}


def test_schemathesis_finds_no_failure_against_estonias_description(
    shared: Path, portal: tuple[Served, dict[str, str]], tmp_path: Path
) -> None:
    """Its own command, with every check and every phase, as anybody would run it."""
    city, headers = portal
    about = city.ask("GET", f"/v2/findUsage?userCode={EXAMPLE}", **headers, X_Road_UserId=EXAMPLE)
    assert json.loads(about[2])["totalUsages"] == 3  # written once, read once, and that it was asked is one
    ran = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "run"),
            shared / "data" / "vectors" / "data-tracker" / "dumonitor-openapi.yaml",
            *("--url", city.address, "--checks", "all", "--mode", "all", "--phases", PHASES),
            *(one for name, value in headers.items() for one in ("--header", f"{name}: {value}")),
            *("--max-examples", str(examples(50)), "--no-color"),
            *(("--generation-database", "none") if MANY else ("--generation-deterministic",)),
        ],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-1000:]
    assert "No issues found" in ran.stdout
    tested = re.search(r"(\d+) generated", ran.stdout)
    assert tested
    assert int(tested[1]) > 100
