"""Which changes concern an NGSIv2 subscriber, and what he is told, in Orion's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote, unquote, urlencode

import orjson

from kitamae.kernel.context.query import match, pattern
from kitamae.kernel.context.subscription.model import Letter
from kitamae.kernel.context.v2 import macros
from kitamae.kernel.context.v2.names import outer_id, path_of, paths_of
from kitamae.kernel.context.v2.operations import current
from kitamae.kernel.context.v2.represent import Form, Happened, attributes, formed, type_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.entity import Attribute, Entity, Json
    from kitamae.kernel.context.operations import Effect
    from kitamae.kernel.context.query.tree import Geo, Node
    from kitamae.kernel.context.v2.names import Words

KIND: Final = "v2subscription"
AttrsFormat = Literal["normalized", "keyValues", "values", "simplifiedNormalized", "simplifiedKeyValues"]
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
    """A subscription as it decides and tells. `watched`, names in `form`: as in the request; `path`: its service path."""

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
    url: str
    custom: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """How it is kept in the store."""
        return KIND

    # --- deciding
    def payload(self, effect: Effect, at: int) -> bytes | None:
        """The entity after the change (gone: before it), normalized, with what the macros may name."""
        del at
        entity = effect.after or effect.before
        if entity is None or not self._selects(entity):
            return None
        if effect.forced:
            changed = {one.name for one in effect.touched}
        else:
            changed = {one for one, how in _changes(effect).items() if how == "value" or self.on_metadata}
        alteration = self._alteration(effect, bool(changed))
        if alteration is None:
            return None
        touched = {one.name for one in effect.touched}
        if self.watched and not (changed if alteration == "entityChange" else touched) & self.watched:
            return None
        if not all(match.node(one, entity) for one in self.conditions):
            return None
        if self.geo is not None and not match.geo(self.geo, entity):
            return None
        return orjson.dumps(self._told(entity, effect, alteration, changed))

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
        happened = Happened(
            alteration,
            {one.name: one.before for one in effect.touched if one.before is not None},
            {
                one.name: {"created": "append", "updated": "update", "deleted": "delete"}[one.verb]
                for one in effect.touched
            },
        )
        id, type, path = outer_id(entity["id"]), type_of(entity, words), path_of(entity)
        shown = attributes(entity, words, self.form, happened)
        if self.only_changed:
            names = {words.compact(iri) for iri in changed}
            shown = {name: one for name, one in shown.items() if name in names}
        told: dict[str, Json] = {
            "id": f"{id} {type} {path}",
            "entity": {"id": id, "type": type},
            "path": path,
            "attrs": shown,
        }
        if self.custom:
            whole = attributes(entity, words, Form(), happened)
            told["values"] = {name: one["value"] for name, one in whole.items()}
        return told

    # --- telling
    def letter(self, payloads: Sequence[bytes], number: str) -> Letter:
        """One request with every entity; a custom one tells the last."""
        told = [orjson.loads(one) for one in payloads]
        headers = {
            "Content-Type": "application/json",
            "Ngsiv2-AttrsFormat": self.attrs_format,
            "Fiware-Correlator": number,
            "Fiware-ServicePath": told[-1]["path"],
            "Idempotency-Key": number,
        }
        if self.tenant:
            headers["Fiware-Service"] = self.tenant
        if self.custom:
            return self._custom(told[-1], headers)
        return Letter("POST", self.url, headers, orjson.dumps(self._message(told)))

    def _message(self, told: list[dict[str, Any]]) -> Json:
        simple = self.attrs_format in ("keyValues", "simplifiedKeyValues")
        format: Any = "keyValues" if simple else "values" if self.attrs_format == "values" else "normalized"
        data = [formed(**one["entity"], attrs=one["attrs"], format=format) for one in told]
        if self.attrs_format.startswith("simplified"):
            return data[-1]
        return {"subscriptionId": self.id, "data": data}

    def _custom(self, told: dict[str, Any], headers: dict[str, str]) -> Letter:
        custom = self.custom
        values = {
            **told["values"],
            **told["entity"],
            "service": self.tenant,
            "servicePath": told["path"],
            "authToken": None,
        }
        address = {name: quote(one, safe="") if isinstance(one, str) else one for name, one in values.items()}
        url = macros.text(self.url, address)
        if custom.get("qs"):
            pairs = {
                macros.text(name, values): macros.text(one, values) for name, one in custom["qs"].items()
            }
            url += ("&" if "?" in url else "?") + urlencode(pairs)
        body: bytes
        if "json" in custom:
            body = orjson.dumps(macros.document(custom["json"], values))
        elif "payload" in custom:
            text = custom["payload"]
            body = b"" if text is None else macros.text(unquote(text), values).encode()
            headers["Content-Type"] = "text/plain"
        else:
            body = orjson.dumps(self._message([told]))
        if "json" in custom or "payload" in custom:
            headers["Ngsiv2-AttrsFormat"] = "custom"
        for name, one in custom.get("headers", {}).items():
            written = _header(macros.text(one, values))
            for known in [known for known in headers if known.lower() == name.lower()]:
                del headers[known]
            if written:
                headers[name] = written
        return Letter(custom.get("method", "POST"), url, headers, body)


def _header(text: str) -> str:
    """On one line, whatever a value holds."""
    return "".join(letter for letter in text if letter.isprintable())


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
