"""A write and its answer: done here, or here and by other owners (6.4-6.7): 207 where not every owner has it on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.kernel.context.api import forward
from kitamae.kernel.context.api.answer import NO_CONTENT, Answer, of_json
from kitamae.kernel.context.api.permission import change

if TYPE_CHECKING:
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.api.forward import Outcome, Write
    from kitamae.kernel.context.broker import Request


async def entity(x: Exchange, request: Request, write: Write, done: Answer | None = None) -> Answer:
    """A write to an entity as a whole: `done` (204 unless told), or 207 with a BatchOperationResult (5.2.16)."""
    echo = x.echo(request.tenant)
    done = done or NO_CONTENT
    operation = write.means(write.payload or {})  # what cannot be read is refused before anything is done
    plan = await forward.plan(x, request, write)
    if plan is None:
        await change(request, write.id, operation)
        return Answer(done.status, None, done.headers + echo)
    outcomes = await forward.carry(x, request, plan)
    demand_some(outcomes)
    if not any(one.problem for one in outcomes):
        return Answer(done.status, None, done.headers + echo)
    errors = [
        {"entityId": write.id, "error": one.problem.body(), **one.registration}
        for one in outcomes
        if one.problem is not None
    ]
    return of_json(207, {"success": [], "errors": errors}, done.headers + echo)


async def attributes(x: Exchange, request: Request, write: Write) -> Answer:
    """A write to some attributes of an entity: 204, or 207 with an UpdateResult (5.2.18) in full names."""
    echo = x.echo(request.tenant)
    operation = write.means(write.payload or {})
    plan = await forward.plan(x, request, write)
    if plan is None:
        effect = await change(request, write.id, operation)
        outcomes = [forward.Outcome(None, None, effect.updated, effect.not_updated)]
    else:
        outcomes = await forward.carry(x, request, plan)
        demand_some(outcomes)
    left = [(name, why, one) for one in outcomes for name, why in not_updated(one, plan)]
    if not left:
        return Answer(204, None, echo) if echo else NO_CONTENT
    missed = {name for name, _, _ in left}
    done = dict.fromkeys(name for one in outcomes for name in one.updated if name not in missed)
    told = [{"attributeName": name, "reason": why, **one.registration} for name, why, one in left]
    return of_json(207, {"updated": list(done), "notUpdated": told}, echo)


def not_updated(outcome: Outcome, plan: forward.Plan | None) -> list[tuple[str, str]]:
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
