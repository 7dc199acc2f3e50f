"""`kitamae access-log`, through the door: what it shows, of whom, since when, and whether closed days are whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from served_city import at_once

from kitamae.directory.layout import Layout


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A city that was never served."""
    folder = tmp_path / "data"
    folder.mkdir()
    Layout(folder).state.touch()
    return folder


def run(data: Path, *arguments: str) -> str:
    done = at_once("--lang", "en", *arguments, "--data", data)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_shows_what_commands_did_and_that_it_was_looked_at_itself(data: Path) -> None:
    run(data, "token", "create", "gauge", "write:RiverGauge")
    (line,) = run(data, "access-log").splitlines()
    assert line.split("  ")[1:6] == ["security", "done 201", "operator", "socket", "POST /control/tokens"]
    assert "GET /control/access-log" in run(data, "access-log"), "the look before is there too"


def test_lines_for_programs_are_json_and_are_narrowed_down_by_class_person_and_day(data: Path) -> None:
    run(data, "token", "create", "gauge", "write:RiverGauge")
    [line] = map(json.loads, run(data, "access-log", "--json", "--kind", "security").splitlines())
    assert (line["what"], line["network"], line["outcome"]) == ("POST /control/tokens", "socket", "done")
    day = line["at"][:10]
    assert "POST /control/tokens" in run(data, "access-log", "--since", day, "--until", day)
    assert run(data, "access-log", "--kind", "writes") == ""
    assert run(data, "access-log", "--who", "token-nobody") == ""
    assert run(data, "access-log", "--until", "2020-01-01", "--since", "2019-12-31") == ""


def test_a_day_that_cannot_be_read_is_refused_in_words(data: Path) -> None:
    for wrong in ("2026-02-30", "yesterday"):
        refused = at_once("--lang", "en", "access-log", "--since", wrong, "--data", data)
        assert refused.returncode == 1
        assert "--since" in refused.stderr


def test_closed_days_are_counted_and_a_city_without_one_says_so(data: Path) -> None:
    assert run(data, "access-log", "--check") == "0 closed days, 0 of them wrong\n"
