"""The body of an NGSIv2 subscription -> the compiled subscription."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.query import pattern
from kitamae.kernel.context.query.tree import TypeQ
from kitamae.kernel.context.represent import NORMALIZED
from kitamae.kernel.context.subscription.model import Selector, Subscription
from kitamae.kernel.context.v2 import query
from kitamae.kernel.context.v2.names import demand_free, field, inner_id
from kitamae.kernel.context.v2.represent import Form
from kitamae.kernel.context.v2.subscription import endpoint
from kitamae.kernel.context.v2.subscription.voice import ALTERATIONS, Subject, Voice
from kitamae.kernel.context.v2.times import instant
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.subscription.model import Record, Trigger
    from kitamae.kernel.context.v2.names import Words

Document = dict[str, Any]
"""What is stored: `given` (as the client wrote it), `id`, `path`, `place` (the geo attribute), `record`; `spent`."""

_MEMBERS: Final = frozenset(("description", "subject", "notification", "expires", "throttling", "status"))
_NOTIFICATION: Final = endpoint.MEMBERS | {
    "attrs",
    "exceptAttrs",
    "attrsFormat",
    "metadata",
    "onlyChangedAttrs",
    "covered",
    "maxFailsLimit",
}
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
_LONGEST: Final = 1024
_ANYTHING: Final[frozenset[Trigger]] = frozenset(("entityCreated", "entityUpdated", "entityDeleted"))


def asked(given: Json, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a client gave, without what is not its own to say. Raises BadRequest.

    `before`: the notification that it replaces; a password that is shown as stars stays.
    """
    if not isinstance(given, dict):
        raise BadRequest("subscription: expected a JSON object")
    answer = {name: one for name, one in given.items() if name != "id"}
    if isinstance(told := given.get("notification"), dict):
        answer["notification"] = {name: one for name, one in told.items() if name not in _READ_ONLY}
        for kind in ("mqtt", "mqttCustom"):
            new, old = told.get(kind), (before or {}).get(kind)
            if isinstance(new, dict) and new.get("passwd") == endpoint.HIDDEN and old is not None:
                answer["notification"][kind] = {**new, "passwd": old.get("passwd")}
    return answer


def compile_subscription(tenant: str, doc: Document, words: Words, record: Record) -> Subscription:
    """Raises BadRequest for whatever is wrong in it."""
    given = _object(doc["given"], "subscription", _MEMBERS)
    _demand_description(given.get("description"))
    subject = _object(given.get("subject"), "subject", frozenset(("entities", "condition")))
    condition = _object(subject.get("condition", {}), "condition", _CONDITION)
    notification = _object(given.get("notification"), "notification", _NOTIFICATION)
    subjects = _subjects(subject)
    told = endpoint.read(notification)
    conditions, geo = _conditions(condition, words, doc["place"])
    watched = frozenset(words.expand(name) for name in _names(condition, "attrs"))
    status = given.get("status", "active")
    if status not in ("active", "inactive", "oneshot"):
        raise BadRequest(f"status: expected active, inactive or oneshot, got {status!r:.40}")
    throttling = given.get("throttling", 0)
    if type(throttling) is not int or throttling < 0:
        raise BadRequest(f"throttling: expected seconds, a whole number from 0, got {throttling!r:.40}")
    attrs_format = _one_of(notification, "attrsFormat", _FORMATS)
    covered = _boolean(notification, "covered", False)
    form = _form(notification)
    if covered and not form.attrs:
        raise BadRequest("covered true cannot be used if notification attributes list is empty")
    most_fails = notification.get("maxFailsLimit")
    if most_fails is not None and (type(most_fails) is not int or most_fails < 1):
        raise BadRequest(f"maxFailsLimit: expected a whole number from 1, got {most_fails!r:.40}")
    spent = bool(doc.get("spent"))
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
        form=form,
        attrs_format=attrs_format,
        only_changed=_boolean(notification, "onlyChangedAttrs", False),
        covered=covered,
        once=status == "oneshot",
        spent=spent,
        endpoint=told,
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
        status != "inactive",
        instant(given["expires"], "expires") if given.get("expires") else None,
        throttling,
        None,
        told.receiver,
        NORMALIZED,
        False,
        CORE,
        doc,
        record,
        voice,
        most_fails,
    )


def spent(subscription: Subscription) -> Subscription:
    """A oneshot subscription that was told: what it is owed is delivered, and nothing more."""
    voice = subscription.voice
    if not isinstance(voice, Voice):
        return subscription
    return replace(subscription, doc={**subscription.doc, "spent": True}, voice=replace(voice, spent=True))


def _demand_description(given: Json) -> None:
    if given is None:
        return
    if not isinstance(given, str) or len(given) > _LONGEST:
        raise BadRequest(f"description: expected a text of {_LONGEST} characters at most")
    demand_free(given, "description")


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
    if len(set(map(str, names))) < len(names):
        raise BadRequest(f"{member}: a name more than once")
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


def _form(notification: Mapping[str, Any]) -> Form:
    attrs, without = _names(notification, "attrs"), _names(notification, "exceptAttrs")
    if "exceptAttrs" in notification and not without:
        raise BadRequest("notification: exceptAttrs must not be empty")
    if attrs and without:
        raise BadRequest("notification: attrs and exceptAttrs exclude each other")
    return Form("normalized", attrs or None, _names(notification, "metadata") or None, frozenset(without))
