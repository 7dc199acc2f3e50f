"""/v2/op: many entities in one request."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context.api.answer import NO_CONTENT, Answer
from kitamae.kernel.context.operations import Delete
from kitamae.kernel.context.v2 import entities, selection, writing
from kitamae.kernel.context.v2.operations import Drop, Upsert, Write
from kitamae.kernel.context.v2.problems import NoneWritten, NotAll, NotPossible, told_of
from kitamae.kernel.context.v2.registration import owners, providers
from kitamae.kernel.problems import BadRequest, NotFound, Problem
from kitamae.kernel.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.operations import Effect, Operation
    from kitamae.kernel.context.v2.exchange import Exchange

_ACTIONS: Final = frozenset(("append", "appendStrict", "update", "delete", "replace"))
_KINDS: Final[dict[str, owners.Kind]] = {
    "append": "upsert",
    "appendStrict": "upsertStrict",
    "update": "update",
    "replace": "replace",
    "delete": "dropAll",
}
_HEAD: Final = frozenset(("id", "type"))
_AT_ONCE: Final = 4
"""Entities that others have a part in, under way at the same time."""
_OLD: Final = {
    "APPEND": "append",
    "APPEND_STRICT": "appendStrict",
    "UPDATE": "update",
    "DELETE": "delete",
    "REPLACE": "replace",
}
_QUERY: Final = frozenset(("entities", "attrs", "expression", "metadata", "scopes", "attributes"))


async def update(x: Exchange) -> Answer:
    """POST op/update: each entity on its own, all in one commit; the answer says what was not done."""
    options = x.options(*entities.WRITING)
    payload = await x.object()
    action = payload.get("actionType")
    action = _OLD.get(str(action), action)
    if not isinstance(action, str) or action not in _ACTIONS:
        raise BadRequest(
            f"actionType: expected one of {', '.join(sorted(_ACTIONS))}, got {payload.get('actionType')!r:.40}"
        )
    if unknown := payload.keys() - {"actionType", "entities"}:
        raise BadRequest(f"Unrecognized field in JSON payload: /{sorted(unknown)[0]}/")
    return await _apply(x, elements(x, payload, "entities"), str(action), options)


def elements(x: Exchange, payload: dict[str, Any], member: str) -> list[dict[str, Any]]:
    """An array of objects that is not empty. Raises BadRequest."""
    given = payload.get(member)
    if not isinstance(given, list) or not given or not all(isinstance(one, dict) for one in given):
        raise BadRequest(f"{member}: expected an array of objects that is not empty")
    if len(given) > x.broker.limits.batch:
        raise BadRequest(f"{len(given)} elements: at most {x.broker.limits.batch} are taken at once")
    return given


async def _apply(x: Exchange, given: list[dict[str, Any]], action: str, options: frozenset[str]) -> Answer:
    """What is ours alone in one commit, and beside it what others have a part in, entity by entity; the elements of one
    entity in their order.
    """
    elements: list[tuple[dict[str, Any], owners.Owned | None]] = []
    turns = Turns()
    for one in given:
        await turns.next()
        elements.append((one, await _owned(x, one, action, options)))
    parted: dict[str, list[tuple[dict[str, Any], owners.Owned | None]]] = {
        str(one["id"]): [] for one, mine in elements if mine is not None
    }
    if not parted:
        await _here(x, given, action, options)
        return NO_CONTENT
    ours = [one for one, _ in elements if str(one["id"]) not in parted]
    for one, mine in elements:
        if str(one["id"]) in parted:
            parted[str(one["id"])].append((one, mine))
    turn = asyncio.Semaphore(_AT_ONCE)

    async def part(one: dict[str, Any], mine: owners.Owned) -> None:
        async def here(left: Mapping[str, Json]) -> None:
            kept = {name: value for name, value in one.items() if name in left or name in _HEAD}
            await _here(x, [kept], action, options)

        await owners.carry(x, mine, here)

    async def entity(some: list[tuple[dict[str, Any], owners.Owned | None]]) -> list[Problem | None]:
        done: list[Problem | None] = []
        async with turn:
            for one, mine in some:
                work = _here(x, [one], action, options) if mine is None else part(one, mine)
                done.append(await _problem(work))
        return done

    async def alone() -> list[Problem | None]:
        return [await _problem(_here(x, ours, action, options))] if ours else []

    outcomes = [one for some in await asyncio.gather(alone(), *map(entity, parted.values())) for one in some]
    wrong = [one for one in outcomes if one is not None]
    if not wrong:
        return NO_CONTENT
    if len(wrong) == len(outcomes) and not any(isinstance(one, NotAll) for one in wrong):
        raise wrong[0]
    raise NotAll("; ".join(map(str, wrong))[:2_000])


async def _problem(work: Awaitable[None]) -> Problem | None:
    """What went wrong with it."""
    try:
        await work
    except Problem as problem:
        return problem
    return None


async def _owned(
    x: Exchange, one: dict[str, Any], action: str, options: frozenset[str]
) -> owners.Owned | None:
    """Whose is what of an element; None: all of it is ours."""
    new = entities.entity(x, one, "keyValues" in options)
    kind = _KINDS[action] if new.attrs or action != "delete" else "delete"
    return await owners.owned(x, owners.Wish(kind, new.id, new.type if "type" in one else None, new.attrs))


async def _here(x: Exchange, given: list[dict[str, Any]], action: str, options: frozenset[str]) -> None:
    """In one commit. Raises NotAll, NotPossible, NotFound, with what was not done."""
    wanted, turns = [], Turns()
    for one in given:
        await turns.next()
        wanted.append(await _element(x, one, action, options))
    done: list[Effect | Problem] = await writing.change_all(x, wanted)
    left: list[tuple[str, list[str]]] = []  # what was not done; no names: the entity itself
    complete = False
    for one, outcome in zip(given, done, strict=True):
        named = f"{one['id']}/{one['type']}" if "type" in one else str(one["id"])
        missing = _missing(one, outcome)
        if missing and action == "update":
            sent = entities.attrs({name: one[name] for name in missing}, "keyValues" in options)
            missing -= await providers.update(x, str(one["id"]), one.get("type"), sent)
            complete = complete or len(missing) < len(sent)
        if isinstance(outcome, NotFound) and missing == _named(one):
            left.append((named, []))
        elif missing:
            left.append((named, sorted(missing, key=list(one).index)))
        complete = complete or not isinstance(outcome, Problem)
    if not left:
        return
    told = told_of(left, action)
    if complete:
        raise NotAll(told)
    raise NotPossible(told) if any(names for _, names in left) else NotFound(told)


def _named(one: dict[str, Any]) -> set[str]:
    return one.keys() - {"id", "type"}


def _missing(one: dict[str, Any], outcome: Effect | Problem) -> set[str]:
    """The attributes of an element that were not written. Raises what went wrong in any other way."""
    match outcome:
        case NoneWritten():
            return set(outcome.names)
        case NotFound():
            return _named(one)
        case Problem():
            raise outcome
        case _:
            return set(outcome.not_updated)


async def _element(
    x: Exchange, given: dict[str, Json], action: str, options: frozenset[str]
) -> tuple[writing.Target, Operation]:
    new = entities.entity(x, given, "keyValues" in options)
    override, forced = "overrideMetadata" in options, "forcedUpdate" in options
    target = writing.Target(new.id, new.type, new.path, may_create=action in ("append", "appendStrict"))
    if "type" not in given:
        x.params.pop("type", None)
        with contextlib.suppress(NotFound):
            target = replace(await writing.target(x, str(given["id"])), may_create=target.may_create)
    match action:
        case "append" | "appendStrict":
            return target, Upsert(new, override, "append" if action == "append" else "appendStrict", forced)
        case "update":
            return target, Write(new.attrs, "update", x.words, override, forced)
        case "replace":
            return target, Write(new.attrs, "replace", x.words, forced=forced)
        case _:
            names = tuple(new.attrs)
            return target, Drop(names, x.words) if names else Delete()


async def query(x: Exchange) -> Answer:
    """POST op/query."""
    options = x.options("count", "skipForwarding", *entities.FORMATS)
    payload = await x.object()
    if unknown := payload.keys() - _QUERY:
        raise BadRequest(f"Unrecognized field in JSON payload: /{sorted(unknown)[0]}/")
    if not payload.keys() & {"entities", "attrs", "expression", "attributes"}:
        raise BadRequest("empty payload: expected entities, attrs or expression")
    expression = payload.get("expression", {})
    if not isinstance(expression, dict) or ("expression" in payload and not expression):
        raise BadRequest("expression: must be a JSON object that is not empty")
    base = await selection.conditions(x, expression)
    if "attributes" in payload:  # deprecated: those to show, of which an entity must have one
        payload.setdefault("attrs", payload["attributes"])
        base = replace(
            base, attrs=tuple(x.words.expand(name) for name in entities.listed(payload, "attributes") or ())
        )
    alternatives = [base]
    if "entities" in payload:
        alternatives = [await selection.selected(x, one, base) for one in elements(x, payload, "entities")]
    form = entities.form(x, options, payload)
    found, count = await selection.find_any(x, alternatives, entities.asked(x, form))
    return await entities.listing(x, found, count, form)


async def notify(x: Exchange) -> Answer:
    """POST op/notify: a notification of another broker is written here as an append."""
    options = x.options(*entities.WRITING)
    payload = await x.object()
    if not isinstance(payload.get("subscriptionId"), str):
        raise BadRequest("Invalid notification: subscriptionId is missing")
    await _apply(x, elements(x, payload, "data"), "append", options)
    return Answer(200, b"", [])
