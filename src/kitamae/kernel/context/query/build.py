"""What the parser makes of `q.lark`'s rules, and the names' expansion afterwards.

Two steps, because the first depends on the text alone and can be kept: the same text means different names under
another @context.
"""

from __future__ import annotations

import json
import re
from datetime import date, time
from typing import TYPE_CHECKING, Any, Final

from lark import Token, Transformer, v_args

from kitamae.kernel.context import clock
from kitamae.kernel.context.query.pattern import checked
from kitamae.kernel.context.query.tree import (
    SYSTEM,
    All,
    AnyOf,
    Compare,
    Exists,
    Missing,
    Moment,
    Null,
    Op,
    Path,
    Range,
)
from kitamae.kernel.problems import BadRequest, TooComplex

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.query.tree import Node, Scalar

LONGEST_PATH: Final = 32
"""Names, or members, one after the other."""

_ESCAPE: Final = re.compile(r'(\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))|\\')


@v_args(inline=True)
class Builder(Transformer[Token, Any]):
    """One method per rule of the grammar. Names stay as they are written."""

    def any_of(self, *terms: Node) -> Node:
        """`a|b`."""
        return terms[0] if len(terms) == 1 else AnyOf(terms)

    def all_of(self, *terms: Node) -> Node:
        """`a;b`."""
        return terms[0] if len(terms) == 1 else All(terms)

    def group(self, node: Node) -> Node:
        """`(a)`."""
        return node

    def exists(self, path: Path) -> Node:
        """`a`."""
        return Exists(path)

    def missing(self, path: Path) -> Node:
        """`!a`."""
        return Missing(path)

    def compare(self, path: Path, op: Op, values: Scalar | tuple[Scalar | Range, ...]) -> Node:
        """`a>1`, `a==1,2..3`."""
        if isinstance(values, tuple):
            return Compare(path, op, values)
        if isinstance(values, bool):
            raise BadRequest(f"q: {op} needs a number, a time or a text; true and false have no order")
        return Compare(path, op, (values,))

    def pattern(self, *parts: Any) -> Any:
        """`a~="x"`; also the rule of the operator itself."""
        if len(parts) == 1:
            return Op(parts[0])
        path, op, text = parts
        return Compare(path, op, (checked(_pattern_text(text)),))

    def operator(self, token: Token) -> Op:
        """`>`, ..."""
        return Op(token)

    equality = operator

    # --- paths
    def attribute(self, names: tuple[str, ...], inside: tuple[str, ...] = ()) -> Path:
        """`a.b[c.d]`."""
        return Path(names, inside)

    def follow(self, names: tuple[str, ...], linked: tuple[tuple[str, ...], Path]) -> Path:
        """`a{b}`."""
        return Path(names, (), linked)

    def linked(self, *parts: Any) -> tuple[tuple[str, ...], Path]:
        """`Device:b`."""
        *types, path = parts
        return (types[0] if types else ()), path

    def names(self, *tokens: Token) -> tuple[str, ...]:
        """`a.b`, and the hint `Device,Sensor:`."""
        return tuple(str(token) for token in _short(tokens))

    hint = names

    def inside(self, *tokens: Token) -> tuple[str, ...]:
        """`[a.b]`."""
        return tuple(_string(token) if token.type == "QUOTED" else str(token) for token in _short(tokens))

    # --- values
    def items(self, *values: Scalar | Range) -> tuple[Scalar | Range, ...]:
        """`1,2,3..4`."""
        return values

    def range(self, low: Scalar, high: Scalar) -> Range:
        """`1..2`."""
        for one, other in ((low, high), (high, low)):
            if isinstance(one, bool) or (isinstance(one, str | Moment) and type(one) is not type(other)):
                raise BadRequest("q: both ends of a range are numbers, or times, or quoted texts")
        if isinstance(low, Moment) and isinstance(high, Moment) and low.kind != high.kind:
            raise BadRequest(f"q: a range from a {low.kind} to a {high.kind}")
        return Range(low, high)

    def moment(self, token: Token) -> Moment:
        """`2026-11-21T07:14:46Z`, `2026-11-21`, `07:14:46Z`."""
        found = moment(str(token))
        if found is None:
            raise BadRequest(f"q: there is no such date or time: {str(token)!r}")
        return found

    def number(self, token: Token) -> int | float:
        """As JSON has them."""
        try:
            return int(token)
        except ValueError:
            pass
        found = float(token)
        if found in (float("inf"), float("-inf")):
            raise BadRequest(f"q: {str(token)!r:.80} is too large a number")
        return found

    def true(self, _token: Token) -> bool:
        """`true`."""
        return True

    def false(self, _token: Token) -> bool:
        """`false`."""
        return False

    def quoted(self, token: Token) -> str:
        """`"a"`."""
        return _string(token)

    def word(self, token: Token) -> str:
        """A URI, or a term to expand."""
        return str(token)


