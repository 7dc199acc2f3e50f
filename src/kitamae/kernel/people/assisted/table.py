"""The list as a file brings it: CSV as a spreadsheet writes it (UTF-8 or Windows-31J), one row a person. Read whole or not at all.

Columns may stand in any order; 番号, 氏名, 町 and 住所 are needed. Several needs stand in one cell with 、 or ; between them.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kitamae.kernel.people.assisted.said import Known, Told, Wrong, plain
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS: Final = {
    "番号": "number", "氏名": "name", "氏名カナ": "kana", "生年月日": "birth_date", "性別": "gender", "町": "town", "住所": "address",
    "電話": "phone", "事由": "needs", "必要な支援": "support", "支援者": "helper", "支援者の電話": "helper_phone", "同意した日": "agreed",
    "マイページの番号": "account",
}  # fmt: skip
"""Column -> field."""
NEEDED: Final = ("番号", "氏名", "町", "住所")
MOST: Final = 1_000
"""Rows of one file."""
_NAMES: Final = {field: column for column, field in COLUMNS.items()}
_BETWEEN: Final = re.compile(r"[、;,]")


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is refused. `line`: of the file, from 1; `value` "" where it is not shown; `expected`: as `Wrong` says it."""

    line: int
    column: str
    value: str
    expected: str

    @classmethod
    def of(cls, line: int, wrong: Wrong) -> Row:
        """With the column's name instead of the field's."""
        return cls(line, _NAMES.get(wrong.field, wrong.field), wrong.value, wrong.expected)


def table(text: str, known: Known) -> tuple[list[tuple[int, Told]], list[Row]]:
    """(line, what it says) of each row, and each row that is refused. Raises BadRequest where it is no such file at all."""
    rows = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), strict=True)
    told: list[tuple[int, Told]] = []
    wrong: list[Row] = []
    numbers: set[str] = set()
    accounts: set[str] = set()
    try:
        heads = [plain(one) for one in next(rows, [])]
        _demand_heads(heads)
        for cells in rows:
            line = rows.line_num
            if not any(one.strip() for one in cells):
                continue
            if len(told) + len(wrong) >= MOST:
                raise BadRequest(f"the file has more rows than are read at once: {MOST:,}")
            try:
                one = _row(heads, cells, known)
                _demand_once(one.number, "number", numbers)
                _demand_once(one.account, "account", accounts)
                told.append((line, one))
            except Wrong as problem:
                wrong.append(Row.of(line, problem))
    except csv.Error as error:
        raise BadRequest(f"the file is no CSV at line {rows.line_num}: {error}") from error
    return told, wrong


def _row(heads: Sequence[str], cells: Sequence[str], known: Known) -> Told:
    if len(cells) != len(heads):
        raise Wrong(field="", value=str(len(cells)), expected="as-many-cells")
    said = {COLUMNS[head]: cell for head, cell in zip(heads, cells, strict=True)}
    needs = [one for one in _BETWEEN.split(said.get("needs", "")) if one.strip()]
    return Told.read(said, needs, known)


def _demand_once(value: str, field: str, seen: set[str]) -> None:
    if value and value in seen:
        raise Wrong(field=field, value=value, expected="once")
    seen.add(value)


def _demand_heads(heads: Sequence[str]) -> None:
    if len(set(heads)) != len(heads) or set(heads) - set(COLUMNS) or set(NEEDED) - set(heads):
        raise BadRequest(f"the first line names the columns of the list, got {', '.join(heads)!r:.120}")
