"""Where an NGSIv2 subscription is told: http, httpCustom, mqtt and mqttCustom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from kitamae.kernel.context.subscription.model import Receiver
from kitamae.kernel.context.v2.names import demand_free, field
from kitamae.kernel.context.v2.subscription import macros
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.entity import Json

_MQTT: Final = frozenset(("url", "topic", "qos", "retain", "user", "passwd"))
_PAYLOADS: Final = frozenset(("payload", "json", "ngsi"))
_KNOWN: Final = {
    "http": frozenset(("url", "timeout")),
    "httpCustom": frozenset(("url", "timeout", "headers", "qs", "method")) | _PAYLOADS,
    "mqtt": _MQTT,
    "mqttCustom": _MQTT | _PAYLOADS,
}
MEMBERS: Final = frozenset(_KNOWN)
HIDDEN: Final = "*****"
"""Shown in the place of a password."""
_METHODS: Final = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z${}-]{1,256}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`receiver.uri` is the url, of MQTT without the topic; `custom` is None for what is told as usual."""

    receiver: Receiver
    topic: str | None
    custom: Mapping[str, Any] | None


def read(notification: Mapping[str, Any]) -> Endpoint:
    """Raises BadRequest."""
    there = [name for name in (*_KNOWN, "kafka", "kafkaCustom") if notification.get(name) is not None]
    if len(there) != 1:
        raise BadRequest("notification: expected one of http, httpCustom, mqtt and mqttCustom")
    (kind,) = there
    if kind not in _KNOWN:
        raise BadRequest("notification: Kafka is not offered here")
    given = notification[kind]
    if not isinstance(given, dict):
        raise BadRequest(f"{kind}: expected a JSON object")
    if unknown := {name for name in given.keys() - _KNOWN[kind] if given[name] is not None}:
        raise BadRequest(f"{kind}: {sorted(unknown)[0]!r:.80} is not a member that is offered here")
    custom = _custom(kind, given) if kind.endswith("Custom") else None
    if kind.startswith("mqtt"):
        return Endpoint(_mqtt(kind, given), _topic(kind, given), custom)
    return Endpoint(_http(kind, given), None, custom)


def _text(given: Mapping[str, Any], name: str, where: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{where}: {name} must be a string that is not empty")
    demand_free(value, f"{where}: {name}")
    return value


def _http(kind: str, given: Mapping[str, Any]) -> Receiver:
    url = _text(given, "url", kind)
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise BadRequest(f"{kind}: url: expected an http or https address, got {url!r:.120}")
    if "${" in parts.netloc:
        raise BadRequest(f"{kind}: url: a macro cannot say which host is told")
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()
    return Receiver(url, origin, timeout=_timeout(kind, given))


def _split(url: str) -> Any:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises where it is none
    except ValueError:
        raise BadRequest(f"url: not an address: {url!r:.120}") from None
    return parts


def _timeout(kind: str, given: Mapping[str, Any]) -> float | None:
    millis = given.get("timeout")
    if millis is None:
        return None
    if type(millis) is not int or not 0 <= millis <= 1_800_000:
        raise BadRequest(f"{kind}: timeout: expected milliseconds from 0 to 1800000, got {millis!r:.40}")
    return millis / 1000 or None


def _mqtt(kind: str, given: Mapping[str, Any]) -> Receiver:
    url = _text(given, "url", kind)
    parts = _split(url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise BadRequest(
            f"{kind}: url: expected mqtt://host:port without a path, got an address of another kind"
        )
    if parts.username or parts.password or "${" in url:
        raise BadRequest(f"{kind}: url: user and passwd have members of their own, and macros no place in it")
    qos, retain = given.get("qos") or 0, given.get("retain") or False
    if type(qos) is not int or not 0 <= qos <= 2:
        raise BadRequest(f"{kind}: qos: expected 0, 1 or 2, got {qos!r:.40}")
    if not isinstance(retain, bool):
        raise BadRequest(f"{kind}: retain: expected true or false, got {retain!r:.40}")
    user, password = given.get("user"), given.get("passwd")
    if (user is None) is not (password is None):
        raise BadRequest(f"{kind}: user and passwd belong together")
    enters = ""
    if user is not None:
        if not isinstance(user, str) or not isinstance(password, str):
            raise BadRequest(f"{kind}: user and passwd must be strings")
        demand_free(user, f"{kind}: user")
        enters = f"{quote(user, safe='')}:{quote(password, safe='')}@"
    info = (("MQTT-QoS", str(qos)), ("MQTT-Retain", "true" if retain else "false"))
    place = parts.netloc.lower()
    return Receiver(f"{parts.scheme}://{enters}{place}", f"{parts.scheme}://{place}", info=info)


def _topic(kind: str, given: Mapping[str, Any]) -> str:
    topic = _text(given, "topic", kind)
    if set(topic) & set("+#\0"):
        raise BadRequest(f"{kind}: topic: + and # are not allowed")
    if kind == "mqttCustom":
        macros.demand_plain(topic, f"{kind}: topic")
    return topic


def _custom(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    custom = {name: one for name, one in given.items() if one is not None or name == "payload"}
    for name in ("headers", "qs"):
        if name in custom:
            _texts(f"{kind}: {name}", custom[name], "'\"" if name == "headers" else "")
    if not all(map(_HEADER.fullmatch, custom.get("headers", ()))):
        raise BadRequest(f"{kind}: headers: not the name of a header")
    if custom.get("method", "POST") not in _METHODS:
        raise BadRequest(f"{kind}: method: expected one of {', '.join(sorted(_METHODS))}")
    if len(custom.keys() & _PAYLOADS) > 1:
        raise BadRequest(f"{kind}: only one of payload, json and ngsi")
    if not isinstance(custom.get("payload", ""), str | None):
        raise BadRequest(f"{kind}: payload must be a string, or null for none")
    demand_free(custom.get("payload"), f"{kind}: payload")
    if "json" in custom and not isinstance(custom["json"], dict | list):
        raise BadRequest(f"{kind}: json must be an object or an array")
    if "ngsi" in custom:
        _demand_patch(f"{kind}: ngsi", custom["ngsi"])
    for name in ("url", "headers", "qs", "payload", "json", "ngsi"):
        macros.demand_plain(custom.get(name), f"{kind}: {name}")
        if name in ("headers", "qs"):
            macros.demand_plain([*custom.get(name, ())], f"{kind}: {name}")
    return custom


def _texts(where: str, given: Json, allowed: str) -> None:
    if not isinstance(given, dict) or not given or not all(isinstance(one, str) for one in given.values()):
        raise BadRequest(f"{where} must be an object of strings that is not empty")
    for name, one in given.items():
        demand_free(name, where)
        demand_free("".join(letter for letter in one if letter not in allowed), where)


def _demand_patch(where: str, given: Json) -> None:
    """A fragment of an entity: id and type may be missing, metadata are not allowed."""
    if not isinstance(given, dict):
        raise BadRequest(f"{where} must be an object")
    for name, one in given.items():
        if name in ("id", "type"):
            if not isinstance(one, str) or not one:
                raise BadRequest(f"{where}: {name} must be a string that is not empty")
            continue
        field(name, f"{where}: attribute name")
        if not isinstance(one, dict) or one.keys() - {"value", "type", "metadata"}:
            raise BadRequest(f"{where}: {name}: expected an object with value and type")
        if one.get("metadata") not in (None, {}):
            raise BadRequest(f"{where}: {name}: metadata are not allowed")
        if one.get("type") is not None:
            field(one["type"], f"{where}: {name}: type")
