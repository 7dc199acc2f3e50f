"""Which changes concern an NGSIv2 subscriber, and what he is told, in Orion's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import orjson

from kitamae.kernel.context.query import match, pattern
from kitamae.kernel.context.v2 import correlator
from kitamae.kernel.context.v2.names import outer_id, path_of, paths_of
from kitamae.kernel.context.v2.operations import current
from kitamae.kernel.context.v2.represent import BUILTIN, Form, Happened, attributes, type_of
from kitamae.kernel.context.v2.subscription import letter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.entity import Attribute, Entity, Json
    from kitamae.kernel.context.operations import Effect
    from kitamae.kernel.context.query.tree import Geo, Node
    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.context.subscription.model import Letter
    from kitamae.kernel.context.v2.names import Words
    from kitamae.kernel.context.v2.subscription.endpoint import Endpoint

KIND: Final = "v2subscription"
AttrsFormat = Literal["normalized", "keyValues", "values", "simplifiedNormalized", "simplifiedKeyValues"]
_BUILTIN: Final = frozenset(BUILTIN)
ALTERATIONS: Final = frozenset(("entityCreate", "entityChange", "entityUpdate", "entityDelete"))


@dataclass(frozen=True, slots=True)
class Subject:
    """One of the alternatives in `entities`; None: any."""

    id: str | None
    id_pattern: str | None
    type: str | None
    type_pattern: str | None

    def selects(self, entity: Entity, words: Words) -> bool:
        """Ids as NGSIv2 knows them; any of the entity's types."""
        id = outer_id(entity["id"])
        if self.id is not None and self.id != id:
            return False
        if self.id_pattern is not None and not pattern.compiled(self.id_pattern)(id):
            return False
        types = [words.compact(one) for one in entity["type"]]
        if self.type is not None and self.type not in types:
            return False
        return self.type_pattern is None or any(map(pattern.compiled(self.type_pattern), types))


