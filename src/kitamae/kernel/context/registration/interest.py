"""Subscriptions to registrations (clause 5.11): checked, compiled, and what their subscribers are told (5.3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import unquote

import orjson

from kitamae.kernel.context.query import parse
from kitamae.kernel.context.query.tree import Wanted
from kitamae.kernel.context.registration.match import Question
from kitamae.kernel.context.registration.show import shown
from kitamae.kernel.context.subscription import validate
from kitamae.kernel.context.subscription.model import Notice, Record, Subscription
from kitamae.kernel.context.subscription.read import Terms, compile_subscription
from kitamae.kernel.context.temporal import query as temporal
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.subscription.read import Document

KIND: Final = "registration-subscription"
Reason = Literal["newlyMatching", "updated", "noLongerMatching"]


@dataclass(slots=True, frozen=True)
class Interest(Subscription):
    """A subscription to registrations; `question` says which ones."""

    question: Question = field(default_factory=Question)

    @property
    def notice(self) -> Notice:
        """The type of its notifications."""
        return "ContextSourceNotification"


def checked(payload: Json) -> dict[str, Json]:
    """The members that a client may give. Raises BadRequest."""
    given = validate.validate(payload)
    if "temporalQ" in payload:
        given["temporalQ"] = payload["temporalQ"]
        _time(given["temporalQ"])
    return given


def compiled(tenant: str, doc: Document, context: Context, record: Record) -> Interest:
    """See `compile_subscription`."""
    plain = compile_subscription(tenant, doc, context, record)
    given = doc["given"]
    filters = [] if plain.q is None else [plain.q]
    if "csf" in given:
        filters.append(parse.q(unquote(given["csf"]), Terms(context.expand, doc, "csf")))
    question = Question(
        tuple(Wanted(one.types, (one.id,) if one.id else (), one.id_pattern) for one in plain.selectors),
        plain.watched,
        tuple(filters),
        plain.geo,
        plain.scope,
        _time(given["temporalQ"]) if "temporalQ" in given else None,
    )
    members: dict[str, Any] = {one.name: getattr(plain, one.name) for one in fields(plain)}
    members["queue"] = (
        f"/registrations {tenant} {plain.id}"  # apart from those of other subscriptions: no tenant has a slash
    )
    return Interest(**{**members, "kind": KIND}, question=question)


def _time(given: Json) -> temporal.TemporalQuery:
    if not isinstance(given, Mapping):
        raise BadRequest(f"temporalQ: expected an object with timerel and timeAt, got {given!r:.80}")
    for name, value in given.items():
        if name not in ("type", "timerel", "timeAt", "endTimeAt", "timeproperty"):
            raise BadRequest(f"temporalQ: there is no member {name!r:.80}")
        if not isinstance(value, str):
            raise BadRequest(f"temporalQ.{name}: expected text, got {value!r:.80}")
    return temporal.parse(given, required=True)


def payload(
    interest: Interest, reason: Reason, found: Sequence[tuple[Registration, tuple[int, ...]]]
) -> bytes:
    """What a notification says: of each registration the information that concerns the subscriber, in their words."""
    data = [shown(one, interest.context, only=positions) for one, positions in found]
    return orjson.dumps({"triggerReason": reason, "data": data})
