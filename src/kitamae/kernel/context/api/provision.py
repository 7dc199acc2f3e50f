"""Entities and their attributes, one at a time: create, replace, merge, delete, append, update (6.4-6.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from kitamae.kernel.context import lexical, read
from kitamae.kernel.context.api.answer import NO_CONTENT, Answer, created, of_json
from kitamae.kernel.context.api.permission import change
from kitamae.kernel.context.operations import (
    Append,
    Create,
    Delete,
    DeleteAttribute,
    Merge,
    PartialAttribute,
    Replace,
    ReplaceAttribute,
    Update,
)
from kitamae.kernel.context.query import parse
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.operations import Effect
    from kitamae.kernel.context.query.tree import TypeQ

SIMPLIFIED: Final = frozenset({"simplified", "keyValues"})
_UNESCAPED: Final = ":@!$&'()*+,;="


def uri(id: str, where: str = "the entity's id") -> str:
    """A URI, as every id of NGSI-LD is. Raises BadRequest."""
    return lexical.uri(id, where)


def segment(id: str) -> str:
    """An id as one segment of a path."""
    return quote(id, safe=_UNESCAPED)


def only(request: Request) -> TypeQ | None:
    """The `type` parameter: the operation is for an entity of these types alone."""
    text = request.params.get("type")
    return None if text is None else parse.type_q(text, request.context.expand)


def options(request: Request, *known: str) -> frozenset[str]:
    """The words of `options`. Raises BadRequest for one that the operation does not know."""
    words = frozenset(request.params.get("options", ()))
    unknown = words.difference(known)
    if unknown:
        raise BadRequest(f"options: expected {', '.join(known)}, got {', '.join(sorted(unknown))}")
    return words


async def create(x: Exchange) -> Answer:
    """POST entities (5.6.1)."""
    request, payload = await x.document()
    entity = read.entity(payload, request.context)
    await change(request, entity["id"], Create(entity))
    answer = created(f"/ngsi-ld/v1/entities/{segment(entity['id'])}")
    answer.headers += x.echo(request.tenant)
    return answer


async def replace(x: Exchange, id: str) -> Answer:
    """PUT entities/{id} (5.6.18)."""
    uri(id)
    request, payload = await x.document()
    if payload.setdefault("id", id) != id:
        raise BadRequest(f"the body's id {payload['id']!r:.200} is not the id in the URL")
    entity = read.entity(payload, request.context)
    await change(request, id, Replace(entity, only(request)))
    return _done(x, request)


async def merge(x: Exchange, id: str) -> Answer:
    """PATCH entities/{id} (5.6.17)."""
    uri(id)
    request, payload = await x.document()
    await change(request, id, merging(request, payload, id, request.context))
    return _done(x, request)


def merging(request: Request, payload: dict[str, Any], id: str, context: Context) -> Merge:
    """The operation that a merge-patch and its parameters mean."""
    format = request.params.get("format")
    if format is not None and format not in SIMPLIFIED:
        raise BadRequest(f"format: expected simplified or keyValues, got {format!r:.40}")
    simplified = format is not None or bool(options(request, *sorted(SIMPLIFIED)))
    fragment = read.fragment(payload, context, id=id, merge=True, simplified=simplified)
    params = request.params
    return Merge(fragment, params.get("observedAt"), params.get("lang"), simplified, only(request))


async def delete(x: Exchange, id: str) -> Answer:
    """DELETE entities/{id} (5.6.6)."""
    uri(id)
    request = await x.request()
    await change(request, id, Delete(only(request)))
    return _done(x, request)


async def append(x: Exchange, id: str) -> Answer:
    """POST entities/{id}/attrs (5.6.3)."""
    uri(id)
    request, payload = await x.document()
    no_overwrite = bool(options(request, "noOverwrite"))
    fragment = read.fragment(payload, request.context, id=id)
    effect = await change(request, id, Append(fragment, no_overwrite, only(request)))
    return _updated(x, request, effect)


async def update(x: Exchange, id: str) -> Answer:
    """PATCH entities/{id}/attrs (5.6.2)."""
    uri(id)
    request, payload = await x.document()
    fragment = read.fragment(payload, request.context, id=id)
    effect = await change(request, id, Update(fragment, only(request)))
    return _updated(x, request, effect)


async def partial(x: Exchange, id: str, name: str) -> Answer:
    """PATCH entities/{id}/attrs/{name} (5.6.4)."""
    uri(id)
    request, payload = await x.document()
    attribute = read.attribute(payload, request.context, name)
    operation = PartialAttribute(request.context.expand(name), attribute, only(request))
    await change(request, id, operation)
    return _done(x, request)


async def replace_attribute(x: Exchange, id: str, name: str) -> Answer:
    """PUT entities/{id}/attrs/{name} (5.6.19)."""
    uri(id)
    request, payload = await x.document()
    attribute = read.complete(read.attribute(payload, request.context, name, partial=False))
    operation = ReplaceAttribute(request.context.expand(name), attribute, only(request))
    await change(request, id, operation)
    return _done(x, request)


async def delete_attribute(x: Exchange, id: str, name: str) -> Answer:
    """DELETE entities/{id}/attrs/{name} (5.6.5)."""
    uri(id)
    request = await x.request()
    dataset = request.params.get("datasetId", ())
    everything = request.params.get("deleteAll", False)
    if len(dataset) > 1:
        raise BadRequest("datasetId: expected one URI")
    which = None if not dataset or dataset[0] == "@none" else dataset[0]
    operation = DeleteAttribute(request.context.expand(name), which, everything, only(request))
    await change(request, id, operation)
    return _done(x, request)


def _done(x: Exchange, request: Request) -> Answer:
    return Answer(204, None, x.echo(request.tenant)) if request.tenant else NO_CONTENT


def _updated(x: Exchange, request: Request, effect: Effect) -> Answer:
    """204, or 207 with an UpdateResult (5.2.18) in full names."""
    if not effect.not_updated:
        return _done(x, request)
    result = {
        "updated": effect.updated,
        "notUpdated": [
            {"attributeName": name, "reason": reason} for name, reason in effect.not_updated.items()
        ],
    }
    return of_json(207, result, x.echo(request.tenant))
