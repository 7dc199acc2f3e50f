"""One attribute: partial update (clause 5.6.4), replace (5.6.19), delete (5.6.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context.entity import NULL
from kitamae.kernel.context.operations import draft as drafts
from kitamae.kernel.context.operations import instance
from kitamae.kernel.problems import BadRequest, NotFound

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Attribute, Attributes, Entity, Partial
    from kitamae.kernel.context.operations.command import Effect
    from kitamae.kernel.context.query.tree import TypeQ

SCOPE: Final = frozenset({"scope", "https://uri.etsi.org/ngsi-ld/scope"})
"""Both forms in which a request may name the scope as if it were an attribute."""


def _target(name: str, instances: list[Attribute], dataset: str | None) -> Attribute:
    present = instance.find(instances, dataset)
    if present is None:
        which = f" with datasetId {dataset}" if dataset else ""
        raise NotFound(f"the entity has no attribute {name}{which}")
    return present


@dataclass(frozen=True, slots=True)
class PartialAttribute:
    """Overwrite members and sub-attributes of one instance (found by its datasetId), keep the others.

    NGSI-LD Null as the value deletes the instance, as a member that member. Raises NotFound, BadRequest (another
    kind, nothing given, the scope).
    """

    name: str
    fragment: Partial
    only: TypeQ | None = None

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Touches one instance."""
        name, fragment = self.name, self.fragment
        if name in SCOPE:
            raise BadRequest("the scope cannot be updated in part; append or delete it")
        draft = drafts.begin(before, now, self.only)
        dataset = fragment.get("datasetId")
        if dataset == NULL:
            raise BadRequest("a datasetId cannot be deleted")
        instances = draft.attrs.get(name)
        if instances is None:
            raise NotFound(f"the entity has no attribute {name}")
        present = _target(name, instances, dataset)
        if instance.deletes(fragment):
            draft.drop(name, dataset)
            return draft.finish()
        if not (fragment.keys() - {"kind", "datasetId"}):
            raise BadRequest(f"{name}: the update says nothing; give a value or another member")
        if "kind" in fragment and fragment["kind"] != present["kind"]:
            raise BadRequest(f"{name} is a {present['kind']} and cannot become a {fragment['kind']} in part")
        draft.put(name, self._over(present))
        return draft.finish()

    def _over(self, present: Attribute) -> Attribute:
        new: dict[str, Any] = {**present}
        for member, value in self.fragment.items():
            if member == "attrs":
                new["attrs"] = _overwrite_subs(present.get("attrs", {}), cast("Attributes", value))
                if not new["attrs"]:
                    del new["attrs"]
            elif value == NULL:
                new.pop(member, None)
            else:
                new[member] = value
        v = new.get("v")
        if isinstance(v, (dict, list)):
            instance.refuse_hidden_null(self.name, {"kind": new["kind"], "v": v})
        return cast("Attribute", new)


def _overwrite_subs(old: Attributes, given: Attributes) -> Attributes:
    merged = old.copy()
    for name, instances in given.items():
        left = [one for one in merged.get(name, []) if instance.find(instances, one.get("datasetId")) is None]
        for one in instances:
            if not instance.deletes(one):
                whole = _whole(name, one)
                instance.refuse_hidden_null(name, whole)
                left = [*left, whole] if "datasetId" in one else [whole, *left]
        if left:
            merged[name] = left
        else:
            merged.pop(name, None)
    return merged


def _whole(name: str, given: Partial | Attribute) -> Attribute:
    """A sub-attribute stands for itself: it has a value, and so has what is below it. Raises BadRequest."""
    if "v" not in given:
        raise BadRequest(f"{name}: a sub-attribute needs a value, or NGSI-LD Null to be deleted")
    whole: dict[str, Any] = {"kind": "Property", **given}
    if below := given.get("attrs"):
        whole["attrs"] = {sub: [_whole(f"{name}.{sub}", one) for one in ones] for sub, ones in below.items()}
    return cast("Attribute", whole)


@dataclass(frozen=True, slots=True)
class ReplaceAttribute:
    """One instance, whole; also by another kind of attribute. Its createdAt stays. Raises NotFound, BadRequest."""

    name: str
    attribute: Attribute
    only: TypeQ | None = None

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Touches one instance."""
        if self.name in SCOPE:
            raise BadRequest("the scope is no attribute; append it to replace it")
        draft = drafts.begin(before, now, self.only)
        instance.refuse_null(self.name, self.attribute)
        _target(self.name, draft.attrs.get(self.name, []), self.attribute.get("datasetId"))
        draft.put(self.name, self.attribute)
        return draft.finish()


@dataclass(frozen=True, slots=True)
class DeleteAttribute:
    """The default instance, the one of `dataset`, or with `all` every instance. `scope` is deletable too.

    Raises NotFound.
    """

    name: str
    dataset: str | None = None
    all: bool = False
    only: TypeQ | None = None

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Touches one attribute, or the scope."""
        draft = drafts.begin(before, now, self.only)
        name = self.name
        if name in SCOPE and name not in draft.attrs:
            if "scope" not in draft.entity:
                raise NotFound("the entity has no scope")
            draft.set_scope([])
            return draft.finish()
        if self.all:
            if not draft.drop_all(name):
                raise NotFound(f"the entity has no attribute {name}")
        else:
            _target(name, draft.attrs.get(name, []), self.dataset)
            draft.drop(name, self.dataset)
        return draft.finish()
