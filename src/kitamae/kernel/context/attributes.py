"""Reading one attribute: which of the eight kinds it is, its value, its members, its sub-attributes (clause 4.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, get_args

from kitamae.kernel.context import geojson, lexical, names
from kitamae.kernel.context.entity import NULL, VALUE_OF, Kind, Partial
from kitamae.kernel.context.lexical import text
from kitamae.kernel.context.values import VALUES
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context

MAX_LEVELS: Final = 16
"""Attributes of attributes of ..."""
KINDS: Final[dict[str, Kind]] = {kind: kind for kind in get_args(Kind)}
_KIND_OF: Final[dict[str, Kind]] = {
    "value": "Property",
    "object": "Relationship",
    "languageMap": "LanguageProperty",
    "json": "JsonProperty",
    "vocab": "VocabProperty",
    "valueList": "ListProperty",
    "objectList": "ListRelationship",
}
_OURS: Final = frozenset(("createdAt", "modifiedAt", "deletedAt", "instanceId", "lang"))
"""Members that only answers have: what a client copies back from one is not read."""
TIMES: Final = ("createdAt", "modifiedAt", "deletedAt")
"""Of them, those that are read where another broker tells them."""
_NEVER: Final = frozenset(
    """
    @context @graph @id @language @list @set @value id entity entityList jsons languageMaps objectLists objects
    previousJson previousLanguageMap previousObject previousObjectList previousValue previousValueList previousVocab
    valueLists values vocabs
    """.split()  # noqa: SIM905 - a table reads better without quotation marks
)
_MEMBERS: Final = frozenset(
    (
        "datasetId",
        "entityIdSealed",
        "entityTypeSealed",
        "expiresAt",
        "objectType",
        "observedAt",
        "unitCode",
        "valueType",
    )
)
_NOT_ATTRIBUTES: Final = frozenset(
    names.NGSI_LD + name
    for name in (
        *(
            "datasetId",
            "instanceId",
            "observedAt",
            "unitCode",
            "createdAt",
            "modifiedAt",
            "deletedAt",
            "expiresAt",
        ),
        *("hasObjectType", "hasValueType", "entityIdSealed", "entityTypeSealed"),
    )
)
"""Core terms that are members of attributes and never attributes themselves (clause 4.5.1)."""
_PLACES: Final = frozenset(
    names.NGSI_LD + name for name in ("location", "observationSpace", "operationSpace")
)
_PROOF: Final = names.NGSI_LD + "ngsildproof"
_LANGUAGE_NULL: Final = {"@none": NULL}


@dataclass(frozen=True, slots=True)
class Reader:
    """How attributes are read in one request.

    `nulls`: NULL may stand for what is to be taken away. `partial`: value and kind may be missing. `merge`: both, and NULL
    may stand inside values too. `temporal`: instances may share a datasetId, and one whose value is NULL says that it was
    deleted then (clause 4.5.7). `simplified`: objects are values. `theirs`: another broker's answer, so its system times are read.
    """

    ctx: Context
    nulls: bool = False
    partial: bool = False
    merge: bool = False
    temporal: bool = False
    simplified: bool = False
    theirs: bool = False

    def into(
        self, found: dict[str, list[Partial]], name: str, given: Json, where: str, level: int = 1
    ) -> None:
        """Read the attribute `name` (the client's word) with all its instances into `found`, under its IRI."""
        iri = self.ctx.expand(name)
        if iri in found:
            raise BadRequest(f"{where}: the same attribute is there twice ({iri})")
        if name in _KIND_OF and type(given) is not dict and type(given) is not list:
            raise BadRequest(
                f"{where}: expected an attribute called {name!r}, got the value of one: {given!r:.80}"
            )
        instances = self.instances(given, name, where, level)
        for one in instances:
            self.fits(iri, one, where, level)
        found[iri] = instances

    def fits(self, iri: str, one: Partial, where: str, level: int = 1) -> Partial:
        """What the specification says about attributes of certain names."""
        if iri in _NOT_ATTRIBUTES:
            raise BadRequest(f"{where}: this is a member of attributes, and cannot be an attribute itself")
        if level == 1 and iri in _PLACES and one.get("kind", "GeoProperty") != "GeoProperty":
            raise BadRequest(f"{where}: must be a GeoProperty, got a {one['kind']}")
        if iri == _PROOF:
            if type(one.get("v", {})) is not dict:
                raise BadRequest(f"{where}: the value of a proof is an object, got {one['v']!r:.80}")
        elif "entityIdSealed" in one or "entityTypeSealed" in one:
            raise BadRequest(f"{where}: entityIdSealed and entityTypeSealed belong to ngsildproof alone")
        return one

    def instances(self, given: Json, name: str, where: str, level: int) -> list[Partial]:
        """All instances under one name, the default instance first."""
        if type(given) is list and (self.temporal or any(map(_is_instance, given))):
            found = [self.instance(one, name, f"{where}[{n}]", level) for n, one in enumerate(given)]
        elif self.simplified and type(given) is dict and given.keys() == {"dataset"}:
            found = self.datasets(given["dataset"], name, where + ".dataset", level)
        else:
            return [self.instance(given, name, where, level)]
        if not self.temporal:
            seen = [one.get("datasetId", "") for one in found]
            if len(set(seen)) < len(seen):
                twice = next(dataset for dataset in seen if seen.count(dataset) > 1)
                raise BadRequest(
                    f"{where}: two instances with the same datasetId ({twice or 'the default one'})"
                )
            found.sort(key=lambda one: "datasetId" in one)
        return found

    def datasets(self, given: Json, name: str, where: str, level: int) -> list[Partial]:
        """`{"@none": 1, "urn:...": 2}`: several instances in the simplified form (clause 4.5.5)."""
        if type(given) is not dict:
            raise BadRequest(f"{where}: expected an object, got {given!r:.80}")
        found: list[Partial] = []
        for dataset, value in given.items():
            one = self.instance(value, name, f"{where}.{dataset}", level)
            if dataset != "@none":
                one["datasetId"] = lexical.uri(dataset, where)
            found.append(one)
        return found

    def instance(self, given: Json, name: str, where: str, level: int = 1) -> Partial:
        """One instance."""
        if type(given) is not dict:
            return self.plain(given, name, where)
        kind, member = self.kind(given, where)
        if member == "":
            return {"kind": kind or "Property", "v": self.value(kind or "Property", given, where)}
        found: Partial = {"kind": kind} if kind else {}
        subs: dict[str, list[Partial]] = {}
        for key, value in given.items():
            if key == member:
                found["v"] = self.value(kind or "Property", value, where)
            elif key in ("type", "@type") or key in _OURS:
                if self.theirs and key in TIMES:
                    found[key] = lexical.time(value, f"{where}.{key}")  # type: ignore[literal-required] # one of TIMES
            elif key in _MEMBERS:
                self.member(key, value, found, f"{where}.{key}")
            elif key in _KIND_OF or key in _NEVER:
                raise BadRequest(f"{where}: a {kind or 'attribute'} has no member {key!r}")
            elif level >= MAX_LEVELS:
                raise BadRequest(f"{where}: more than {MAX_LEVELS} levels of attributes")
            else:
                self.into(subs, key, value, f"{where}.{key}", level + 1)
        if "v" not in found and not (self.partial or self.merge):
            raise BadRequest(f"{where}: a {kind} needs a member {member!r}")
        if (
            self.nulls
            and member == "value"
            and found.get("v") == NULL
            and not given.keys() & {"type", "@type"}
        ):
            del found["kind"]  # a value taken away does not tell a Property from a GeoProperty
        if subs:
            found["attrs"] = subs
        return found

    def plain(self, given: Json, name: str, where: str) -> Partial:
        """A value without anything around it."""
        if given == NULL:
            return {"v": self.null(where)}
        if self.simplified:
            coercion = self.ctx.coercion(name)
            if coercion == "@id":
                return {"kind": "Relationship", "v": self.value("Relationship", given, where)}
            if coercion == "@vocab":
                return {"kind": "VocabProperty", "v": self.value("VocabProperty", given, where)}
        return {"kind": "Property", "v": self.value("Property", given, where)}

    def kind(self, given: dict[str, Json], where: str) -> tuple[Kind | None, str | None]:
        """(kind, the member that carries the value). Member "": the whole object is the value; None: there is none."""
        name = given.get("type", given.get("@type"))
        if name is not None:
            kind = KINDS.get(name) if type(name) is str else None
            if kind is None:
                if geojson.looks_like(given):
                    return "GeoProperty", ""
                if self.simplified:
                    return "Property", ""
                if type(name) is str:
                    kind = KINDS.get(self.ctx.iri(name).removeprefix(names.NGSI_LD))
            if kind is None:
                raise BadRequest(f"{where}.type: expected one of {', '.join(KINDS)}, got {name!r:.80}")
            return kind, VALUE_OF[kind]
        for member, kind in _KIND_OF.items():
            if member in given and not (self.simplified and member in ("value", "object")):
                if member == "value" and geojson.looks_like(given["value"]):
                    return "GeoProperty", member
                return kind, member
        if self.simplified:
            return "Property", ""
        if self.partial or self.merge:
            return None, None
        raise BadRequest(
            f'{where}: no value; expected {", ".join(_KIND_OF)}, or {{"value": ...}} around an object that is a value'
        )

    def value(self, kind: Kind, given: Json, where: str) -> Json:
        """The value of an attribute of that kind, checked and expanded, or NULL where that is allowed."""
        if given == NULL or (kind == "LanguageProperty" and given == _LANGUAGE_NULL):
            return NULL if self.temporal else self.null(where)
        return VALUES[kind](given, where, self.ctx, self.merge)

    def null(self, where: str) -> str:
        """NULL, where it is allowed."""
        if self.nulls:
            return NULL
        raise BadRequest(f"{where}: {NULL} takes away what is there, and here is nothing to take away")

    def member(self, key: str, given: Json, found: Partial, where: str) -> None:
        """One of the members that are not attributes."""
        kind = found.get("kind")
        if key == "datasetId":
            if given != "@none":
                found["datasetId"] = lexical.uri(given, where)
                if given == NULL:
                    raise BadRequest(f"{where}: {NULL} is not a datasetId")
            return
        if given == NULL:
            found[key] = self.null(where)  # type: ignore[literal-required] # one of _MEMBERS
            return
        if key == "observedAt":
            found["observedAt"] = lexical.time(given, where)
        elif key == "expiresAt":
            found["expiresAt"] = lexical.time(given, where)
        elif key == "unitCode":
            if kind not in (None, "Property", "ListProperty"):
                raise BadRequest(f"{where}: a {kind} has no unit")
            found["unitCode"] = text(given, where)
        elif key == "objectType":
            if kind not in (None, "Relationship", "ListRelationship"):
                raise BadRequest(f"{where}: a {kind} has no object")
            types = given if type(given) is list and given else [given]
            found["objectType"] = [self.ctx.expand(text(name, where)) for name in types]
        elif key == "valueType":
            if kind in ("Relationship", "ListRelationship"):
                raise BadRequest(f"{where}: a {kind} has no value")
            if kind == "LanguageProperty" and given != "langString":
                raise BadRequest(
                    f"{where}: the values of a LanguageProperty are langString, got {given!r:.80}"
                )
            found["valueType"] = self.ctx.iri(text(given, where))
        elif key == "entityIdSealed":
            found["entityIdSealed"] = lexical.uri(given, where)
        else:
            found["entityTypeSealed"] = self.ctx.expand(text(given, where))


def _is_instance(given: Json) -> bool:
    """Whether an object in an array is an instance of the attribute, and the array not simply a value."""
    return type(given) is dict and (
        "datasetId" in given
        or any(type(kind) is str and kind in KINDS for kind in (given.get("type"), given.get("@type")))
        or not _KIND_OF.keys().isdisjoint(given)
    )
