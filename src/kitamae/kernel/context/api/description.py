"""The NGSI-LD binding as OpenAPI 3.1 says it, made from the table of routes: what is not there is not described.

A handler's docstring is its summary, `parameters.READERS` says how each parameter is read, and the tables below what a
body is and which answers are good ones. Every answer that is not is RFC 9457's object (clause 6.3.3).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context.api import parameters
from kitamae.kernel.context.api.routing import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kitamae.kernel.context.api.routing import Route

Json = dict[str, Any]

LD: Final = ("application/json", "application/ld+json")
_BRACED: Final = re.compile(r"{(\w+)}")
_URI: Final = {"type": "string", "format": "uri", "examples": ["urn:ngsi-ld:Room:1"]}

SCHEMAS: Final[Mapping[str, Json]] = {
    "Problem": {
        "type": "object",
        "description": "RFC 9457: what was wrong, where, and what was expected.",
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
        "required": ["type", "title", "status"],
    },
    "Entity": {
        "type": "object",
        "description": "An entity in any representation; every other member is an attribute.",
        "properties": {
            "id": _URI,
            "type": {"type": ["string", "array"], "examples": ["Room"]},
            "scope": {"type": ["string", "array"], "examples": ["/Kaga/Yamashiro"]},
        },
        "required": ["id", "type"],
        "additionalProperties": {"$ref": "#/components/schemas/Attribute"},
    },
    "Attribute": {
        "description": "A Property, GeoProperty, LanguageProperty, VocabProperty, JsonProperty, ListProperty, Relationship or "
        "ListRelationship; an array of them where there are several instances; the value alone in the concise form.",
        "examples": [{"type": "Property", "value": 21.5, "observedAt": "2026-11-21T09:00:00Z"}],
    },
    "Fragment": {
        "type": "object",
        "description": "Attributes by their names.",
        "additionalProperties": {"$ref": "#/components/schemas/Attribute"},
    },
    "Query": {
        "type": "object",
        "description": "What the parameters of GET say, as one object (5.2.23).",
        "properties": {
            "type": {"const": "Query"},
            "entities": {"type": "array", "items": {"type": "object"}},
            "q": {"type": "string", "examples": ["temperature>20"]},
            "geoQ": {"type": "object"},
            "scopeQ": {"type": "string"},
            "attrs": {"type": "array", "items": {"type": "string"}},
            "temporalQ": {"type": "object"},
        },
        "required": ["type"],
    },
    "Subscription": {
        "type": "object",
        "properties": {
            "id": _URI,
            "type": {"const": "Subscription"},
            "entities": {"type": "array", "items": {"type": "object"}},
            "q": {"type": "string"},
            "notification": {
                "type": "object",
                "properties": {
                    "endpoint": {
                        "type": "object",
                        "properties": {"uri": {"type": "string"}},
                        "required": ["uri"],
                    }
                },
                "required": ["endpoint"],
            },
        },
        "required": ["type", "notification"],
    },
    "Registration": {
        "type": "object",
        "properties": {
            "id": _URI,
            "type": {"const": "ContextSourceRegistration"},
            "information": {"type": "array", "items": {"type": "object"}},
            "endpoint": {"type": "string", "format": "uri"},
        },
        "required": ["type", "information", "endpoint"],
    },
    "Context": {
        "type": "object",
        "properties": {"@context": {"type": ["object", "array", "string"]}},
        "required": ["@context"],
    },
}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _array(of: Json) -> Json:
    return {"type": "array", "items": of, "minItems": 1}


_BODIES: Final[Mapping[str, Json]] = {
    "POST entities": _ref("Entity"),
    "PUT entities/{id}": _ref("Entity"),
    "PATCH entities/{id}/attrs/{name}": _ref("Attribute"),
    "PUT entities/{id}/attrs/{name}": _ref("Attribute"),
    "POST subscriptions": _ref("Subscription"),
    "POST csourceSubscriptions": _ref("Subscription"),
    "POST csourceRegistrations": _ref("Registration"),
    "POST entityOperations/delete": _array(_URI),
    "POST entityOperations/query": _ref("Query"),
    "POST temporal/entityOperations/query": _ref("Query"),
    "POST entityMaps": _ref("Query"),
    "POST temporal/entities": _ref("Entity"),
    "POST jsonldContexts": _ref("Context"),
    **{
        f"POST entityOperations/{word}": _array(_ref("Entity"))
        for word in ("create", "upsert", "update", "merge")
    },
}

GOOD: Final[Mapping[str, str]] = {
    "200": "What was asked for",
    "201": "Made; Location says where it is",
    "204": "Done",
    "206": "As much of the history as one answer holds; Content-Range says which",
    "207": "Partly done; the body says what was and what was not",
}
_USUAL: Final = {
    "GET": ("200",),
    "POST": ("201", "204", "207"),
    "PUT": ("204",),
    "PATCH": ("204",),
    "DELETE": ("204",),
}
_GOOD: Final[Mapping[str, tuple[str, ...]]] = {
    "POST entities": ("201", "207"),
    "GET entities": ("200", "201"),
    "POST entityOperations/query": ("200", "201"),
    "POST entityMaps": ("201",),
    "GET entityMaps": ("201",),
    "GET temporal/entities": ("200", "206"),
    "GET temporal/entities/{id}": ("200", "206"),
    "POST temporal/entityOperations/query": ("200", "206"),
    "POST subscriptions": ("201",),
    "POST csourceSubscriptions": ("201",),
    "POST csourceRegistrations": ("201",),
    "POST jsonldContexts": ("201",),
    "POST temporal/entities": ("201", "204"),
    "POST temporal/entities/{id}/attrs": ("204",),
    "POST entities/{id}/attrs": ("204", "207"),
}

READ: Final[Mapping[str, str]] = {
    "400": "Something in the request is wrong",
    "401": "A token, or signing in, is needed",
    "403": "Not allowed, or too complex a question",
    "404": "There is no such thing",
    "406": "None of the accepted media types can be served",
    "422": "Understood, and not offered",
    "429": "Too many requests from this address",
    "503": "Not available at the moment",
    "504": "A @context cannot be had",
}
BODY: Final[Mapping[str, str]] = {
    "411": "A Content-Length is required",
    "413": "The body is too long",
    "415": "The body has a media type that is not read",
}
CHANGE: Final[Mapping[str, str]] = {"409": "The state does not allow that", "507": "The disk is full"}


def paths(routes: Iterable[Route]) -> Json:
    """The paths of these routes."""
    found: dict[str, Json] = {}
    for route in routes:
        at = found.setdefault(f"{PREFIX.decode()}/{route.path}", {})
        at[route.method.lower()] = _operation(route)
    return found


def _operation(route: Route) -> Json:
    key = f"{route.method} {route.path}"
    operation: Json = {
        "summary": summary(route),
        "tags": [route.path.split("/")[0]],
        "parameters": [
            *in_path(route.path),
            *(_parameter(name) for name in sorted(route.parameters)),
            {"$ref": "#/components/parameters/NGSILD-Tenant"},
        ],
    }
    writes = _USUAL[route.method]
    partly = ("207",) if route.needs == ("write", "entity:*") else ()
    good = _GOOD.get(key, tuple(dict.fromkeys((*writes, *partly))))
    bad = dict(READ)
    if route.method != "GET":
        bad |= CHANGE
    if route.method in ("POST", "PUT", "PATCH"):
        bad |= BODY
        operation["requestBody"] = {
            "required": True,
            "content": {media: {"schema": _BODIES.get(key, _ref("Fragment"))} for media in LD},
        }
    operation["responses"] = {status: {"description": GOOD[status]} for status in good} | failures(
        bad, "application/json", "Problem"
    )
    return secured(operation, route)


def summary(route: Route) -> str:
    """The first line of what the handler says of itself."""
    return (route.handler.__doc__ or "").strip().split("\n")[0].rstrip(".")


def in_path(path: str) -> list[Json]:
    """The parts in braces."""
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _BRACED.findall(path)
    ]


def failures(told: Mapping[str, str], media: str, schema: str) -> Json:
    """Answers that are none of the good ones. 411 and 415 have no body (6.3.4)."""
    return {
        status: {"description": why}
        if schema == "Problem" and status in ("411", "415")
        else {"description": why, "content": {media: {"schema": _ref(schema)}}}
        for status, why in sorted(told.items())
    }


def secured(operation: Json, route: Route) -> Json:
    """What only some may do says so; with --open everybody on this machine may."""
    if route.needs is not None:
        operation["security"] = [{"token": []}, {}]
    return operation


def _parameter(name: str) -> Json:
    return {"name": name, "in": "query", "schema": _schema(name)}


def _schema(name: str) -> Json:
    reader = parameters.READERS[name]
    if isinstance(reader, parameters.OneOf):
        return {"type": "string", "enum": list(reader.allowed)}
    schemas: Mapping[Any, Json] = {
        parameters.boolean: {"type": "boolean"},
        parameters.whole: {"type": "integer", "minimum": 0},
        parameters.positive: {"type": "integer", "minimum": 1},
        parameters.moment: {"type": "string", "format": "date-time"},
        parameters.duration: {"type": "string", "format": "duration"},
        parameters.uris: {"type": "string", "minLength": 1, "description": "URIs, separated by commas"},
        parameters.datasets: {
            "type": "string",
            "minLength": 1,
            "description": "URIs or @none, separated by commas",
        },
        parameters.names: {"type": "string", "minLength": 1, "description": "names, separated by commas"},
    }
    return schemas.get(reader, {"type": "string", "minLength": 1})
