"""An NGSIv2 subscription as a client is shown it: what it gave, what goes without saying, and how deliveries went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kitamae.kernel.context.v2.attribute import default_type
from kitamae.kernel.context.v2.subscription import endpoint
from kitamae.kernel.context.v2.times import milliseconds, stamp

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.subscription.model import Subscription


def shown(subscription: Subscription, now: int) -> dict[str, Json]:
    """`now` in microseconds UTC. Passwords are stars."""
    given = subscription.doc["given"]
    condition = {"attrs": [], "notifyOnMetadataChange": True, **given["subject"].get("condition", {})}
    answer: dict[str, Json] = {
        "id": subscription.id,
        **{
            name: one
            for name, one in given.items()
            if name != "expires" and (name, one) not in (("throttling", 0), ("description", ""))
        },
        "subject": {**given["subject"], "condition": condition},
        "notification": _notification(subscription),
        "status": _status(subscription, now),
    }
    if subscription.expires_at is not None:
        answer["expires"] = stamp(subscription.expires_at)
    return answer


def _status(subscription: Subscription, now: int) -> str:
    """There is no `failed`, as in Orion since 3.4: `failsCounter` says it."""
    status = subscription.status(now)
    if status == "active":
        oneshot = subscription.doc["given"].get("status") == "oneshot"
        return "active" if not oneshot else "inactive" if subscription.doc.get("spent") else "oneshot"
    return "inactive" if status == "paused" else status


def _custom(given: dict[str, Any]) -> dict[str, Json]:
    """An empty payload is none; what `ngsi` puts into an attribute has the type that goes without saying."""
    shown = {name: one for name, one in given.items() if (name, one) != ("payload", "")}
    if isinstance(given.get("ngsi"), dict):
        shown["ngsi"] = {
            name: {"type": default_type(one.get("value")), **one} if isinstance(one, dict) else one
            for name, one in given["ngsi"].items()
        }
    return shown


def _notification(subscription: Subscription) -> dict[str, Json]:
    given, record = subscription.doc["given"]["notification"], subscription.record
    usual = {"attrs": [], "attrsFormat": "normalized", "onlyChangedAttrs": False, "covered": False}
    answer: dict[str, Json] = {**usual, **given}
    if given.get("exceptAttrs") and not given.get("attrs"):
        del answer["attrs"]
    for kind in ("httpCustom", "mqttCustom"):
        if given.get(kind):
            answer[kind] = _custom(given[kind])
    for kind in ("mqtt", "mqttCustom"):
        if given.get(kind):
            answer[kind] = {"qos": 0, "retain": False, **answer[kind]}
            if given[kind].get("passwd") is not None:
                answer[kind]["passwd"] = endpoint.HIDDEN
    if record.times_sent:
        answer["timesSent"] = record.times_sent
    if record.fails:
        answer["failsCounter"] = record.fails
    for member, moment in (
        ("lastNotification", record.last_notification),
        ("lastSuccess", record.last_success),
        ("lastFailure", record.last_failure),
    ):
        if moment is not None:
            answer[member] = milliseconds(moment)
    if not subscription.receiver.origin.startswith("mqtt"):
        if record.success.isdigit():
            answer["lastSuccessCode"] = int(record.success)
        if record.failure:
            answer["lastFailureReason"] = record.failure
    return answer
