"""What somebody saw, written inside a transaction: it becomes the present, or, when something newer is known, history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kitamae.kernel.context import clock
from kitamae.kernel.context.operations import Command, instance
from kitamae.kernel.context.operations.observe import LATE, Observe
from kitamae.kernel.context.store import Instance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.context.entity import Attribute, Entity
    from kitamae.kernel.context.operations import Effect
    from kitamae.kernel.context.store import Transaction

Outcome = Literal["new", "late", "known"]
"""The present changed; it is older than what is known and went to history; it was known already."""


async def observed(
    tx: Transaction, tenant: str, entity: Entity, at: int, now: int, actor: str
) -> tuple[Outcome, Entity | None]:
    """`entity` as it was seen at `at`, written `now` (microseconds UTC); and the entity after it. `actor`: an opaque reference.

    One attribute that is older than what is known makes it late; the others become the present all the same. Raises what the
    operation raises.
    """
    effect: Effect = await tx.apply(Command(tenant, entity["id"], Observe(entity), actor))
    late = [name for name, why in effect.not_updated.items() if why == LATE]
    stamp = clock.text(now)
    for name in late:
        kept = instance.kept(entity["attrs"][name][0], None, stamp)
        one = Instance(entity["id"], name, "", kept, at, now, now, None)
        await tx.add_instances(tenant, entity["id"], [one])
    after = effect.after if effect.after is not None else await tx.entity(tenant, entity["id"])
    if late:
        return "late", after
    return ("known" if effect.verb == "none" else "new"), after


def values(entity: Entity | None, names: Iterable[str]) -> dict[str, Attribute]:
    """The instance without a datasetId of each of these attributes (expanded), where there is one."""
    instances = entity["attrs"] if entity else {}
    found = {
        name: next((one for one in instances.get(name, []) if "datasetId" not in one), None) for name in names
    }
    return {name: one for name, one in found.items() if one is not None}
