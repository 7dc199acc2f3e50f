"""base64url and JSON, read as strictly as their RFCs are written.

Two texts that mean the same bytes would be two tokens of one signature, and two members of one name mean something
else to whoever keeps the first.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Final, Never

from kitamae.kernel.problems import Problem

LONGEST: Final = 32_768
"""Characters of one token, or of one document of keys. A token with a chain of certificates is about 8,000."""

_DEEPEST: Final = 16
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


class BadToken(Problem):
    """A token, or a key, that is not believed. The detail says what was wrong with it, never what it holds."""

    type = "https://kitamae.example/problems/bad-token"
    status = 400
    title = "This token is not valid"


def encode(content: bytes) -> str:
    """base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of a base64url text: no padding, no white space, and no bits left over. Raises BadToken."""
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise BadToken("base64url is written without padding and white space")
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(content) != text:
        raise BadToken("the last character of a base64url text has bits that mean nothing")
    return content


def members(content: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8, of bounded size and depth, in which no name stands twice. Raises BadToken."""
    if len(content) > LONGEST:
        raise BadToken(f"the JSON is longer than {LONGEST} bytes")
    try:
        read = json.loads(
            content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite
        )
    except RecursionError:
        raise BadToken("the JSON is too deep") from None
    except ValueError as wrong:
        raise BadToken(f"it is not JSON: {type(wrong).__name__}") from None
    if not isinstance(read, dict):
        raise BadToken("a JSON object is expected")
    _demand_shallow(read, 1)
    return read


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadToken("a name stands twice in one JSON object")
    return found


def _no_number(_: str) -> Never:
    raise BadToken("NaN and Infinity are not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise BadToken("a number is too large")
    return number


def _demand_shallow(value: Any, depth: int) -> None:
    if depth > _DEEPEST:
        raise BadToken("the JSON is too deep")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        _demand_shallow(one, depth + 1)
