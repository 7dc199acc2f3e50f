"""A registration for a client, in the words of an @context (clause 5.2.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import clock
from kitamae.kernel.context.registration import operations

if TYPE_CHECKING:
    from collections.abc import Collection

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.registration.model import Registration


_OTHERWISE: Final = frozenset(("properties", "createdAt", "modifiedAt", "v2"))
"""Members that are shown in another way, or, of NGSIv2, not at all."""


def shown(
    registration: Registration,
    context: Context,
    *,
    sys_attrs: bool = False,
    only: Collection[int] | None = None,
) -> dict[str, Json]:
    """Without `@context`. `only`: of its information that at these positions (see `match.relevant`)."""
    doc = registration.doc
    kept = {name: value for name, value in doc.items() if name not in _OTHERWISE}
    answer: dict[str, Json] = {"id": doc["id"], "type": doc["type"], **kept}
    answer["information"] = [
        _information(one, context) for n, one in enumerate(doc["information"]) if only is None or n in only
    ]
    answer.setdefault("mode", "inclusive")
    answer.setdefault("operations", list(operations.USUAL))
    if "v2" in doc:
        answer["operations"] = sorted(registration.operations)
    for name, value in doc.get("properties", {}).items():
        answer[context.compact(name)] = value
    if sys_attrs:
        for member in ("createdAt", "modifiedAt"):
            answer[member] = clock.text(doc[member])
    return answer


def _information(given: dict[str, Any], context: Context) -> dict[str, Json]:
    answer = {**given}
    if "entities" in given:
        answer["entities"] = [{**one, "type": _types(one["type"], context)} for one in given["entities"]]
    for member in ("propertyNames", "relationshipNames"):
        if member in given:
            answer[member] = [context.compact(name) for name in given[member]]
    return answer


def _types(given: Json, context: Context) -> Json:
    return [context.compact(name) for name in given] if isinstance(given, list) else context.compact(given)
