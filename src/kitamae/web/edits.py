"""Fields of records in a form, each beside what stands there: what the town hall corrects, and what a person wishes to be corrected.

The form carries what was shown, so that nothing is looked at again to read it; whether it still stands is asked where it is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.people import mynumber, proposal
from kitamae.kernel.people.proposal import Proposed
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kitamae.kernel.people.vault import Record

MOST: Final = 200
"""Fields of one form."""
NUMBER: Final = "number"
"""What is wrong with a field that holds a My Number."""


@dataclass(slots=True)
class Row:
    """One field. `was` None: nothing stands there; else the value in a tuple. `typed`: what the form says; `wrong`: NUMBER, or why it
    is not taken; `wish`: it was proposed by the person.
    """

    index: int
    record: str
    field: str
    was: tuple[Any] | None
    typed: str
    wrong: str = ""
    wish: bool = False

    @property
    def kind(self) -> str:
        """How it is typed: `proposal.kind`."""
        return proposal.kind(self.was)

    @property
    def text(self) -> str:
        """What stands there."""
        return proposal.text(self.was)

    @property
    def shown(self) -> date | str:
        """The same as a page says it."""
        return _shown(self.was)

    @property
    def raw(self) -> str:
        """What the form carries of it."""
        return orjson.dumps([self.record, self.field, *(self.was or ())]).decode()


def rows(records: Iterable[Record], declared: Iterable[str], wishes: Sequence[Proposed] = ()) -> list[Row]:
    """Of each record what stands there, and behind it what might; filled with what stands there, or what the person wishes instead."""
    wished = {(one.record, one.edit.field): one.edit.now for one in wishes}
    found: list[Row] = []
    for record in records:
        there = sorted(record.fields)
        for name in (*there, *sorted(set(declared) - set(there))):
            was = (record.fields[name],) if name in record.fields else None
            wish = (record.id, name) in wished
            typed = proposal.text(wished[record.id, name] if wish else was)
            found.append(Row(len(found), record.id, name, was, typed, wish=wish))
    return found[:MOST]


def filled(sent: Mapping[str, str]) -> list[Row]:
    """The rows of a form that was sent. Raises BadRequest for one that no page of ours made."""
    found: list[Row] = []
    for index in range(MOST):
        if (raw := sent.get(f"row.{index}")) is None:
            continue
        try:
            record, field, *was = orjson.loads(raw)
            row = Row(
                index, str(record), str(field), (was[0],) if was else None, sent.get(f"now.{index}", "")
            )
        except (ValueError, TypeError) as error:
            raise BadRequest("a row of the form is not one of ours") from error
        found.append(row)
    return found


def proposed(found: Iterable[Row]) -> list[Proposed]:
    """Those that say something else than what stands there. Marks rows that are wrong; raises BadRequest, HoldsMyNumber for the first."""
    said: list[Proposed] = []
    wrong: list[BadRequest] = []
    for row in found:
        try:
            edit = proposal.typed(row.field, row.was, row.typed)
            if edit is not None and edit.now is not None:
                mynumber.demand_none({row.field: edit.now[0]})
        except BadRequest as problem:
            row.wrong = NUMBER if isinstance(problem, mynumber.HoldsMyNumber) else problem.detail
            wrong.append(problem)
        else:
            if edit is not None:
                said.append(Proposed(row.record, edit))
    if wrong:
        raise wrong[0]
    return said


def lines(said: Iterable[Proposed]) -> list[dict[str, date | str | None]]:
    """What a page shows of a proposal: field, what stood there, what shall; None: nothing."""
    return [
        {
            "field": one.edit.field,
            "was": _shown(one.edit.was) if one.edit.was else None,
            "now": _shown(one.edit.now) if one.edit.now else None,
        }
        for one in said
    ]


def _shown(value: tuple[Any] | None) -> date | str:
    """A day as a day."""
    text = proposal.text(value)
    if proposal.kind(value) != "day":
        return text
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text
