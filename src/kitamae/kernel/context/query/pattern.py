"""Patterns of `~=` and `idPattern`, in time linear in the text: RE2, whose syntax has POSIX extended expressions in it.

A pattern is found anywhere unless it is anchored, as POSIX `regexec` does (clause 4.9 refers to IEEE 1003.2).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import re2

from kitamae.kernel.problems import BadRequest, TooComplex

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST: Final = 1_024
_MEMORY: Final = 1 << 20  # bytes of one compiled pattern; `(a{1000}){1000}` is refused by it


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    return options


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Callable[[str], bool]:
    """Whether it is found in a text. Raises BadRequest, TooComplex."""
    if len(pattern) > LONGEST:
        raise TooComplex(f"pattern: {len(pattern):,} characters, at most {LONGEST:,} are read")
    try:
        found = re2.compile(pattern, options=_options())
    except re2.error as wrong:
        raise BadRequest(f"pattern {pattern!r:.80}: not a regular expression: {_reason(wrong)}") from wrong
    search = found.search
    return lambda text: search(text) is not None


def checked(pattern: str) -> str:
    """The same pattern. Raises BadRequest, TooComplex when it cannot be used."""
    compiled(pattern)
    return pattern


def _reason(wrong: Exception) -> str:
    first = wrong.args[0] if wrong.args else ""
    return first.decode(errors="replace") if isinstance(first, bytes) else str(first)
