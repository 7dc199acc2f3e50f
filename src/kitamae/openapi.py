"""`/openapi.json`: all that this server answers, as OpenAPI 3.1 says it, made from the tables that the answers come from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from starlette.routing import Mount, Route

from kitamae import __version__
from kitamae.kernel.context.api import description
from kitamae.kernel.context.api.routes import ROUTES
from kitamae.kernel.context.v2 import description as description_v2
from kitamae.kernel.context.v2.routes import ROUTES as ROUTES_V2
from kitamae.web.asked import Asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.routing import BaseRoute

Json = dict[str, Any]

_CONVERTER: Final = re.compile(r"{(\w+)(?::\w+)?}")
_SCHEMAS: Final = "#/components/schemas/"
_TENANT: Final = {"type": "string", "pattern": r"^[A-Za-z0-9_.\-]{1,64}$"}
_SERVICE: Final = {"type": "string", "pattern": r"^[A-Za-z0-9_]{1,50}$"}
_PATH: Final = {"type": "string", "pattern": r"^/[A-Za-z0-9_/]{0,50}$"}
_PAGE: Final = {
    "200": {"description": "The page"},
    "303": {"description": "Elsewhere"},
    "304": {"description": "Not changed"},
    "400": {"description": "Something in the request is wrong"},
    "401": {"description": "Who asks is not known"},
    "403": {"description": "Not allowed"},
    "404": {"description": "There is no such page"},
    "405": {"description": "That method is not available here"},
    "409": {"description": "It does not agree with what is there"},
    "410": {"description": "It does not work any more"},
    "413": {"description": "The body is too long"},
    "422": {"description": "It holds a number that may be somebody's My Number"},
    "429": {"description": "Too many requests from this address"},
    "503": {"description": "Not available at the moment"},
}
_LEDGER: Final[Mapping[str, str]] = {
    "/ledger/checkpoint": "The newest signed checkpoint of the city's ledger (C2SP tlog-checkpoint)",
    "/ledger/witnessed": "The newest checkpoint that witnesses have cosigned",
    "/ledger/tile/{path}": "Hashes and entries (C2SP tlog-tiles)",
    "/ledger/proof/{index}": "That an entry is in the ledger, to be verified without a network (C2SP tlog-proof)",
    "/ledger/entries/{number}": "Where an entry stands, once it is published",
    "/ledger/earlier/{n}/{path}": "A log in whose place the present one stands",
}
_WATCHED: Final[Mapping[str, str]] = {
    "/health": "Whether the city can be served as it should be",
    "/health/live": "Whether the server is there at all",
    "/health/ready": "Whether the city can be served as it should be",
    "/metrics": "For Prometheus, from this machine or with a token for operate:system:metrics",
}


def document(rooms: Iterable[BaseRoute]) -> Json:
    """The whole description; `rooms` are the routes of the pages and of the services' own interfaces."""
    pages, schemas = _rooms(rooms)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kitamae",
            "version": __version__,
            "description": "The context broker of a city (NGSI-LD 1.9.1 and NGSIv2 on the same entities), its services and its pages.",
        },
        "paths": description.paths(ROUTES) | description_v2.paths(ROUTES_V2) | _watched() | _ledger() | pages,
        "components": {
            "schemas": {**description.SCHEMAS, **description_v2.SCHEMAS, **schemas},
            "parameters": {
                name: {"name": name, "in": "header", "schema": schema}
                for name, schema in (
                    ("NGSILD-Tenant", _TENANT),
                    ("Fiware-Service", _SERVICE),
                    ("Fiware-ServicePath", _PATH),
                )
            },
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "`kitamae token create`"}
            },
        },
    }


def _watched() -> Json:
    return {
        path: {
            "get": {
                "summary": what,
                "tags": ["operation"],
                "responses": {
                    "200": {"description": what},
                    **{status: _PAGE[status] for status in ("403", "503")},
                    "401": {"description": "A token is needed"},
                },
            }
        }
        for path, what in _WATCHED.items()
    }


def _ledger() -> Json:
    paths: Json = {
        path: {
            "get": {
                "summary": what,
                "tags": ["ledger"],
                "parameters": [
                    {
                        "name": name,
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string", "minLength": 1},
                    }
                    for name in _CONVERTER.findall(path)
                ],
                "responses": {"200": {"description": what}, **{one: _PAGE[one] for one in ("404", "503")}},
            }
        }
        for path, what in _LEDGER.items()
    }
    one = {
        "type": "object",
        "required": ["register", "statement"],
        "additionalProperties": False,
        "properties": {
            "register": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,63}$"},
            "statement": {"type": "object", "minProperties": 1},
        },
    }
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": 1000}
    paths["/ledger/entries"] = {
        "post": {
            "summary": "Statements of a public register, for everybody to read; durable when it is answered",
            "tags": ["ledger"],
            "security": [{"token": []}],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"anyOf": [one, many]}}},
            },
            "responses": {
                "201": {"description": "Committed, and published within a second"},
                "401": {"description": "A token for operate:system:ledger is needed"},
                "411": {"description": "A Content-Length is required"},
                "415": {"description": "JSON is expected"},
                **{status: _PAGE[status] for status in ("400", "403", "413", "503")},
            },
        }
    }
    return paths


def _rooms(routes: Iterable[BaseRoute]) -> tuple[Json, Json]:
    """Pages by their routes; a service's interface as FastAPI describes it, under its own names."""
    paths: dict[str, Json] = {}
    schemas: Json = {}
    for route in routes:
        inner = route.app.inner if isinstance(route, Mount) and isinstance(route.app, Asked) else None
        if isinstance(route, Mount) and isinstance(inner, FastAPI):
            found = _renamed(inner.openapi(), route.path.strip("/").replace("/", "-"))
            paths |= {route.path + path: _answered(operations) for path, operations in found["paths"].items()}
            schemas |= found.get("components", {}).get("schemas", {})
        elif isinstance(route, Route):
            at = paths.setdefault(_CONVERTER.sub(r"{\1}", route.path), {})
            at |= {method.lower(): _page(route) for method in route.methods or () if method != "HEAD"}
    return paths, schemas


def _answered(operations: Json) -> Json:
    """As the house answers errors: what FastAPI calls 422 is a 400 here."""
    for operation in operations.values():
        good = {status: told for status, told in operation["responses"].items() if status < "400"}
        operation["responses"] = good | {
            status: _PAGE[status] for status in ("400", "403", "404", "429", "503")
        }
    return operations


def _page(route: Route) -> Json:
    return {
        "summary": f"The page {route.path}",
        "tags": ["pages"],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in _CONVERTER.findall(route.path)
        ],
        "responses": _PAGE,
    }


def _renamed(found: Any, prefix: str) -> Any:
    """With every schema's name made this service's own: two services may have a `Place`."""
    if isinstance(found, list):
        return [_renamed(one, prefix) for one in found]
    if not isinstance(found, dict):
        return found
    renamed: Json = {}
    for name, value in found.items():
        if name == "$ref" and value.startswith(_SCHEMAS):
            renamed[name] = f"{_SCHEMAS}{prefix}-{value.removeprefix(_SCHEMAS)}"
        elif name == "schemas":
            renamed[name] = {f"{prefix}-{key}": _renamed(schema, prefix) for key, schema in value.items()}
        else:
            renamed[name] = _renamed(value, prefix)
    return renamed
