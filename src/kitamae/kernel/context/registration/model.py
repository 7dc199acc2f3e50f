"""A registration, compiled: which entities and attributes it answers for, where, when, and how (clause 5.2.9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from kitamae.kernel.context import clock
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.lexical import scopes
from kitamae.kernel.context.registration import operations

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Attributes, Entity, Json

Mode = Literal["inclusive", "exclusive", "redirect", "auxiliary"]

_PLACES: Final = ("location", "observationSpace", "operationSpace")
_SAID: Final = (
    "endpoint",
    "registrationName",
    "description",
    "mode",
    "contextSourceAlias",
    "tenant",
    "refreshRate",
)
"""Members of the specification that a context source filter may ask for, beside the source's own properties."""


@dataclass(frozen=True, slots=True)
class EntityInfo:
    """Entities of all these types (expanded), with that id or an id like that."""

    types: tuple[str, ...]
    id: str | None = None
    id_pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Information:
    """What the source knows: these entities (none named: any), of them these attributes (expanded; none: any)."""

    entities: tuple[EntityInfo, ...]
    attrs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Interval:
    """Microseconds UTC; no end: until now and on."""

    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Registration:
    """`doc` is what is kept: members as `validate` left them, `createdAt` and `modifiedAt` in microseconds UTC.

    `described` is the source as an entity, for filters on its properties, places and scopes.
    """

    tenant: str
    id: str
    information: tuple[Information, ...]
    mode: Mode
    operations: frozenset[str]
    endpoint: str
    observation: Interval | None
    management: Interval | None
    expires_at: int | None
    described: Entity
    doc: dict[str, Json]

    def expired(self, now: int) -> bool:
        """Its time is over: it is forgotten (clause 5.9.2)."""
        return self.expires_at is not None and self.expires_at <= now


def compiled(tenant: str, doc: dict[str, Json]) -> Registration:
    """From a document that `validate` made."""
    return Registration(
        tenant,
        doc["id"],
        tuple(_information(one) for one in doc["information"]),
        doc.get("mode", "inclusive"),
        _operations(doc),
        doc["endpoint"],
        _interval(doc.get("observationInterval")),
        _interval(doc.get("managementInterval")),
        clock.micros(doc["expiresAt"], "expiresAt") if "expiresAt" in doc else None,
        _described(doc),
        doc,
    )


def _operations(doc: dict[str, Any]) -> frozenset[str]:
    """Of a source of NGSIv2: what it is asked in place of them (`dialect`). It is auxiliary, so there is nothing else."""
    if "v2" not in doc:
        return operations.single(doc.get("operations", operations.USUAL))
    own = doc["v2"]
    asked = own["status"] == "active" and own["mode"] in ("all", "query")
    return operations.QUERIES if asked else frozenset()


def _information(given: dict[str, Any]) -> Information:
    entities = tuple(
        EntityInfo(
            tuple(one["type"]) if isinstance(one["type"], list) else (one["type"],),
            one.get("id"),
            one.get("idPattern"),
        )
        for one in given.get("entities", ())
    )
    return Information(
        entities, frozenset((*given.get("propertyNames", ()), *given.get("relationshipNames", ())))
    )


def _interval(given: dict[str, str] | None) -> Interval | None:
    if given is None:
        return None
    end = clock.micros(given["endAt"], "endAt") if "endAt" in given else None
    return Interval(clock.micros(given["startAt"], "startAt"), end)


def _described(doc: dict[str, Json]) -> Entity:
    attrs: Attributes = {
        CORE.expand(name): [{"kind": "GeoProperty", "v": doc[name]}] for name in _PLACES if name in doc
    }
    for name in _SAID:
        if name in doc:
            attrs[CORE.expand(name)] = [{"kind": "Property", "v": doc[name]}]
    for name, value in doc.get("properties", {}).items():
        attrs[name] = [{"kind": "Property", "v": _value(value)}]
    return {
        "id": doc["id"],
        "type": [CORE.expand(doc["type"])],
        "scope": scopes(doc["scope"]) if "scope" in doc else [],
        "attrs": attrs,
    }


def _value(given: Json) -> Json:
    """A property may be written out, `{"type": "Property", "value": ...}`, or simply."""
    if isinstance(given, dict) and given.get("type") == "Property" and "value" in given:
        return given["value"]
    return given
