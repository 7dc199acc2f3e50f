"""A subscription's document -> the compiled subscription, and -> what a client is shown (clause 5.2.12)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote, urlsplit

from kitamae.kernel.context import clock
from kitamae.kernel.context.linked import query_depth
from kitamae.kernel.context.query import georel, parse
from kitamae.kernel.context.query.tree import TypeQ
from kitamae.kernel.context.represent import LOCATION, Form
from kitamae.kernel.context.subscription.model import USUAL, Receiver, Record, Selector, Subscription
from kitamae.kernel.context.subscription.validate import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context

_NAME_IN_TYPES: Final = re.compile(r"[^\s;|,()]+")
_MEMBERS: Final = frozenset({"id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt"})

Document = dict[str, Any]
"""What is stored: `given` (as `validate` left it), `context` (its @context), `terms` (member -> name -> IRI, as they
were meant), `createdAt`, `modifiedAt` (microseconds UTC), `record`. With `terms` a subscription means the same when
its @context cannot be had."""


class Terms:
    """Expands the names in one member of a subscription, and remembers what they meant."""

    def __init__(self, expand: Callable[[str], str], doc: Document, member: str) -> None:
        self._known: dict[str, str] = doc["terms"].setdefault(member, {})
        self._expand = expand

    def __call__(self, name: str) -> str:
        """The IRI: the one remembered, else the context's."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._expand(name)
        return found


def compile_subscription(tenant: str, doc: Document, context: Context, record: Record) -> Subscription:
    """`context`: for reading names the first time, and for writing notifications. Raises BadRequest."""
    given: dict[str, Any] = doc["given"]

    def terms(member: str) -> Terms:
        return Terms(context.expand, doc, member)

    notification = given["notification"]
    endpoint = notification["endpoint"]
    geo = georel.geo(given["geoQ"], terms("geoQ")) if "geoQ" in given else None
    # many clients escape a q in a body too, as they would in a URL
    q = parse.q(unquote(given["q"]), terms("q")) if "q" in given else None
    parts = urlsplit(endpoint["uri"])
    return Subscription(
        tenant,
        given["id"],
        tuple(_selector(one, terms("entities")) for one in given.get("entities", ())),
        frozenset(given["notificationTrigger"]) if "notificationTrigger" in given else USUAL,
        frozenset(map(terms("watchedAttributes"), given.get("watchedAttributes", ()))),
        q,
        geo,
        parse.scope_q(given["scopeQ"]) if "scopeQ" in given else None,
        given.get("isActive", True),
        clock.micros(given["expiresAt"], "expiresAt") if "expiresAt" in given else None,
        given.get("throttling", 0),
        given.get("timeInterval"),
        Receiver(
            endpoint["uri"],
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower(),
            endpoint.get("accept", "application/json"),
            tuple((pair["key"], pair["value"]) for pair in endpoint.get("receiverInfo", ())),
            _from_millis(endpoint.get("timeout")),
            _from_millis(endpoint.get("cooldown")),
            tuple((pair["key"], pair["value"]) for pair in endpoint.get("notifierInfo", ())),
        ),
        _form(given, terms("notification")),
        notification.get("showChanges", False),
        context,
        doc,
        record,
        join=notification.get("join", "@none"),
        join_level=notification.get("joinLevel", 1),
        follows=query_depth(q) > 0,
    )


def _from_millis(value: float | None) -> float | None:
    return None if value is None else value / 1000


def _selector(given: dict[str, Any], expand: Callable[[str], str]) -> Selector:
    types = TypeQ() if given["type"] == "*" else parse.type_q(given["type"], expand)
    return Selector(types, given.get("id"), given.get("idPattern"))


def _form(given: dict[str, Any], expand: Callable[[str], str]) -> Form:
    notification = given["notification"]

    def chosen(member: str) -> frozenset[str] | None:
        if member not in notification:
            return None
        return frozenset(name if name in _MEMBERS else expand(name) for name in notification[member])

    datasets = given.get("datasetId")
    return Form(
        format=cast("Any", FORMATS[notification.get("format", "normalized")]),
        sys_attrs=notification.get("sysAttrs", False),
        lang=given.get("lang"),
        attrs=chosen("attributes"),
        pick=chosen("pick"),
        omit=chosen("omit"),
        datasets=frozenset(datasets) if datasets else None,
        geometry_property=LOCATION,
    )


def shown(
    subscription: Subscription, context: Context, now: int, *, sys_attrs: bool = False
) -> dict[str, Json]:
    """The subscription for a client, in the words of `context`, without `@context`. `q` stays as it was written."""
    given, terms = subscription.doc["given"], subscription.doc["terms"]

    def word(member: str, name: str) -> str:
        return context.compact(terms[member][name]) if name in terms.get(member, ()) else name

    answer: dict[str, Json] = {**given}
    if subscription.notice == "Notification" and subscription.interval is None:
        answer.setdefault("notificationTrigger", sorted(USUAL))  # what is in force, said or not (5.2.12)
    if "entities" in given:
        answer["entities"] = [
            {**one, "type": _NAME_IN_TYPES.sub(lambda found: word("entities", found[0]), one["type"])}
            for one in given["entities"]
        ]
    if "watchedAttributes" in given:
        answer["watchedAttributes"] = [word("watchedAttributes", name) for name in given["watchedAttributes"]]
    notification = {**given["notification"]}
    for member in ("attributes", "pick", "omit"):
        if member in notification:
            notification[member] = [word("notification", name) for name in notification[member]]
    answer["notification"] = {**notification, **_record(subscription.record)}
    answer["status"] = subscription.status(now)
    if sys_attrs:
        for member in ("createdAt", "modifiedAt"):
            answer[member] = clock.text(subscription.doc[member])
    return answer


def _record(record: Record) -> dict[str, Json]:
    answer: dict[str, Json] = {}
    if record.times_sent:
        answer["status"] = "failed" if record.failing else "ok"
        answer["timesSent"] = record.times_sent
    if record.times_failed:
        answer["timesFailed"] = record.times_failed
    for member, moment in (
        ("lastNotification", record.last_notification),
        ("lastSuccess", record.last_success),
        ("lastFailure", record.last_failure),
    ):
        if moment is not None:
            answer[member] = clock.text(moment)
    return answer
