"""Sources that speak another dialect than NGSI-LD, as whoever asks and tells them in NGSI-LD's terms sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.entity import Attribute, Entity
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.registration.peers import Peers


@dataclass(frozen=True, slots=True)
class Errand:
    """What a source is told of the request that it is asked for: of which tenant, in whose words, and who asked before.

    `via`: everybody who asked, we among them; `correlator`: the Fiware-Correlator of the request.
    """

    peers: Peers
    tenant: str
    context: Context
    via: str
    correlator: str


class Dialect(Protocol):
    """NGSIv2, for sources whose registration says `v2` (`kernel.context.v2.registration.ask`)."""

    async def query(
        self,
        errand: Errand,
        registration: Registration,
        wanted: Sequence[EntityQuery],
        attrs: frozenset[str],
    ) -> list[Entity]:
        """What the source knows of these alternatives, whatever their conditions. `attrs`: expanded; none: any.

        Only what it registered is believed. Raises Unanswered.
        """
        ...

    async def update(
        self,
        errand: Errand,
        registration: Registration,
        id: str,
        types: Sequence[str],
        attrs: Mapping[str, Attribute],
    ) -> None:
        """Attributes (expanded) that the entity has there already: durable there when this returns. Raises Unanswered."""
        ...


def offers(registration: Registration, what: str) -> bool:
    """Does a source that speaks NGSIv2 take that (`query`, `update`) from us now?"""
    own = registration.doc["v2"]
    return own["status"] == "active" and own["mode"] in ("all", what)
