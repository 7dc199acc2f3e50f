"""/v2/entities/{id}/attrs/{name} and its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.context.api import body, negotiation
from kitamae.kernel.context.api.answer import NO_CONTENT, Answer, of_json
from kitamae.kernel.context.v2 import selection, writing
from kitamae.kernel.context.v2.entities import asked_type
from kitamae.kernel.context.v2.exchange import TEXT
from kitamae.kernel.context.v2.names import field
from kitamae.kernel.context.v2.operations import Drop, SetAttribute
from kitamae.kernel.context.v2.problems import NO_ATTRIBUTE, NoneWritten, NoSuchAttribute
from kitamae.kernel.context.v2.registration import owners, providers
from kitamae.kernel.context.v2.represent import Form, attributes
from kitamae.kernel.problems import BadRequest, NotAcceptable, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.v2.exchange import Exchange

_JSON: Final = "application/json"
_FORCED: Final = ("forcedUpdate", "flowControl")
_WORDS: Final[dict[str, Json]] = {"true": True, "false": False, "null": None}


async def retrieve(x: Exchange, id: str, name: str) -> Answer:
    """GET: type, value, metadata."""
    x.options("skipForwarding")
    return of_json(200, await _attribute(x, id, name))


async def _attribute(x: Exchange, id: str, name: str) -> dict[str, Any]:
    found = await selection.known(x, id, frozenset((x.words.expand(field(name, "attribute name")),)))
    shown = attributes(found, x.words, Form(attrs=(name,), metadata=x.names("metadata")))
    if name not in shown:
        raise NoSuchAttribute(NO_ATTRIBUTE)
    return shown[name]


async def replace(x: Exchange, id: str, name: str) -> Answer:
    """PUT: a new value, type and metadata."""
    options = x.options("overrideMetadata", *_FORCED)
    given = await x.object()
    override, forced = "overrideMetadata" in options, "forcedUpdate" in options
    operation = SetAttribute(field(name, "attribute name"), given, x.words, override, forced)
    return await _set(x, id, operation)


async def _set(x: Exchange, id: str, operation: SetAttribute) -> Answer:
    """Here, or with whoever answers for it in our place, or registered what is not here."""

    async def here(_: Mapping[str, Json]) -> None:
        try:
            await writing.change(x, await writing.target(x, id), operation)
        except NotFound:
            if not await providers.update(x, id, x.params.get("type"), {operation.name: operation.given}):
                raise

    kind: owners.Kind = "setValue" if operation.value_only else "set"
    given = {operation.name: operation.given}
    await owners.done(x, owners.Wish(kind, x.inner(id), asked_type(x), given), here)
    return NO_CONTENT


async def delete(x: Exchange, id: str, name: str) -> Answer:
    """DELETE."""
    operation = Drop((field(name, "attribute name"),), x.words)

    async def here(_: Mapping[str, Json]) -> None:
        try:
            await writing.change(x, await writing.target(x, id), operation)
        except NoneWritten:
            raise NoSuchAttribute(NO_ATTRIBUTE) from None

    await owners.done(x, owners.Wish("drop", x.inner(id), asked_type(x), {name: {}}), here)
    return NO_CONTENT


async def retrieve_value(x: Exchange, id: str, name: str) -> Answer:
    """GET value: objects and arrays as JSON, what is simple as text where that is asked for."""
    x.options("skipForwarding")
    value = (await _attribute(x, id, name))["value"]
    accept = x.headers.get(b"accept")
    if isinstance(value, dict | list):
        if negotiation.accepted(accept, (_JSON, TEXT)) == _JSON:
            return of_json(200, value)
        return Answer(200, orjson.dumps(value), [(b"content-type", TEXT.encode())])
    try:
        negotiation.accepted(accept, (TEXT,))
    except NotAcceptable:
        raise NotAcceptable("accepted MIME types: text/plain") from None
    return Answer(200, orjson.dumps(value), [(b"content-type", TEXT.encode())])


async def replace_value(x: Exchange, id: str, name: str) -> Answer:
    """PUT value: JSON, or as text a number, true, false, null or "a quoted text"; type and metadata stay."""
    forced = "forcedUpdate" in x.options(*_FORCED)
    media, raw = await x.raw(_JSON, TEXT)
    if media == _JSON:
        value = body.parse(raw)
        if not isinstance(value, dict | list):
            raise BadRequest("Neither JSON Object nor JSON Array for attribute::value")
    else:
        value = _plain(raw)
    named = field(name, "attribute name")
    operation = SetAttribute(named, {"value": value}, x.words, forced=forced, value_only=True)
    return await _set(x, id, operation)


def _plain(raw: bytes) -> Json:
    try:
        text = raw.decode("utf-8").strip()
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        value = orjson.loads(text)
    except ValueError:
        raise BadRequest("attribute value type not recognized") from None
    if isinstance(value, dict | list):
        raise BadRequest("attribute value type not recognized")
    return value
