"""Update operators: a value that says how to change the one that is there, `{"$inc": 3}` (Orion's manual, "Update operators").

Worked out inside the transaction, so two clients that count do not lose a count. What the operand cannot be is
BadRequest, what the value that is there does not allow is Unprocessable; nothing is written then.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context.v2 import attribute, times
from kitamae.kernel.context.v2.problems import NotPossible
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.entity import Attribute, Json
    from kitamae.kernel.context.v2.names import Words

_NOTHING: Final[Any] = object()
"""Where there is no value: there was none, or none is made."""
_LARGEST: Final = 2**63 - 1


def worked_out(given: Json, name: str, before: Attribute | None, words: Words) -> Json | None:
    """The attribute as if its new value had been written out; None: nothing is to be written."""
    if not isinstance(given, dict) or not asked(given.get("value")):
        return given
    there = attribute.shown(before, words) if before is not None else {"type": None, "value": _NOTHING}
    type = given.get("type") or there["type"]
    new = _applied(given["value"], there["value"], f"attribute {name}", of_time=type in times.TYPES)
    if new is _NOTHING:
        return None
    return {**given, "value": new, **({} if type is None else {"type": type})}


def asked(value: Json) -> bool:
    """Is it an operator?"""
    return isinstance(value, dict) and not _OPERATORS.keys().isdisjoint(value)


def _applied(operators: dict[str, Any], old: Json, where: str, *, of_time: bool) -> Json:
    if operators.keys() == {"$set", "$unset"}:
        to_set, to_unset = operators["$set"], operators["$unset"]
        if not isinstance(to_set, dict) or not isinstance(to_unset, dict) or to_set.keys() & to_unset.keys():
            raise BadRequest(f"{where}: $set and $unset together need objects without a member in common")
        return _unset(_set(old, to_set, where), to_unset, where)
    if len(operators) != 1:
        raise BadRequest(f"{where}: one operator at a time, got {', '.join(sorted(operators))[:80]}")
    ((operator, operand),) = operators.items()
    if operator in ("$min", "$max"):
        return _extreme(old, operand, where, of_time=of_time, largest=operator == "$max")
    return _OPERATORS[operator](old, operand, where)


# --- numbers, and what can be compared
def _number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _calculated(old: Json, operand: Json, where: str, work: Callable[[Any, Any], Any]) -> Json:
    if not _number(operand):
        raise BadRequest(f"{where}: expected a number, got {operand!r:.80}")
    if old is not _NOTHING and not _number(old):
        raise NotPossible(f"{where}: its value is not a number")
    try:
        new = work(0 if old is _NOTHING else old, operand)
        new = float(new) if abs(new) > _LARGEST else new
    except OverflowError:
        new = math.inf
    if not math.isfinite(new):
        raise NotPossible(f"{where}: the result is too large a number")
    return new


def _inc(old: Json, operand: Json, where: str) -> Json:
    return _calculated(old, operand, where, lambda one, other: one + other)


def _mul(old: Json, operand: Json, where: str) -> Json:
    return _calculated(old, operand, where, lambda one, other: one * other)


def _extreme(old: Json, operand: Json, where: str, *, of_time: bool, largest: bool) -> Json:
    """Numbers, texts or times. Without a value the reference is 0, or 1970."""
    if of_time:
        moment = times.instant(operand, where)
        before = 0 if old in (_NOTHING, None) else times.instant(old, where)
        chosen = max(before, moment) if largest else min(before, moment)
        return times.stamp(chosen)
    if not _number(operand) and not isinstance(operand, str):
        raise BadRequest(f"{where}: expected a number, a text or a time, got {operand!r:.80}")
    if old is _NOTHING:
        old = 0 if _number(operand) else operand
    if (_number(old), isinstance(old, str)) != (_number(operand), isinstance(operand, str)):
        raise NotPossible(f"{where}: its value cannot be compared with {operand!r:.80}")
    return max(old, operand) if largest else min(old, operand)


# --- arrays
def _array(old: Json, where: str) -> list[Json]:
    if old is _NOTHING:
        return []
    if not isinstance(old, list):
        raise NotPossible(f"{where}: its value is not an array")
    return old


def _same(one: Json, other: Json) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _each(operand: Json, where: str, known: frozenset[str]) -> list[Json]:
    if not isinstance(operand, dict) or "$each" not in operand:
        return [operand]
    if not isinstance(operand["$each"], list) or operand.keys() - known:
        raise BadRequest(f"{where}: expected an array in $each, and beside it no more than {sorted(known)}")
    return operand["$each"]


def _push(old: Json, operand: Json, where: str) -> Json:
    there, items = _array(old, where), _each(operand, where, frozenset(("$each", "$position")))
    at = (
        operand.get("$position", len(there))
        if isinstance(operand, dict) and "$each" in operand
        else len(there)
    )
    if not isinstance(at, int) or isinstance(at, bool):
        raise BadRequest(f"{where}: $position is a whole number, got {at!r:.40}")
    return [*there[:at], *items, *there[at:]]


def _add_to_set(old: Json, operand: Json, where: str) -> Json:
    there = [*_array(old, where)]
    for item in _each(operand, where, frozenset(("$each",))):
        if not any(_same(item, one) for one in there):
            there.append(item)
    return there


def _pull(old: Json, operand: Json, where: str) -> Json:
    return _pull_all(old, [operand], where)


def _pull_all(old: Json, operand: Json, where: str) -> Json:
    if not isinstance(operand, list):
        raise BadRequest(f"{where}: $pullAll needs an array, got {operand!r:.80}")
    if old is _NOTHING:
        return _NOTHING
    return [one for one in _array(old, where) if not any(_same(item, one) for item in operand)]


# --- objects
def _set(old: Json, operand: Json, where: str) -> Json:
    if not isinstance(operand, dict):
        return operand
    if old is not _NOTHING and not isinstance(old, dict):
        raise NotPossible(f"{where}: its value is not an object")
    return {**({} if old is _NOTHING else old), **operand}


def _unset(old: Json, operand: Json, where: str) -> Json:
    del where
    if not isinstance(old, dict) or not isinstance(operand, dict):
        return old
    return {name: one for name, one in old.items() if name not in operand}


_OPERATORS: Final[dict[str, Callable[[Json, Json, str], Json]]] = {
    "$inc": _inc,
    "$mul": _mul,
    "$min": lambda old, operand, where: _extreme(old, operand, where, of_time=False, largest=False),
    "$max": lambda old, operand, where: _extreme(old, operand, where, of_time=False, largest=True),
    "$push": _push,
    "$addToSet": _add_to_set,
    "$pull": _pull,
    "$pullAll": _pull_all,
    "$set": _set,
    "$unset": _unset,
}
