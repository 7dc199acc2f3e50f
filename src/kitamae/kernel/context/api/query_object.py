"""The Query object of a POST (5.2.23), read into the parameters that a GET would have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context.api import parameters
from kitamae.kernel.context.api.selection import GEO
from kitamae.kernel.context.query.parse import MOST
from kitamae.kernel.problems import BadRequest, TooComplex

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.context.broker import Request

_SELECTORS: Final = 100
"""Selectors that say different things: each entity is held against each of them."""


def asked(request: Request, document: Mapping[str, Any], *, temporal: bool = False) -> Request:
    """The same request with the members of a Query object in the place of URL parameters.

    Raises TooComplex; BadRequest for a member that is of the wrong JSON type, and for what the object cannot say.
    """
    if document.get("type", "Query") != "Query":
        raise BadRequest(f"type: expected Query, got {document['type']!r:.80}")
    params: dict[str, Any] = dict(request.params)
    for member, value in document.items():
        if member in ("type", "id", "@context"):
            continue
        if member not in _MEMBERS or (member in ("temporalQ", "aggrParams") and not temporal):
            raise BadRequest(f"a Query has no member {member!r:.80}")
        _MEMBERS[member](params, member, value)
    if "aggrMethods" in params and not {"format", "options"} & params.keys():
        params["format"] = "aggregatedValues"  # a Query has no other way to say so
    if "entities" in params:
        params |= _choice(params.pop("entities"))
    return replace(request, params=params)


def _read(member: str, value: str) -> Any:
    try:
        return parameters.READERS[member](value)
    except BadRequest as wrong:
        raise type(wrong)(f"{member}: {wrong.detail}") from None


def _as_text(params: dict[str, Any], member: str, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{member}: expected a text, got {value!r:.80}")
    params[member] = _read(member, value)


def _as_list(params: dict[str, Any], member: str, value: Any) -> None:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise BadRequest(f"{member}: expected an array of texts that is not empty, got {value!r:.80}")
    params[member] = _read(member, ",".join(value))


def _as_boolean(params: dict[str, Any], member: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise BadRequest(f"{member}: expected true or false, got {value!r:.80}")
    params[member] = value


def _as_positive(params: dict[str, Any], member: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadRequest(f"{member}: expected a whole number from 1, got {value!r:.80}")
    params[member] = value


def _as_geo(params: dict[str, Any], member: str, value: Any) -> None:
    if not isinstance(value, dict) or value.keys() - {"@type", "type", *GEO}:
        raise BadRequest(
            f"{member}: expected georel, geometry, coordinates and geoproperty, got {value!r:.80}"
        )
    params.update({name: value[name] for name in GEO if name in value})


def _as_order(params: dict[str, Any], member: str, value: Any) -> None:
    if not isinstance(value, dict) or "orderBy" not in value:
        raise BadRequest(f"{member}: expected an object with orderBy, got {value!r:.80}")
    _as_list(params, "orderBy", value["orderBy"])
    if "coordinates" in value:
        params["orderFrom"] = value["coordinates"]
    for name, parameter in (("geometry", "orderGeometry"), ("collation", "collation")):
        if name in value:
            _as_text(params, parameter, value[name])


def _as_time(params: dict[str, Any], member: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise BadRequest(f"{member}: expected an object with timerel and timeAt, got {value!r:.80}")
    for name, given in value.items():
        match name:
            case "timerel" | "timeAt" | "endTimeAt" | "timeproperty":
                _as_text(params, name, given)
            case "lastN":
                _as_positive(params, name, given)
            case "aggrMethods" if isinstance(given, list):
                _as_list(params, name, given)
            case "aggrMethods" | "aggrPeriodDuration":
                _as_text(params, name, given)
            case "type" | "@type":
                pass
            case _:
                raise BadRequest(f"{member}: there is no member {name!r:.80}")


def _as_selectors(params: dict[str, Any], member: str, value: Any) -> None:
    """EntitySelector[] (5.2.33): alternatives, each an id, ids or an idPattern, and a type."""
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise BadRequest(f"{member}: expected an array of entity selectors that is not empty")
    params[member] = [_selector(one) for one in value]


def _selector(given: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in given.items():
        match name:
            case "id" if isinstance(value, list):
                _as_list(read, name, value)
            case "id" | "idPattern" | "type":
                _as_text(read, name, value)
            case _:
                raise BadRequest(f"entities: a selector has id, idPattern and type, not {name!r:.80}")
    return read


def _choice(selectors: list[dict[str, Any]]) -> dict[str, Any]:
    """The parameters that several selectors mean; an id goes before an idPattern.

    Where they differ in one member alone they are one. Where not, `type` and `id` hold those of all of them, as far as
    every one names some, so that nothing is missed by who reads only these; `selectors` says what each of them wants.
    """
    selectors = [{k: v for k, v in one.items() if k != "idPattern" or "id" not in one} for one in selectors]
    if len(selectors) == 1:
        return selectors[0]
    found: dict[str, Any] = {}
    if all(one.get("type", "*") != "*" for one in selectors):
        found["type"] = ",".join(dict.fromkeys(one["type"] for one in selectors))
    if all("id" in one for one in selectors):
        found["id"] = tuple(dict.fromkeys(id for one in selectors for id in one["id"]))
    for name in ("type", "id"):
        rest = [{k: v for k, v in one.items() if k != name} for one in selectors]
        if name in found and rest.count(rest[0]) == len(rest):
            return {**rest[0], name: found[name]}
    named = sum(len(one.get("id", ())) for one in selectors)
    if named > MOST:
        raise TooComplex(f"entities: {named:,} URIs: at most {MOST:,} are read")
    if len(selectors) > _SELECTORS:
        raise TooComplex(
            f"entities: {len(selectors)} selectors that differ in more than their types or ids: at most {_SELECTORS}"
        )
    return {**found, "selectors": selectors}


_MEMBERS: Final[Mapping[str, Callable[[dict[str, Any], str, Any], None]]] = {
    "aggrParams": _as_time,
    "attrs": _as_list,
    "containedBy": _as_list,
    "csf": _as_text,
    "datasetId": _as_list,
    "entities": _as_selectors,
    "entityMap": _as_boolean,
    "entityMapLifetime": _as_text,
    "expandValues": _as_text,
    "geoQ": _as_geo,
    "join": _as_text,
    "joinLevel": _as_positive,
    "jsonKeys": _as_text,
    "lang": _as_text,
    "omit": _as_list,
    "ordering": _as_order,
    "pick": _as_list,
    "q": _as_text,
    "scopeQ": _as_text,
    "splitEntities": _as_boolean,
    "temporalQ": _as_time,
}
