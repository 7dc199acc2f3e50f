"""`${name}` in custom notifications: the entity's id and type, service and path, and its attributes' values.

Basic replacement, as of an Orion that was built without JEXL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.context.entity import Json

_MACRO: Final = re.compile(r"\$\{([^{}]{1,256})\}")
_NAME: Final = re.compile(r"[^\s&?/#<>\"'=;()|]+")


def demand_plain(template: Json, where: str) -> None:
    """No macro in any text of it is an expression: it would quietly tell null. Raises BadRequest."""
    pending = [template]
    while pending:
        match pending.pop():
            case str() as one:
                for name in _MACRO.findall(one):
                    if not _NAME.fullmatch(name):
                        raise BadRequest(f"{where}: expressions are not offered here: ${{{name}}}")
            case list() as some:
                pending.extend(some)
            case dict() as members:
                pending.extend(members.values())


def text(template: str, values: Mapping[str, Json], escape: Callable[[str], str] = str) -> str:
    """Texts as they are, anything else as JSON; what is not there is null. `escape`: what becomes of each value."""
    return _MACRO.sub(lambda found: escape(_written(values.get(found[1]))), template)


def _written(value: Json) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return value if isinstance(value, str) else orjson.dumps(value).decode()


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
