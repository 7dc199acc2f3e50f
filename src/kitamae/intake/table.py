"""Lines to CSV records (RFC 4180): one broken record is refused alone and the next ones are read."""

from __future__ import annotations

import csv
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kitamae.intake.row import Refusal, shown
from kitamae.intake.text import LONGEST, undecodable

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LINES: Final = 100
"""Lines that one record may span inside quotes; a quote that stays open longer was never meant to."""


@dataclass(frozen=True, slots=True)
class Record:
    """`line` is that of its first line, counted from 1."""

    line: int
    cells: list[str]


def records(lines: Iterator[str | None], encoding: str) -> Iterator[Record | Refusal]:
    """Blank lines are left out. A NUL, foreign bytes, an open quote or an endless line refuse their record."""
    ahead: deque[str | None] = deque()
    number = 0

    def following() -> str | None:
        return ahead.popleft() if ahead else next(lines)

    while True:
        try:
            line = following()
        except StopIteration:
            return
        number += 1
        if line is None:
            yield Refusal(number, "", "", f"a line of at most {LONGEST:,} characters")
            continue
        if not line.strip():
            continue
        wrong = _unfit(line, encoding)
        if wrong:
            yield Refusal(number, "", shown(line), wrong)
            continue
        text, taken = line, [line]
        while True:
            try:
                cells = next(csv.reader([text], strict=True))
            except csv.Error as error:
                if "unexpected end of data" not in str(error):
                    yield Refusal(number, "", shown(line), f"a CSV record ({error})")
                    break
                try:
                    more = following() if len(taken) < MOST_LINES and len(text) < LONGEST else None
                except StopIteration:
                    more = None
                if more is None or _unfit(more, encoding):
                    if more is not None:
                        ahead.appendleft(more)
                    ahead.extendleft(reversed(taken[1:]))
                    yield Refusal(number, "", shown(line), "a closing quotation mark")
                    break
                taken.append(more)
                text += "\n" + more
            else:
                yield Record(number, cells)
                number += len(taken) - 1
                break


def _unfit(line: str, encoding: str) -> str:
    if "\0" in line:
        return "text without NUL characters"
    if undecodable(line):
        return f"text in {encoding}, as the rest of the file"
    return ""
