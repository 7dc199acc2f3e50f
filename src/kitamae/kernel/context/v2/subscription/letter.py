"""What a subscriber of NGSIv2 is sent: the usual message, or one of his own making (httpCustom, mqttCustom)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote, urlencode

import orjson

from kitamae.kernel.context.subscription.model import Letter
from kitamae.kernel.context.v2.attribute import default_type
from kitamae.kernel.context.v2.represent import formed, selected
from kitamae.kernel.context.v2.subscription import macros

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.v2.subscription.voice import Voice

_FIXED: Final = frozenset(
    (
        "fiware-correlator",
        "ngsiv2-attrsformat",
        "idempotency-key",
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "upgrade",
        "te",
        "trailer",
    )
)
"""Headers that a subscription cannot set: they say what the message is, or belong to the connection."""


def written(voice: Voice, told: list[dict[str, Any]], number: str) -> Letter:
    """One message with every entity; a custom one tells the last. `told`: what `Voice.payload` made."""
    custom, last = voice.endpoint.custom, told[-1]
    values = _values(voice, last) if custom is not None else {}
    body, media = _usual(voice, told), "application/json"
    format: str = voice.attrs_format
    if custom is not None:
        if "ngsi" in custom:
            body = _usual(voice, [_patched(voice, custom["ngsi"], last, values)])
        elif "json" in custom:
            body, format = orjson.dumps(macros.document(custom["json"], values)), "custom"
        elif custom.get("payload", "") != "":
            text = custom["payload"]
            body = b"" if text is None else macros.text(unquote(text), values).encode()
            format, media = "custom", "text/plain"
        else:
            body = _usual(voice, [last])
    if voice.endpoint.topic is not None:
        topic = voice.endpoint.topic if custom is None else macros.text(voice.endpoint.topic, values)
        return Letter("PUBLISH", f"{voice.endpoint.receiver.uri}/{quote(topic, safe='/')}", {}, body)
    headers = {
        "Content-Type": media,
        "Ngsiv2-AttrsFormat": format,
        "Fiware-Correlator": f"{number}; cbnotif={last.get('rounds', 0) + 1}",
        "Fiware-ServicePath": last["path"],
        "Idempotency-Key": number,
    }
    if voice.tenant:
        headers["Fiware-Service"] = voice.tenant
    if custom is None:
        return Letter("POST", voice.endpoint.receiver.uri, headers, body)
    _set(headers, custom.get("headers", {}), values)
    return Letter(custom.get("method", "POST"), _url(voice, custom, values), headers, body)


def _values(voice: Voice, told: dict[str, Any]) -> dict[str, Json]:
    """What macros may name: an attribute goes before the service that has its name."""
    service = {"service": voice.tenant, "servicePath": told["path"], "authToken": None}
    return {**service, **told["values"], **told["entity"]}


def _usual(voice: Voice, told: list[dict[str, Any]]) -> bytes:
    simple = voice.attrs_format in ("keyValues", "simplifiedKeyValues")
    format: Any = "keyValues" if simple else "values" if voice.attrs_format == "values" else "normalized"
    data = [formed(**one["entity"], attrs=one["attrs"], format=format) for one in told]
    if voice.attrs_format.startswith("simplified"):
        return orjson.dumps(data[-1])
    return orjson.dumps({"subscriptionId": voice.id, "data": data})


def _patched(
    voice: Voice, patch: Mapping[str, Any], told: dict[str, Any], values: Mapping[str, Json]
) -> dict[str, Any]:
    """The entity with what `ngsi` says put over it; which attributes are told is decided afterwards."""
    entity = {**told["entity"]}
    for name in patch.keys() & entity.keys():
        if macros.document(patch[name], values) is not None:  # of a macro that means nothing it stays
            entity[name] = macros.text(patch[name], values)
    attrs = {**told["whole"]}
    for name, one in patch.items():
        if name not in entity:
            value = macros.document(one.get("value"), values)
            attrs[name] = {"type": one.get("type") or default_type(value), "value": value, "metadata": {}}
    return {"entity": entity, "attrs": selected(attrs, voice.form)}


def _url(voice: Voice, custom: Mapping[str, Any], values: Mapping[str, Json]) -> str:
    url = macros.text(voice.endpoint.receiver.uri, values, lambda text: quote(text, safe=""))
    if "qs" not in custom:
        return url
    pairs = {macros.text(name, values): macros.text(one, values) for name, one in custom["qs"].items()}
    return f"{url}{'&' if '?' in url else '?'}{urlencode(pairs)}"


def _set(headers: dict[str, str], given: Mapping[str, str], values: Mapping[str, Json]) -> None:
    """Percent-encoded characters are decoded; a header without text is taken out."""
    for template, one in given.items():
        name = _line(macros.text(template, values))
        if name.lower() in _FIXED or not _token(name):
            continue
        for known in [known for known in headers if known.lower() == name.lower()]:
            del headers[known]
        text = _line(macros.text(unquote(one), values))
        if text:
            headers[name] = text


def _token(name: str) -> bool:
    return bool(name) and all(one.isascii() and (one.isalnum() or one in "!#$%&'*+-.^_`|~") for one in name)


def _line(text: str) -> str:
    """On one line, whatever a value holds."""
    return "".join(letter for letter in text if letter.isprintable())
