"""What is told of a request: who, from where, what, with which outcome. Never a name, an address in full, a payload or a secret."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final, Literal, TypedDict

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Class = Literal["security", "work", "writes"]
Outcome = Literal["done", "refused", "failed"]

CLASSES: Final[tuple[Class, ...]] = ("security", "work", "writes")
DAYS: Final[Mapping[Class, int]] = {"security": 1_095, "work": 365, "writes": 90}
"""How long each is kept unless the city says otherwise. What the figures rest on: docs/decisions/0112."""


class Entry(TypedDict):
    """One line. Requests that say the same of the same, in the same moments, are one line: `times` of them, from `at` to `until`
    (RFC 3339, UTC); `request` is the number of the first. `from`: a network, "" where it is not known, `socket` for a command.
    `what`: method and address without what is particular; `about`: the number of what was made, changed or ended, "" mostly.
    """

    at: str
    until: str
    kind: Class
    who: str
    role: str
    network: str
    what: str
    about: str
    status: int
    outcome: Outcome
    request: str
    times: int


def lines(entries: Iterable[Entry]) -> bytes:
    """As they are exported, and as a day's digest is taken: JSON lines, UTF-8, names in order."""
    return b"".join(
        orjson.dumps(one, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for one in entries
    )


def outcome(status: int) -> Outcome:
    """By the answer's status; 0 (no answer was begun) is a failure."""
    if 0 < status < 400:
        return "done"
    return "refused" if 400 <= status < 500 else "failed"


def shortened(address: str) -> str:
    """The network somebody came from: /24 of IPv4, /48 of IPv6. "" for what is no address."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped:
        known = known.ipv4_mapped
    return str(ipaddress.ip_network((known, 24 if known.version == 4 else 48), strict=False))
