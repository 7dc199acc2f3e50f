"""A snapshot's document (5.2.41): what a client may say of one, how it is shown, and conditions on its members."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context import clock, lexical
from kitamae.kernel.context.query import match, parse
from kitamae.kernel.context.subscription import validate
from kitamae.kernel.context.temporal import period
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.query.tree import Node

KIND: Final = "snapshot"
QUERIES: Final = ("snapshotQueries", "snapshotTemporalQueries")
DETAILS: Final = ("snapshotQueriesDetails", "snapshotTemporalQueriesDetails")
_LIFETIME: Final = 86_400_000_000  # microseconds: a day, unless told
_LONGEST: Final = 30 * _LIFETIME
_USUAL_PRIORITY: Final = 5
GIVEN: Final = frozenset({"id", *QUERIES, "snapshotLifetime", "snapshotPriority", "endpoint", "receiverInfo"})
CHANGED: Final = frozenset({"snapshotLifetime", "snapshotPriority"})
_OURS: Final = frozenset(
    {"snapshotStatus", *DETAILS, "createdAt", "modifiedAt", "expiresAt", "lastUsedAt", "type", "@context"}
)
"""Members that we alone write, and such as say nothing: from a client they are not read."""


@dataclass(slots=True)
class Snapshot:
    """One snapshot of a tenant. `given`: what the client asked for; `status` and `details` as they are told. Times in
    microseconds UTC.
    """

    tenant: str
    id: str
    room: str
    given: dict[str, Json]
    created: int
    modified: int
    expires: int
    used: int
    status: str = "preparing"
    details: dict[str, list[dict[str, Json]]] = field(default_factory=dict)

    def shown(self) -> dict[str, Json]:
        """As 5.2.41 has it."""
        answer: dict[str, Json] = {"id": self.id, "type": "Snapshot", **self.given, **self.details}
        answer["snapshotPriority"] = self.given.get("snapshotPriority", _USUAL_PRIORITY)
        answer["snapshotStatus"] = self.status
        for member, at in self._times():
            answer[member] = clock.text(at)
        return answer

    def _times(self) -> Iterable[tuple[str, int]]:
        yield from (("createdAt", self.created), ("modifiedAt", self.modified))
        yield from (("expiresAt", self.expires), ("lastUsedAt", self.used))

    def described(self) -> Entity:
        """As an entity, for conditions on its members."""
        shown = self.shown()
        members = {name: shown[name] for name in _ASKED if name in shown}
        return {
            "id": self.id,
            "type": ["Snapshot"],
            "createdAt": shown["createdAt"],
            "modifiedAt": shown["modifiedAt"],
            "expiresAt": shown["expiresAt"],
            "attrs": {name: [{"kind": "Property", "v": value}] for name, value in members.items()},
        }


_ASKED: Final = ("id", "snapshotPriority", "snapshotStatus", "snapshotLifetime", "lastUsedAt")
_TIMES: Final = ("createdAt", "modifiedAt", "expiresAt")


def checked(payload: Json, known: frozenset[str]) -> dict[str, Json]:
    """The members that a client may give. Raises BadRequest."""
    if not isinstance(payload, dict):
        raise BadRequest("a snapshot is a JSON object")
    if payload.get("type", "Snapshot") != "Snapshot":
        raise BadRequest(f"type: expected Snapshot, got {payload['type']!r:.80}")
    found: dict[str, Json] = {}
    for name, value in payload.items():
        if name in known:
            found[name] = _MEMBERS[name](value, name)
        elif name not in _OURS:
            raise BadRequest(f"{name}: a snapshot has no such member, or it cannot be changed")
    if "receiverInfo" in found and "endpoint" not in found:
        raise BadRequest("receiverInfo: without an endpoint nobody is told")
    return found


def _queries(value: Json, where: str) -> Json:
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise BadRequest(f"{where}: expected an array of Query objects")
    temporal = where == "snapshotTemporalQueries"
    for n, one in enumerate(value):
        if ("temporalQ" in one) != temporal:
            raise BadRequest(f"{where}[{n}]: temporalQ belongs to snapshotTemporalQueries, to each of them")
    return value


def _lifetime(value: Json, where: str) -> Json:
    if not isinstance(value, str):
        raise BadRequest(f"{where}: expected an ISO 8601 duration such as P1D, got {value!r:.80}")
    try:
        period.parse(value)
    except BadRequest:
        raise BadRequest(f"{where}: expected an ISO 8601 duration such as P1D, got {value!r:.80}") from None
    return value


def _priority(value: Json, where: str) -> Json:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10:
        raise BadRequest(f"{where}: expected a whole number from 1 to 10, got {value!r:.80}")
    return value


def _endpoint(value: Json, where: str) -> Json:
    return validate.endpoint({"uri": value}, where)["uri"]


def _receiver_info(value: Json, where: str) -> Json:
    return validate.listed(value, where, validate.header)


_MEMBERS: Final[dict[str, Callable[[Json, str], Json]]] = {
    "id": lexical.uri,
    **dict.fromkeys(QUERIES, _queries),
    "snapshotLifetime": _lifetime,
    "snapshotPriority": _priority,
    "endpoint": _endpoint,
    "receiverInfo": _receiver_info,
}


def end(given: dict[str, Json], now: int) -> int:
    """When it ends, as far as what was asked for is granted. Microseconds UTC."""
    wished = given.get("snapshotLifetime")
    return now + _LIFETIME if wished is None else min(period.parse(wished).boundary(now, 1), now + _LONGEST)


def document(snapshot: Snapshot) -> dict[str, Json]:
    """As it is stored."""
    return {
        name: getattr(snapshot, name)
        for name in ("room", "given", "created", "modified", "expires", "used", "status", "details")
    }


def condition(text: str) -> Node:
    """A query of the members of a snapshot (5.16.7). Raises BadRequest."""
    node = parse.q(text, lambda name: name)
    for name in _asked(node):
        if name not in (*_ASKED, *_TIMES):
            raise BadRequest(
                f"q: {name!r:.80} is no member of a snapshot; expected {', '.join((*_ASKED, *_TIMES))}"
            )
    return node


def _asked(node: Node) -> Iterable[str]:
    path = getattr(node, "path", None)
    if path is not None:
        yield path.names[0]
    for term in getattr(node, "terms", ()):
        yield from _asked(term)


def meets(snapshot: Snapshot, node: Node) -> bool:
    """Does it meet the condition?"""
    return match.node(node, snapshot.described())
