"""人事異動 from a file: CSV as a spreadsheet writes it, one row a person, read whole or not at all.

    職員番号,氏名,旧所属,新所属,外す担当,付ける担当,終了日
    staff-0a1b2c3d4e5f,山田 花子,防災課,市民課,防災担当,窓口担当,2027-03-31

職員番号 is the number that each page of staff shows, or the town hall's own that was bound to it (`numbers.py`). Columns may stand in any order; 職員番号 and one of the two 担当 are needed. Duties go by their id or their name in any
language, several with 、 or ; between them. 退職 under 外す担当 ends the account. 終了日 is the last day of what is given. 氏名 is
what an account without a name is called from now on; where the account has another name, somebody mistook the number. 新所属 is the
office from the moment on at which the change counts.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.people.colleagues import called
from kitamae.kernel.people.duties.office import step
from kitamae.kernel.people.duties.steps import ACCOUNT, Step
from kitamae.kernel.people.duties.transfer import MOST
from kitamae.kernel.people.mynumber import demand_none
from kitamae.kernel.people.vault.index import normal
from kitamae.kernel.problems import BadRequest, Problem, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

    from kitamae.kernel.people.colleagues import Called
    from kitamae.kernel.people.duties.plan import Plan

COLUMNS: Final = ("職員番号", "氏名", "旧所属", "新所属", "外す担当", "付ける担当", "終了日")
LEFT: Final = "退職"
LARGEST: Final = 1_000_000
"""Bytes of a file."""
_CELL: Final = 200
_SHOWN: Final = 20
_BETWEEN: Final = re.compile(r"[、;,]")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a file asks for. `wrong`: (line, what is wrong with it), and then nothing of it is asked for. `names`: of whose account has none."""

    steps: list[Step]
    sections: dict[str, list[str]]
    wrong: list[tuple[int, str]]
    names: dict[str, Called]


def decoded(sent: bytes) -> str:
    """UTF-8, or what Japanese spreadsheets write (Windows-31J). Raises BadRequest, TooLarge."""
    if len(sent) > LARGEST:
        raise TooLarge(f"a file of {len(sent):,} bytes: {LARGEST:,} are read")
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return sent.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadRequest("the file is neither UTF-8 nor Shift_JIS (Windows-31J)")


def numbers(text: str) -> set[str]:
    """What stands under 職員番号, for whoever knows whose it is; nothing of a file that is none, which `read` says."""
    rows = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), strict=True)
    try:
        column = [_plain(one) for one in next(rows, [])].index("職員番号")
        return {_plain(row[column]) for row, _ in zip(rows, range(MOST), strict=False) if len(row) > column}
    except (csv.Error, ValueError):
        return set()


def read(
    text: str,
    plan: Plan,
    tenant: str,
    zone: ZoneInfo,
    known: Mapping[str, str],
    called: Callable[[str], Called | None],
) -> Sheet:
    """Every row of it; `known`: the references of those who have these 職員番号; `called`: what somebody is called. Raises BadRequest where it is
    no such file at all, TooLarge.
    """
    if len(text.encode()) > LARGEST:
        raise TooLarge(f"a file of {len(text.encode()):,} bytes: {LARGEST:,} are read")
    rows = csv.DictReader(io.StringIO(text.lstrip("﻿"), newline=""), restkey="more", strict=True)
    names = {_plain(name): one.id for one in plan for name in (one.id, *one.name.values())} | {LEFT: ACCOUNT}
    sheet = Sheet([], {}, [], {})
    try:
        heads = [_plain(one) for one in rows.fieldnames or ()]
        _demand_heads(heads)
        rows.fieldnames = heads
        for row in rows:
            cells = {name: _plain(value) for name, value in row.items() if isinstance(value, str)}
            if not any(cells.values()):
                continue
            try:
                if "more" in row:
                    raise BadRequest(f"more cells than the {len(heads)} columns")
                number = cells.get("職員番号", "")
                cells["職員番号"] = known.get(number, number)
                _one(sheet, cells, names, tenant, zone)
                _name(sheet, cells, called)
            except Problem as problem:
                sheet.wrong.append((rows.line_num, problem.detail))
            if len(sheet.steps) > MOST:
                raise BadRequest(f"at most {MOST:,} duties change at one moment")
    except csv.Error as error:
        raise BadRequest(f"line {rows.line_num}: {error}") from error
    if len(sheet.wrong) > _SHOWN:
        more = len(sheet.wrong) - _SHOWN
        sheet.wrong[_SHOWN:] = [(sheet.wrong[_SHOWN][0], f"... and {more} more lines like these")]
    return sheet


def _demand_heads(heads: list[str]) -> None:
    if len(set(heads)) != len(heads) or set(heads) - set(COLUMNS):
        raise BadRequest(
            f"the first line names the columns: {', '.join(COLUMNS)}; got {', '.join(heads)!r:.200}"
        )
    if "職員番号" not in heads or not {"外す担当", "付ける担当"} & set(heads):
        raise BadRequest("the columns 職員番号, and 外す担当 or 付ける担当, are needed")


def _one(sheet: Sheet, cells: dict[str, str], names: dict[str, str], tenant: str, zone: ZoneInfo) -> None:
    """Raises BadRequest."""
    for name, value in cells.items():
        if len(value) > _CELL or not value.isprintable():
            raise BadRequest(f"{name}: expected at most {_CELL} characters of one line")
    demand_none(cells)
    person = cells["職員番号"]
    if person in {one["person"] for one in sheet.steps}:
        raise BadRequest(f"{person} is in the file twice")
    until = clock.text(days.ends("終了日", cells["終了日"], zone)) if cells.get("終了日") else None
    made = [
        step(person, _duty(one, names), gives=gives, tenants=(tenant,), until=until if gives else None)
        for column, gives in (("外す担当", False), ("付ける担当", True))
        for one in _BETWEEN.split(cells.get(column, ""))
        if one.strip()
    ]
    if not made:
        raise BadRequest("expected a duty to take or to give")
    sheet.steps.extend(made)
    if cells.get("旧所属") or cells.get("新所属"):
        sheet.sections[person] = [cells.get("旧所属", ""), cells.get("新所属", "")]


def _name(sheet: Sheet, cells: Mapping[str, str], known: Callable[[str], Called | None]) -> None:
    """Raises BadRequest for a name that is not his."""
    if not (name := cells.get("氏名", "")):
        return
    person = cells["職員番号"]
    if (there := known(person)) is None:
        sheet.names[person] = called(name, cells.get("旧所属", ""))
    elif normal(there.name) != normal(name):
        raise BadRequest(f"氏名: the account {person} has another name than the file")


def _duty(text: str, names: dict[str, str]) -> str:
    if (found := names.get(text.strip())) is None:
        raise BadRequest(f"there is no duty {text.strip()!r:.60}: this city has {', '.join(names)}")
    return found


def _plain(text: str | None) -> str:
    """Full-width digits and letters as half-width ones, as 職員番号 are often typed; no space around."""
    return unicodedata.normalize("NFKC", text or "").strip()
