"""`--allowed-skips FILE`: a run fails when a test was skipped that the file does not name with a reason.

A line names tests by their id (`path::test`), or in quotes what they say when they skip; `*` stands for the rest.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--allowed-skips",
        help='a file: `test id  reason` or `"what it says"  reason` a line; other skips fail the run',
    )


def pytest_configure(config: pytest.Config) -> None:
    if named := config.getoption("--allowed-skips"):
        config.pluginmanager.register(Skips(Path(named).read_text("utf-8")), "allowed-skips")


class Skips:
    """What was skipped, against what may be."""

    def __init__(self, text: str) -> None:
        self.allowed: dict[str, str] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                pattern, _, reason = line.strip().partition("  ")
                if len(reason.strip()) < 10:
                    raise pytest.UsageError(
                        f"allowed skips, line {number}: a reason after two spaces is missing"
                    )
                self.allowed[pattern] = reason.strip()
        self.refused: list[str] = []

    def _saw(self, report: Any) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        why = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        said = f'"{why.removeprefix("Skipped: ")}"'
        if not any(fnmatchcase(text, pattern) for pattern in self.allowed for text in (report.nodeid, said)):
            self.refused.append(f"{report.nodeid}: {why}")

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._saw(report)

    def pytest_collectreport(self, report: Any) -> None:
        self._saw(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.refused and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.refused:
            terminalreporter.section("skipped without leave (.ci/allowed-skips)", red=True)
            for line in self.refused:
                terminalreporter.line(line)
