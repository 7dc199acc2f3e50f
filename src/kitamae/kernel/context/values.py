"""The values of the eight attribute kinds: what may be one, and its internal form (clauses 4.5.2 to 4.5.24).

Each check takes (what was given, where it stands, the context, whether a merge may have NULL inside) and returns the
value as it is kept. Raises BadRequest. NULL as the whole value is the reader's own affair.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from kitamae.kernel.context import geojson
from kitamae.kernel.context.entity import NULL, Json, Kind
from kitamae.kernel.context.lexical import text, uri
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.jsonld import Context

MAX_DEPTH: Final = 100
"""Arrays and objects within each other."""

Check: TypeAlias = "Callable[[Json, str, Context, bool], Json]"


def plain(given: Json, where: str, _: Context, merge: bool) -> Json:
    """A Property's: anything but null."""
    if type(given) is dict or type(given) is list:
        _within(given, where, merge)
    elif given is None:
        raise BadRequest(f"{where}: JSON null is not a value; {NULL!r} takes a value away")
    return given


def place(given: Json, where: str, _: Context, merge: bool) -> Json:
    """A GeoProperty's."""
    geometry = geojson.geometry(given, where)
    if len(geometry) > 2:
        _within(geometry, where, merge)
    return geometry


def objects(given: Json, where: str, _: Context, __: bool) -> Json:
    """A Relationship's: a URI or an array of them."""
    if type(given) is list and given:
        return [uri(one, where) for one in given]
    return uri(given, where)


def language_map(given: Json, where: str, _: Context, merge: bool) -> Json:
    """A LanguageProperty's: tag -> text or texts."""
    if type(given) is not dict or not given:
        raise BadRequest(
            f'{where}: expected an object such as {{"ja": "...", "en": "..."}}, got {given!r:.80}'
        )
    for tag, words in given.items():
        if tag != "@none" and not (tag.isascii() and tag.replace("-", "").isalnum()):
            raise BadRequest(f"{where}: expected a language tag such as ja or en-GB, got {tag!r:.80}")
        for one in words if type(words) is list else [words]:
            if type(one) is not str or (one == NULL and not merge):
                raise BadRequest(f"{where}.{tag}: expected text or an array of texts, got {words!r:.80}")
    return given


def json(given: Json, where: str, _: Context, __: bool) -> Json:
    """A JsonProperty's: an object or an array, untouched, null and all."""
    if type(given) is not dict and type(given) is not list:
        raise BadRequest(f"{where}: expected an object or an array of objects as json, got {given!r:.80}")
    if _deeper(given, MAX_DEPTH):
        raise BadRequest(f"{where}: more than {MAX_DEPTH} arrays and objects within each other")
    return given


def vocab(given: Json, where: str, ctx: Context, _: bool) -> Json:
    """A VocabProperty's: words, kept expanded."""
    if type(given) is list and given:
        return [ctx.iri(text(one, where)) for one in given]
    return ctx.iri(text(given, where))


def value_list(given: Json, where: str, _: Context, merge: bool) -> Json:
    """A ListProperty's: the order counts."""
    if type(given) is not list:
        raise BadRequest(f"{where}: expected an array as valueList, got {given!r:.80}")
    _within(given, where, merge)
    return given


def object_list(given: Json, where: str, _: Context, __: bool) -> Json:
    """A ListRelationship's: `["urn:a", {"object": "urn:b"}]`, kept as URIs."""
    if type(given) is not list:
        raise BadRequest(f"{where}: expected an array as objectList, got {given!r:.80}")
    return [
        uri(one["object"] if type(one) is dict and one.keys() == {"object"} else one, where) for one in given
    ]


def _within(given: Json, where: str, merge: bool, depth: int = 1) -> None:
    """No null, and no NULL that is not a merge's, anywhere inside."""
    if depth > MAX_DEPTH:
        raise BadRequest(f"{where}: more than {MAX_DEPTH} arrays and objects within each other")
    for inner in given.values() if type(given) is dict else given:
        if type(inner) is str:
            if inner == NULL and not merge:
                raise BadRequest(f"{where}: {NULL} may stand inside a value only in a merge")
        elif type(inner) is dict or type(inner) is list:
            _within(inner, where, merge, depth + 1)
        elif inner is None:
            raise BadRequest(f"{where}: JSON null inside a value; only a JsonProperty may have that")


def _deeper(given: Json, than: int) -> bool:
    if type(given) is not dict and type(given) is not list:
        return False
    return than == 0 or any(
        _deeper(one, than - 1) for one in (given.values() if type(given) is dict else given)
    )


VALUES: Final[dict[Kind, Check]] = {
    "Property": plain,
    "GeoProperty": place,
    "Relationship": objects,
    "LanguageProperty": language_map,
    "JsonProperty": json,
    "VocabProperty": vocab,
    "ListProperty": value_list,
    "ListRelationship": object_list,
}
