"""Cedar (cedarpy): policies parsed once, one decision at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cedarpy
import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Uid = tuple[str, str]
"""Type and id of a principal, an action or a resource."""


@dataclass(frozen=True, slots=True)
class Decision:
    """`because`: the `@id` of the policies that decided, or their number where they have none; `errors`: policies that
    could not be evaluated, which count as if they were not there.
    """

    allowed: bool
    because: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class Engine:
    """Some policies. Raises ValueError for a text that is none, or that asks for what `schema` does not have."""

    def __init__(self, policies: str, schema: str | None = None) -> None:
        self._policies = cedarpy.PolicySet.from_str(policies)
        self._schema = None if schema is None else cedarpy.Schema.from_str(schema)
        if schema is not None:
            checked = cedarpy.validate_policies(policies, schema)
            if not checked:
                raise ValueError("; ".join(str(error) for error in checked.errors))

    def decide(
        self,
        principal: Uid,
        action: Uid,
        resource: Uid,
        context: Mapping[str, Any],
        entities: Sequence[Mapping[str, Any]] | str,
        *,
        checked: bool = False,
    ) -> Decision:
        """`entities` as Cedar's JSON. `checked`: request and entities must be as the schema says. Raises ValueError."""
        request = {
            name: {"type": type, "id": id}
            for name, (type, id) in (("principal", principal), ("action", action), ("resource", resource))
        }
        told = entities if isinstance(entities, str) else orjson.dumps(entities).decode()
        answer = cedarpy.is_authorized(
            {**request, "context": orjson.dumps(context).decode()},
            self._policies,
            told,
            self._schema if checked else None,
        )
        if answer.decision is cedarpy.Decision.NoDecision:
            raise ValueError("; ".join(answer.diagnostics.errors) or "Cedar came to no decision")
        named = answer.diagnostics.id_annotations_by_reason
        because = tuple(sorted(named.get(one, one) for one in answer.diagnostics.reasons))
        return Decision(answer.allowed, because, tuple(str(error) for error in answer.diagnostics.errors))
