"""A view: in whose words and in which form an entity is shown. What is rendered once for a view is kept for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import orjson

from kitamae.kernel.context import earlier, represent
from kitamae.kernel.context.api import negotiation, rendering
from kitamae.kernel.context.linked import Level
from kitamae.kernel.context.query import parse
from kitamae.kernel.context.represent import LOCATION, Form
from kitamae.kernel.problems import BadRequest, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.jsonld import Context

FORMATS: Final[dict[str, Literal["normalized", "concise", "simplified"]]] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}

SHAPE: Final = ("attrs", "datasetId", "format", "geometryProperty", "lang", "omit", "options", "pick")
"""The parameters that say how an entity is shown: all that `level_of` reads."""


class Shown(NamedTuple):
    """A rendered entity, with what must be known before it is given away."""

    text: bytes
    types: tuple[str, ...]
    until: int | None  # microseconds UTC: something in it expires then


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """`media`: of the answer. `embedded`: the @context stands in the body. Compared by identity: see `Views`."""

    context: Context
    level: Level
    media: str
    embedded: bool
    headers: list[Header]

    def show(self, entity: Entity) -> bytes:
        """One entity as the text of a JSON object, alone or as an element of an array; empty: nothing is left of it."""
        if self.media == negotiation.GEO_JSON:
            return orjson.dumps(represent.feature(entity, self.context, self.level.form))
        return self.write(represent.present(entity, self.context, self.level.form))

    def status(self, entities: Iterable[Entity], otherwise: int = 200) -> int:
        """203 where one of them is said otherwise for the version that was preferred (4.3.6.8); without one nobody looks."""
        form, word = self.level.form, self.context.word
        version = form.version
        if version is None or otherwise != 200:
            return otherwise
        return (
            203 if any(earlier.as_of(one, version, word, form.lang) is not one for one in entities) else 200
        )

    def write(self, shown: dict[str, Any]) -> bytes:
        """One represented entity; empty where pick and omit left nothing."""
        if not shown:
            return b""
        if self.embedded and self.media == negotiation.LD_JSON:
            shown["@context"] = rendering.source(self.context)
        return orjson.dumps(shown)

    def feature(self, shown: dict[str, Any]) -> bytes:
        """A represented entity as a GeoJSON Feature, its geometry from the member of that name."""
        place = self.context.compact(self.level.form.geometry_property)
        return orjson.dumps(represent.featured(shown, place))

    def alone(self, fragment: bytes) -> bytes:
        """The body for one entity."""
        if self.embedded and self.media == negotiation.GEO_JSON:
            return _with_context(fragment, self.context)
        return fragment

    def many(self, fragments: list[bytes]) -> bytes:
        """The body for a list of them."""
        if self.media != negotiation.GEO_JSON:
            return b"[" + b",".join(fragments) + b"]"
        body = b'{"type":"FeatureCollection","features":[' + b",".join(fragments) + b"]}"
        return _with_context(body, self.context) if self.embedded else body


def _with_context(body: bytes, context: Context) -> bytes:
    return body[:-1] + b',"@context":' + orjson.dumps(rendering.source(context)) + b"}"


class Views:
    """The views in use; the same parameters give the same object, so that it can be a key."""

    _MOST: Final = 2_000

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], View] = {}
        self._asked: dict[tuple[Any, ...], View] = {}

    def asked(self, request: Request, media: str, prefer: bytes | None) -> View:
        """`find` for parameters that came in a URL, remembered by those that a view depends on."""
        context, params = request.context, request.params
        shape = tuple([(name, params[name]) for name in SHAPE if name in params]) if params else ()
        key = (shape, context.key, context.link, media, prefer)
        view = self._asked.get(key)
        if view is None:
            view = self.find(request, media, prefer)
            if context.link is not None or context.source is None:
                if len(self._asked) >= self._MOST:
                    self._asked.clear()
                self._asked[key] = view
        return view

    def find(self, request: Request, media: str, prefer: bytes | None) -> View:
        """The view that a request's parameters and headers ask for. Raises BadRequest."""
        context = request.context
        level = level_of(request.params, context, media)
        version = negotiation.preferred_version(prefer)
        if version is not None:
            level = replace(level, form=replace(level.form, version=version))
        embedded = media == negotiation.LD_JSON or (
            media == negotiation.GEO_JSON and not negotiation.prefers_plain_json(prefer)
        )
        key = (context.key, str(context.link), media, embedded, level)
        view = self._known.get(key)
        if view is None:
            headers = [(b"content-type", media.encode("ascii"))]
            if not embedded:
                headers.append(rendering.link(context))
            if version is not None:
                headers.append(negotiation.applied(version))
            view = View(context, level, media, embedded, headers)
            if context.link is not None or context.source is None:
                if len(self._known) >= self._MOST:
                    self._known.clear()
                self._known[key] = view
        return view


def level_of(params: Mapping[str, Any], context: Context, media: str) -> Level:
    """What options, format, attrs, pick, omit, lang, ... make of the form (6.3.7, 6.3.11, 4.5.5, 4.15, 4.21).

    Raises InvalidRequest for a representation that there is not, BadRequest for parameters that contradict.
    """
    words = params.get("options", ())
    chosen = [word for word in words if word != "sysAttrs"]
    for word in [*chosen, *([params["format"]] if "format" in params else [])]:
        if word not in FORMATS:
            raise InvalidRequest(
                f"expected sysAttrs, {', '.join(FORMATS)} as options or format, got {word!r:.40}"
            )
    named = params.get("format", chosen[0] if chosen else "normalized")
    if "geometryProperty" in params and media != negotiation.GEO_JSON:
        raise BadRequest("geometryProperty only goes with Accept: application/geo+json")
    expand = context.expand
    pick, omit = (
        parse.projection(params[member], expand, member) if member in params else ()
        for member in ("pick", "omit")
    )
    if "attrs" in params and (pick or omit):
        raise BadRequest("attrs does not go with pick or omit")
    both = {one.name for one in pick} & {one.name for one in omit if not one.linked}
    if both:
        raise BadRequest(f"pick and omit both name {', '.join(sorted(both))}")
    form = Form(
        format=FORMATS[named],
        sys_attrs="sysAttrs" in words,
        lang=params.get("lang"),
        attrs=frozenset(parse.names(params["attrs"], expand, "attrs")) if "attrs" in params else None,
        datasets=frozenset(params["datasetId"]) if "datasetId" in params else None,
        geometry_property=expand(params["geometryProperty"]) if "geometryProperty" in params else LOCATION,
    )
    return Level.of(form, pick, omit)
