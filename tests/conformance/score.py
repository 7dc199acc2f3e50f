"""What Robot's output.xml says, by group: the folders of the suite, two deep below its parts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

DEPTH = 3


@dataclass(frozen=True)
class Test:
    group: str
    name: str
    passed: bool
    said: str


def tests(output: Path, root: Path) -> list[Test]:
    """Every test of a run; `root`: the folder whose subfolders are the groups."""
    found: list[Test] = []
    for suite in ElementTree.parse(output).iter("suite"):
        for test in suite.findall("test"):
            folders = Path(suite.attrib["source"]).parent.relative_to(root).parts
            status = test.find("status")
            assert status is not None
            passed = status.attrib["status"] == "PASS"
            found.append(
                Test("/".join(folders[:DEPTH]), test.attrib["name"], passed, (status.text or "").strip())
            )
    return found


def table(found: list[Test]) -> str:
    """Markdown: the score by group, then each failing test with the first line of what it said."""
    of, passed = Counter(one.group for one in found), Counter(one.group for one in found if one.passed)
    lines = ["| group | passed | of |", "|---|---|---|"]
    lines += [f"| {group} | {passed[group]} | {of[group]} |" for group in sorted(of)]
    lines.append(f"| **all** | **{passed.total()}** | **{of.total()}** |")
    failing = sorted((one.name, one.said.partition("\n")[0][:200]) for one in found if not one.passed)
    lines += ["", f"Failing: {len(failing)}", "", *(f"- {name}: {said}" for name, said in failing)]
    return "\n".join(lines) + "\n"
