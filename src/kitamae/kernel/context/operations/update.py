"""Update attributes (clause 5.6.2 with the partial update patch of 5.5.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from kitamae.kernel.context.operations import draft as drafts
from kitamae.kernel.context.operations import instance

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Attributes, Entity, Fragment
    from kitamae.kernel.context.operations.command import Effect
    from kitamae.kernel.context.query.tree import TypeQ


@dataclass(frozen=True, slots=True)
class Update:
    """Each attribute instance of the fragment replaces the stored one whole, or is added; NGSI-LD Null deletes it.

    Types are added. A scope is replaced where there is one; an entity without a scope does not get one. Raises
    NotFound.
    """

    fragment: Fragment
    only: TypeQ | None = None

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Instance by instance."""
        draft = drafts.begin(before, now, self.only)
        fragment = self.fragment
        for name, instances in cast("Attributes", fragment["attrs"]).items():
            for one in instances:
                if instance.deletes(one):
                    if not draft.drop(name, one.get("datasetId")):
                        draft.refuse(name, "there is no such attribute to delete")
                else:
                    instance.refuse_hidden_null(name, one)
                    draft.put(name, one)
        if "type" in fragment:
            draft.add_types(fragment["type"])
        if "scope" in fragment:
            if "scope" in draft.entity:
                draft.set_scope(fragment["scope"])
            else:
                draft.refuse("scope", "the entity has no scope to update; append one instead")
        if "expiresAt" in fragment:
            draft.set_expiry(fragment["expiresAt"])
        return draft.finish()
