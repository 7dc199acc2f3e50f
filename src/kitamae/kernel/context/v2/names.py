"""What NGSIv2 calls things, and what they are called inside: attribute and type names, entity ids, service paths.

Every function has its inverse here, and the inverse gives back what was written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from kitamae.kernel.context import lexical, names
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.jsonld import Context

outer_id = names.v2_id
_ID: Final = names.V2_ID
LONGEST: Final = 256
"""Characters of an id, a type, a name (Orion's limit)."""

_FIELD: Final = re.compile(r"[^\s&?/#<>\"'=;()\x00-\x1f\x7f]{1,256}")
_VALUE: Final = re.compile(r"[<>\"'=;()]")
_ABSOLUTE: Final = re.compile(r"https?://[^\s<>\"'=;()]{1,1900}")
_LEVEL: Final = re.compile(r"[A-Za-z0-9_]{1,50}")
_STRUCTURE: Final = frozenset(
    (
        "id",
        "type",
        "value",
        "object",
        "languageMap",
        "json",
        "vocab",
        "valueList",
        "objectList",
        "observedAt",
        "unitCode",
        "datasetId",
        "createdAt",
        "modifiedAt",
        "deletedAt",
        "expiresAt",
        "scope",
        "lang",
        "objectType",
        "valueType",
        "instanceId",
        "entityIdSealed",
        "entityTypeSealed",
        "ngsildproof",
        "previousValue",
        "previousObject",
        "previousLanguageMap",
        "previousJson",
        "previousVocab",
        "previousValueList",
        "previousObjectList",
        "dataset",
        "entity",
        "entityList",
    )
)
"""Members of an NGSI-LD document: an attribute of NGSIv2 with such a name is one of the default context inside."""


def field(text: Json, where: str) -> str:
    """An id, type or name as NGSIv2 restricts its characters. Raises BadRequest."""
    if isinstance(text, str) and (_FIELD.fullmatch(text) or _ABSOLUTE.fullmatch(text)):
        return text
    if not isinstance(text, str):
        raise BadRequest(f"{where}: expected text, got {text!r:.80}")
    if not text:
        raise BadRequest(f"{where}: empty")
    if len(text) > LONGEST:
        raise BadRequest(f"{where}: {len(text)} characters, at most {LONGEST} are allowed")
    raise BadRequest(f"{where}: Invalid characters in {text!r:.80}")


def demand_free(value: Json, where: str) -> None:
    """No forbidden character (< > " ' = ; ( )) in any text of a value. Raises BadRequest."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            if _VALUE.search(one):
                raise BadRequest(f"{where}: Invalid characters in the value {one!r:.80}")
        elif isinstance(one, dict):
            pending.extend(one)
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)


class Words:
    """Names of one @context: `expand` to IRIs, `compact` to what NGSIv2 shows."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def expand(self, name: str) -> str:
        """The IRI of an attribute, metadatum or type; what NGSI-LD could not name belongs to the default context."""
        if name not in _STRUCTURE:
            try:
                iri = self.context.expand(name)
            except BadRequest:
                pass
            else:
                if self.context.compact(iri) == name or (_ABSOLUTE.match(iri) and iri == name):
                    return iri
        return names.DEFAULT_VOCAB + quote(name, safe="!$*+,:@-._~")

    def compact(self, iri: str) -> str:
        """The name that `expand` would understand; an IRI without a short name as it is."""
        if iri.startswith(names.DEFAULT_VOCAB):
            name = unquote(iri[len(names.DEFAULT_VOCAB) :])
            if name and self.expand(name) == iri:
                return name
        short = self.context.compact(iri)
        return short if self.expand(short) == iri else iri


def inner_id(id: str) -> str:
    """A URI stays; anything else becomes a URN that holds it."""
    if lexical.is_uri(id) and not id.startswith(_ID):
        return id
    return _ID + quote(id, safe="!$*+,:@-._~")


def path_of(entity: Entity) -> str:
    """The service path of an entity: its first scope, or the root."""
    scopes = entity.get("scope")
    if not scopes:
        return "/"
    return scopes[0] if scopes[0].startswith("/") else "/" + scopes[0]


def paths_of(entity: Entity) -> tuple[str, ...]:
    """Every service path under which an entity is found: NGSI-LD knows several."""
    return tuple(one if one.startswith("/") else "/" + one for one in entity.get("scope", ())) or ("/",)


def service_path(text: str) -> str:
    """One absolute path, `/` or `/Kaga/Hashitate`; ten levels at most. Raises BadRequest."""
    if not text.startswith("/"):
        raise BadRequest(f"Fiware-ServicePath: only /absolute paths are allowed, got {text!r:.80}")
    if text == "/":
        return text
    levels = text.removesuffix("/")[1:].split("/")
    if len(levels) > 10:
        raise BadRequest("Fiware-ServicePath: too many levels, at most 10")
    if not all(map(_LEVEL.fullmatch, levels)):
        raise BadRequest(f"Fiware-ServicePath: a level is up to 50 letters, digits or _, got {text!r:.120}")
    return "/" + "/".join(levels)
