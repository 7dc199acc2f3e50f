"""Append attributes (clause 5.6.3)."""

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
class Append:
    """Add attribute instances; those that are there are overwritten, or with `no_overwrite` left and reported.

    Types are added. The scope is replaced, or with `no_overwrite` extended (clause 4.18). Raises NotFound.
    """

    fragment: Fragment
    no_overwrite: bool = False
    only: TypeQ | None = None

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Instance by instance."""
        draft = drafts.begin(before, now, self.only)
        fragment = self.fragment
        for name, instances in cast("Attributes", fragment["attrs"]).items():
            present = draft.attrs.get(name, [])
            for one in instances:
                instance.refuse_null(name, one)
                if self.no_overwrite and instance.find(present, one.get("datasetId")) is not None:
                    draft.refuse(name, "it exists already, and noOverwrite was asked for")
                else:
                    draft.put(name, one)
        if "type" in fragment:
            draft.add_types(fragment["type"])
        if "scope" in fragment:
            scope = fragment["scope"]
            if self.no_overwrite:
                old = draft.entity.get("scope", [])
                scope = [*old, *(one for one in scope if one not in old)]
            draft.set_scope(scope)
        if "expiresAt" in fragment:
            draft.set_expiry(fragment["expiresAt"])
        return draft.finish()
