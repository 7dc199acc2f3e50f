"""The body of an NGSIv2 subscription -> the compiled subscription, and -> what a client is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.query import pattern
from kitamae.kernel.context.query.tree import TypeQ
from kitamae.kernel.context.represent import NORMALIZED
from kitamae.kernel.context.subscription.model import Receiver, Selector, Subscription
from kitamae.kernel.context.v2 import query
from kitamae.kernel.context.v2.names import field, inner_id
from kitamae.kernel.context.v2.represent import Form
from kitamae.kernel.context.v2.times import instant, stamp
from kitamae.kernel.context.v2.voice import ALTERATIONS, Subject, Voice
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.subscription.model import Record, Trigger
    from kitamae.kernel.context.v2.names import Words

Document = dict[str, Any]
"""What is stored: `given` (as the client wrote it), `id`, `path`, `place` (the geo attribute), `record`."""

_MEMBERS: Final = frozenset(("description", "subject", "notification", "expires", "throttling", "status"))
_NOTIFICATION: Final = frozenset(
    ("http", "httpCustom", "attrs", "exceptAttrs", "attrsFormat", "metadata", "onlyChangedAttrs")
)
_CUSTOM: Final = frozenset(("url", "headers", "qs", "method", "payload", "json", "timeout"))
_CONDITION: Final = frozenset(("attrs", "expression", "alterationTypes", "notifyOnMetadataChange"))
_EXPRESSION: Final = frozenset(("q", "mq", "georel", "geometry", "coords"))
_FORMATS: Final = ("normalized", "keyValues", "values", "simplifiedNormalized", "simplifiedKeyValues")
_READ_ONLY: Final = frozenset(
    (
        "timesSent",
        "lastNotification",
        "lastFailure",
        "lastSuccess",
        "lastFailureReason",
        "lastSuccessCode",
        "failsCounter",
    )
)
"""What the broker says of how deliveries went; a client may send back what it has read."""
_METHODS: Final = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE"))
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_ANYTHING: Final[frozenset[Trigger]] = frozenset(("entityCreated", "entityUpdated", "entityDeleted"))


def asked(given: Json) -> dict[str, Any]:
    """What a client gave, without what is not its own to say. Raises BadRequest."""
    if not isinstance(given, dict):
        raise BadRequest("subscription: expected a JSON object")
    answer = {name: one for name, one in given.items() if name != "id"}
    if isinstance(told := given.get("notification"), dict):
        answer["notification"] = {name: one for name, one in told.items() if name not in _READ_ONLY}
    return answer


def compile_subscription(tenant: str, doc: Document, words: Words, record: Record) -> Subscription:
    """Raises BadRequest for whatever is wrong in it."""
    given = _object(doc["given"], "subscription", _MEMBERS)
    subject = _object(given.get("subject"), "subject", frozenset(("entities", "condition")))
    condition = _object(subject.get("condition", {}), "condition", _CONDITION)
    notification = _object(given.get("notification"), "notification", _NOTIFICATION)
    subjects = _subjects(subject)
    url, custom = _endpoint(notification)
    conditions, geo = _conditions(condition, words, doc["place"])
    watched = frozenset(words.expand(name) for name in _names(condition, "attrs"))
    status = given.get("status", "active")
    if status not in ("active", "inactive"):
        raise BadRequest(f"status: expected active or inactive, got {status!r:.40}")
    throttling = given.get("throttling", 0)
    if type(throttling) is not int or throttling < 0:
        raise BadRequest(f"throttling: expected seconds, a whole number from 0, got {throttling!r:.40}")
    parts = urlsplit(url)
    voice = Voice(
        id=doc["id"],
        tenant=tenant,
        path=doc["path"],
        words=words,
        subjects=subjects,
        watched=watched,
        alterations=frozenset(_alterations(condition)),
        on_metadata=_boolean(condition, "notifyOnMetadataChange", True),
        conditions=conditions,
        geo=geo,
        form=_form(notification),
        attrs_format=_one_of(notification, "attrsFormat", _FORMATS),
        only_changed=_boolean(notification, "onlyChangedAttrs", False),
        url=url,
        custom=custom,
    )
    return Subscription(
        tenant,
        doc["id"],
        tuple(_selector(one, words) for one in subjects),
        _ANYTHING,
        watched,
        None,
        None,
        None,
        status == "active",
        instant(given["expires"], "expires") if given.get("expires") else None,
        throttling,
        None,
        Receiver(
            url,
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower(),
            timeout=_timeout(notification),
        ),
        NORMALIZED,
        False,
        CORE,
        doc,
        record,
        voice,
    )


def _object(given: Json, where: str, known: frozenset[str]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise BadRequest(f"{where}: expected a JSON object")
    for name in given.keys() - known:
        if given[name] not in (None, False, [], {}):
            raise BadRequest(f"{where}: {name!r:.80} is not a member that is offered here")
    return given


def _names(given: Mapping[str, Any], member: str) -> tuple[str, ...]:
    names = given.get(member) or []
    if not isinstance(names, list):
        raise BadRequest(f"{member}: expected an array of names")
    return tuple(field(one, member) for one in names)


def _boolean(given: Mapping[str, Any], member: str, usual: bool) -> bool:
    value = given.get(member, usual)
    if not isinstance(value, bool):
        raise BadRequest(f"{member}: expected true or false, got {value!r:.40}")
    return value


def _one_of(given: Mapping[str, Any], member: str, allowed: tuple[str, ...]) -> Any:
    value = given.get(member, allowed[0])
    if value not in allowed:
        raise BadRequest(f"{member}: expected one of {', '.join(allowed)}, got {value!r:.40}")
    return value


def _subjects(subject: Mapping[str, Any]) -> tuple[Subject, ...]:
    entities = subject.get("entities")
    if not isinstance(entities, list) or not entities:
        raise BadRequest("entities: expected an array that is not empty")
    found = []
    for one in entities:
        given = _object(one, "entities", frozenset(("id", "idPattern", "type", "typePattern")))
        if ("id" in given) is ("idPattern" in given):
            raise BadRequest("entities: expected one of id and idPattern in each")
        if "type" in given and "typePattern" in given:
            raise BadRequest("entities: type and typePattern exclude each other")
        for name in given.keys() & {"idPattern", "typePattern"}:
            if not isinstance(given[name], str):
                raise BadRequest(f"entities: {name} must be a string")
            pattern.checked(given[name])
        for name in given.keys() & {"id", "type"}:
            field(given[name], f"entities: {name}")
        found.append(
            Subject(given.get("id"), given.get("idPattern"), given.get("type"), given.get("typePattern"))
        )
    return tuple(found)


def _selector(subject: Subject, words: Words) -> Selector:
    """For the index: never narrower than the subject."""
    types = TypeQ() if subject.type is None else TypeQ(((words.expand(subject.type),),))
    return Selector(types, None if subject.id is None else inner_id(subject.id))


def _conditions(condition: Mapping[str, Any], words: Words, place: str) -> tuple[tuple[Any, ...], Any]:
    expression = _object(condition.get("expression") or {}, "expression", _EXPRESSION)
    for name, one in expression.items():
        if not isinstance(one, str):
            raise BadRequest(f"expression: {name} must be a string")
    nodes = []
    if expression.get("q"):
        nodes.append(query.q(expression["q"], words))
    if expression.get("mq"):
        nodes.append(query.mq(expression["mq"], words))
    there = [name for name in ("georel", "geometry", "coords") if expression.get(name)]
    if not there:
        return tuple(nodes), None
    if len(there) < 3:
        raise BadRequest("expression: georel, geometry and coords belong together")
    geo = query.geo(expression["georel"], expression["geometry"], expression["coords"], place)
    return tuple(nodes), geo


def _alterations(condition: Mapping[str, Any]) -> list[str]:
    given = condition.get("alterationTypes") or ["entityChange", "entityCreate"]
    if not isinstance(given, list) or not all(isinstance(one, str) and one in ALTERATIONS for one in given):
        raise BadRequest(f"alterationTypes: expected some of {', '.join(sorted(ALTERATIONS))}")
    return given


def _endpoint(notification: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    there = [name for name in ("http", "httpCustom") if notification.get(name)]
    if len(there) != 1:
        raise BadRequest(
            "notification: expected one of http and httpCustom (MQTT is not offered over NGSIv2 here)"
        )
    if there[0] == "http":
        known, custom = frozenset(("url", "timeout")), {}
        endpoint = _object(notification["http"], "http", known)
    else:
        endpoint = custom = _object(notification["httpCustom"], "httpCustom", _CUSTOM)
        _demand_custom(custom)
    url = endpoint.get("url")
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise BadRequest(f"url: expected an http or https address, got {url!r:.120}")
    if "${" in urlsplit(url).netloc:
        raise BadRequest("url: a macro cannot say which host is told")
    return url, custom


def _demand_custom(custom: Mapping[str, Any]) -> None:
    for name in ("headers", "qs"):
        given = custom.get(name) or {}
        if not isinstance(given, dict) or not all(isinstance(one, str) for one in given.values()):
            raise BadRequest(f"httpCustom: {name} must be an object of strings")
    if not all(map(_HEADER.fullmatch, custom.get("headers") or {})):
        raise BadRequest("httpCustom: headers: not the name of a header")
    if custom.get("method", "POST") not in _METHODS:
        raise BadRequest(f"httpCustom: method: expected one of {', '.join(sorted(_METHODS))}")
    if custom.get("payload") is not None and not isinstance(custom["payload"], str):
        raise BadRequest("httpCustom: payload must be a string, or null for none")
    if "payload" in custom and "json" in custom:
        raise BadRequest("httpCustom: only one of payload and json")
    if "json" in custom and not isinstance(custom["json"], dict | list):
        raise BadRequest("httpCustom: json must be an object or an array")


def _timeout(notification: Mapping[str, Any]) -> float | None:
    millis = (notification.get("http") or notification.get("httpCustom") or {}).get("timeout")
    if millis is None:
        return None
    if type(millis) is not int or not 0 <= millis <= 1_800_000:
        raise BadRequest(f"timeout: expected milliseconds from 0 to 1800000, got {millis!r:.40}")
    return millis / 1000 or None


def _form(notification: Mapping[str, Any]) -> Form:
    attrs, without = _names(notification, "attrs"), _names(notification, "exceptAttrs")
    if attrs and without:
        raise BadRequest("notification: attrs and exceptAttrs exclude each other")
    return Form("normalized", attrs or None, _names(notification, "metadata") or None, frozenset(without))


def shown(subscription: Subscription, now: int) -> dict[str, Json]:
    """For a client: what it gave, what goes without saying, and how deliveries went."""
    given, record = subscription.doc["given"], subscription.record
    subject = given["subject"]
    notification = {
        "attrs": [],
        "attrsFormat": "normalized",
        "onlyChangedAttrs": False,
        **given["notification"],
    }
    if "exceptAttrs" in given["notification"] and not given["notification"].get("attrs"):
        del notification["attrs"]
    if record.times_sent:
        notification["timesSent"] = record.times_sent
        notification["failsCounter"] = record.times_failed
    for member, moment in (
        ("lastNotification", record.last_notification),
        ("lastSuccess", record.last_success),
        ("lastFailure", record.last_failure),
    ):
        if moment is not None:
            notification[member] = stamp(moment)
    status = subscription.status(now)
    answer: dict[str, Json] = {
        "id": subscription.id,
        **{name: one for name, one in given.items() if name != "expires"},
        "subject": {**subject, "condition": {"attrs": [], **subject.get("condition", {})}},
        "notification": notification,
        "status": "inactive"
        if status == "paused"
        else "failed"
        if status == "active" and record.failing
        else status,
    }
    if subscription.expires_at is not None:
        answer["expires"] = stamp(subscription.expires_at)
    return answer
