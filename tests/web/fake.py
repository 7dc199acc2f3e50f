"""A read door over a list, for pages that are tested without a broker."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kitamae.web import describe, speak

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.sdk.context import Entity, Near, Reading


class FakeContext:
    """Implements `kitamae.sdk.context.Context` over normalized entities; knows no `q` and no `near`."""

    def __init__(
        self, entities: Sequence[Entity], readings: Mapping[tuple[str, str], list[Reading]] | None = None
    ):
        self.entities = {entity["id"]: entity for entity in entities}
        self.readings = readings or {}

    async def find(self, types=(), *, q="", near: Near | None = None, limit=1000, offset=0, full=False):
        assert not q, near
        wanted = set(types)
        found = [one for one in self.entities.values() if not wanted or wanted & set(speak.types(one))]
        return [one if full else describe.simple(one) for one in found[offset : offset + limit]]

    async def get(self, id):
        return describe.simple(self.entities[id]) if id in self.entities else None

    async def full(self, id):
        return self.entities.get(id)

    async def types(self):
        return Counter(kind for one in self.entities.values() for kind in speak.types(one))

    async def history(self, id, attribute, *, last=100):
        return self.readings.get((id, attribute), [])[-last:]
