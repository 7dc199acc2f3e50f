"""Lexical forms within a payload: names, URIs, scopes, times. Each function returns what it read or raises BadRequest."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context import clock
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json

_ASCII_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[!#-;=?-\[\]_a-z~]+", re.ASCII)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:", re.ASCII)
_NOT_IN_A_URI: Final = frozenset('<>"{}|\\^`')
_INVISIBLE: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that show nothing: an id with one of them looks like another id."""
_PLAIN_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.ASCII)


def is_name(name: str) -> bool:
    """Clause 4.6.2: a letter, then letters, numbers and `_`, of any script (a mark belongs to its letter)."""
    if name.isascii():
        return name.isidentifier() and name[0] != "_"
    return name[:1].isalpha() and all(
        letter.isalpha() or letter == "_" or letter.isnumeric() or unicodedata.category(letter)[0] == "M"
        for letter in name
    )


def has_scheme(given: str) -> bool:
    """Whether it begins as a URI does."""
    return _SCHEME.match(given) is not None


def is_uri(given: str) -> bool:
    """A URI (RFC 3986), or an IRI (RFC 3987) without characters that cannot be seen."""
    if given.isascii():
        return _ASCII_URI.fullmatch(given) is not None
    scheme = _SCHEME.match(given)
    return scheme is not None and len(given) > scheme.end() and all(map(_visible, given))


def _visible(letter: str) -> bool:
    if letter in _NOT_IN_A_URI or letter in _INVISIBLE:
        return False
    category = unicodedata.category(letter)
    if category[0] in "CZ":
        return False
    return not (category == "Mn" and "VARIATION SELECTOR" in unicodedata.name(letter, ""))


def text(given: Json, where: str) -> str:
    """Text that is not empty."""
    if type(given) is not str or not given:
        raise BadRequest(f"{where}: expected text, got {given!r:.80}")
    return given


def uri(given: Json, where: str) -> str:
    """A URI such as `urn:ngsi-ld:Building:1`."""
    if type(given) is str and is_uri(given):
        return given
    raise BadRequest(f"{where}: expected a URI such as urn:ngsi-ld:Building:1, got {given!r:.120}")


def time(given: Json, where: str) -> str:
    """A DateTime of clause 4.6.3, in UTC with `Z`; returned as it was written."""
    if type(given) is str:
        if _PLAIN_TIME.fullmatch(given):
            try:
                datetime.fromisoformat(given)
            except ValueError:  # the 30th of February
                pass
            else:
                return given
        elif given[-1:] in ("Z", "z"):
            return clock.text(clock.micros(given, where))
    raise BadRequest(f"{where}: expected a time in UTC such as 2026-11-21T07:14:46Z, got {given!r:.80}")


def scopes(given: Json, where: str = "scope") -> list[str]:
    """One scope or several (clause 4.18): `/Kaga/Yamashiro`; the leading slash is added where it is missing."""
    found: list[str] = []
    for scope in given if type(given) is list else [given]:
        levels = scope.removeprefix("/").split("/") if type(scope) is str else []
        if not levels or not all(map(is_name, levels)):
            raise BadRequest(f"{where}: expected a scope such as /Kaga/Yamashiro, got {scope!r:.120}")
        found.append("/" + "/".join(levels))
    return list(dict.fromkeys(found))
