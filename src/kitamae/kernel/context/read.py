"""What a client sent -> the internal form (clauses 4.5, 4.6, 5.5.4). Everything wrong is BadRequest naming its place.

Normalized and concise forms may be mixed, as the specification allows: an attribute with a `type` says what it is,
one without it is known by the member that carries its value, and a plain value is a Property (or a GeoProperty, when it
is a geometry). Only with `simplified` is an object without any of these a value as it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from kitamae.kernel.context.attributes import TIMES, Reader
from kitamae.kernel.context.entity import NULL, Attribute, Attributes, Entity, Fragment, Partial
from kitamae.kernel.context.lexical import scopes, time, uri
from kitamae.kernel.context.names import SCOPE
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context

MEMBERS: Final = frozenset(
    ("id", "@id", "type", "@type", "scope", "expiresAt", "@context", "createdAt", "modifiedAt", "deletedAt")
)
"""Of an entity, beside its attributes. The last three are the broker's own and are not read."""


def entity(
    payload: Json, ctx: Context, *, temporal: bool = False, simplified: bool = False, theirs: bool = False
) -> Entity:
    """A whole entity. `temporal`: its attributes are histories, so instances may share a datasetId, and one with NULL for
    its value says that the attribute was deleted then. `theirs`: another broker tells it, with its system times.

    Raises BadRequest.
    """
    payload = _object(payload)
    reader = Reader(ctx, temporal=temporal, simplified=simplified, theirs=theirs)
    if "id" not in payload and "@id" not in payload:
        raise BadRequest("the entity has no id")
    if "type" not in payload and "@type" not in payload:
        raise BadRequest("the entity has no type")
    found: Entity = {"id": _id(payload), "type": _types(payload, ctx), "attrs": {}}
    if "expiresAt" in payload:
        found["expiresAt"] = time(payload["expiresAt"], "expiresAt")
    if theirs:
        for name in TIMES:
            if name in payload:
                found[name] = time(payload[name], name)
    attrs = _attributes(payload, reader)
    if "scope" in payload and (scope := _scopes(payload["scope"], reader, attrs)):
        found["scope"] = scope
    found["attrs"] = cast("Attributes", attrs)
    return found


def fragment(
    payload: Json,
    ctx: Context,
    *,
    id: str | None = None,
    merge: bool = False,
    temporal: bool = False,
    simplified: bool = False,
) -> Fragment:
    """Some attributes, perhaps with type, scope and expiresAt. NULL takes away what it stands for.

    `id`: the entity it is for; another id in the payload is BadRequest. `merge`: attributes may be partial, and NULL
    may also stand inside a value (clause 5.5.12); otherwise each attribute is complete. `temporal`: see `entity`.
    """
    payload = _object(payload)
    reader = Reader(ctx, nulls=not temporal, merge=merge, temporal=temporal, simplified=simplified)
    found: Fragment = {"attrs": {}}
    if "id" in payload or "@id" in payload:
        found["id"] = _id(payload)
        if id is not None and found["id"] != id:
            raise BadRequest(f"id: the payload is for {found['id']!r:.200}, the request for {id!r:.200}")
    if "type" in payload or "@type" in payload:
        found["type"] = _types(payload, ctx)
    if "expiresAt" in payload:
        stamp = payload["expiresAt"]
        found["expiresAt"] = NULL if reader.nulls and stamp == NULL else time(stamp, "expiresAt")
    found["attrs"] = _attributes(payload, reader)
    if "scope" in payload:
        found["scope"] = _scopes(payload["scope"], reader, found["attrs"])
    return found


def attribute(
    payload: Json, ctx: Context, name: str, *, partial: bool = True, simplified: bool = False
) -> Partial:
    """One instance of the attribute `name` (as the client wrote it), for a partial update or a replacement.

    `partial`: what is not there stays, and NULL takes away. Otherwise it is complete and without NULL.
    """
    reader = Reader(ctx, nulls=partial, partial=partial, simplified=simplified)
    if type(payload) is dict and "@context" in payload:
        payload = {member: value for member, value in payload.items() if member != "@context"}
    return reader.fits(ctx.expand(name), reader.instance(payload, name, name), name)


def complete(partial: Partial) -> Attribute:
    """A new attribute from a patch: it must have a value; where nothing tells its kind, it is a Property.

    Raises BadRequest.
    """
    if "v" not in partial or partial["v"] == NULL:
        raise BadRequest("an attribute that is not there yet needs a value")
    return cast("Attribute", {"kind": "Property", **partial})


def attributes_of(payload: dict[str, Json]) -> list[str]:
    """The names of an entity's attributes, as the client wrote them."""
    return [name for name in payload if name not in MEMBERS]


def _object(payload: Json) -> dict[str, Json]:
    if type(payload) is not dict:
        raise BadRequest(f"expected a JSON object, got {payload!r:.80}")
    return payload


def _id(payload: dict[str, Json]) -> str:
    found = uri(payload.get("id", payload.get("@id")), "id")
    if found == NULL:
        raise BadRequest(f"id: {NULL} is not an id")
    return found


def _types(payload: dict[str, Json], ctx: Context) -> list[str]:
    given = payload.get("type", payload.get("@type"))
    if type(given) is str:
        return [ctx.expand(given)]
    if type(given) is not list or not given or not all(type(name) is str for name in given):
        raise BadRequest(f"type: expected a name or an array of names, got {given!r:.120}")
    return list(dict.fromkeys(map(ctx.expand, given)))


def _attributes(payload: dict[str, Json], reader: Reader) -> dict[str, list[Partial]]:
    found: dict[str, list[Partial]] = {}
    for name, given in payload.items():
        if name not in MEMBERS:
            reader.into(found, name, given, name)
    return found


def _scopes(given: Json, reader: Reader, attrs: dict[str, list[Partial]]) -> list[str]:
    """The scopes now. In a history they may be instances of a Property (clause 4.18): these join the attributes."""
    if reader.nulls and given == NULL:
        return []
    if not reader.temporal or not (type(given) is dict or (type(given) is list and dict in map(type, given))):
        return scopes(given)
    reader.into(attrs, "scope", given, "scope")
    now: list[str] = []
    for one in attrs[SCOPE]:
        if one.get("kind") != "Property":
            raise BadRequest(f"scope: the history of the scope is a Property, got {one.get('kind')}")
        now = [] if one["v"] == NULL else scopes(one["v"])
        if type(one["v"]) is list:
            one["v"] = now
    return now
