"""A whole file through the door: what is new is entered, what changed is written, and what is as it was brought last changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.context import clock
from kitamae.kernel.people.assisted.assisted import reference
from kitamae.kernel.people.assisted.said import Wrong
from kitamae.kernel.people.assisted.table import Row, table
from kitamae.kernel.people.vault.classes import DAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.people.assisted.assisted import Assisted
    from kitamae.kernel.people.assisted.records import Entry
    from kitamae.kernel.people.assisted.said import Known, Told
    from kitamae.kernel.people.person import Principal

RENEWED_DAYS: Final = 180
"""A row that says the same as ever says so anew once in so many days, or retention would end what still holds."""


@dataclass(slots=True)
class Brought:
    """What a file does, or would do. `wrong`: rows that are refused; while there is one, nothing of the file is written."""

    new: int = 0
    changed: int = 0
    renewed: int = 0
    same: int = 0
    wrong: list[Row] = field(default_factory=list)


async def bring(
    who: Principal,
    register: Assisted,
    text: str,
    known: Known,
    mark: Callable[[bytes], bytes],
    *,
    dry: bool,
    now: Callable[[], int] = clock.now,
) -> Brought:
    """`mark`: digest under a key of the city, so that nobody reads from it what a row said; `dry`: nothing is written, and nobody's record
    opened. What stops in the middle is brought again whole. Raises BadRequest for what is no such file, and as `Assisted.enter`.
    """
    rows, wrong = table(text, known)
    entries = await register.entries()
    by_number = {one["number"]: ref for ref, one in entries.items()}
    found = Brought(wrong=wrong)
    todo: list[tuple[Told, str, str, Entry | None]] = []
    for line, told in rows:
        ref = by_number.get(told.number, told.account or reference(told.number))
        said, entry = mark(orjson.dumps(told)).hex(), entries.get(ref)
        try:
            if entry is None or entry["mark"] != said:
                _demand(told, ref, entry)
                await register.demand_account(told)
            todo.append((told, ref, said, entry))
        except Wrong as problem:
            found.wrong.append(Row.of(line, problem))
    found.wrong.sort(key=lambda one: one.line)
    stale = now() - RENEWED_DAYS * DAY
    for told, ref, said, entry in todo:
        if entry is None:
            found.new += 1
        elif entry["mark"] != said:
            found.changed += 1
        elif not entry["left"] and clock.micros(entry["at"]) < stale:
            found.renewed += 1
        else:
            found.same += 1
            continue
        if not dry and not wrong:
            await _write(who, register, told, ref, said, entry)
    return found


def _demand(told: Told, ref: str, entry: Entry | None) -> None:
    """Raises Wrong."""
    if entry is None:
        return
    if entry["number"] != told.number:
        raise Wrong(field="account", value=told.account, expected="new")
    if told.account and told.account != ref:
        raise Wrong(field="account", value=told.account, expected="same")
    if told.agreed and entry["undone"] and told.agreed <= entry["undone"]:
        raise Wrong(field="agreed", value=told.agreed, expected="later-day")


async def _write(
    who: Principal, register: Assisted, told: Told, ref: str, mark: str, entry: Entry | None
) -> None:
    if entry is None:
        await register.enter(who, told, mark)
    elif entry["mark"] == mark:
        await register.renew(who, ref)
    else:
        if entry["left"]:
            await register.back(who, ref)
        await register.correct(who, ref, told, mark)
        if told.agreed and not entry["share"]:
            await register.agree(who, ref, told.agreed)
