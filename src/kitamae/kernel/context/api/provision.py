"""Entities and their attributes, one at a time: create, replace, merge, delete, append, update (6.4-6.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kitamae.kernel.context import read
from kitamae.kernel.context.api import writing
from kitamae.kernel.context.api.answer import Answer, created
from kitamae.kernel.context.api.asked import only, options, segment, simplified, uri
from kitamae.kernel.context.api.write import Write
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
from kitamae.kernel.problems import BadRequest
from kitamae.kernel.turns import aside

if TYPE_CHECKING:
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.jsonld import Context


async def create(x: Exchange) -> Answer:
    """POST entities (5.6.1)."""
    request, payload = await x.document()
    entity = await aside(x.size, lambda: read.entity(payload, request.context))
    write = Write(
        *("createEntity", "POST", "entities", entity["id"], payload),
        means=lambda part: Create(entity if part is payload else read.entity(part, request.context)),
        types=frozenset(entity["type"]),
    )
    done = created(f"/ngsi-ld/v1/entities/{segment(entity['id'])}")
    return await writing.entity(x, request, write, done)


async def replace(x: Exchange, id: str) -> Answer:
    """PUT entities/{id} (5.6.18)."""
    uri(id)
    request, payload = await x.document()
    if payload.setdefault("id", id) != id:
        raise BadRequest(f"the body's id {payload['id']!r:.200} is not the id in the URL")
    asked = only(request)
    write = Write(
        *("replaceEntity", "PUT", f"entities/{segment(id)}", id, payload),
        means=lambda part: Replace(read.entity(part, request.context), asked),
        only=asked,
    )
    return await writing.entity(x, request, write)


async def merge(x: Exchange, id: str) -> Answer:
    """PATCH entities/{id} (5.6.17)."""
    uri(id)
    request, payload = await x.document()
    write = Write(
        *("mergeEntity", "PATCH", f"entities/{segment(id)}", id, payload),
        means=lambda part: merging(request, part, id, request.context),
        only=only(request),
    )
    return await writing.entity(x, request, write)


def merging(request: Request, payload: dict[str, Any], id: str, context: Context) -> Merge:
    """The operation that a merge-patch and its parameters mean."""
    short = simplified(request)
    fragment = read.fragment(payload, context, id=id, merge=True, simplified=short)
    params = request.params
    return Merge(fragment, params.get("observedAt"), params.get("lang"), short, only(request))


async def delete(x: Exchange, id: str) -> Answer:
    """DELETE entities/{id} (5.6.6)."""
    uri(id)
    request = await x.request()
    asked = only(request)
    write = Write(
        *("deleteEntity", "DELETE", f"entities/{segment(id)}", id, None),
        means=lambda _: Delete(asked),
        only=asked,
    )
    return await writing.entity(x, request, write)


async def append(x: Exchange, id: str) -> Answer:
    """POST entities/{id}/attrs (5.6.3)."""
    uri(id)
    request, payload = await x.document()
    asked, no_overwrite = only(request), bool(options(request, "noOverwrite"))
    write = Write(
        *("appendAttrs", "POST", f"entities/{segment(id)}/attrs/", id, payload),
        means=lambda part: Append(read.fragment(part, request.context, id=id), no_overwrite, asked),
        only=asked,
    )
    return await writing.attributes(x, request, write)


async def update(x: Exchange, id: str) -> Answer:
    """PATCH entities/{id}/attrs (5.6.2)."""
    uri(id)
    request, payload = await x.document()
    asked = only(request)
    write = Write(
        *("updateEntity", "PATCH", f"entities/{segment(id)}/attrs/", id, payload),
        means=lambda part: Update(read.fragment(part, request.context, id=id), asked),
        only=asked,
    )
    return await writing.attributes(x, request, write)


async def partial(x: Exchange, id: str, name: str) -> Answer:
    """PATCH entities/{id}/attrs/{name} (5.6.4)."""
    uri(id)
    request, payload = await x.document()
    asked, attribute = only(request), request.context.expand(name)
    write = Write(
        *("updateAttrs", "PATCH", f"entities/{segment(id)}/attrs", id, payload),
        means=lambda part: PartialAttribute(attribute, read.attribute(part, request.context, name), asked),
        only=asked,
        attribute=attribute,
    )
    return await writing.attributes(x, request, write)


async def replace_attribute(x: Exchange, id: str, name: str) -> Answer:
    """PUT entities/{id}/attrs/{name} (5.6.19)."""
    uri(id)
    request, payload = await x.document()
    asked, attribute = only(request), request.context.expand(name)
    if len(payload) == 1 and name in payload:  # an entity fragment with that attribute alone
        payload = payload[name]

    def means(part: dict[str, Any]) -> ReplaceAttribute:
        new = read.complete(read.attribute(part, request.context, name, partial=False))
        return ReplaceAttribute(attribute, new, asked)

    write = Write(
        *("replaceAttrs", "PUT", f"entities/{segment(id)}/attrs", id, payload),
        means=means,
        only=asked,
        attribute=attribute,
    )
    return await writing.attributes(x, request, write)


async def delete_attribute(x: Exchange, id: str, name: str) -> Answer:
    """DELETE entities/{id}/attrs/{name} (5.6.5)."""
    uri(id)
    request = await x.request()
    dataset = request.params.get("datasetId", ())
    everything = request.params.get("deleteAll", False)
    if len(dataset) > 1:
        raise BadRequest("datasetId: expected one URI")
    which = None if not dataset or dataset[0] == "@none" else dataset[0]
    asked, attribute = only(request), request.context.expand(name)
    write = Write(
        *("deleteAttrs", "DELETE", f"entities/{segment(id)}/attrs", id, None),
        means=lambda _: DeleteAttribute(attribute, which, everything, asked),
        only=asked,
        attribute=attribute,
    )
    return await writing.attributes(x, request, write)
