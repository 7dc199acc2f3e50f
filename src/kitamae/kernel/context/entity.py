"""The internal form of an entity: names expanded, kinds explicit, times in UTC; JSON all the way down.

It is what the store keeps (`doc`), what operations change, what queries are matched against and what answers are
cut from. Plain dictionaries, because they are what orjson reads and writes without a copy.

NGSIv2 fits in the same form: a name that is not a URI expands with the default context and compacts back; `v2type`
keeps an attribute's own v2 type where it says more than the kind; a v2 metadatum is a sub-attribute; `value` may be
None. v2 identity (id + type + service path) differs from NGSI-LD's (id): the store's key is (tenant, id, variant),
and `variant` is empty except for a v2 entity whose id was already taken by another type or path.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypeAlias, TypedDict

Json: TypeAlias = Any  # what orjson.loads gives: None, bool, int, float, str, list, dict

Kind = Literal[
    "Property",
    "GeoProperty",
    "Relationship",
    "LanguageProperty",
    "JsonProperty",
    "VocabProperty",
    "ListProperty",
    "ListRelationship",
]

VALUE_OF: Final[dict[Kind, str]] = {
    "Property": "value",
    "GeoProperty": "value",
    "Relationship": "object",
    "LanguageProperty": "languageMap",
    "JsonProperty": "json",
    "VocabProperty": "vocab",
    "ListProperty": "valueList",
    "ListRelationship": "objectList",
}
"""The member that carries the value of each attribute kind (clause 4.5)."""

NULL: Final = "urn:ngsi-ld:null"
"""How JSON-LD-safe payloads say null: delete this member (clause 4.5.0)."""


class Attribute(TypedDict):
    """One instance of an attribute. `v` is its value whatever the kind; the kind says how it is called outside."""

    kind: Kind
    v: Json
    datasetId: NotRequired[str]  # absent: the default instance
    observedAt: NotRequired[str]
    expiresAt: NotRequired[str]  # transient attribute
    unitCode: NotRequired[str]
    objectType: NotRequired[list[str]]  # expanded; Relationship and ListRelationship
    valueType: NotRequired[str]  # expanded datatype of the value
    entityIdSealed: NotRequired[str]  # these two of `ngsildproof` alone
    entityTypeSealed: NotRequired[str]  # expanded
    v2type: NotRequired[str]
    createdAt: NotRequired[str]
    modifiedAt: NotRequired[str]
    deletedAt: NotRequired[str]  # in answers about what is gone: notifications, history
    instanceId: NotRequired[str]
    previous: NotRequired[Json]  # in notifications with showChanges: the value before
    attrs: NotRequired[Attributes]  # sub-attributes


Attributes: TypeAlias = dict[str, list[Attribute]]
"""Expanded name -> its instances, the default instance first; datasetId is unique in the list."""


class Entity(TypedDict):
    """`type` holds expanded names. Times are RFC 3339 in UTC with `Z`, microseconds where given."""

    id: str
    type: list[str]
    scope: NotRequired[list[str]]
    createdAt: NotRequired[str]
    modifiedAt: NotRequired[str]
    deletedAt: NotRequired[str]
    expiresAt: NotRequired[str]
    attrs: Attributes


class Partial(TypedDict, total=False):
    """An attribute instance in a patch: what is not named stays. NULL: take it away (`v` NULL: the instance itself).

    `kind` is absent where the payload does not tell: then it is that of the attribute that is there.
    """

    kind: Kind
    v: Json
    datasetId: str
    observedAt: str
    expiresAt: str
    unitCode: str
    objectType: list[str]
    valueType: str
    entityIdSealed: str
    entityTypeSealed: str
    attrs: dict[str, list[Partial]]


class Fragment(TypedDict):
    """Some of an entity (clause 5.4). `scope` []: take the scopes away; `expiresAt` NULL likewise."""

    id: NotRequired[str]
    type: NotRequired[list[str]]
    scope: NotRequired[list[str]]
    expiresAt: NotRequired[str]
    attrs: dict[str, list[Partial]]
