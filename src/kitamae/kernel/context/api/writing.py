"""A write and its answer: done here, or here and by other owners (6.4-6.7): 207 where not every owner has it on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.kernel.context.api import forward
from kitamae.kernel.context.api.answer import NO_CONTENT, Answer, of_json
from kitamae.kernel.context.api.write import Outcome
from kitamae.kernel.turns import aside

if TYPE_CHECKING:
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.api.write import Plan, Write
    from kitamae.kernel.context.broker import Request


async def entity(x: Exchange, request: Request, write: Write, done: Answer | None = None) -> Answer:
    """A write to an entity as a whole: `done` (204 unless told), or 207 with a BatchOperationResult (5.2.16)."""
    outcomes, _ = await carried(x, request, write)
    return of_entity(x, request, write, outcomes, done or NO_CONTENT)


async def carried(x: Exchange, request: Request, write: Write) -> tuple[list[Outcome], Plan | None]:
    """What became of each part, here and elsewhere; the only one there is was done. Raises Problem."""
    operation = await aside(
        x.size, lambda: write.means(write.payload or {})
    )  # what cannot be read is refused before anything is done
    plan = await forward.plan(x, request, write)
    if plan is None:
        effect = await write.do(request, write.id, operation)
        whole = Outcome(None, None, effect.updated, effect.not_updated, effect.verb == "created")
        return [whole], None
    outcomes = await forward.carry(x, request, plan)
    demand_some(outcomes)
    return outcomes, plan


def of_entity(x: Exchange, request: Request, write: Write, outcomes: list[Outcome], done: Answer) -> Answer:
    """`done`, or a 207 that names who did not do it."""
    headers = done.headers + x.echo(request.tenant)
    errors = [
        {"entityId": write.id, "error": one.problem.body(), **one.registration}
        for one in outcomes
        if one.problem is not None
    ]
    if not errors:
        return Answer(done.status, None, headers)
    return of_json(207, {"success": [], "errors": errors}, headers)


async def attributes(x: Exchange, request: Request, write: Write) -> Answer:
    """A write to some attributes of an entity: 204, or 207 with an UpdateResult (5.2.18) in full names."""
    echo = x.echo(request.tenant)
    outcomes, plan = await carried(x, request, write)
    left = [(name, why, one) for one in outcomes for name, why in not_updated(one, plan)]
    if not left:
        return Answer(204, None, echo) if echo else NO_CONTENT
    missed = {name for name, _, _ in left}
    done = dict.fromkeys(name for one in outcomes for name in one.updated if name not in missed)
    told = [{"attributeName": name, "reason": why, **one.registration} for name, why, one in left]
    return of_json(207, {"updated": list(done), "notUpdated": told}, echo)


def not_updated(outcome: Outcome, plan: Plan | None) -> list[tuple[str, str]]:
    """The attributes that one part was for and that it did not do, with the reason."""
    if outcome.not_updated:
        return list(outcome.not_updated.items())
    if outcome.problem is None or plan is None:
        return []
    names = plan.names or frozenset()
    mine = names - plan.shared.taken if outcome.part is None else outcome.part.attrs
    return [(name, str(outcome.problem)) for name in sorted(mine or names)]


def demand_some(outcomes: list[Outcome]) -> None:
    """One part alone that failed is the answer (6.3.17). Raises its problem."""
    if len(outcomes) == 1 and outcomes[0].problem is not None and not outcomes[0].not_updated:
        raise outcomes[0].problem
