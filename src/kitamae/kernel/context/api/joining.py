"""What a request may join: as many levels as it says, and of linked entities those that its caller may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kitamae.kernel.context.linked import Joiner
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.problems import BadRequest, Problem
from kitamae.kernel.turns import Turns

if TYPE_CHECKING:
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Entity


def demand_depth(asked: int, request: Request, what: str) -> None:
    """Raises BadRequest where something follows more relationships than the request joins (5.7.1.4, 5.7.2.4)."""
    params = request.params
    joined = 0 if params.get("join", "@none") == "@none" else params.get("joinLevel", 1)
    if asked > joined:
        raise BadRequest(f"{what} follows {asked} relationships, and join with joinLevel allows {joined}")


def joiner(request: Request) -> Joiner:
    """Reads from the store, for this caller; `containedBy` names those that it has already."""

    async def read(id: str) -> Entity | None:
        row = await request.broker.store.row(request.tenant, id)
        entity: Entity | None = None if row is None else orjson.loads(row.doc)
        entity = expiry.alive(entity, request.broker.clock())
        if entity is not None:
            try:
                request.demand_types("read", entity["type"])
            except Problem:  # what the caller may not see is not joined, and the link itself is no secret
                return None
        return entity

    turns = Turns()
    seen = request.params.get("containedBy", ())
    return Joiner(request.context, read, seen=seen, pause=turns.next)
