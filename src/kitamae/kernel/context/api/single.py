"""For each batch operation the operations that do the same for one entity, for sources that do not offer the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from kitamae.kernel.context.api import parameters

if TYPE_CHECKING:
    from kitamae.kernel.context.broker import Request


@dataclass(frozen=True, slots=True)
class Single:
    """An operation for one entity: its name (4.20), method, path, and the parameters that it takes."""

    name: str
    method: str
    path: str
    takes: frozenset[str] = frozenset()


CREATE: Final = Single("createEntity", "POST", "entities")
_REPLACE: Final = Single("replaceEntity", "PUT", "entities/{}")
_UPDATE: Final = Single("updateEntity", "PATCH", "entities/{}/attrs/")
_APPEND: Final = Single("appendAttrs", "POST", "entities/{}/attrs/", frozenset({"options"}))
_MERGE: Final = Single("mergeEntity", "PATCH", "entities/{}", parameters.BATCH_MERGE - parameters.LOCAL)
_DELETE: Final = Single("deleteEntity", "DELETE", "entities/{}")

Kind = Literal["create", "upsert", "update", "merge", "delete"]
"""A batch operation, as it is called in its path; its name (4.20) has `Batch` after it."""


def instead(kind: Kind, request: Request) -> tuple[Single, ...]:
    """What does the same for one entity; a second one is for the entity that the first finds there."""
    options = request.params.get("options", ())
    match kind:
        case "create":
            return (CREATE,)
        case "upsert":
            return (CREATE, _UPDATE if "update" in options else _REPLACE)
        case "update":
            return (_APPEND if "noOverwrite" in options else _UPDATE,)
        case "merge":
            return (_MERGE,)
        case "delete":
            return (_DELETE,)
