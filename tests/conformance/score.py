"""What Robot's output.xml says, by group: the folders of the suite, two deep below its parts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

DEPTH = 3


@dataclass(frozen=True)
class Test:
    name: str
    passed: bool
    said: str
    source: str
    group: str = ""


def tests(output: Path) -> list[Test]:
    """Every test of a run."""
    found: list[Test] = []
    for suite in ElementTree.parse(output).iter("suite"):
        for test in suite.findall("test"):
            status = test.find("status")
            assert status is not None
            passed, said = status.attrib["status"] == "PASS", (status.text or "").strip()
            found.append(Test(test.attrib["name"], passed, said, suite.attrib["source"]))
    return found


def group(source: Path, root: Path) -> str:
    """The group of a test file; `root`: the folder whose subfolders are the groups."""
    return "/".join(source.parent.relative_to(root).parts[:DEPTH])


def table(found: list[Test]) -> str:
    """Markdown: the score by group, then each failing test with the first line of what it said."""
    of, passed = Counter(one.group for one in found), Counter(one.group for one in found if one.passed)
    lines = ["| group | passed | of |", "|---|---|---|"]
    lines += [f"| {group} | {passed[group]} | {of[group]} |" for group in sorted(of)]
    lines.append(f"| **all** | **{passed.total()}** | **{of.total()}** |")
    failing = sorted((one.name, one.said.partition("\n")[0][:200]) for one in found if not one.passed)
    lines += ["", f"Failing: {len(failing)}", "", *(f"- {name}: {said}" for name, said in failing)]
    return "\n".join(lines) + "\n"
