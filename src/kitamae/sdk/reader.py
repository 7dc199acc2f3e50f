"""The read door, opened: `sdk.Context` over the broker's store and the city's @context."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.context import represent
from kitamae.kernel.context.query import parse, tree
from kitamae.kernel.context.query.georel import geo, reference
from kitamae.kernel.context.store import InstanceQuery
from kitamae.sdk.context import Entity, Near, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.store import Instance, Store, TimeProperty

_SIMPLE: Final = represent.Form(format="simplified")
_FULL: Final = represent.Form(sys_attrs=True)
_TIMES: Final[tuple[TimeProperty, ...]] = ("observedAt", "createdAt")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Reader:
    """Implements `kitamae.sdk.context.Context` for one tenant. `words` is the city's @context."""

    store: Store
    words: Context
    tenant: str = ""

    async def find(
        self,
        types: Sequence[str] = (),
        *,
        q: str = "",
        near: Near | None = None,
        limit: int = 1000,
        offset: int = 0,
        full: bool = False,
    ) -> list[Entity]:
        """See `Context.find`."""
        expand = self.words.expand
        around: tree.Geo | None = None
        order: tuple[tree.OrderBy, ...] = ()
        if near:
            coordinates = [near.longitude, near.latitude]
            around = geo(
                {
                    "georel": f"near;maxDistance=={near.metres}",
                    "geometry": "Point",
                    "coordinates": coordinates,
                },
                expand,
            )
            by_distance = tree.OrderBy(
                tree.Path((expand("location"),)), nearest=reference("Point", coordinates, "near")
            )
            order = (by_distance,)
        found = await self.store.find(
            tree.EntityQuery(
                tenant=self.tenant,
                types=tree.TypeQ(tuple((expand(name),) for name in types)),
                q=parse.q(q, expand) if q else None,
                geo=around,
                order=order,
                limit=limit,
                offset=offset,
            )
        )
        form = _FULL if full else _SIMPLE
        return [represent.present(orjson.loads(row.doc), self.words, form) for row in found.rows]

    async def get(self, id: str) -> Entity | None:
        """See `Context.get`."""
        return await self._one(id, _SIMPLE)

    async def full(self, id: str) -> Entity | None:
        """See `Context.full`."""
        return await self._one(id, _FULL)

    async def _one(self, id: str, form: represent.Form) -> Entity | None:
        row = await self.store.row(self.tenant, id)
        return represent.present(orjson.loads(row.doc), self.words, form) if row else None

    async def types(self) -> Mapping[str, int]:
        """See `Context.types`."""
        return {
            self.words.compact(name): count for name, count in (await self.store.types(self.tenant)).items()
        }

    async def history(
        self, id: str, attribute: str, *, last: int | None = 100, since: datetime | None = None
    ) -> list[Reading]:
        """See `Context.history`."""
        from_ = None if since is None else (since - _EPOCH) // _MICROSECOND
        for time in _TIMES:  # an attribute that nobody timed is remembered by when it was written
            instances = await self.store.instances(
                InstanceQuery(
                    tenant=self.tenant,
                    entities=(id,),
                    attrs=(self.words.expand(attribute),),
                    timeproperty=time,
                    timerel=None if from_ is None else "after",
                    at=from_,
                    last=last,
                )
            )
            readings = [_reading(one) for one in instances if one.deleted_at is None]
            if readings:
                return readings
        return []


def _reading(one: Instance) -> Reading:
    at = one.modified_at if one.observed_at is None else one.observed_at
    return Reading(
        *(_moment(at), one.attribute["v"], one.attribute.get("unitCode", "")),
        written=_moment(one.modified_at),
    )


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
