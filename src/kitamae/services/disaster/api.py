"""`/api/disaster`: shelters as they are now, as JSON; the official places as 自治体標準オープンデータセット, as CSV."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from kitamae.sdk import open_data
from kitamae.sdk.sheltering import Sheltering
from kitamae.services.disaster.shelters import crowding
from kitamae.services.disaster.shelters.openings import dated
from kitamae.services.disaster.shelters.shelter import SITE, TYPE, shelter

if TYPE_CHECKING:
    from kitamae.sdk.room import Room

_CSV = "text/csv; charset=utf-8"


class ShelterOut(BaseModel):
    """One that is open. Times in UTC."""

    id: str
    name: str
    kind: str = Field(description="designated, agreed (opened by an agreement) or undesignated")
    people: int | None = Field(description="null: nobody counted since it was opened, or not lately")
    counted_at: datetime | None
    room: int | None = Field(description="for how many people; null: not known")
    band: str = Field(description="free, busy, crowded, full; unknown where the count or the room is")
    over: bool = Field(description="more people than there is room for")


class SheltersOut(BaseModel):
    """The open shelters. `people`: of those that were counted; `uncounted`: how many were not."""

    open: int
    people: int
    uncounted: int
    at: datetime | None
    shelters: list[ShelterOut]


def router(room: Room) -> APIRouter:
    """Under `/api/disaster`."""
    api = APIRouter()
    rules = room.city.shelters if room.city else Sheltering()
    code = room.city.code if room.city else ""

    @api.get("/shelters")
    async def shelters() -> SheltersOut:
        """Shelters that are open now, those with room first."""
        found, now = await room.context.find([TYPE], limit=5_000, full=True), datetime.now(UTC)
        known = [crowding.current(one, rules, now) for one in await dated(room.context, map(shelter, found))]
        told = crowding.totals(known)
        return SheltersOut(
            open=told.open, people=told.people, uncounted=told.uncounted, at=told.at,
            shelters=[
                ShelterOut(
                    id=one.id, name=one.name, kind=one.kind, people=one.count.people, counted_at=one.count.at,
                    room=one.count.room, band=crowding.band(crowding.indoors(one), rules), over=crowding.over(one),
                )
                for one in crowding.in_order(known, rules) if one.is_open
            ],
        )  # fmt: skip

    @api.get("/designated_shelters.csv", response_class=Response)
    async def designated() -> Response:
        """指定避難所一覧: those that the city designated, in the columns that `kitamae import` takes."""
        return Response(await _table("evacuation_shelters", TYPE), media_type=_CSV)

    @api.get("/emergency_sites.csv", response_class=Response)
    async def sites() -> Response:
        """指定緊急避難場所一覧 of 自治体標準オープンデータセット."""
        return Response(await _table("emergency_evacuation_sites", SITE), media_type=_CSV)

    async def _table(dataset: str, type: str) -> str:
        found = await room.context.find([type], limit=5_000, full=True)
        ours = [one for one in found if "管理番号" in one and f":{code}:" in str(one["id"])]
        return open_data.table(dataset, ours, code)

    return api
