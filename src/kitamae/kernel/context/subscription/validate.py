"""A subscription's payload: is it one (clause 5.2.12), member by member. Raises BadRequest naming the place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args
from urllib.parse import unquote, urlsplit

from kitamae.kernel.context.entity import NULL, Json
from kitamae.kernel.context.lexical import time, uri
from kitamae.kernel.context.query import parse, pattern
from kitamae.kernel.context.subscription.model import Accept, Join, Trigger
from kitamae.kernel.problems import BadRequest

FORMATS: Final = {
    "normalized": "normalized",
    "concise": "concise",
    "keyValues": "simplified",
    "simplified": "simplified",
}
_HEADER: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
_OURS: Final = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "upgrade", "te", "trailer",
     "keep-alive", "expect", "link", "idempotency-key", "ngsild-tenant", "proxy-authorization", "kitamae-notified-by"}
)  # fmt: skip
"""Headers that receiverInfo may not set: they belong to the message or to the connection."""
MQTT: Final = ("mqtt", "mqtts")
_MQTT_INFO: Final = {"MQTT-Version": ("mqtt3.1.1", "mqtt5.0"), "MQTT-QoS": ("0", "1", "2")}
"""What notifierInfo says to MQTT (clause 7.2); other keys are kept and mean nothing."""
MOST_LEVELS: Final = 10  # of linked entities
MOST: Final = 1_000  # selectors, names, headers in one subscription


def validate(payload: Json) -> dict[str, Json]:
    """The members that a client may give, checked one by one and in their relations; others are left out."""
    if not isinstance(payload, dict):
        raise BadRequest("a subscription is a JSON object")
    if payload.get("type") != "Subscription":
        raise BadRequest(f"type: expected Subscription, got {payload.get('type')!r:.80}")
    doc: dict[str, Json] = {"type": "Subscription"}
    for name, check in _MEMBERS.items():
        if name in payload:
            doc[name] = check(payload[name], name)
    if "notification" not in doc:
        raise BadRequest("notification is missing: it says where to send, as endpoint.uri")
    if "entities" not in doc and "watchedAttributes" not in doc:
        raise BadRequest("entities or watchedAttributes is missing: a subscription says what it watches")
    for other in ("throttling", "watchedAttributes", "notificationTrigger"):
        if "timeInterval" in doc and other in doc:
            raise BadRequest(f"timeInterval and {other} exclude each other")
    return doc


def merged(doc: Mapping[str, Json], patch: Json) -> dict[str, Json]:
    """The members of a fragment over those of a subscription; null takes one away (clause 5.8.2)."""
    if not isinstance(patch, dict):
        raise BadRequest("a subscription fragment is a JSON object")
    if not (patch.keys() - {"@context", "type"}):
        raise BadRequest("the fragment says nothing that could be updated")
    if "id" in patch and patch["id"] != doc["id"]:
        raise BadRequest("id: a subscription keeps its id")
    new = {**doc, **{name: value for name, value in patch.items() if name != "@context"}}
    for name in [name for name, value in new.items() if value is None or value == NULL]:
        if name in ("id", "type", "notification"):
            raise BadRequest(f"{name} cannot be taken away")
        del new[name]
    return new


def _text(value: Json, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"{where}: expected text, got {value!r:.80}")
    return value


def _bool(value: Json, where: str) -> bool:
    if not isinstance(value, bool):
        raise BadRequest(f"{where}: expected true or false, got {value!r:.80}")
    return value


def _seconds(value: Json, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
        raise BadRequest(f"{where}: expected a number greater than 0, got {value!r:.80}")
    return value


def listed(value: Json, where: str, check: Callable[[Json, str], Any]) -> list[Json]:
    """Each of a list, checked. Raises BadRequest."""
    if not isinstance(value, list) or not value:
        raise BadRequest(f"{where}: expected a list that is not empty, got {value!r:.80}")
    if len(value) > MOST:
        raise BadRequest(f"{where}: {len(value)} are too many; at most {MOST}")
    return [check(one, f"{where}[{n}]") for n, one in enumerate(value)]


def _texts(value: Json, where: str) -> list[Json]:
    return listed(value, where, _text)


def _object(value: Json, where: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise BadRequest(f"{where}: expected an object, got {value!r:.80}")
    return value


def _selector(value: Json, where: str) -> dict[str, Json]:
    found = _object(value, where)
    answer: dict[str, Json] = {}
    if "id" in found:
        answer["id"] = uri(found["id"], f"{where}.id")
    if "idPattern" in found:
        answer["idPattern"] = pattern.checked(_text(found["idPattern"], f"{where}.idPattern"))
    if "type" not in found:
        raise BadRequest(f"{where}.type is missing")
    answer["type"] = _text(found["type"], f"{where}.type")
    return answer


def _trigger(value: Json, where: str) -> Json:
    if value not in get_args(Trigger):
        raise BadRequest(f"{where}: expected one of {', '.join(get_args(Trigger))}; got {value!r:.80}")
    return value


def _geo(value: Json, where: str) -> Json:
    found = _object(value, where)
    for member in ("geometry", "coordinates", "georel"):
        if member not in found:
            raise BadRequest(f"{where}.{member} is missing")
    return {m: found[m] for m in ("geometry", "coordinates", "georel", "geoproperty") if m in found}


def _query(value: Json, where: str) -> Json:
    parse.q(unquote(_text(value, where)), str)
    return value


def _expiry(value: Json, where: str) -> Json:
    return time(value, where)


def _pair(value: Json, where: str) -> Json:
    found = _object(value, where)
    return {
        "key": _text(found.get("key"), f"{where}.key"),
        "value": _word(found.get("value"), f"{where}.value"),
    }


def _word(value: Json, where: str) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"{where}: expected text, got {value!r:.80}")
    return value


def header(value: Json, where: str) -> Json:
    """A header of one's own that goes with each notification (`receiverInfo`): {key, value}. Raises BadRequest."""
    found = _pair(value, where)
    name = found["key"].lower()
    if not set(name) <= _HEADER or name in _OURS:
        raise BadRequest(f"{where}.key: {found['key']!r:.80} is not a header that a subscriber may set")
    if any(ord(letter) < 32 or ord(letter) in (127,) for letter in found["value"]):
        raise BadRequest(f"{where}.value: a header holds no control characters")
    return found


