"""What a field of a record should say instead: as a form writes it, as it is sealed, and of the type that stands there.

A record's fields are whatever JSON can say; of what type one is, its present value tells. Where nothing stands yet it is a text.
"""

from __future__ import annotations

import math
import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from kitamae.kernel.people.platform_purposes import REQUESTS, WATCHING
from kitamae.kernel.people.vault import CONSENTS, Edit
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

SAID: Final = frozenset({REQUESTS.name, WATCHING.name, CONSENTS})
"""Purposes whose records are words that were said, each with a leaf in the ledger: they are answered, and not rewritten."""
LONGEST: Final = 10_000
"""Characters of one value that is typed."""
MOST: Final = 50
"""Fields of one proposal."""
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)


class Proposed(NamedTuple):
    """One field of the record with that id."""

    record: str
    edit: Edit


def kind(was: tuple[Any] | None) -> str:
    """How it is typed: text, day, number, choice (true or false), json."""
    if was is None:
        return "text"
    match was[0]:
        case bool():
            return "choice"
        case int() | float():
            return "number"
        case str() as text:
            return "day" if _DAY.fullmatch(text) else "text"
    return "json"


def text(value: tuple[Any] | None) -> str:
    """As it stands in a form."""
    if value is None:
        return ""
    return value[0] if isinstance(value[0], str) else orjson.dumps(value[0]).decode()


def typed(field: str, was: tuple[Any] | None, given: str) -> Edit | None:
    """What was typed into the field, with the type of what stands there; nothing typed: the field goes. None: it stays as it is.

    Raises BadRequest naming the field.
    """
    said = given.replace("\r\n", "\n").strip()
    if len(said) > LONGEST:
        raise BadRequest(f"{field}: at most {LONGEST} letters, these are {len(said)}", missing=[field])
    if said == text(was).replace("\r\n", "\n").strip():
        return None
    return Edit(field, was, (_value(field, kind(was), was, said),) if said else None)


def _value(field: str, kind: str, was: tuple[Any] | None, said: str) -> Any:
    match kind:
        case "choice":
            if said not in ("true", "false"):
                raise BadRequest(f"{field}: expected true or false", missing=[field])
            return said == "true"
        case "number":
            return _number(field, said, whole=was is not None and isinstance(was[0], int))
        case "day":
            try:
                return date.fromisoformat(said).isoformat()
            except ValueError as error:
                raise BadRequest(f"{field}: expected a day such as 2026-11-21", missing=[field]) from error
        case "json":
            try:
                value = orjson.loads(said)
            except orjson.JSONDecodeError as error:
                raise BadRequest(f"{field}: not of the form that stands there", missing=[field]) from error
            if was and was[0] is not None and type(value) is not type(was[0]):
                raise BadRequest(f"{field}: not of the form that stands there", missing=[field])
            return value
    return said


def _number(field: str, said: str, *, whole: bool) -> int | float:
    if _WHOLE.fullmatch(said):
        return int(said)
    try:
        value = float(said)
    except ValueError:
        value = math.nan
    if whole or not math.isfinite(value) or "_" in said:
        raise BadRequest(f"{field}: expected a number of the kind that stands there", missing=[field])
    return value


def sealed(proposed: Sequence[Proposed]) -> str:
    """As it is kept, in the vault alone."""
    return orjson.dumps(
        [
            {
                "record": one.record,
                "field": one.edit.field,
                **({"was": one.edit.was[0]} if one.edit.was else {}),
                **({"now": one.edit.now[0]} if one.edit.now else {}),
            }
            for one in proposed
        ]
    ).decode()


def opened(text: str) -> list[Proposed]:
    """Raises BadRequest for what was not made by `sealed`."""
    try:
        rows = orjson.loads(text)
        if not rows:
            raise BadRequest("not a proposal of values")
        return [
            Proposed(
                str(one["record"]),
                Edit(
                    str(one["field"]),
                    (one["was"],) if "was" in one else None,
                    (one["now"],) if "now" in one else None,
                ),
            )
            for one in rows
        ]
    except (orjson.JSONDecodeError, TypeError, KeyError) as error:
        raise BadRequest("not a proposal of values") from error
