"""Merge an entity (clauses 5.6.17 and 5.5.12): RFC 7396 with NGSI-LD Null, attribute instance by instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context.entity import NULL
from kitamae.kernel.context.operations import draft as drafts
from kitamae.kernel.context.operations import instance
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Attribute, Attributes, Entity, Fragment, Json
    from kitamae.kernel.context.operations.command import Effect
    from kitamae.kernel.context.query.tree import TypeQ

_OWN: Final = ("createdAt", "modifiedAt", "instanceId")
"""The broker's own members: `kept` writes them anew."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Members of the fragment overwrite, objects merge, NGSI-LD Null deletes, the rest stays.

    `observed_at` (RFC 3339) replaces the observedAt of a merged attribute that had one and got none. `simplified`:
    the fragment came without attribute kinds, so an attribute keeps the kind it has; `lang` is then the language of
    a text for a LanguageProperty. Types are added. Raises NotFound, BadRequest.
    """

    fragment: Fragment
    observed_at: str | None = None
    lang: str | None = None
    simplified: bool = False
    only: TypeQ | None = None

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Instance by instance."""
        draft = drafts.begin(before, now, self.only)
        fragment = self.fragment
        for name, instances in cast("Attributes", fragment["attrs"]).items():
            for one in instances:
                dataset = one.get("datasetId")
                previous = instance.find(draft.attrs.get(name, []), dataset)
                if instance.deletes(one):
                    draft.drop(name, dataset)
                    continue
                merged = self._merge(one, previous)
                if merged is None:
                    draft.drop(name, dataset)
                else:
                    draft.put(name, merged)
        if "type" in fragment:
            draft.add_types(fragment["type"])
        if "scope" in fragment:
            draft.set_scope(fragment["scope"])
        if "expiresAt" in fragment:
            draft.set_expiry(fragment["expiresAt"])
        return draft.finish()

    def _merge(self, patch: Attribute, previous: Attribute | None) -> Attribute | None:
        """None: nothing is left of it."""
        if previous is None:
            return clean(patch)
        patch = self._with_kind(patch, previous)
        if "kind" in patch and patch["kind"] != previous["kind"]:
            return clean(patch)  # another kind of attribute: nothing of the old one fits
        merged = merge_instance(previous, patch)
        if merged is not None and self.observed_at and "observedAt" in previous and "observedAt" not in patch:
            merged["observedAt"] = self.observed_at
        return merged

    def _with_kind(self, patch: Attribute, previous: Attribute) -> Attribute:
        kind = previous["kind"]
        if "v" not in patch or patch.get("kind", kind) == kind:
            return patch
        if kind == "LanguageProperty" and self.lang and isinstance(patch["v"], str):
            return {**patch, "kind": kind, "v": {self.lang: patch["v"]}}
        if self.simplified:
            v = patch["v"]
            if kind == "LanguageProperty" and not isinstance(v, dict):
                v = {"@none": v}
            elif kind in ("ListProperty", "ListRelationship") and not isinstance(v, list):
                v = [v]
            return {**patch, "kind": kind, "v": v}
        return patch


def merge_instance(previous: Attribute, patch: Attribute) -> Attribute | None:
    """One instance with the members of another laid over it; None: its value was merged away."""
    merged: dict[str, Any] = {**previous}
    for member, value in patch.items():
        if member == "attrs":
            subs = _merge_subs(previous.get("attrs", {}), cast("Attributes", value))
            if subs:
                merged["attrs"] = subs
            else:
                merged.pop("attrs", None)
        elif member == "v":
            if previous["kind"] in instance.OPEN_KINDS:
                merged["v"] = merge_value(previous["v"], value)
                if merged["v"] == {} and previous["kind"] == "LanguageProperty":
                    return None
            else:
                merged["v"] = value
        elif value == NULL:
            merged.pop(member, None)
        elif member not in _OWN:
            merged[member] = value
    return cast("Attribute", merged)


def merge_value(old: Json, patch: Json) -> Json:
    """RFC 7396, with NGSI-LD Null for null. Never changes `old`.

    >>> merge_value({"a": 1, "b": 2}, {"b": "urn:ngsi-ld:null", "c": 3})
    {'a': 1, 'c': 3}
    """
    if not isinstance(patch, dict):
        return patch
    merged = {**old} if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value == NULL:
            merged.pop(key, None)
        else:
            merged[key] = merge_value(merged.get(key), value)
    return merged


def clean(attribute: Attribute) -> Attribute | None:
    """A new instance without the deletions it brought along; None: it was nothing but a deletion.

    Raises BadRequest for a partial one: there is nothing that it could complete.
    """
    if instance.deletes(attribute):
        return None
    if "v" not in attribute or "kind" not in attribute:
        raise BadRequest("an attribute that is not there yet needs a value")
    members: dict[str, Any] = {
        member: value for member, value in attribute.items() if value != NULL and member not in _OWN
    }
    if attribute["kind"] in instance.OPEN_KINDS:
        members["v"] = merge_value(None, attribute["v"])
    if "attrs" in attribute:
        members["attrs"] = _merge_subs({}, attribute["attrs"])
        if not members["attrs"]:
            del members["attrs"]
    return cast("Attribute", members)


def _merge_subs(old: Attributes, patch: Attributes) -> Attributes:
    merged = old.copy()
    for name, instances in patch.items():
        for one in instances:
            present = merged.get(name, [])
            previous = instance.find(present, one.get("datasetId"))
            if instance.deletes(one):
                new = None
            elif previous is not None and one.get("kind", previous["kind"]) == previous["kind"]:
                new = merge_instance(previous, one)
            else:
                new = clean(one)
            left = [other for other in present if other is not previous]
            if new is not None:
                left = [*left, new] if "datasetId" in new else [new, *left]
            if left:
                merged[name] = left
            else:
                merged.pop(name, None)
    return merged
