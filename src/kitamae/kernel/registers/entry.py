"""What a register keeps, as documents of the store of kind `register-<name>`, by the entry's id.

`said` is all that the entry says in public; `changes` is how it came to say that, oldest first. Nothing in an entry is about a
person: `who`, the reference of the member of staff who changed it, is shown to nobody but the desk.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NotRequired, TypedDict

import orjson

from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


class Changed(TypedDict):
    """`at` RFC 3339 UTC; `by` a desk or the program; `what` a word such as `published`; `number` of the leaf in the ledger;
    `sha256` of what the entry says from then on.
    """

    at: str
    by: str
    what: str
    number: int
    sha256: str
    who: NotRequired[str]


class Entry(TypedDict):
    """One line of a register."""

    id: str
    state: str
    said: dict[str, Any]
    changes: list[Changed]


def demand_id(text: str) -> str:
    """An entry's id stands in addresses. Raises BadRequest."""
    if not _ID.fullmatch(text):
        raise BadRequest(f"id: expected small letters, digits, _ and -, at most 64 of them, got {text!r:.80}")
    return text


def public(entry: Entry) -> dict[str, Any]:
    """What everybody may read of it, without who changed it."""
    changes = [{name: value for name, value in one.items() if name != "who"} for one in entry["changes"]]
    return {"id": entry["id"], "state": entry["state"], **entry["said"], "changes": changes}


def digest(id: str, state: str, said: Mapping[str, Any]) -> str:
    """SHA-256, hexadecimal, over {"id", "state", ...said} as JSON in UTF-8 with names in order and no spaces: what a statement
    in the ledger names, so that whoever has the entry can compare.
    """
    body = orjson.dumps({"id": id, "state": state, **said}, option=orjson.OPT_SORT_KEYS)
    return sha256(body).hexdigest()
