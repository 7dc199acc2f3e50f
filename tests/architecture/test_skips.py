"""The list of allowed skips lets nothing else through."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]


TESTS = """
import pytest
@pytest.mark.skip(reason="no database here")
def test_allowed(): pass
@pytest.mark.skip(reason="too lazy")
def test_not_allowed(): pass
def test_fine(): pass
"""


def run(pytester: pytest.Pytester, allowed: str) -> pytest.RunResult:
    pytester.makepyfile(skips=(Path(__file__).parents[1] / "skips.py").read_text(), test_it=TESTS)
    pytester.makeconftest('pytest_plugins = ["skips"]')
    pytester.syspathinsert()
    pytester.makefile(".txt", allowed=allowed)
    return pytester.runpytest_subprocess("--allowed-skips=allowed.txt")


def test_a_skip_that_is_not_named_fails_the_run_and_is_shown(pytester: pytest.Pytester) -> None:
    result = run(pytester, "test_it.py::test_allowed  PostgreSQL is not on this machine\n")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*skipped without leave*", "*test_it.py::test_not_allowed: *too lazy*"])
    result.stdout.no_fnmatch_line("*test_allowed: *no database*")


def test_named_skips_pass(pytester: pytest.Pytester) -> None:
    assert run(pytester, "# all\ntest_it.py::*  neither can run on this machine\n").ret == 0


def test_a_name_without_a_reason_is_refused(pytester: pytest.Pytester) -> None:
    assert run(pytester, "test_it.py::test_allowed\n").ret != 0


def test_what_a_test_says_when_it_skips_may_be_named_too(pytester: pytest.Pytester) -> None:
    result = run(pytester, '"no data*"  PostgreSQL is not on this machine\n')
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*skipped without leave*", "*test_it.py::test_not_allowed: *too lazy*"])
    result.stdout.no_fnmatch_line("*test_allowed: *no database*")
