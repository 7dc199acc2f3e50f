"""A registration's payload: is it one (clauses 5.2.9-5.2.11, 5.2.34)? Names are expanded. Raises BadRequest naming the place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from kitamae.kernel.context import clock, lexical
from kitamae.kernel.context.entity import NULL, Json
from kitamae.kernel.context.query import georel, pattern
from kitamae.kernel.context.registration import operations
from kitamae.kernel.context.temporal import period
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.jsonld import Context

Expand: TypeAlias = Callable[[str], str]

TYPE: Final = "ContextSourceRegistration"
MODES: Final = ("inclusive", "exclusive", "redirect", "auxiliary")
READ_ONLY: Final = frozenset(
    {"createdAt", "modifiedAt", "status", "timesSent", "timesFailed", "lastSuccess", "lastFailure"}
)
"""Members that the broker writes; from a client they are left out."""
MOST: Final = 1_000  # informations, entities, names in one registration
_MANDATORY: Final = frozenset({"id", "type", "information", "endpoint"})


def fragment(payload: Json, context: Context, *, partial: bool = False) -> dict[str, Json]:
    """The members that a client gave, checked one by one; with `partial` null takes one away (None here).

    Members that the specification does not name are Context Source Properties, under `properties` by their IRIs.
    """
    if not isinstance(payload, dict):
        raise BadRequest("a registration is a JSON object")
    if (not partial or "type" in payload) and payload.get("type") != TYPE:
        raise BadRequest(f"type: expected {TYPE}, got {payload.get('type')!r:.80}")
    doc: dict[str, Json] = {}
    properties: dict[str, Json] = {}
    for name, value in payload.items():
        if name in READ_ONLY or name == "@context":
            continue
        gone = partial and (value is None or value == NULL)
        if gone and name in _MANDATORY:
            raise BadRequest(f"{name} cannot be taken away")
        check = _MEMBERS.get(name)
        if check is None:
            if value is None and not partial:
                raise BadRequest(f"{name}: expected a value, got null")
            properties[context.expand(name)] = None if gone else value
        else:
            doc[name] = None if gone else check(value, name, context.expand)
    if properties:
        doc["properties"] = properties
    return doc


def whole(doc: dict[str, Json]) -> dict[str, Json]:
    """All members together: are they a registration? Answers the document."""
    for name in ("information", "endpoint"):
        if name not in doc:
            raise BadRequest(f"{name} is missing")
    mode = doc.get("mode", MODES[0])
    offered = operations.single(doc.get("operations", operations.USUAL))
    if mode == "auxiliary" and "operations" in doc and not offered <= operations.CONSUMPTION | _ASKED:
        raise BadRequest("operations: an auxiliary registration offers nothing that writes")
    if mode == "exclusive":
        for n, one in enumerate(doc["information"]):
            where = f"information[{n}]"
            if not one.get("entities") or not all("id" in entity for entity in one["entities"]):
                raise BadRequest(f"{where}.entities: an exclusive registration names each entity by its id")
            if not one.get("propertyNames") and not one.get("relationshipNames"):
                raise BadRequest(
                    f"{where}: an exclusive registration names the attributes that it answers for"
                )
    return doc


def merged(doc: Mapping[str, Json], patch: Mapping[str, Json]) -> dict[str, Json]:
    """The members of a fragment in the place of those of a document."""
    new = {**doc, **patch}
    if "properties" in patch:
        properties = {**doc.get("properties", {}), **patch["properties"]}
        new["properties"] = {name: value for name, value in properties.items() if value is not None}
    return {name: value for name, value in new.items() if value is not None}


_ASKED: Final = operations.GROUPS["federationOps"]


def _text(value: Json, where: str, expand: Expand) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"{where}: expected text, got {value!r:.80}")
    return value


def _list(value: Json, where: str) -> list[Json]:
    if not isinstance(value, list) or not value:
        raise BadRequest(f"{where}: expected a list that is not empty, got {value!r:.80}")
    if len(value) > MOST:
        raise BadRequest(f"{where}: {len(value)} are too many; at most {MOST}")
    return value


def _object(value: Json, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest(f"{where}: expected an object, got {value!r:.80}")
    return value


def _known(value: dict[str, Any], where: str, *known: str) -> None:
    for name in value:
        if name not in known:
            raise BadRequest(f"{where}: expected {', '.join(known)}; there is no member {name!r:.80}")


def _names(value: Json, where: str, expand: Expand) -> list[str]:
    return [expand(_text(one, f"{where}[{n}]", expand)) for n, one in enumerate(_list(value, where))]


def _entity(value: Json, where: str, expand: Expand) -> dict[str, Json]:
    """EntityInfo (5.2.8): a type, or several that the entity has together, and an id or a pattern of ids."""
    found = _object(value, where)
    _known(found, where, "id", "idPattern", "type")
    if "type" not in found:
        raise BadRequest(f"{where}.type is missing")
    answer: dict[str, Json] = {}
    if "id" in found:
        answer["id"] = lexical.uri(found["id"], f"{where}.id")
    if "idPattern" in found:
        answer["idPattern"] = pattern.checked(_text(found["idPattern"], f"{where}.idPattern", expand))
    types = found["type"]
    answer["type"] = (
        _names(types, f"{where}.type", expand)
        if isinstance(types, list)
        else expand(_text(types, f"{where}.type", expand))
    )
    return answer


def _information(value: Json, where: str, expand: Expand) -> list[Json]:
    answer = []
    for n, one in enumerate(_list(value, where)):
        place = f"{where}[{n}]"
        found = _object(one, place)
        _known(found, place, "entities", "propertyNames", "relationshipNames")
        if not found:
            raise BadRequest(f"{place}: expected entities, propertyNames or relationshipNames")
        new: dict[str, Json] = {}
        if "entities" in found:
            entities = _list(found["entities"], f"{place}.entities")
            new["entities"] = [_entity(e, f"{place}.entities[{m}]", expand) for m, e in enumerate(entities)]
        for member in ("propertyNames", "relationshipNames"):
            if member in found:
                new[member] = _names(found[member], f"{place}.{member}", expand)
        answer.append(new)
    return answer


def _interval(value: Json, where: str, expand: Expand) -> Json:
    found = _object(value, where)
    _known(found, where, "startAt", "endAt")
    if "startAt" not in found:
        raise BadRequest(f"{where}.startAt is missing")
    start = clock.micros(lexical.time(found["startAt"], f"{where}.startAt"))
    if "endAt" in found and clock.micros(lexical.time(found["endAt"], f"{where}.endAt")) < start:
        raise BadRequest(f"{where}.endAt: expected a time that is not before startAt")
    return found


def _place(value: Json, where: str, expand: Expand) -> Json:
    found = _object(value, where)
    georel.reference(found.get("type"), found.get("coordinates"), f"{where}.coordinates")
    return {"type": found["type"], "coordinates": found["coordinates"]}


def _moment(value: Json, where: str, expand: Expand) -> Json:
    return lexical.time(value, where)


def _endpoint(value: Json, where: str, expand: Expand) -> Json:
    found = lexical.uri(value, where)
    if found.partition(":")[0].lower() not in ("http", "https"):
        raise BadRequest(f"{where}: expected an http or https address, got {found!r:.80}")
    return found


def _datasets(value: Json, where: str, expand: Expand) -> Json:
    return [
        one if one == "@none" else lexical.uri(one, f"{where}[{n}]")
        for n, one in enumerate(_list(value, where))
    ]


def _pairs(value: Json, where: str, expand: Expand) -> Json:
    """KeyValuePair[] (5.2.22): texts, without what would end a header."""
    answer = []
    for n, one in enumerate(_list(value, where)):
        found = _object(one, f"{where}[{n}]")
        pair = {}
        for member in ("key", "value"):
            text = found.get(member)
            if not isinstance(text, str) or any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
                raise BadRequest(f"{where}[{n}].{member}: expected a text on one line, got {text!r:.80}")
            pair[member] = text
        answer.append(pair)
    return answer


def _mode(value: Json, where: str, expand: Expand) -> Json:
    if value not in MODES:
        raise BadRequest(f"{where}: expected one of {', '.join(MODES)}, got {value!r:.80}")
    return value


def _operations(value: Json, where: str, expand: Expand) -> Json:
    for n, one in enumerate(_list(value, where)):
        if not isinstance(one, str) or (one not in operations.KNOWN and one not in operations.GROUPS):
            raise BadRequest(f"{where}[{n}]: {one!r:.80} is no operation, nor a group of them")
    return value


def _scope(value: Json, where: str, expand: Expand) -> Json:
    lexical.scopes(value, where)
    return value


def _duration(value: Json, where: str, expand: Expand) -> Json:
    try:
        period.parse(_text(value, where, expand))
    except BadRequest:
        raise BadRequest(f"{where}: expected an ISO 8601 duration such as PT5M, got {value!r:.80}") from None
    return value


def _bool(value: Json, where: str, expand: Expand) -> bool:
    if not isinstance(value, bool):
        raise BadRequest(f"{where}: expected true or false, got {value!r:.80}")
    return value


def _management(value: Json, where: str, expand: Expand) -> Json:
    """RegistrationManagementInfo (5.2.34): how this source is to be treated. Times in milliseconds."""
    found = _object(value, where)
    _known(found, where, "localOnly", "cacheDuration", "timeout", "cooldown")
    if "localOnly" in found:
        _bool(found["localOnly"], f"{where}.localOnly", expand)
    if "cacheDuration" in found:
        _duration(found["cacheDuration"], f"{where}.cacheDuration", expand)
    for member in ("timeout", "cooldown"):
        number = found.get(member, 1)
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 < number < 1e9:
            raise BadRequest(f"{where}.{member}: expected a number greater than 0, got {number!r:.80}")
    return found


_MEMBERS: Final[dict[str, Callable[[Json, str, Expand], Json]]] = {
    "id": lambda value, where, _: lexical.uri(value, where),
    "type": _text,
    "registrationName": _text,
    "description": _text,
    "information": _information,
    "tenant": _text,
    "observationInterval": _interval,
    "managementInterval": _interval,
    "location": _place,
    "observationSpace": _place,
    "operationSpace": _place,
    "expiresAt": _moment,
    "endpoint": _endpoint,
    "contextSourceInfo": _pairs,
    "contextSourceAlias": _text,
    "datasetId": _datasets,
    "scope": _scope,
    "mode": _mode,
    "operations": _operations,
    "refreshRate": _duration,
    "management": _management,
    "localOnly": _bool,  # its place is in `management` (5.2.34); subscriptions have it here, and so have other brokers
}
