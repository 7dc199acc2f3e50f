"""`/api/places/search`: the same answers as JSON, for those who build on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from kitamae.sdk.problems import BadRequest
from kitamae.services.places import logic, pages
from kitamae.services.places.models import Wish

if TYPE_CHECKING:
    from kitamae.sdk.room import Room


class PlaceOut(BaseModel):
    """A place. Degrees in WGS84; `metres` from the position that was asked for."""

    id: str
    kind: str
    name: str
    reading: str = Field(description="hiragana; empty where it is not known")
    address: str
    longitude: float | None
    latitude: float | None
    metres: float | None


def router(room: Room) -> APIRouter:
    """Under `/api/places`."""
    api = APIRouter()

    @api.get("/search")
    async def find(
        text: Annotated[str, Query(max_length=logic.MOST_ASKED, description="name, reading or address")] = "",
        kind: Annotated[list[str] | None, Query(description="entity types; all when none is given")] = None,
        near: Annotated[str, Query(max_length=60, description="longitude,latitude")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[PlaceOut]:
        """Places by name, reading or address, by kind, nearest first when `near` is given."""
        counts = await room.context.types()
        known = [name for name in room.manifest.reads if counts.get(name) and name != "Town"]
        position = logic.position(near)
        if near and position is None:
            raise BadRequest(f"near: expected longitude,latitude in degrees, got {near!r}")
        if unknown := set(kind or ()) - set(room.manifest.reads):
            raise BadRequest(f"kind: expected one of {', '.join(known)}, got {', '.join(sorted(unknown))}")
        wish = Wish(text, tuple(kind or ()), position)
        found = logic.find(await pages.places(room, known), wish)
        return [PlaceOut.model_validate(one, from_attributes=True) for one in found[:limit]]

    return api
