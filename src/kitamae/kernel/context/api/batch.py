"""Many entities in one request: each on its own, all in one commit (5.6.7-5.6.10, 5.6.20)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kitamae.kernel.context import read
from kitamae.kernel.context.api import provision
from kitamae.kernel.context.api.answer import NO_CONTENT, Answer, of_json
from kitamae.kernel.context.api.permission import change_all
from kitamae.kernel.context.operations import Append, Create, Delete, Upsert
from kitamae.kernel.problems import BadRequest, Conflict, LdContextUnavailable, Problem, Unavailable

if TYPE_CHECKING:
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.operations import Effect, Operation

Maker = Callable[["Json", "Context"], "tuple[str, Operation]"]
"""One element of the array and its @context -> the entity's id and what is to be done to it. Raises Problem."""


async def create(x: Exchange) -> Answer:
    """POST entityOperations/create."""

    def maker(_: Request) -> Maker:
        def make(element: Json, context: Context) -> tuple[str, Operation]:
            entity = read.entity(_object(element), context)
            return entity["id"], Create(entity)

        return make

    return await _each(x, maker)


async def upsert(x: Exchange) -> Answer:
    """POST entityOperations/upsert; options `replace` (unless told) or `update`."""

    def maker(request: Request) -> Maker:
        update = "update" in provision.options(request, "replace", "update")

        def make(element: Json, context: Context) -> tuple[str, Operation]:
            entity = read.entity(_object(element), context)
            return entity["id"], Upsert(entity, "update" if update else "replace")

        return make

    return await _each(x, maker)


async def update(x: Exchange) -> Answer:
    """POST entityOperations/update; option `noOverwrite`."""

    def maker(request: Request) -> Maker:
        no_overwrite = bool(provision.options(request, "noOverwrite"))

        def make(element: Json, context: Context) -> tuple[str, Operation]:
            payload = _object(element)
            id = _required_id(payload)
            return id, Append(read.fragment(payload, context, id=id), no_overwrite)

        return make

    return await _each(x, maker)


async def merge(x: Exchange) -> Answer:
    """POST entityOperations/merge."""

    def maker(request: Request) -> Maker:
        def make(element: Json, context: Context) -> tuple[str, Operation]:
            payload = _object(element)
            id = _required_id(payload)
            return id, provision.merging(request, payload, id, context)

        return make

    return await _each(x, maker)


async def delete(x: Exchange) -> Answer:
    """POST entityOperations/delete with an array of ids."""

    def maker(_: Request) -> Maker:
        def make(element: Json, _: Context) -> tuple[str, Operation]:
            if not isinstance(element, str):
                raise BadRequest("expected an entity's id: a string")
            return provision.uri(element), Delete()

        return make

    return await _each(x, maker)


async def _each(x: Exchange, maker: Callable[[Request], Maker]) -> Answer:
    """Read every element, apply those that could be read, and report in the order of the array."""
    request, elements = await x.documents()
    make = maker(request)
    wanted: list[tuple[str, Operation | Problem]] = []
    for element, context in elements:
        try:
            if isinstance(context, Problem):
                raise context
            wanted.append(make(element, context))
        except Problem as problem:
            wanted.append((_id_of(element), problem))
    operations = [(id, what) for id, what in wanted if not isinstance(what, Problem)]
    effects = iter(await change_all(request, operations) if operations else ())
    results = Results()
    for id, what in wanted:
        results.add(id, what if isinstance(what, Problem) else next(effects))
    return results.answer(x, request)


class Results:
    """A BatchOperationResult (5.2.16) as it fills."""

    def __init__(self) -> None:
        self._created: list[str] = []
        self._success: list[str] = []
        self._problems: list[tuple[str, Problem]] = []

    def add(self, id: str, outcome: Effect | Problem) -> None:
        """What became of one entity."""
        if isinstance(outcome, Problem):
            self._problems.append((id, outcome))
            return
        if outcome.not_updated:
            left = "; ".join(f"{name}: {reason}" for name, reason in outcome.not_updated.items())
            self._problems.append((id, Conflict(left)))
            return
        self._success.append(id)
        if outcome.verb == "created":
            self._created.append(id)

    def answer(self, x: Exchange, request: Request) -> Answer:
        """201 with the new ids, 204, or 207 with everything; a store that could do nothing at all is the answer."""
        echo = x.echo(request.tenant)
        if not self._problems:
            if self._created:
                return of_json(201, self._created, echo)
            return Answer(204, None, echo) if echo else NO_CONTENT
        if not self._success and all(_of_the_store(problem) for _, problem in self._problems):
            raise self._problems[0][1]
        errors = [{"entityId": id, "error": problem.body()} for id, problem in self._problems]
        return of_json(207, {"success": self._success, "errors": errors}, echo)


def _of_the_store(problem: Problem) -> bool:
    return isinstance(problem, Unavailable) and not isinstance(problem, LdContextUnavailable)


def _id_of(element: Json) -> str:
    if isinstance(element, str):
        return element
    id = element.get("id", element.get("@id")) if isinstance(element, dict) else None
    return id if isinstance(id, str) else ""


def _object(element: Json) -> dict[str, Any]:
    if not isinstance(element, dict):
        raise BadRequest("expected an entity: a JSON object")
    return element


def _required_id(payload: dict[str, Any]) -> str:
    id = payload.get("id", payload.get("@id"))
    if not isinstance(id, str):
        raise BadRequest("expected an entity with an id")
    return provision.uri(id)