def _short(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    if len(tokens) > LONGEST_PATH:
        raise TooComplex(
            f"q: a path of {len(tokens):,} names from {str(tokens[0])!r:.80} on, at most {LONGEST_PATH}"
        )
    return tokens


def _string(token: str) -> str:
    try:
        found = json.loads(token)
        found.encode()  # a lone surrogate is no text
    except ValueError as wrong:
        raise BadRequest(f"q: not a JSON string: {str(token)!r:.80}") from wrong
    return str(found)


def _pattern_text(token: Token) -> str:
    r"""A quoted pattern is a JSON string in which `\d` may also be written as it is, since everybody does."""
    if token.type != "QUOTED_PATTERN":
        return str(token)
    return _string(_ESCAPE.sub(lambda escape: escape[1] or r"\\", token))


def moment(text: str) -> Moment | None:
    """Read a DateTime, Date or Time of clause 4.6.3; None when it is none. A Time without zone is UTC."""
    try:
        if len(text) == 10:
            return (
                Moment("Date", date.fromisoformat(text).toordinal(), text)
                if text[4] == text[7] == "-"
                else None
            )
        if len(text) > 10 and text[10] in "Tt":
            return Moment("DateTime", clock.micros(text), text)
        if len(text) >= 8 and text[2] == text[5] == ":":
            told = time.fromisoformat(text.replace(",", ".").replace("z", "Z"))
            offset = told.utcoffset()
            seconds = (
                told.hour * 3600 + told.minute * 60 + told.second - (offset.total_seconds() if offset else 0)
            )
            return Moment("Time", int(seconds) % 86_400 * 1_000_000 + told.microsecond, text)
    except (ValueError, BadRequest):
        pass
    return None


def expanded(node: Node, expand: Callable[[str], str], expand_values: frozenset[str]) -> Node:
    """The same node with names, types and (of `expand_values`) text values expanded."""
    match node:
        case All(terms):
            return All(tuple(expanded(term, expand, expand_values) for term in terms))
        case AnyOf(terms):
            return AnyOf(tuple(expanded(term, expand, expand_values) for term in terms))
        case Exists(path):
            return Exists(_expanded_path(path, expand))
        case Missing(path):
            return Missing(_expanded_path(path, expand))
        case Null(path, unequal):
            return Null(_expanded_path(path, expand), unequal)
        case Compare(path, op, values):
            if path.names[0] in expand_values and op in (Op.EQUAL, Op.UNEQUAL):
                values = tuple(expand(value) if isinstance(value, str) else value for value in values)
            return Compare(_expanded_path(path, expand), op, values)


def _expanded_path(path: Path, expand: Callable[[str], str]) -> Path:
    names = tuple(name if name in SYSTEM else expand(name) for name in path.names)
    if path.join is None:
        return Path(names, path.inside)
    types, onward = path.join
    return Path(names, path.inside, (tuple(expand(name) for name in types), _expanded_path(onward, expand)))
