"""`${name}` in custom notifications: the entity's id and type, service and path, and its attributes' values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.entity import Json

_MACRO: Final = re.compile(r"\$\{([^{}]{1,256})\}")


def text(template: str, values: Mapping[str, Json]) -> str:
    """Texts as they are, anything else as JSON; what is not there is null."""

    def put(found: re.Match[str]) -> str:
        value = values.get(found[1])
        return value if isinstance(value, str) else orjson.dumps(value).decode()

    return _MACRO.sub(put, template)


def document(template: Json, values: Mapping[str, Json]) -> Json:
    """In every text of a JSON value; a text that is one macro alone becomes that value, whatever it is."""
    match template:
        case str():
            alone = _MACRO.fullmatch(template)
            return values.get(alone[1]) if alone else text(template, values)
        case list():
            return [document(one, values) for one in template]
        case dict():
            return {name: document(one, values) for name, one in template.items()}
        case _:
            return template
