"""What NGSIv2 does to an entity, as operations of the store: create, append, update, replace, delete attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from kitamae.kernel.context import clock
from kitamae.kernel.context.operations import Create, Replace, expiry, instance
from kitamae.kernel.context.operations import draft as drafts
from kitamae.kernel.context.v2 import attribute, operators, times
from kitamae.kernel.context.v2.problems import NO_ATTRIBUTE, NoneWritten, NoSuchAttribute
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Attribute, Entity, Json
    from kitamae.kernel.context.operations import Effect, Operation
    from kitamae.kernel.context.operations.draft import Draft
    from kitamae.kernel.context.v2.names import Words

Mode = Literal["append", "appendStrict", "update", "replace"]

IGNORED = frozenset(("dateCreated", "dateModified", "servicePath", "alterationType"))
"""Builtin attributes: a client may send back what it has read, and nothing follows from it."""
EXPIRES = "dateExpires"
BUILTIN = IGNORED | {EXPIRES}


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
                written = operators.worked_out(given, name, None, self.words)
                if written is not None:
                    made["attrs"][self.words.expand(name)] = [attribute.read(written, name, self.words)]
        return made


@dataclass(frozen=True, slots=True)
class Write:
    """Attributes of an entity that is there. Metadata that are not named stay, unless `override`.

    `forced`: subscribers are told also of what did not change. `value_only`: the attributes' types stay. Raises
    NotFound, BadRequest; NotPossible where none of the attributes could be written as asked.
    """

    attrs: Mapping[str, Json]
    mode: Mode
    words: Words
    override: bool = False
    forced: bool = False
    value_only: bool = False

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Attribute by attribute; `not_updated` tells which were left."""
        effect = self._replace(before, now) if self.mode == "replace" else self._each(before, now)
        effect.forced = self.forced
        return effect

    def _each(self, before: Entity | None, now: int) -> Effect:
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
                written = operators.worked_out(given, name, old, self.words)
                if written is not None:
                    draft.put(iri, self._over(old, written, name))
        effect = draft.finish()
        if effect.not_updated and not effect.updated:
            raise NoneWritten(list(effect.not_updated), self.mode)
        return effect

    def _over(self, old: Attribute | None, given: Json, name: str) -> Attribute:
        new = attribute.read(given, name, self.words, old, value_only=self.value_only)
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
class Caused:
    """An operation that a notification led to, and that one to another, `rounds` times."""

    operation: Operation
    rounds: int

    def apply(self, before: Entity | None, now: int) -> Effect:
        """As the operation does it."""
        effect = self.operation.apply(before, now)
        effect.rounds = self.rounds
        return effect


@dataclass(frozen=True, slots=True)
class SetAttribute:
    """One attribute that is there: all of it, or its value alone. Raises NotFound, NoSuchAttribute, BadRequest."""

    name: str
    given: Json
    words: Words
    override: bool = False
    forced: bool = False
    value_only: bool = False

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Touches one attribute."""
        draft = drafts.begin(before, now)
        if self.name not in BUILTIN:
            _demand(draft, self.words.expand(self.name))
        attrs = {self.name: self.given}
        write = Write(attrs, "update", self.words, self.override, self.forced, self.value_only)
        return write.apply(before, now)


@dataclass(frozen=True, slots=True)
class Drop:
    """Attributes, with all their instances; `not_updated` tells which were not there.

    Raises NotFound; NoneWritten where none was there.
    """

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
            if not draft.drop_all(self.words.expand(name)):
                draft.refuse(name, "it does not exist")
        effect = draft.finish()
        if effect.not_updated and not effect.updated:
            raise NoneWritten(list(effect.not_updated), "delete")
        return effect


@dataclass(frozen=True, slots=True)
class Upsert:
    """`append` where the entity is, else `new`."""

    new: New
    override: bool = False
    mode: Mode = "append"
    forced: bool = False

    def apply(self, before: Entity | None, now: int) -> Effect:
        """`verb` tells which of them it was."""
        if expiry.alive(before, now) is None:
            return self.new.apply(before, now)
        write = Write(self.new.attrs, self.mode, self.new.words, self.override, self.forced)
        return write.apply(before, now)


def current(instances: list[Attribute] | None) -> Attribute | None:
    """The instance that NGSIv2 sees: the default one, else the first."""
    if not instances:
        return None
    return instance.find(instances, None) or instances[0]


def _demand(draft: Draft, iri: str) -> None:
    if not draft.attrs.get(iri):
        raise NoSuchAttribute(NO_ATTRIBUTE)


def _expiry(given: Json) -> str:
    value = given.get("value") if isinstance(given, dict) else given
    if isinstance(given, dict) and given.get("type", "DateTime") not in times.TYPES:
        raise BadRequest(f"{EXPIRES}: its type is DateTime, not {given['type']!r:.80}")
    return clock.text(times.instant(cast("Json", value), EXPIRES))