@dataclass(frozen=True, slots=True)
class Voice:
    """A subscription as it decides and tells. Names in `form` as in the request; `path`: its service path.

    `covered`: attributes that the entity has not are told as null. `once`: the first match is the last; `spent`: it came.
    """

    id: str
    tenant: str
    path: str
    words: Words
    subjects: tuple[Subject, ...]
    watched: frozenset[str]
    alterations: frozenset[str]
    on_metadata: bool
    conditions: tuple[Node, ...]
    geo: Geo | None
    form: Form
    attrs_format: AttrsFormat
    only_changed: bool
    covered: bool
    once: bool
    spent: bool
    endpoint: Endpoint

    @property
    def kind(self) -> str:
        """How it is kept in the store."""
        return KIND

    # --- deciding
    def payload(self, effect: Effect, at: int) -> bytes | None:
        """The entity after the change (gone: before it), normalized, with what the macros may name."""
        del at
        entity = effect.after or effect.before
        if self.spent or entity is None or not self._selects(entity):
            return None
        if effect.rounds >= correlator.MOST:  # a subscription that changes what it is told of
            return None
        if effect.forced:
            changed = {one.name for one in effect.touched}
        else:
            changed = {one for one, how in _changes(effect).items() if how == "value" or self.on_metadata}
        alteration = self._alteration(effect, bool(changed))
        if alteration is None:
            return None
        touched = {one.name for one in effect.touched}
        concerned = changed if alteration == "entityChange" else touched
        if self.watched and alteration != "entityDelete" and not concerned & self.watched:
            return None
        if not all(match.node(one, entity) for one in self.conditions):
            return None
        if self.geo is not None and not match.geo(self.geo, entity):
            return None
        if alteration == "entityUpdate" and changed:
            alteration = "entityChange"  # what happened, whatever it was that was asked for
        updated = (
            touched if alteration == "entityUpdate" else changed
        )  # nothing else did than to be written again
        told = self._told(entity, effect, alteration, updated)
        if self.only_changed and effect.verb == "updated" and not told["attrs"].keys() - _BUILTIN:
            return None
        return orjson.dumps(told)

    async def claim(self, tx: Transaction) -> bool:
        """Of a oneshot subscription once: what says so commits with what is owed."""
        if not self.once:
            return True
        doc = await tx.get(self.tenant, KIND, self.id)
        if doc is None or doc.get("spent"):
            return False
        await tx.put(self.tenant, KIND, self.id, {**doc, "spent": True})
        return True

    def _selects(self, entity: Entity) -> bool:
        if self.path != "/#":
            scopes = [one for one in paths_of(entity) if one != "/"]
            if not match.v2_path(self.path, scopes):
                return False
        return any(one.selects(entity, self.words) for one in self.subjects)

    def _alteration(self, effect: Effect, changed: bool) -> str | None:
        match effect.verb:
            case "created":
                happened = ["entityCreate"]
            case "deleted":
                happened = ["entityDelete"]
            case "updated":
                happened = ["entityChange", "entityUpdate"] if changed else ["entityUpdate"]
            case _:
                happened = []
        return next((one for one in happened if one in self.alterations), None)

    def _told(self, entity: Entity, effect: Effect, alteration: str, changed: set[str]) -> dict[str, Json]:
        words = self.words
        previous = effect.before["attrs"] if effect.before is not None else {}
        happened = Happened(
            alteration,
            {name: one for name, instances in previous.items() if (one := current(instances)) is not None},
            {
                one.name: {"created": "append", "updated": "update", "deleted": "delete"}[one.verb]
                for one in effect.touched
            },
        )
        id, type, path = outer_id(entity["id"]), type_of(entity, words), path_of(entity)
        told: dict[str, Json] = {
            "id": f"{id} {type} {path}",
            "entity": {"id": id, "type": type},
            "path": path,
            "rounds": effect.rounds,
            "attrs": self._chosen(entity, attributes(entity, words, self.form, happened), changed),
        }
        custom = self.endpoint.custom
        if custom is not None:
            whole = Form(
                attrs=("*", *_BUILTIN.intersection(self.form.attrs or ())), metadata=self.form.metadata
            )
            everything = attributes(entity, words, whole, happened)
            told["values"] = {name: one["value"] for name, one in everything.items()}
            if "ngsi" in custom:
                told["whole"] = self._chosen(entity, everything, changed)
        return told

    def _chosen(
        self, entity: Entity, shown: dict[str, dict[str, Json]], changed: set[str]
    ) -> dict[str, dict[str, Json]]:
        """With `onlyChangedAttrs` what changed, and builtin ones; with `covered` also what the entity has not."""
        stored = {self.words.compact(iri): iri for iri in entity["attrs"]}
        if self.only_changed:
            shown = {name: one for name, one in shown.items() if stored.get(name) in (*changed, None)}
        if self.covered:
            named = [name for name in self.form.attrs or () if name not in _BUILTIN | {"*"}]
            missing: dict[str, Json] = {"type": "None", "value": None, "metadata": {}}
            covering = {
                name: shown.get(name, missing) for name in named if name in shown or name not in stored
            }
            shown = {**covering, **shown}
        return shown

    # --- telling
    def letter(self, payloads: Sequence[bytes], number: str) -> Letter:
        """See `letter.written`."""
        return letter.written(self, [orjson.loads(one) for one in payloads], number)


def _changes(effect: Effect) -> dict[str, Literal["value", "metadata"]]:
    """Attributes that are not what they were: in their value or type, or in their metadata alone."""
    before = effect.before["attrs"] if effect.before else {}
    after = effect.after["attrs"] if effect.after else {}
    found: dict[str, Literal["value", "metadata"]] = {}
    for name in {one.name for one in effect.touched}:
        old, new = current(before.get(name)), current(after.get(name))
        if old is None or new is None or _value(old) != _value(new):
            found[name] = "value"
        elif _metadata(old) != _metadata(new):
            found[name] = "metadata"
    return found


def _value(one: Attribute) -> str:
    return repr((one["kind"], one["v"], one.get("v2type")))


def _metadata(one: Attribute) -> Json:
    members = {name: one.get(name) for name in ("observedAt", "unitCode", "datasetId")}
    subs = {name: _value(found) for name, all in one.get("attrs", {}).items() if (found := current(all))}
    return members, subs