def endpoint(value: Json, where: str) -> Json:
    """Where notifications go (5.2.15), checked. Raises BadRequest."""
    found = _object(value, where)
    if "uri" not in found:
        raise BadRequest(f"{where}.uri is missing")
    answer: dict[str, Json] = {"uri": uri(found["uri"], f"{where}.uri")}
    scheme = answer["uri"].partition(":")[0].lower()
    if scheme in MQTT:
        _topic(answer["uri"], f"{where}.uri")
    elif scheme not in ("http", "https"):
        raise BadRequest(f"{where}.uri: expected an http, https, mqtt or mqtts address, got {scheme!r:.80}")
    if "accept" in found:
        if found["accept"] not in get_args(Accept):
            raise BadRequest(f"{where}.accept: expected one of {', '.join(get_args(Accept))}")
        answer["accept"] = found["accept"]
    for name in ("timeout", "cooldown"):
        if name in found:
            answer[name] = _seconds(found[name], f"{where}.{name}")
    if "receiverInfo" in found:
        answer["receiverInfo"] = listed(found["receiverInfo"], f"{where}.receiverInfo", header)
    if "notifierInfo" in found:
        answer["notifierInfo"] = listed(found["notifierInfo"], f"{where}.notifierInfo", _pair)
        if scheme in MQTT:
            _mqtt(answer["notifierInfo"], f"{where}.notifierInfo")
    return answer


def _topic(address: str, where: str) -> None:
    """`mqtt://host/topic`: a topic to publish to, without wildcards. The message never shows the password."""
    try:
        parts = urlsplit(address)
        host, topic = parts.hostname and (parts.port or True), unquote(parts.path.removeprefix("/"))
    except ValueError:
        host, topic = None, ""
    if not host or not topic or parts.query or parts.fragment or set(topic) & set("+#\0"):
        raise BadRequest(f"{where}: expected mqtt://host/topic, the topic without + and #")


def _mqtt(info: list[Any], where: str) -> None:
    for n, pair in enumerate(info):
        known = _MQTT_INFO.get(pair["key"])
        if known is not None and pair["value"] not in known:
            raise BadRequest(
                f"{where}[{n}]: {pair['key']} is one of {', '.join(known)}, not {pair['value']!r:.80}"
            )


def _notification(value: Json, where: str) -> Json:
    found = _object(value, where)
    answer: dict[str, Json] = {}
    for name in ("attributes", "pick", "omit"):
        if name in found:
            answer[name] = _texts(found[name], f"{where}.{name}")
    if "attributes" in answer and ("pick" in answer or "omit" in answer):
        raise BadRequest(f"{where}: attributes cannot stand beside pick or omit")
    both = set(answer.get("pick", ())) & set(answer.get("omit", ()))
    if both:
        raise BadRequest(f"{where}: {', '.join(sorted(both))} is in pick and in omit")
    if "format" in found:
        if found["format"] not in FORMATS:
            raise BadRequest(
                f"{where}.format: expected one of {', '.join(FORMATS)}, got {found['format']!r:.80}"
            )
        answer["format"] = found["format"]
    for name in ("showChanges", "sysAttrs"):
        if name in found:
            answer[name] = _bool(found[name], f"{where}.{name}")
    if answer.get("showChanges") and FORMATS[answer.get("format", "normalized")] == "simplified":
        raise BadRequest(f"{where}: showChanges needs a format with members beside the value, not keyValues")
    if "join" in found:
        if found["join"] not in get_args(Join):
            raise BadRequest(
                f"{where}.join: expected one of {', '.join(get_args(Join))}, got {found['join']!r:.80}"
            )
        answer["join"] = found["join"]
    if "joinLevel" in found:
        level = found["joinLevel"]
        if type(level) is not int or not 1 <= level <= MOST_LEVELS:
            raise BadRequest(f"{where}.joinLevel: expected 1 to {MOST_LEVELS}, got {level!r:.80}")
        answer["joinLevel"] = level
    if "endpoint" not in found:
        raise BadRequest(f"{where}.endpoint is missing")
    answer["endpoint"] = endpoint(found["endpoint"], f"{where}.endpoint")
    return answer


_MEMBERS: Final[dict[str, Callable[[Json, str], Json]]] = {
    "id": uri,
    "subscriptionName": _text,
    "description": _text,
    "entities": lambda value, where: listed(value, where, _selector),
    "watchedAttributes": _texts,
    "notificationTrigger": lambda value, where: listed(value, where, _trigger),
    "timeInterval": _seconds,
    "q": _query,
    "geoQ": _geo,
    "csf": _query,
    "scopeQ": _text,
    "lang": _text,
    "datasetId": _texts,
    "isActive": _bool,
    "expiresAt": _expiry,
    "throttling": _seconds,
    "jsonldContext": uri,
    "localOnly": _bool,
    "splitEntities": _bool,
    "notification": _notification,
}
