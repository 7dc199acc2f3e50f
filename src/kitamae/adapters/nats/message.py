"""One change as a message.

Subject: `kitamae.<broker>.<tenant>.<type>.<verb>`; the default tenant is `_`, the type the entity's first, in the city's words.
Body (JSON): `seq` (the order of commits; whoever sees one twice drops it), `at` (RFC 3339, UTC), `verb` (created, updated,
deleted), `tenant`, `entity` (NGSI-LD: id, type, and the attributes that this change wrote, normalized), `deleted` (the names of
the attributes that it took away).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.context import clock
from kitamae.kernel.context.represent import present

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Attributes, Entity
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.store import Change

_UNFIT: Final = re.compile(r"[\s.*>%\x00-\x1f\x7f]")
_LONGEST: Final = 120


def subject(broker: str, change: Change, words: Context) -> str:
    """What NATS routes it by; no part of it is empty or has a meaning of its own to NATS."""
    kind = words.compact(change.types[0]) if change.types else ""
    return f"kitamae.{token(broker)}.{token(change.tenant)}.{token(kind)}.{change.verb}"


def token(text: str) -> str:
    """A part of a subject: what NATS does not take in one is written as in URLs (%2E); nothing is `_`.

    Only the first 120 characters: the whole name is in the body.
    """
    return _UNFIT.sub(lambda found: f"%{ord(found[0]):02X}", text)[:_LONGEST] or "_"


def body(change: Change, words: Context) -> bytes:
    """JSON in UTF-8."""
    wrote: Attributes = {}
    deleted: list[str] = []
    for one in change.touched:
        if one.after is not None:
            wrote.setdefault(one.name, []).append(one.after)
        else:
            deleted.append(words.compact(one.name))
    entity: Entity = {"id": change.entity, "type": change.types, "attrs": wrote}
    told: dict[str, Any] = {
        "seq": change.seq,
        "at": clock.text(change.at),
        "verb": change.verb,
        "tenant": change.tenant,
        "entity": present(entity, words),
    }
    if deleted:
        told["deleted"] = deleted
    return orjson.dumps(told)
