"""Text to tree: `q` (clause 4.9), `scopeQ` (4.19), `type` (4.17), `orderBy` (4.23), lists of names (4.21).

Everything here raises BadRequest with the place that it could not read, or TooComplex. `geo` is in `georel`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from kitamae.kernel.context.query.build import Builder, expanded
from kitamae.kernel.context.query.georel import geo, reference
from kitamae.kernel.context.query.tree import OrderBy, Path, Projection, ScopeQ, TypeQ
from kitamae.kernel.problems import BadRequest, TooComplex

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.query.tree import Node

__all__ = ["geo", "names", "order_by", "projection", "q", "scope_q", "type_q"]

LONGEST: Final = 16_384
"""Characters of one parameter. A browser's address and every proxy's stop long before."""
DEEPEST: Final = 32
"""Brackets within brackets."""
MOST: Final = 1_000
"""Alternatives, values or names in one parameter."""

MOST_TERMS: Final = 250
"""Conditions of one query."""

_KEPT: Final = 256
"""Longer texts are parsed each time: a cache of them would be a way to fill the memory."""

_GRAMMAR: Final = Lark(
    (files(__package__) / "q.lark").read_text("utf-8"),
    parser="lalr",
    lexer="contextual",
    maybe_placeholders=False,
    transformer=Builder(),
)
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)
_TYPE: Final = re.compile(r'[^\s;|,()<>"{}\\^`]+')
_LEVEL: Final = r"(?:\+|[^\W_][\w\-]*)"
_SCOPE: Final = re.compile(rf"/\#|/?{_LEVEL}(?:/{_LEVEL})*(?:/\#)?")
_NAME: Final = re.compile(r"[^\s;|,(){}\[\]<>\"\\^`]+")
_COLLATION: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_IGNORES_CASE: Final = re.compile(r"-u(?:-\w+)*?-ks-(?:level1|level2|identic)\b", re.IGNORECASE)


def q(
    text: str,
    expand: Callable[[str], str],
    *,
    expand_values: Collection[str] = (),
    json_keys: Collection[str] = (),
) -> Node:
    """Read a query. `expand` turns a name into an IRI.

    `expand_values`: names (as written) of attributes whose values are terms of the @context too, as those of a
    VocabProperty are; `json_keys`: names of attributes whose values are not JSON-LD, and so are never expanded.
    Raises BadRequest, TooComplex.
    """
    node = (_kept if len(text) <= _KEPT else _read)(_sized(text, "q"))
    return expanded(node, expand, frozenset(expand_values).difference(json_keys))


def _read(text: str) -> Node:
    _affordable(_STRING.sub("", text))
    try:
        node: Node = _GRAMMAR.parse(text)  # type: ignore[assignment]  # lark gives what Builder makes
    except UnexpectedInput as wrong:
        at = len(text)
        if isinstance(wrong, UnexpectedCharacters):
            at = wrong.pos_in_stream or 0
        elif isinstance(wrong, UnexpectedToken) and wrong.token.type != "$END":
            at = wrong.token.start_pos or 0
        if at == len(text):
            raise BadRequest(f"q: ends too early: {text[-40:]!r}") from wrong
        raise BadRequest(f"q: cannot be read from character {at + 1} on: {text[at : at + 40]!r}") from wrong
    return node


def _affordable(text: str) -> None:
    """Before the parser spends time on it; `text` without its strings."""
    if text.count(";") + text.count("|") >= MOST_TERMS:
        raise TooComplex(f"q: more than {MOST_TERMS} conditions")
    if text.count(",") >= MOST:
        raise TooComplex(f"q: more than {MOST} values")
    depth = 0
    for bracket in re.findall(r"[()\[\]{}]", text):
        depth += 1 if bracket in "([{" else -1
        if depth > DEEPEST:
            raise TooComplex(f"q: more than {DEEPEST} brackets within brackets")


_kept = lru_cache(maxsize=4_096)(_read)


def type_q(text: str, expand: Callable[[str], str]) -> TypeQ:
    """`(Building;House)|Tower,Castle`. Names or IRIs. Raises BadRequest."""
    return TypeQ(
        tuple(
            tuple(expand(name) for name in together)
            for together in _alternatives(text, "type", _TYPE, "an entity type")
        )
    )


def scope_q(text: str) -> ScopeQ:
    """`(/Madrid/Districts;/CompanyA)|/CompanyB/#`. Raises BadRequest."""
    return ScopeQ(
        tuple(
            tuple(scope if scope.startswith("/") else "/" + scope for scope in together)
            for together in _alternatives(text, "scopeQ", _SCOPE, "a scope such as /Kaga/Hashitate")
        )
    )


def names(text: str | list[str], expand: Callable[[str], str], where: str = "attrs") -> tuple[str, ...]:
    """`name,location` (also with `|`), or a JSON list of names. Raises BadRequest naming `where`."""
    found = []
    for name in _items(text, where, r"[,|]"):
        if not _NAME.fullmatch(name):
            raise BadRequest(f"{where}: expected the name of an attribute, got {name!r:.80}")
        found.append(expand(name))
    return tuple(dict.fromkeys(found))


def projection(text: str | list[str], expand: Callable[[str], str], where: str) -> tuple[Projection, ...]:
    """`name,owner{name|email}` of pick and omit: attributes, and of linked entities theirs. Raises BadRequest.

    `id`, `type` and `scope` stay as they are: they are members, not attributes.
    """
    whole = _sized(text if isinstance(text, str) else ",".join(text), where)
    tokens = re.findall(r"[{},|]|[^{},|\s]+", whole)
    if len(tokens) > MOST:
        raise TooComplex(f"{where}: more than {MOST} names")
    read, rest = _projected(tokens, expand, where, 0)
    if rest != len(tokens):
        raise BadRequest(f"{where}: a closing brace without its opening one")
    return read


def _projected(
    tokens: list[str], expand: Callable[[str], str], where: str, at: int, depth: int = 0
) -> tuple[tuple[Projection, ...], int]:
    if depth > DEEPEST:
        raise TooComplex(f"{where}: more than {DEEPEST} braces within braces")
    found = []
    while True:
        name = tokens[at] if at < len(tokens) else ""
        if not _NAME.fullmatch(name):
            raise BadRequest(f"{where}: expected the name of an attribute, got {name!r:.80}")
        at += 1
        linked: tuple[Projection, ...] = ()
        if tokens[at : at + 1] == ["{"]:
            linked, at = _projected(tokens, expand, where, at + 1, depth + 1)
            if tokens[at : at + 1] != ["}"]:
                raise BadRequest(f"{where}: the brace after {name!r:.80} is not closed")
            at += 1
        found.append(Projection(name if name in ("id", "type", "scope") else expand(name), linked))
        if tokens[at : at + 1] not in ([","], ["|"]):
            return tuple(found), at
        at += 1


def order_by(
    text: str | list[str],
    expand: Callable[[str], str],
    *,
    collation: str | None = None,
    order_from: Json = None,
    order_geometry: str | None = None,
) -> tuple[OrderBy, ...]:
    """`name,age;desc` or `location;dist-asc` from `order_from` (coordinates; a Point unless told). Raises BadRequest."""
    if collation is not None and not _COLLATION.fullmatch(collation):
        raise BadRequest(
            f"collation: expected a language tag such as ja or und-u-ks-level2, got {collation!r:.80}"
        )
    ignore_case = collation is not None and _IGNORES_CASE.search(collation) is not None
    keys = []
    for item in _items(text, "orderBy", ","):
        name, _, direction = (part.strip() for part in item.partition(";"))
        if direction not in ("", "asc", "desc", "dist-asc", "dist-desc"):
            raise BadRequest(
                f"orderBy: expected asc, desc, dist-asc or dist-desc after {name!r:.80}, got {direction!r:.80}"
            )
        nearest = None
        if direction.startswith("dist"):
            if order_from is None:
                raise BadRequest("orderBy: an order by distance needs the coordinates in orderFrom")
            nearest = reference(order_geometry or "Point", order_from, "orderFrom")
        descending = direction.endswith("desc")
        match name:
            case "id" | "type" | "createdAt" | "modifiedAt":
                keys.append(OrderBy(name, descending))
            case _:
                keys.append(OrderBy(_path(name, expand), descending, nearest, ignore_case))
    return tuple(keys)


def _path(text: str, expand: Callable[[str], str]) -> Path:
    """The attribute path of an order: what `q` calls an attribute, alone."""
    try:
        node = q(text, expand)
    except BadRequest as wrong:
        raise BadRequest(f"orderBy: expected an attribute's path, got {text!r:.80}") from wrong
    path = getattr(node, "path", None)
    if not isinstance(path, Path) or path.join is not None or type(node).__name__ != "Exists":
        raise BadRequest(f"orderBy: expected an attribute's path, got {text!r:.80}")
    return path


def _items(text: str | list[str], where: str, separators: str) -> list[str]:
    found = re.split(separators, _sized(text, where)) if isinstance(text, str) else text
    if len(found) > MOST:
        raise TooComplex(f"{where}: more than {MOST} names")
    return [name.strip() for name in found]


def _alternatives(text: str, where: str, atom: re.Pattern[str], expected: str) -> tuple[tuple[str, ...], ...]:
    """`(a;b),c|d` to ((a, b), (c,), (d,)); brackets may stand around a conjunction or around all of it."""
    found = []
    whole = _sized(text, where).strip()
    if whole.startswith("(") and whole.endswith(")") and not re.search(r"[()]", whole[1:-1]):
        whole = whole[1:-1]
    terms = re.split(r"[,|]", whole)
    if len(terms) > MOST:
        raise TooComplex(f"{where}: more than {MOST} alternatives")
    for term in terms:
        inner = term.strip()
        if inner.startswith("(") and inner.endswith(")"):
            inner = inner[1:-1]
        together = tuple(part.strip() for part in inner.split(";"))
        for part in together:
            if not atom.fullmatch(part):
                raise BadRequest(f"{where}: expected {expected}, got {part!r:.80}")
        found.append(together)
    return tuple(found)


def _sized(text: str, where: str) -> str:
    if len(text) > LONGEST:
        raise TooComplex(f"{where}: {len(text):,} characters, at most {LONGEST:,} are read")
    return text
