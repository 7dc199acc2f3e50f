"""Changing one entity that NGSIv2 names by id, type and service path: found, and changed, in one transaction.

The store's key has one more part than NGSI-LD's id: `variant` is empty, but for an entity whose id was taken by one of
another type or path; then it says which (docs/connect/ngsiv2.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kitamae.kernel.context.api.permission import commands
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.v2 import correlator, selection
from kitamae.kernel.context.v2.names import paths_of
from kitamae.kernel.context.v2.operations import Caused
from kitamae.kernel.context.v2.problems import NO_ENTITY
from kitamae.kernel.problems import NotFound, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.operations import Effect, Operation
    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.context.v2.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Target:
    """`id` and `type` as they are inside. `may_create`: a new entity may be the answer."""

    id: str
    type: str
    path: str
    may_create: bool = False


async def target(x: Exchange, id: str) -> Target:
    """The entity that the URL names. Raises NotFound, TooManyMatches."""
    found = await selection.one(x, id, x.path)
    wanted = x.words.expand(x.params["type"]) if "type" in x.params else found["type"][0]
    return Target(found["id"], wanted, x.path)


async def change(x: Exchange, target: Target, operation: Operation) -> Effect:
    """Durable when this returns. Raises Problem."""
    (effect,) = await change_all(x, [(target, operation)])
    if isinstance(effect, Problem):
        raise effect
    return effect


async def change_all(x: Exchange, wanted: Sequence[tuple[Target, Operation]]) -> list[Effect | Problem]:
    """Each on its own, in order, in one commit."""
    rounds = correlator.count(x.correlator, "cbnotif")

    async def work(tx: Transaction) -> list[Effect | Problem]:
        done: list[Effect | Problem] = []
        for target, operation in wanted:
            try:
                variant = await _variant(tx, x, target)
                caused = Caused(operation, rounds) if rounds else operation
                (asked,) = commands(x.request, [(target.id, caused)])
                done.append(await tx.apply(replace(asked, variant=variant)))
            except Problem as problem:
                done.append(problem)
        return done

    return await x.broker.store.transact(work)


async def _variant(tx: Transaction, x: Exchange, target: Target) -> str:
    tenant = x.request.tenant
    now = x.broker.clock()
    first = expiry.alive(await tx.entity(tenant, target.id), now)
    if first is not None and _is(first, target):
        return ""
    named = f"{target.type} {target.path}"
    if expiry.alive(await tx.entity(tenant, target.id, named), now) is not None:
        return named
    if not target.may_create:
        raise NotFound(NO_ENTITY)
    return "" if first is None else named


def _is(entity: Entity, target: Target) -> bool:
    return target.type in entity["type"] and target.path in paths_of(entity)
