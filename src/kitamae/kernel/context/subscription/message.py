"""What a subscriber is told: the changed entity in the subscription's form, and the notification around it (5.3.1)."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from kitamae.kernel.context import clock
from kitamae.kernel.context.entity import NULL
from kitamae.kernel.context.represent import Form, feature, present

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.entity import Attribute, Attributes, Entity, Json
    from kitamae.kernel.context.operations.command import Effect, Touched
    from kitamae.kernel.context.subscription.match import Cause
    from kitamae.kernel.context.subscription.model import Subscription

GEOJSON: Final = "application/geo+json"
LD: Final = "application/ld+json"
NOTIFIED_BY: Final = "Kitamae-Notified-By"
"""Header that names the broker whose notification it is."""
_ID: Final = b'{"id":"'


def datum(subscription: Subscription, effect: Effect, cause: Cause, at: int) -> dict[str, Json]:
    """The entity as the subscriber sees it, deletions and, if asked for, earlier values included.

    What was deleted has NGSI-LD Null for a value. `at`: when it happened, microseconds UTC.
    """
    return written(subscription, changed(effect, cause, subscription.show_changes, at), subscription.form)


def written(subscription: Subscription, entity: Entity, form: Form) -> dict[str, Json]:
    """In the subscription's words; a Feature for a receiver of GeoJSON."""
    show = feature if subscription.receiver.accept == GEOJSON else present
    return readable_alone(subscription, show(entity, subscription.context, form))


def readable_alone(subscription: Subscription, shown: dict[str, Json]) -> dict[str, Json]:
    """In JSON-LD each entity names its @context, so that it can be taken out and still be read."""
    if subscription.receiver.accept == LD:
        shown["@context"] = subscription.context.source
    return shown


def changed(effect: Effect, cause: Cause, show_changes: bool, at: int) -> Entity:
    """The state after, with what the notification has to say about the change; an entity that is gone has little."""
    stamp = clock.text(at)
    after, before = effect.after, effect.before
    if after is None:
        if before is None:
            raise ValueError("a change has a state before or after it")
        told = effect.touched if show_changes else cause.touched
        gone: dict[str, Any] = {
            m: v for m, v in before.items() if m in ("id", "type", "createdAt", "modifiedAt")
        }
        gone["deletedAt"] = stamp
        gone["attrs"] = _with({}, told, show_changes, stamp)
        return cast("Entity", gone)
    told = effect.touched if show_changes else [one for one in effect.touched if one.after is None]
    return {**after, "attrs": _with(after["attrs"], told, show_changes, stamp)} if told else after


def _with(attrs: Attributes, told: Sequence[Touched], show_changes: bool, stamp: str) -> Attributes:
    answer = {**attrs}
    whole = set() if show_changes else _gone_whole(attrs, told)
    for one in told:
        if one.after is not None and (one.before is None or not show_changes):
            continue
        new = cast("Attribute", {**one.after} if one.after is not None else _deleted(one.before, stamp))
        if one.name in whole:
            new.pop("datasetId", None)
        if show_changes and one.before is not None:
            new["previous"] = one.before["v"]
        others = [i for i in answer.get(one.name, []) if i.get("datasetId") != new.get("datasetId")]
        answer[one.name] = [*others, new] if "datasetId" in new else [new, *others]
    return answer


def _gone_whole(attrs: Attributes, told: Sequence[Touched]) -> set[str]:
    """Attributes whose several instances all went: one NGSI-LD Null says so."""
    counts = Counter(one.name for one in told if one.after is None)
    return {name for name, count in counts.items() if count > 1 and name not in attrs}


def _deleted(before: Attribute | None, stamp: str) -> dict[str, Any]:
    kept = {m: v for m, v in (before or {}).items() if m in ("kind", "datasetId", "createdAt", "modifiedAt")}
    return {**kept, "v": NULL, "deletedAt": stamp}


def identifier(subscription: str, number: int | str) -> str:
    """The notification's id: the same whenever the same is sent again, so a receiver can drop duplicates."""
    digest = blake2b(f"{subscription}\0{number}".encode(), digest_size=16).hexdigest()
    return f"urn:ngsi-ld:Notification:{digest}"


def subject(payload: bytes) -> str:
    """Which entity it tells of; "" where it tells of several, or of registrations."""
    if payload.startswith(_ID):
        return payload[len(_ID) : payload.index(b'"', len(_ID))].decode()
    told = orjson.loads(payload)
    return str(told.get("id", "")) if isinstance(told, dict) else ""


def body(subscription: Subscription, payloads: Sequence[bytes], notified_at: int, id: str) -> bytes:
    """The JSON text of a Notification around data that `datum` made; a payload may also be a list of such data.

    Of registrations (5.3.2) there is one payload, an object with the data and the reason why they are told.
    """
    accept, context = subscription.receiver.accept, subscription.context
    data = [orjson.Fragment(one[1:-1] if one[:1] == b"[" else one) for one in payloads]
    message: dict[str, Json] = {
        "id": id,
        "type": subscription.notice,
        "subscriptionId": subscription.id,
        "notifiedAt": clock.text(notified_at),
    }
    if subscription.notice == "ContextSourceNotification":
        message |= orjson.loads(payloads[-1])
    else:
        message["data"] = {"type": "FeatureCollection", "features": data} if accept == GEOJSON else data
    if accept == LD:
        message["@context"] = context.source
    return orjson.dumps(message)


def headers(subscription: Subscription, id: str) -> dict[str, str]:
    """Of the request that carries it; `Idempotency-Key` is the notification's id."""
    receiver = subscription.receiver
    answer = {"Content-Type": receiver.accept, "Idempotency-Key": id}
    if subscription.tenant:
        answer["NGSILD-Tenant"] = subscription.tenant
    if receiver.accept != LD and subscription.context.link:
        answer["Link"] = (
            f'<{subscription.context.link}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
        )
    answer.update(receiver.headers)
    return answer
