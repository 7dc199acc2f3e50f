"""/v2/entities and /v2/entities/{id}."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from kitamae.kernel.context.api.answer import NO_CONTENT, Answer, of_json
from kitamae.kernel.context.operations import Delete
from kitamae.kernel.context.v2 import selection, writing
from kitamae.kernel.context.v2.names import field, inner_id
from kitamae.kernel.context.v2.operations import BUILTIN, New, Upsert, Write
from kitamae.kernel.context.v2.problems import NoneWritten, NotAll, NotPossible, told_of
from kitamae.kernel.context.v2.registration import owners, providers
from kitamae.kernel.context.v2.represent import Form, Format, attributes, formed, present, type_of
from kitamae.kernel.problems import BadRequest, NotFound, Problem
from kitamae.kernel.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.v2.exchange import Exchange
    from kitamae.kernel.context.v2.operations import Mode

FORMATS: Final[tuple[Format, ...]] = ("normalized", "keyValues", "values", "unique")
USUAL_TYPE: Final = "Thing"
_HEAD: Final = frozenset(("id", "type"))
WRITING: Final = ("keyValues", "overrideMetadata", "forcedUpdate", "flowControl")
"""Options of whatever writes attributes. Answers always wait for the disk, so `flowControl` changes nothing."""


async def query(x: Exchange) -> Answer:
    """GET entities."""
    options = x.options("count", "skipForwarding", *FORMATS)
    wanted = await selection.of_parameters(x)
    wished = form(x, options)
    found, count = await selection.find_any(x, [wanted], asked(x, wished))
    return await listing(x, found, count, wished)


async def listing(x: Exchange, found: list[Entity], count: int | None, form: Form) -> Answer:
    """Entities in a form, with how many there are where that was asked for."""
    headers = [] if count is None else [(b"fiware-total-count", b"%d" % count)]
    shown, turns = [], Turns()
    for one in found:
        await turns.next()
        shown.append(present(one, x.words, form))
    return of_json(200, shown, headers)


def form(x: Exchange, options: frozenset[str], given: Mapping[str, Any] | None = None) -> Form:
    """attrs, metadata and the format, from the URL or the body of op/query. Raises BadRequest."""
    formats = [one for one in FORMATS if one in options]
    if len(formats) > 1:
        raise BadRequest(f"Invalid value for URI param /options/: {' and '.join(formats)} exclude each other")
    attrs, metadata = x.names("attrs"), x.names("metadata")
    if given is not None:
        attrs, metadata = listed(given, "attrs") or attrs, listed(given, "metadata") or metadata
    return Form(formats[0] if formats else "normalized", attrs, metadata)


def asked(x: Exchange, form: Form) -> frozenset[str]:
    """The attributes that the form names, expanded; none: any of them."""
    if form.attrs is None or "*" in form.attrs:
        return frozenset()
    return frozenset(x.words.expand(name) for name in form.attrs if name not in BUILTIN)


def listed(given: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """An array of names in a body; None where there is none, or it is empty. Raises BadRequest."""
    names = given.get(name)
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(one, str) and one for one in names):
        raise BadRequest(f"{name}: must be an array of strings that are not empty")
    return tuple(names) or None


async def create(x: Exchange) -> Answer:
    """POST entities; options `upsert`, `keyValues`."""
    options = x.options("upsert", *WRITING)
    payload = await x.object()
    new = entity(x, payload, "keyValues" in options)
    target = writing.Target(new.id, new.type, new.path, may_create=True)
    override, forced = "overrideMetadata" in options, "forcedUpdate" in options
    upsert = "upsert" in options

    async def here(ours: Mapping[str, Json]) -> None:
        part = dataclasses.replace(new, attrs=ours)
        await writing.change(x, target, Upsert(part, override, forced=forced) if upsert else part)

    wish = owners.Wish("upsert" if upsert else "create", new.id, new.type, new.attrs)
    await owners.done(x, wish, here)
    type = quote(x.words.compact(new.type), safe=":@!$*+,")
    location = (
        b"location",
        f"/v2/entities/{quote(payload['id'], safe=':@!$*+,')}?type={type}".encode("ascii"),
    )
    return Answer(204 if "upsert" in options else 201, None, [location])


def entity(x: Exchange, payload: Mapping[str, Json], key_values: bool, usual: str = USUAL_TYPE) -> New:
    """The body of an entity. Raises BadRequest."""
    if "id" not in payload:
        raise BadRequest("entity id not specified")
    id = field(payload["id"], "entity id")
    type = field(payload.get("type", usual), "entity type")
    return New(inner_id(id), x.words.expand(type), x.path, attrs(payload, key_values), x.words)


def attrs(payload: Mapping[str, Json], key_values: bool) -> dict[str, Json]:
    """The attributes of a body, each as an object. Raises BadRequest."""
    return {
        field(name, "attribute name"): {"value": given} if key_values else given
        for name, given in payload.items()
        if name not in _HEAD
    }


async def retrieve(x: Exchange, id: str) -> Answer:
    """GET entities/{id}."""
    options = x.options("skipForwarding", *FORMATS)
    wanted = form(x, options)
    return of_json(200, present(await selection.known(x, id, asked(x, wanted)), x.words, wanted))


async def retrieve_attributes(x: Exchange, id: str) -> Answer:
    """GET entities/{id}/attrs: the same without id and type."""
    options = x.options("skipForwarding", *FORMATS)
    wanted = form(x, options)
    found = await selection.known(x, id, asked(x, wanted))
    shown = attributes(found, x.words, wanted)
    answer = formed("", type_of(found, x.words), shown, wanted.format)
    if isinstance(answer, dict):
        answer = {name: one for name, one in answer.items() if name not in _HEAD}
    return of_json(200, answer)


async def delete(x: Exchange, id: str) -> Answer:
    """DELETE entities/{id}."""

    async def here(_: Mapping[str, Json]) -> None:
        await writing.change(x, await writing.target(x, id), Delete())

    await owners.done(x, owners.Wish("delete", x.inner(id), asked_type(x)), here)
    return NO_CONTENT


def asked_type(x: Exchange) -> str | None:
    """The `type` of the URL, expanded."""
    return x.words.expand(field(x.params["type"], "type")) if "type" in x.params else None


async def append(x: Exchange, id: str) -> Answer:
    """POST entities/{id}/attrs; option `append`: nothing that is there is overwritten."""
    options = x.options("append", *WRITING)
    return await _write(x, id, options, "appendStrict" if "append" in options else "append")


async def update(x: Exchange, id: str) -> Answer:
    """PATCH entities/{id}/attrs: only what is there."""
    return await _write(x, id, x.options(*WRITING), "update")


async def replace(x: Exchange, id: str) -> Answer:
    """PUT entities/{id}/attrs: what is not named goes."""
    return await _write(x, id, x.options(*WRITING), "replace")


async def _write(x: Exchange, id: str, options: frozenset[str], mode: Mode) -> Answer:
    payload = await x.object()
    for name in _HEAD & payload.keys():
        raise BadRequest(f"entity {name} specified in payload")
    if not payload:
        raise BadRequest("empty payload")
    given = attrs(payload, "keyValues" in options)

    async def here(ours: Mapping[str, Json]) -> None:
        await _write_here(x, id, options, mode, ours)

    await owners.done(x, owners.Wish(mode, x.inner(id), asked_type(x), given), here)
    return NO_CONTENT


async def _write_here(
    x: Exchange, id: str, options: frozenset[str], mode: Mode, given: Mapping[str, Json]
) -> None:
    """Here, and with providers who registered what is not here. Raises NotFound, NotPossible, NotAll."""
    operation = Write(given, mode, x.words, "overrideMetadata" in options, "forcedUpdate" in options)
    named = f"{id}/{x.params['type']}" if "type" in x.params else id
    problem: Problem | None = None
    try:
        effect = await writing.change(x, await writing.target(x, id), operation)
        left = list(effect.not_updated)
    except (NotFound, NoneWritten) as wrong:
        problem, left = wrong, wrong.names if isinstance(wrong, NoneWritten) else list(given)
    if left and mode == "update":
        done = await providers.update(x, id, x.params.get("type"), {name: given[name] for name in left})
        problem, left = (None if done else problem), [name for name in left if name not in done]
    if problem is not None and not isinstance(problem, NoneWritten):
        raise problem
    if left:
        raise (NotPossible if problem else NotAll)(told_of([(named, left)], mode))
