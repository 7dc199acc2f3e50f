"""What NGSIv2 does to an entity, as operations of the store: create, append, update, replace, delete attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from kitamae.kernel.context import clock
from kitamae.kernel.context.operations import Create, Replace, expiry, instance
from kitamae.kernel.context.operations import draft as drafts
from kitamae.kernel.context.v2 import attribute
from kitamae.kernel.context.v2.problems import NoSuchAttribute, NotAll, NotPossible

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Attribute, Entity, Json
    from kitamae.kernel.context.operations import Effect
    from kitamae.kernel.context.operations.draft import Draft
    from kitamae.kernel.context.v2.names import Words

Mode = Literal["append", "appendStrict", "update", "replace"]

IGNORED = frozenset(("dateCreated", "dateModified", "servicePath", "alterationType"))
"""Builtin attributes: a client may send back what it has read, and nothing follows from it."""
EXPIRES = "dateExpires"


@dataclass(frozen=True, slots=True)
class New:
    """A new entity; `attrs` as the client wrote them. Raises AlreadyExists, BadRequest."""

    id: str
    type: str
    path: str
    attrs: Mapping[str, Json]
    words: Words

    def apply(self, before: Entity | None, now: int) -> Effect:
        """As NGSI-LD creates it."""
        return Create(self.entity()).apply(before, now)

    def entity(self) -> Entity:
        """What is written."""
        made: Entity = {"id": self.id, "type": [self.type], "attrs": {}}
        if self.path != "/":
            made["scope"] = [self.path]
        for name, given in self.attrs.items():
            if name == EXPIRES:
                made["expiresAt"] = _expiry(given)
            elif name not in IGNORED:
                made["attrs"][self.words.expand(name)] = [attribute.read(given, name, self.words)]
        return made


@dataclass(frozen=True, slots=True)
class Write:
    """Attributes of an entity that is there. Metadata that are not named stay, unless `override`.

    Raises NotFound, NotPossible (none of the attributes could be written as asked), NotAll, BadRequest. When it
    raises NotAll the others are written: see `Partly`.
    """

    attrs: Mapping[str, Json]
    mode: Mode
    words: Words
    override: bool = False

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Attribute by attribute; `not_updated` tells which were left."""
        if self.mode == "replace":
            return self._replace(before, now)
        draft = drafts.begin(before, now)
        for name, given in self.attrs.items():
            if name in IGNORED:
                continue
            if name == EXPIRES:
                draft.set_expiry(_expiry(given))
                continue
            iri = self.words.expand(name)
            old = current(draft.attrs.get(iri))
            if old is None and self.mode == "update":
                draft.refuse(name, "it does not exist")
            elif old is not None and self.mode == "appendStrict":
                draft.refuse(name, "it exists already")
            else:
                draft.put(iri, self._over(old, given, name))
        effect = draft.finish()
        if effect.not_updated and not effect.updated:
            raise NotPossible(left(effect.not_updated, self.mode))
        return effect

    def _over(self, old: Attribute | None, given: Json, name: str) -> Attribute:
        new = attribute.read(given, name, self.words, old)
        if old is None or self.override:
            return new
        if "attrs" in old:
            new["attrs"] = {**old["attrs"], **new.get("attrs", {})}
        if "unitCode" in old:
            new.setdefault("unitCode", old["unitCode"])
        if "datasetId" in old:
            new.setdefault("datasetId", old["datasetId"])
        return new

    def _replace(self, before: Entity | None, now: int) -> Effect:
        present = drafts.begin(before, now).entity
        made = New(present["id"], "", "/", self.attrs, self.words).entity()
        made["type"] = present["type"]
        if "scope" in present:
            made["scope"] = present["scope"]
        return Replace(made).apply(before, now)


@dataclass(frozen=True, slots=True)
class SetAttribute:
    """One attribute that is there: all of it, or its value alone. Raises NotFound, NoSuchAttribute, BadRequest."""

    name: str
    given: Json
    words: Words
    override: bool = False

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Touches one attribute."""
        draft = drafts.begin(before, now)
        _demand(draft, self.words.expand(self.name))
        return Write({self.name: self.given}, "update", self.words, self.override).apply(before, now)


@dataclass(frozen=True, slots=True)
class Drop:
    """Attributes, with all their instances. Raises NotFound, NoSuchAttribute: then nothing is deleted."""

    names: tuple[str, ...]
    words: Words

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Touches only those."""
        draft = drafts.begin(before, now)
        for name in self.names:
            if name in IGNORED:
                continue
            if name == EXPIRES and "expiresAt" in draft.entity:
                del draft.entity["expiresAt"]
                draft.updated.append("expiresAt")
                continue
            iri = self.words.expand(name)
            _demand(draft, iri)
            draft.drop_all(iri)
        return draft.finish()


@dataclass(frozen=True, slots=True)
class Upsert:
    """`append` where the entity is, else `new`."""

    new: New
    override: bool = False
    mode: Mode = "append"

    def apply(self, before: Entity | None, now: int) -> Effect:
        """`verb` tells which of them it was."""
        if expiry.alive(before, now) is None:
            return self.new.apply(before, now)
        return Write(self.new.attrs, self.mode, self.new.words, self.override).apply(before, now)


def current(instances: list[Attribute] | None) -> Attribute | None:
    """The instance that NGSIv2 sees: the default one, else the first."""
    if not instances:
        return None
    return instance.find(instances, None) or instances[0]


def left(not_updated: Mapping[str, str], mode: str) -> str:
    """In Orion's words."""
    what = "already exist" if mode == "appendStrict" else "do not exist"
    return f"one or more of the attributes in the request {what}: [ {', '.join(not_updated)} ]"


def demand_all(effect: Effect, mode: str) -> Effect:
    """The same effect. Raises NotAll where some attributes were left as they were."""
    if effect.not_updated:
        raise NotAll(left(effect.not_updated, mode))
    return effect


def _demand(draft: Draft, iri: str) -> None:
    if not draft.attrs.get(iri):
        raise NoSuchAttribute("The entity does not have such an attribute")


def _expiry(given: Json) -> str:
    value = given.get("value") if isinstance(given, dict) else given
    return clock.text(attribute.instant(cast("Json", value), EXPIRES))
