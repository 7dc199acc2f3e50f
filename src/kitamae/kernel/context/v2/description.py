"""The NGSIv2 binding as OpenAPI 3.1 says it, made from the table of routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context.api.description import BODY, CHANGE, failures, in_path, secured, summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kitamae.kernel.context.api.routing import Route

Json = dict[str, Any]

SCHEMAS: Final[Mapping[str, Json]] = {
    "ProblemV2": {
        "type": "object",
        "description": "Orion's body of an error.",
        "properties": {"error": {"type": "string"}, "description": {"type": "string"}},
        "required": ["error"],
    },
    "EntityV2": {
        "type": "object",
        "properties": {
            "id": {"type": "string", "minLength": 1, "maxLength": 256, "examples": ["Room1"]},
            "type": {"type": "string", "minLength": 1, "maxLength": 256, "examples": ["Room"]},
        },
        "required": ["id"],
        "additionalProperties": {"$ref": "#/components/schemas/AttributeV2"},
    },
    "AttributeV2": {
        "type": "object",
        "properties": {"value": {}, "type": {"type": "string"}, "metadata": {"type": "object"}},
        "examples": [{"value": 21.5, "type": "Number"}],
    },
    "FragmentV2": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/AttributeV2"}},
}

_WORDS: Final[Mapping[str, str]] = {
    "attrs": "names, separated by commas",
    "coords": "latitude,longitude pairs, separated by semicolons",
    "geometry": "point, line, box or polygon",
    "georel": "such as near;maxDistance:1000",
    "id": "ids, separated by commas",
    "idPattern": "a regular expression",
    "metadata": "names, separated by commas",
    "mq": "conditions on metadata",
    "options": "words, separated by commas",
    "orderBy": "names, separated by commas; ! for falling",
    "q": "conditions on values, separated by semicolons",
    "type": "types, separated by commas",
    "typePattern": "a regular expression",
}
_NUMBERS: Final = {"limit": 1, "offset": 0}
_PAGE: Final = ("limit", "offset", "options")
_ONE: Final = ("attrs", "metadata", "options", "type")
_PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "GET entities": (*_WORDS, *_NUMBERS),
    "POST op/query": ("limit", "offset", "options", "orderBy"),
    "GET types": _PAGE,
    "GET subscriptions": _PAGE,
    "GET registrations": _PAGE,
}
_BODIES: Final[Mapping[str, Json]] = {
    "POST entities": {"$ref": "#/components/schemas/EntityV2"},
    "PUT entities/{id}/attrs/{name}": {"$ref": "#/components/schemas/AttributeV2"},
    "POST op/update": {
        "type": "object",
        "properties": {
            "actionType": {"enum": ["append", "appendStrict", "update", "delete", "replace"]},
            "entities": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/EntityV2"}},
        },
        "required": ["actionType", "entities"],
    },
    "POST op/query": {
        "type": "object",
        "properties": {
            "entities": {"type": "array", "items": {"type": "object"}},
            "attrs": {"type": "array", "items": {"type": "string"}},
            "expression": {"type": "object"},
        },
    },
    "POST op/notify": {
        "type": "object",
        "properties": {"subscriptionId": {"type": "string"}, "data": {"type": "array"}},
        "required": ["subscriptionId", "data"],
    },
    "POST subscriptions": {
        "type": "object",
        "properties": {"subject": {"type": "object"}, "notification": {"type": "object"}},
        "required": ["subject", "notification"],
    },
    "PATCH subscriptions/{id}": {"type": "object"},
    "POST registrations": {
        "type": "object",
        "properties": {"dataProvided": {"type": "object"}, "provider": {"type": "object"}},
        "required": ["dataProvided", "provider"],
    },
    "PATCH registrations/{id}": {"type": "object"},
}
_GOOD: Final[Mapping[str, tuple[str, ...]]] = {
    "POST entities": ("201", "204"),
    "POST op/query": ("200",),
    "POST op/notify": ("200",),
    "POST subscriptions": ("201",),
    "POST registrations": ("201",),
}
_USUAL: Final = {"GET": ("200",), "POST": ("204",), "PUT": ("204",), "PATCH": ("204",), "DELETE": ("204",)}
_SAID: Final = {"200": "What was asked for", "201": "Made; Location says where it is", "204": "Done"}
_BAD: Final[Mapping[str, str]] = {
    "400": "Something in the request is wrong",
    "401": "A token, or signing in, is needed",
    "403": "Not allowed",
    "404": "There is no such thing",
    "406": "None of the accepted media types can be served",
    "409": "More than one entity is meant",
    "422": "The state does not allow that, or allowed a part of it",
    "429": "Too many requests from this address",
    "501": "Not offered",
    "503": "Not available at the moment",
}


def paths(routes: Iterable[Route]) -> Json:
    """The paths of these routes."""
    found: dict[str, Json] = {}
    for route in routes:
        path = route.path if route.path == "version" else f"v2/{route.path}".rstrip("/")
        found.setdefault(f"/{path}", {})[route.method.lower()] = _operation(route)
    return found


def _operation(route: Route) -> Json:
    key = f"{route.method} {route.path}"
    of_one = _ONE if route.path.startswith("entities/") else ()
    operation: Json = {
        "summary": summary(route) or f"{route.method} /{route.path}",
        "tags": ["v2"],
        "parameters": [
            *in_path(route.path),
            *(_parameter(name) for name in _PARAMETERS.get(key, of_one)),
            {"$ref": "#/components/parameters/Fiware-Service"},
            {"$ref": "#/components/parameters/Fiware-ServicePath"},
        ],
    }
    bad = dict(_BAD)
    if route.method in ("POST", "PUT", "PATCH"):
        bad |= BODY
        operation["requestBody"] = {"required": True, "content": _content(key)}
    if route.method != "GET":
        bad |= {**CHANGE, "409": _BAD["409"]}
    good = _GOOD.get(key, _USUAL[route.method])
    operation["responses"] = {status: {"description": _SAID[status]} for status in good} | failures(
        bad, "application/json", "ProblemV2"
    )
    return secured(operation, route)


def _content(key: str) -> Json:
    if key.endswith("/value"):
        return {
            "application/json": {"schema": {"type": ["object", "array"]}},
            "text/plain": {"schema": {"type": "string"}},
        }
    return {"application/json": {"schema": _BODIES.get(key, {"$ref": "#/components/schemas/FragmentV2"})}}


def _parameter(name: str) -> Json:
    schema: Json
    if name in _NUMBERS:
        schema = {"type": "integer", "minimum": _NUMBERS[name]}
    else:
        schema = {"type": "string", "minLength": 1, "description": _WORDS[name]}
    return {"name": name, "in": "query", "schema": schema}
