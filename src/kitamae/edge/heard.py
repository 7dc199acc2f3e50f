"""Which requests the access log is told of, and what: refusals, sign-ins, changes, what staff open. Nobody's reading of what is public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.edge.measures import BROKER, route
from kitamae.kernel.context import clock
from kitamae.kernel.people.access_log import noted
from kitamae.kernel.people.access_log.entry import Class, Entry, outcome, shortened
from kitamae.kernel.people.person import NOBODY, Principal

if TYPE_CHECKING:
    from collections.abc import Mapping

READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SOCKET: Final = "socket"
"""Where a command comes from."""
_REFUSED: Final = frozenset({401, 403, 429})
_WAYS_IN: Final = (
    "/sign-in", "/sign-out", "/account", "/openid/", "/devices/token", "/control/", "/staff/link", "/staff/duties",
    "/staff/transfers", "/staff/emergenc", "/staff/devices", "/staff/providers",
)  # fmt: skip
"""What is sent to these is about who may do what; so is each look at the log itself."""
_STAFF: Final = ("/staff", "/desk/")
"""What is opened here is told too: it is work. Who looked at what about a person is in the receipts (`kernel/people/vault`)."""
_LOG: Final = ("/staff/access-log", "/control/access-log")
_ASKED: Final = ("/access/", "/ngsi-ld/v1/entityOperations/query", "/ngsi-ld/v1/temporal/entityOperations/query", "/v2/op/query")  # fmt: skip
"""Sent by POST, and only reads."""
_INNER: Final = ("/ledger/", "/v2/")
_UNKNOWN: Final = "/…"
_LONGEST: Final = 100


def heard(scope: Mapping[str, Any], status: int, request: str, *, here: bool) -> Entry | None:
    """What is told of this request; None: nothing. `here`: it came over the local socket."""
    who = scope.get("principal", NOBODY)
    known = noted.found()
    kind = _class(scope["method"], scope["path"], status, who, signed_in=known is not None)
    if kind is None:
        return None
    at = clock.text(clock.now())
    return {
        "at": at,
        "until": at,
        "kind": kind,
        "who": known.who if known and known.who else who.ref,
        "role": known.role if known and known.role else who.role,
        "network": SOCKET if here else shortened((scope.get("client") or ("",))[0]),
        "what": f"{scope['method']} {_what(scope)}",
        "about": _about(scope, status, known),
        "status": status,
        "outcome": outcome(status),
        "request": request,
        "times": 1,
    }


def _class(method: str, path: str, status: int, who: Principal, *, signed_in: bool) -> Class | None:
    reads = method in READS
    if status in _REFUSED or signed_in:
        return "security"
    if reads and not path.startswith((*_STAFF, *_LOG)):
        return None
    if path.startswith(_LOG) or (not reads and path.startswith(_WAYS_IN)):
        return "security"
    if reads or path.startswith(_ASKED):
        return "work" if reads and who.role == "staff" else None
    return "work" if who.role in ("staff", "system") else "writes"


def _what(scope: Mapping[str, Any]) -> str:
    """The address without what is particular: a sign-in's code, an entity, a person. What no route knows may say anything, and is not kept."""
    path: str = scope["path"]
    if path.startswith(BROKER):
        return route(path)
    if "endpoint" not in scope:
        return next((f"{one}…" for one in _INNER if path.startswith(one)), _UNKNOWN)
    for name, value in scope.get("path_params", {}).items():
        if text := str(value):
            path = path.replace(f"/{text}", f"/{{{name}}}", 1)
    return path


def _about(scope: Mapping[str, Any], status: int, known: noted.Noted | None) -> str:
    if known is not None and known.about:
        return known.about[:_LONGEST]
    if 0 < status < 400 and scope["path"].startswith("/control/"):  # the operator named it, and it is there
        return " ".join(str(one) for one in scope.get("path_params", {}).values())[:_LONGEST]
    return ""
