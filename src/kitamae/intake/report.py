"""What happened to a file: for people on the screen, for programs as JSON, for the town hall's list as CSV."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from kitamae.intake.cell import looks_like_a_formula
from kitamae.intake.row import Refusal, Remark, Taken

if TYPE_CHECKING:
    from kitamae.intake.row import Outcome


@dataclass(slots=True)
class Report:
    """One file. `rows` = `taken` + refused; `taken` = `created` + `changed` + `same` once all of it is delivered, and after an `error`."""

    file: str
    layout: str = ""
    encoding: str = ""
    rows: int = 0
    taken: int = 0
    created: int = 0
    changed: int = 0
    same: int = 0
    refused: list[Refusal] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    error: str = ""  # why the file as a whole, or what was left of it, could not be taken

    def add(self, outcome: Outcome) -> None:
        """Count one row."""
        self.rows += 1
        if isinstance(outcome, Taken):
            self.taken += 1
            self.remarks.extend(outcome.remarks)
        else:
            self.refused.append(outcome)

    def refuse(self, line: int, id: str, reason: str) -> None:
        """The broker did not take the row after all."""
        self.taken -= 1
        self.refused.append(Refusal(line, "", id, f"what the broker takes: {reason}"))

    @property
    def clean(self) -> bool:
        """Whether every row was taken."""
        return not self.refused and not self.error

    def as_json(self) -> dict[str, Any]:
        """Everything, `refused` and `remarks` in the order of the file."""
        told = asdict(self)
        told["refused"].sort(key=lambda refusal: refusal["line"])
        return told


def write_csv(reports: list[Report], file: TextIO) -> None:
    """One line for each refusal and remark. Cells that a spreadsheet would run begin with an apostrophe."""
    out = csv.writer(file, lineterminator="\r\n")
    out.writerow(["file", "line", "column", "value", "outcome", "expected"])
    for report in reports:
        if report.error:
            out.writerow([_inert(report.file), "", "", "", "unreadable", _inert(report.error)])
        odd: list[Refusal | Remark] = [*report.refused, *report.remarks]
        for one in sorted(odd, key=lambda one: one.line):
            outcome, why = ("refused", one.expected) if isinstance(one, Refusal) else ("kept", one.note)
            out.writerow(
                [_inert(report.file), one.line, *map(_inert, (one.column, one.value)), outcome, _inert(why)]
            )


def _inert(text: str) -> str:
    return "'" + text if looks_like_a_formula(text) or text[:1] in ("+", "-") else text
