"""Many entities in one request: each on its own, all in one commit (5.6.7-5.6.10, 5.6.20)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kitamae.kernel.context import read
from kitamae.kernel.context.api import asked, forward_batch, provision, source
from kitamae.kernel.context.api.answer import NO_CONTENT, Answer, of_json
from kitamae.kernel.context.api.forward_batch import Element
from kitamae.kernel.context.api.permission import change_all
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.operations import Append, Create, Delete, Effect, Upsert
from kitamae.kernel.problems import BadRequest, Conflict, LdContextUnavailable, Problem, Unavailable
from kitamae.kernel.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.api.single import Kind
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.operations import Operation

Means = Callable[[Any, "Context"], "Operation"]
"""One element of the array, and its @context -> what is to be done. Raises Problem."""


async def create(x: Exchange) -> Answer:
    """POST entityOperations/create."""
    request, elements = await x.documents()

    def means(element: Any, context: Context) -> Operation:
        return Create(read.entity(_object(element), context))

    return await _each(x, request, "create", elements, means)


async def upsert(x: Exchange) -> Answer:
    """POST entityOperations/upsert; options `replace` (unless told) or `update`."""
    request, elements = await x.documents()
    update = "update" in asked.options(request, "replace", "update")

    def means(element: Any, context: Context) -> Operation:
        return Upsert(read.entity(_object(element), context), "update" if update else "replace")

    return await _each(x, request, "upsert", elements, means)


async def update(x: Exchange) -> Answer:
    """POST entityOperations/update; option `noOverwrite`."""
    request, elements = await x.documents()
    no_overwrite = bool(asked.options(request, "noOverwrite"))

    def means(element: Any, context: Context) -> Operation:
        payload = _object(element)
        return Append(read.fragment(payload, context, id=_required_id(payload)), no_overwrite)

    return await _each(x, request, "update", elements, means)


async def merge(x: Exchange) -> Answer:
    """POST entityOperations/merge."""
    request, elements = await x.documents()

    def means(element: Any, context: Context) -> Operation:
        payload = _object(element)
        return provision.merging(request, payload, _required_id(payload), context)

    return await _each(x, request, "merge", elements, means)


async def delete(x: Exchange) -> Answer:
    """POST entityOperations/delete with an array of ids."""
    request, elements = await x.documents()

    def means(element: Any, _: Context) -> Operation:
        if not isinstance(element, str):
            raise BadRequest("expected an entity's id: a string")
        asked.uri(element)
        return Delete()

    return await _each(x, request, "delete", elements, means)


async def _each(
    x: Exchange, request: Request, kind: Kind, given: list[tuple[Json, Context | Problem]], means: Means
) -> Answer:
    """Read every element, do what could be read, here and with its other owners, and report in the order of the array."""
    elements, turns = [], Turns()
    for content, context in given:
        await turns.next()
        elements.append(_element(content, context, means))
    results = Results()
    if source.registered(request):
        await forward_batch.carry(x, request, kind, elements)
        for one in elements:
            results.add_all(one.id, one.outcomes, created=one.created)
        return results.answer(x, request)
    wanted = [(one.id, one.operation) for one in elements if not isinstance(one.operation, Problem)]
    effects = iter(await change_all(request, wanted) if wanted else ())
    for one in elements:
        results.add(one.id, one.operation if isinstance(one.operation, Problem) else next(effects))
    return results.answer(x, request)


def _element(content: Json, context: Context | Problem, means: Means) -> Element:
    try:
        if isinstance(context, Problem):
            raise context
        operation: Operation | Problem = means(content, context)
    except Problem as problem:
        operation = problem
    known = CORE if isinstance(context, Problem) else context
    payload = content if isinstance(content, dict) else None
    types = operation.entity["type"] if isinstance(operation, (Create, Upsert)) else None
    return Element(
        _id_of(content),
        payload,
        known,
        operation,
        means,
        types=None if types is None else frozenset(types),
    )


class Results:
    """A BatchOperationResult (5.2.16) as it fills."""

    def __init__(self) -> None:
        self._created: list[str] = []
        self._success: list[str] = []
        self._problems: list[tuple[str | None, Problem, str | None]] = []

    def add(self, id: str, outcome: Effect | Problem) -> None:
        """What became of one entity."""
        problem = _problem(outcome)
        if problem is not None:
            self._problems.append((id, problem, None))
            return
        self._success.append(id)
        if isinstance(outcome, Effect) and outcome.verb == "created":
            self._created.append(id)

    def add_all(
        self, id: str, outcomes: Sequence[tuple[str | None, Effect | Problem | None]], *, created: bool
    ) -> None:
        """The same, here (None) and with each source (its registration): one that failed is enough."""
        found = [
            (id, problem, one) for one, outcome in outcomes if (problem := _problem(outcome)) is not None
        ]
        self._problems += found
        if not found:
            self._success.append(id)
            if created:
                self._created.append(id)

    def failed(self, registration: str, problem: Problem, id: str | None = None) -> None:
        """What a source did not do; `id` None: with none of its entities."""
        self._problems.append((id, problem, registration))

    def answer(self, x: Exchange, request: Request) -> Answer:
        """201 with the new ids, 204, or 207 with everything; a store that could do nothing at all is the answer."""
        echo = x.echo(request.tenant)
        if not self._problems:
            if self._created:
                return of_json(201, self._created, echo)
            return Answer(204, None, echo) if echo else NO_CONTENT
        alone = len(self._problems) == 1 and self._problems[0][0] is None
        if not self._success and (alone or all(_of_the_store(problem) for _, problem, _ in self._problems)):
            raise self._problems[0][1]
        errors = [
            {
                **({} if id is None else {"entityId": id}),
                "error": problem.body(),
                **({} if one is None else {"registrationId": one}),
            }
            for id, problem, one in self._problems
        ]
        return of_json(207, {"success": self._success, "errors": errors}, echo)


def _problem(outcome: Effect | Problem | None) -> Problem | None:
    if outcome is None or isinstance(outcome, Problem):
        return outcome
    if not outcome.not_updated:
        return None
    return Conflict("; ".join(f"{name}: {reason}" for name, reason in outcome.not_updated.items()))


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
    return asked.uri(id)
